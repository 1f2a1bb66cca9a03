"""How often a password may be tried: at most 5 times a minute for one name from one address, 20 from one address."""

from __future__ import annotations

import math
import threading
from collections import deque

from devmesh.clock import Clock
from devmesh.errors import QuotaExceeded

WINDOW_S = 60.0
BY_NAME, BY_ADDRESS = 5, 20
KEYS_MAX = 10_000


class Tries:
    """The tries of the last minute."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._made: dict[tuple[str, ...], deque[float]] = {}

    def count(self, address: str, name: str) -> None:
        """Count one try. Raises QuotaExceeded with the seconds until the next one is taken."""
        now = self._clock.monotonic_s()
        with self._lock:
            if len(self._made) > KEYS_MAX:
                self._made = {key: made for key, made in self._made.items() if made and now - made[-1] < WINDOW_S}
            buckets = ((address,), BY_ADDRESS), ((address, name), BY_NAME)
            for key, most in buckets:
                made = self._made.setdefault(key, deque())
                while made and now - made[0] >= WINDOW_S:
                    made.popleft()
                if len(made) >= most:
                    wait_s = max(1, math.ceil(WINDOW_S - (now - made[0])))
                    raise QuotaExceeded(
                        "Too many tries to sign in.", hint=f"Wait {wait_s} s, then try again.", retry_after_s=wait_s
                    )
            for key, _most in buckets:
                self._made[key].append(now)
