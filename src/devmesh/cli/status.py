"""One line of stderr that is written anew while work goes on; on a terminal alone, for a pipe wants none."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from devmesh.clock import Clock

EVERY_S = 0.1


class StatusLine:
    """Where some work stands; whoever derives from it says how."""

    def __init__(self, clock: Clock, *, shown: bool) -> None:
        self._clock, self._shown = clock, shown
        self._next_s = 0.0

    def say(self, text: str) -> None:
        """Put `text`, as long as the terminal is wide at most, in the line's place."""
        if self._shown:
            sys.stderr.write("\r\x1b[K" + text)
            sys.stderr.flush()

    def end(self) -> None:
        """Take the line away."""
        self.say("")

    def is_due(self) -> bool:
        """Whether it is shown and a tenth of a second has passed since it last was."""
        now = self._clock.monotonic_s()
        due = self._shown and now >= self._next_s
        if due:
            self._next_s = now + EVERY_S
        return due
