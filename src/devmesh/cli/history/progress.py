"""The progress line of an import: bar, events, MB, events a second, what remains. On a terminal alone."""

from __future__ import annotations

import shutil
import sys
from typing import TYPE_CHECKING

from devmesh.cli.terminal import count, shortened, size

if TYPE_CHECKING:
    from devmesh.clock import Clock

EVERY_S = 0.1
BAR = 12
MINUTE_S = 60


class Progress:
    """Rewrites one line on stderr."""

    def __init__(self, clock: Clock, total_bytes: int, *, shown: bool) -> None:
        self._clock, self._total, self._shown = clock, total_bytes, shown
        self._began_s = clock.monotonic_s()
        self._next_s = 0.0

    def show(self, name: str, read_bytes: int, events: int) -> None:
        """Where the work stands: bytes of the files as they lie there, and events."""
        now = self._clock.monotonic_s()
        if self._shown and now >= self._next_s:
            self._next_s = now + EVERY_S
            columns = shutil.get_terminal_size().columns
            sys.stderr.write("\r\x1b[K" + shortened(self.line(name, read_bytes, events), columns - 1))
            sys.stderr.flush()

    def line(self, name: str, read_bytes: int, events: int) -> str:
        """The line itself."""
        elapsed = max(self._clock.monotonic_s() - self._began_s, 1e-6)
        done = min(read_bytes / self._total, 1.0) if self._total else None
        bar = "" if done is None else "█" * round(done * BAR) + "░" * (BAR - round(done * BAR)) + f" {done:4.0%}  "
        left = "" if not done else f"  {_clock_time(elapsed * (1 - done) / done)} left"
        return f"{bar}{count(events)} events  {size(read_bytes)}  {count(round(events / elapsed))}/s{left}  {name}"

    def say(self, text: str) -> None:
        """Say what is done now that no file is read any more."""
        if self._shown:
            sys.stderr.write("\r\x1b[K" + text)
            sys.stderr.flush()

    def end(self) -> None:
        """Take the line away."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def _clock_time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), MINUTE_S)
    return f"{minutes}:{rest:02d}"
