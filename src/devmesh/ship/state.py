"""What the agent remembers across restarts: one JSON document in two slots.

Each slot has a generation and a checksum. A save overwrites the older slot and leaves the newer one alone, so that a
tear at any byte, a full disk or a kill costs at most the last save. What is lost with both slots the server can tell
(coverage).
"""

# Paths are text here, as the command line, os.scandir and systemd's files give them.
# ruff: noqa: PTH110, PTH118, PTH120, PTH123

from __future__ import annotations

import hashlib
import json
import logging
import os
from typing import Any, Dict, Optional, Tuple

from devmesh.ship.crash import crash_point

_log = logging.getLogger("devmesh.ship")
MAGIC = b"devmesh-state-1"
HEAD_WORDS = 4
MAX_BYTES = 16 * 1024 * 1024


class StateFile:
    """The two slots in a directory."""

    def __init__(self, directory: str) -> None:
        self._paths = [os.path.join(directory, "state.0"), os.path.join(directory, "state.1")]
        self._newest = 1
        self._generation = 0

    def load(self) -> Optional[Dict[str, Any]]:
        """The newest document that is whole, None if there is none (first start, or both damaged: then a warning)."""
        slots = [(_read(path), index) for index, path in enumerate(self._paths)]
        whole = [(slot[0], index, slot[1]) for slot, index in slots if slot is not None]
        if not whole:
            if any(os.path.exists(path) for path in self._paths):
                _log.warning("state=damaged action=ask_server directory=%s", os.path.dirname(self._paths[0]))
            return None
        self._generation, self._newest, document = max(whole, key=lambda slot: slot[0])
        return document

    def save(self, document: Dict[str, Any]) -> None:
        """Write `document` durably into the older slot. Raises OSError, with the newer slot unharmed."""
        payload = json.dumps(document, separators=(",", ":")).encode()
        head = b"%s %d %d %s\n" % (MAGIC, self._generation + 1, len(payload), _checksum(self._generation + 1, payload))
        target = 1 - self._newest
        crash_point("before_state")
        fd = os.open(self._paths[target], os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            data = head + payload
            half = len(data) // 2
            _write(fd, data[:half])
            crash_point("mid_state")
            _write(fd, data[half:])
            os.ftruncate(fd, len(data))
            os.fsync(fd)
        finally:
            os.close(fd)
        self._newest = target
        self._generation += 1
        crash_point("after_state")


def _checksum(generation: int, payload: bytes) -> bytes:
    return hashlib.blake2b(b"%d\n" % generation + payload, digest_size=16).hexdigest().encode()


def _write(fd: int, data: bytes) -> None:
    while data:
        data = data[os.write(fd, data) :]


def _read(path: str) -> Optional[Tuple[int, Dict[str, Any]]]:
    """Generation and document of a slot; None unless every byte is as it was written."""
    try:
        with open(path, "rb") as file:
            head, payload = file.readline(200).split(b" "), file.read(MAX_BYTES)
    except OSError:
        return None
    if len(head) != HEAD_WORDS or head[0] != MAGIC or not (head[1].isdigit() and head[2].isdigit()):
        return None
    payload = payload[: int(head[2])]
    if len(payload) != int(head[2]) or head[3].strip() != _checksum(int(head[1]), payload):
        return None
    document = json.loads(payload)
    return (int(head[1]), document) if isinstance(document, dict) else None
