"""Finding what there is to read: the journals and text logs that were named, or by itself what this machine has.

By itself: the local journal, and the readable text logs below /var/log that no journal holds. Where there is a journal,
the logs that a syslog daemon writes out of it (syslog, auth.log, kern.log …) would be the same entries twice and are
left alone.
"""

# Paths are text here, as the command line, os.scandir and systemd's files give them.
# ruff: noqa: PTH100, PTH110, PTH118, PTH123

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING, Any, Dict, Iterable, List

from devmesh.ship.files import FileSource, MarksOf
from devmesh.ship.identity import machine_id
from devmesh.ship.journal import JournalSource
from devmesh.ship.journal_file import local_journal_dirs
from devmesh.ship.logfile import rotated_files

if TYPE_CHECKING:
    from devmesh.ship.clock import Clock
    from devmesh.ship.options import Options
    from devmesh.ship.piece import Stream

LOG_ROOT = "/var/log"
DEPTH = 3
MOST_LOGS = 500
FIND_EVERY_S = 30.0
FROM_SYSLOG = frozenset(
    (
        *("syslog", "messages", "secure", "maillog", "cron", "debug", "auth.log", "kern.log", "daemon.log", "user.log"),
        *("mail.log", "mail.info", "mail.warn", "mail.err", "cron.log", "lpr.log", "local7.log", "boot.log"),
    )
)
_LOG_NAME = re.compile(r"(?:.*[._-](?:log|err|out)|error_log|access_log)\Z")
_BINARY_DIRS = frozenset(("journal", "sysstat", "sa", "private", "installer"))


def text_logs(root: str = LOG_ROOT, *, with_syslog: bool = True) -> List[str]:
    """The text logs below `root`, each under its own name, without what rotation made of them."""
    found: List[str] = []
    for directory, inner, names in os.walk(root):
        depth = directory[len(root) :].count(os.sep)
        inner[:] = sorted(name for name in inner if name not in _BINARY_DIRS) if depth < DEPTH else []
        for name in sorted(names):
            of_syslog = directory == root and name in FROM_SYSLOG
            if (of_syslog and with_syslog) or (not of_syslog and _LOG_NAME.match(name)):
                path = os.path.join(directory, name)
                if _is_text(path):
                    found.append(path)
    return found[:MOST_LOGS]


def _is_text(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            head = file.read(1024)
    except OSError:
        return False
    return b"\0" not in head.lstrip(b"\0")


class Sources:
    """All sources of one agent."""

    def __init__(self, options: "Options", clock: "Clock") -> None:
        self._finds = options.finds_sources
        self._clock, self._looked_at = clock, -FIND_EVERY_S
        directories = [options.journal_dir] if options.journal_dir else []
        paths = [options.journal_file] if options.journal_file else []
        host = options.node or os.uname().nodename
        self._journal = JournalSource(directories, paths, host, monotonic=clock.monotonic)
        self._files = FileSource([os.path.abspath(path) for path in options.files], clock, once=options.once)

    def streams(self, known: Iterable[str], marks_of: MarksOf) -> "List[Stream]":
        """Every stream there is now, journals first. `known`: the file identities of this node. Raises Changed."""
        look = self._finds and self._clock.monotonic() - self._looked_at >= FIND_EVERY_S
        if look:
            self._looked_at = self._clock.monotonic()
            self._journal.directories = local_journal_dirs(machine_id()) if shutil.which("journalctl") else []
        journals = self._journal.streams()
        if look:
            self._files.bases = text_logs(with_syslog=not journals)
        return [*journals, *self._files.streams(known, marks_of)]

    def flush(self) -> None:
        """From now on nothing is held back that might go on: the agent ends."""
        self._files.flush = True

    @property
    def log_paths(self) -> List[str]:
        """The logs that are followed now."""
        return self._files.bases

    def describe(self) -> List[Dict[str, Any]]:
        """The sources for the heartbeat, unreadable ones with the reason."""
        said: List[Dict[str, Any]] = [
            {"kind": "journal", "path": path} for path in [*self._journal.directories, *self._journal.paths]
        ]
        said += [{"kind": "journal", "path": path, "trouble": "no permission"} for path in self._journal.unreadable]
        said += [{"kind": "file", "path": path} for path in self._files.bases]
        said += [{"kind": "file", "path": path, "trouble": why} for path, why in self._files.trouble.items()]
        return [*self._absent(), *said][:1000]

    def _absent(self) -> List[Dict[str, Any]]:
        """What was named and is not there: it may come, or be a slip of the pen."""
        if self._finds:
            return []
        journals = [path for path in (*self._journal.directories, *self._journal.paths) if not os.path.exists(path)]
        files = [path for path in self._files.bases if not rotated_files(path)]
        return [
            {"kind": kind, "path": path, "trouble": "nothing there that can be read"}
            for kind, paths in (("journal", journals), ("file", files))
            for path in paths
        ]
