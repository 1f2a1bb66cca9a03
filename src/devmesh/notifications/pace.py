"""When a channel may be used again, by the monotonic clock alone: the wall clock may jump (F56)."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable

from devmesh.backoff import Breaker, failed
from devmesh.notifications.model import NotSent

MINUTE_S = 60.0
LATER_S = 3_600.0  # until an address that is gone is tried again: by then it may have been put right elsewhere
MOST_S = 86_400.0


class Pace:
    """The rhythm of one channel in this process; a new process begins anew, and thus tries at once."""

    def __init__(self, per_minute: int, chance: Callable[[], float] = random.random) -> None:
        self._per_minute, self._chance = per_minute, chance
        self._sent_s: deque[float] = deque(maxlen=per_minute)
        self._breaker = Breaker()
        self._asked_s = 0.0
        self._skipped_s: dict[int, float] = {}

    def room(self, now_s: float) -> int:
        """How many messages may be sent now."""
        if max(self._breaker.wait_s(now_s), self._asked_s - now_s) > 0:
            return 0
        return self._per_minute - sum(now_s - sent_s < MINUTE_S for sent_s in self._sent_s)

    def skipped(self, now_s: float) -> set[int]:
        """Incidents whose message was refused a short time ago."""
        self._skipped_s = {key: until_s for key, until_s in self._skipped_s.items() if until_s > now_s}
        return set(self._skipped_s)

    def sent(self, now_s: float) -> None:
        """A message arrived."""
        self._sent_s.append(now_s)
        self._breaker, self._asked_s = Breaker(), 0.0

    def failed(self, error: NotSent, incident_id: int, now_s: float) -> None:
        """One did not."""
        self._sent_s.append(now_s)
        if error.refused:
            self._skipped_s[incident_id] = now_s + LATER_S
        elif error.gone:
            self._asked_s = now_s + LATER_S
        elif error.retry_after_s:
            self._asked_s = now_s + min(error.retry_after_s, MOST_S)
        else:
            self._breaker = failed(self._breaker, now_s, self._chance())
