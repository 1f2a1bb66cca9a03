"""How far this machine's clock is ahead of the server's, and how sure that is.

The server names its time in each answer. It was that time somewhere between asking and hearing, so half of what the
request took is the most that the middle can be wrong (Cristian, "Probabilistic clock synchronization", 1989).
"""

from __future__ import annotations

from typing import Any, NamedTuple, Optional

KEPT_US = 300_000_000  # an older estimate is given up for a worse one: clocks drift


class Estimate(NamedTuple):
    """Our clock minus the server's, and the most that this can be wrong; both in microseconds."""

    skew_us: int
    error_us: int


class Skew:
    """The best estimate of the last five minutes."""

    def __init__(self) -> None:
        self.best: Optional[Estimate] = None
        self._heard_us = 0

    def heard(self, server_us: Any, asked_us: int, heard_us: int) -> None:
        """An answer with the server's time; the other two are by our clock, when we asked and when we heard."""
        if type(server_us) is not int or heard_us < asked_us:  # our clock was set back meanwhile
            return
        error_us = (heard_us - asked_us + 1) // 2
        new = Estimate(asked_us + error_us - server_us, error_us)
        if self.best is None or new.error_us <= self.best.error_us or self._is_over(new, heard_us):
            self.best, self._heard_us = new, heard_us

    def _is_over(self, new: Estimate, now_us: int) -> bool:
        """The best one is old, or cannot be right beside the new one: a clock was set."""
        assert self.best is not None  # noqa: S101
        apart_us = abs(new.skew_us - self.best.skew_us)
        return abs(now_us - self._heard_us) > KEPT_US or apart_us > new.error_us + self.best.error_us
