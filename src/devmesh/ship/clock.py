"""Time and chance, passed in so that tests own them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    import threading


class Clock:
    """The machine's own time."""

    def now_us(self) -> int:
        """Microseconds since the epoch, UTC."""
        return time.time_ns() // 1_000

    def monotonic(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Wait, at most until `stop` is set."""
        stop.wait(seconds)


class Backoff:
    """Exponential back-off with full jitter: a random part of 1 s, 2 s, 4 s … up to 30 s.

    Fifty nodes that lost one server come back spread over that time (Brooker, "Exponential Backoff and Jitter", 2015).
    """

    BASE_S = 1.0
    CAP_S = 30.0
    LEAST_S = 0.05

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self.failures = 0

    def failed(self) -> float:
        """One more failure: how many seconds to wait."""
        ceiling = min(self.CAP_S, self.BASE_S * 2 ** min(self.failures, 10))
        self.failures += 1
        return max(self.LEAST_S, self._chance.uniform(0.0, ceiling))

    def succeeded(self) -> None:
        """All is well again."""
        self.failures = 0
