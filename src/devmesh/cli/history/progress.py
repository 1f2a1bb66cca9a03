"""The progress line of an import: bar, events, MB, events a second, what remains. On a terminal alone."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from devmesh.cli.status import StatusLine
from devmesh.cli.terminal import count, shortened, size

if TYPE_CHECKING:
    from devmesh.clock import Clock

BAR = 12
MINUTE_S = 60


class Progress(StatusLine):
    """The line of one import."""

    def __init__(self, clock: Clock, total_bytes: int, *, shown: bool) -> None:
        super().__init__(clock, shown=shown)
        self._total = total_bytes
        self._began_s = clock.monotonic_s()

    def show(self, name: str, read_bytes: int, events: int) -> None:
        """Where the work stands: bytes of the files as they lie there, and events."""
        if self.is_due():
            columns = shutil.get_terminal_size().columns
            self.say(shortened(self.line(name, read_bytes, events), columns - 1))

    def line(self, name: str, read_bytes: int, events: int) -> str:
        """The line itself."""
        elapsed = max(self._clock.monotonic_s() - self._began_s, 1e-6)
        done = min(read_bytes / self._total, 1.0) if self._total else None
        bar = "" if done is None else "█" * round(done * BAR) + "░" * (BAR - round(done * BAR)) + f" {done:4.0%}  "
        left = "" if not done else f"  {_clock_time(elapsed * (1 - done) / done)} left"
        return f"{bar}{count(events)} events  {size(read_bytes)}  {count(round(events / elapsed))}/s{left}  {name}"


def _clock_time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), MINUTE_S)
    return f"{minutes}:{rest:02d}"
