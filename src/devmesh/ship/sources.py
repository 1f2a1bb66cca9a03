"""Finding what there is to read: the journals and text logs that were named, or by itself what this machine has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, Iterable, List

from devmesh.ship.identity import machine_id
from devmesh.ship.journal import JournalSource
from devmesh.ship.journal_file import local_journal_dirs

if TYPE_CHECKING:
    from devmesh.ship.clock import Clock
    from devmesh.ship.options import Options
    from devmesh.ship.piece import Stream


class Sources:
    """All sources of one agent."""

    def __init__(self, options: Options, node: str, clock: Clock) -> None:
        directories = [options.journal_dir] if options.journal_dir else []
        if options.finds_sources:
            directories = local_journal_dirs(machine_id())
        paths = [options.journal_file] if options.journal_file else []
        self._journal = JournalSource(directories, paths, node, monotonic=clock.monotonic)
        self._places = [*directories, *paths]

    def streams(self, known: Iterable[str]) -> List[Stream]:
        """Every stream there is now, journals first. Raises Changed."""
        return list(self._journal.streams())

    def describe(self) -> List[Dict[str, Any]]:
        """The sources for the heartbeat."""
        return [{"kind": "journal", "path": path} for path in self._places]
