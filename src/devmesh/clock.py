"""Time, passed in so that tests own it.

Every instant in DevMesh is an int of microseconds since the Unix epoch, UTC, and its name ends in `_us`.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """What the house needs to know of time."""

    def now_us(self) -> int:
        """Microseconds since the epoch, UTC."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never run backwards, for intervals."""
        ...

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        """Wait until `stop` is set (True) or the time is over (False)."""
        ...


class SystemClock:
    """The machine's own time."""

    def now_us(self) -> int:
        """Microseconds since the epoch, UTC."""
        return time.time_ns() // 1_000

    def monotonic_s(self) -> float:
        """Seconds that never run backwards."""
        return time.monotonic()

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        """Wait until `stop` is set (True) or `seconds` passed (False)."""
        return stop.wait(seconds)


class FakeClock:
    """Time that moves only when a test says so."""

    def __init__(self, now_us: int = 1_700_000_000_000_000) -> None:
        self._now_us = now_us
        self._lock = threading.Lock()

    def now_us(self) -> int:
        """The instant that the test has reached."""
        with self._lock:
            return self._now_us

    def monotonic_s(self) -> float:
        """The same instant in seconds."""
        return self.now_us() / 1e6

    def advance(self, seconds: float) -> None:
        """Let `seconds` pass."""
        with self._lock:
            self._now_us += round(seconds * 1e6)

    def wait(self, seconds: float, stop: threading.Event) -> bool:
        """Pass the time at once."""
        self.advance(seconds)
        return stop.is_set()
