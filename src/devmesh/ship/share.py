"""The node's quota, of which catching up takes four fifths at most: the rest is for what is written now (F20)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devmesh.ship.batch import Limits
    from devmesh.ship.clock import Clock

FOR_CATCHING_UP = 0.8


class Share:
    """What was sent, against the bytes a second that the server allows."""

    def __init__(self, clock: Clock, limits: Limits) -> None:
        self._clock, self._limits, self._paid_at = clock, limits, 0.0

    def sent(self, size_bytes: int) -> None:
        """So much was sent, old or new."""
        if self._limits.bytes_per_s:
            cost_s = size_bytes / (self._limits.bytes_per_s * FOR_CATCHING_UP)
            self._paid_at = max(self._paid_at, self._clock.monotonic()) + cost_s

    def wait_s(self) -> float:
        """How long catching up has to wait; what is new need not: the server bounds that itself (429)."""
        return max(0.0, self._paid_at - self._clock.monotonic()) if self._limits.bytes_per_s else 0.0
