"""Entries that the server would not take: kept on the node, one JSON object a line, bounded."""

# Paths are text here, as the command line, os.scandir and systemd's files give them.
# ruff: noqa: PTH105, PTH110, PTH118, PTH202

from __future__ import annotations

import json
import logging
import os
from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from devmesh.ship.batch import Line

_log = logging.getLogger("devmesh.ship")
LIMIT_BYTES = 16 * 1024 * 1024


class DeadLetters:
    """`dead-letter.ndjson` and the file before it, readable by the agent's user alone."""

    def __init__(self, directory: str) -> None:
        self._path = os.path.join(directory, "dead-letter.ndjson")
        self.count = 0

    def keep(self, at_us: int, stream: str, line: Line, reason: str, field: Optional[str] = None) -> None:
        """Append one entry with the reason why it was refused. A disk that is full costs the copy, not the agent."""
        self.count += 1
        letter = {
            "at_us": at_us,
            "stream": stream,
            "first": line.first,
            "last": line.last,
            "reason": reason,
            "field": field,
            "event": json.loads(line.data),
        }
        try:
            if os.path.exists(self._path) and os.path.getsize(self._path) > LIMIT_BYTES:
                os.replace(self._path, self._path + ".1")
            fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            with os.fdopen(fd, "ab") as file:
                file.write(json.dumps(letter).encode() + b"\n")
        except OSError as error:
            _log.warning("dead_letter=not_kept stream=%s seq=%d error=%s", stream, line.first, error)
