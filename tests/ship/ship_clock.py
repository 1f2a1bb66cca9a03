"""The agent's clock in tests."""

from __future__ import annotations

import threading

from devmesh.ship.clock import Clock


class HurriedClock(Clock):
    """Real time to look at, but waiting costs none; it remembers what was waited for."""

    def __init__(self) -> None:
        self.waited: list[float] = []
        self.ahead_s = 0.0

    def monotonic(self) -> float:
        """Real seconds, and those that were waited for."""
        return super().monotonic() + self.ahead_s

    def wait(self, seconds: float, _stop: threading.Event) -> None:
        """Pass at once."""
        self.waited.append(seconds)
        self.ahead_s += seconds
