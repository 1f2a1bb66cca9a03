"""How long the server was asked without an answer.

After a time without heartbeats it tells a network that was cut (asked all the while) from a machine that stood still
(asked nothing, and noticed nothing).
"""

from __future__ import annotations

from typing import Optional

KEPT_S = 600.0


class InVain:
    """The stretch of requests without an answer that ended last; all times are monotonic seconds."""

    def __init__(self) -> None:
        self._since: Optional[float] = None
        self._ended = 0.0
        self._length = 0.0

    def heard(self, answered: bool, asked: float, now: float) -> None:  # noqa: FBT001  a fact, not a switch
        """The outcome of a request."""
        if not answered:
            self._since = asked if self._since is None else self._since
        elif self._since is not None:
            self._ended, self._length, self._since = now, now - self._since, None

    def lately_us(self, now: float) -> int:
        """How long the stretch was that lasts, or that ended in the last ten minutes; 0 if there was none."""
        if self._since is not None:
            return int((now - self._since) * 1e6)
        return int(self._length * 1e6) if self._length and now - self._ended < KEPT_S else 0
