"""One text log in one file: opening it whatever its compression, reading its events by the offsets of their bytes."""

# Paths are text here, as the command line, os.scandir and systemd's files give them.
# ruff: noqa: PTH118, PTH119, PTH120, PTH122, PTH123

from __future__ import annotations

import bz2
import contextlib
import gzip
import logging
import lzma
import os
import re
import zlib
from typing import BinaryIO, Iterator, List, NamedTuple, Optional, Tuple, cast

from devmesh.ship.fold import ALL, HOLD, Context, TextEvent, read_events
from devmesh.ship.identity import LINE_HASH_WINDOW_BYTES, line_hash
from devmesh.ship.piece import Changed, Piece, Range, Reading
from devmesh.ship.stamps import Stamps
from devmesh.ship.textline import parse_line
from devmesh.ship.track import NO_X

_log = logging.getLogger("devmesh.ship")
LOCAL_NAMES = frozenset((os.uname().nodename, os.uname().nodename.split(".")[0], "localhost"))
CHUNK_BYTES = 4 * 1024 * 1024
PACKED_CHUNK_BYTES = 32 * 1024 * 1024  # each read of a compressed file unpacks it from its beginning
SYNC_BYTES = 256 * 1024
READ_ERRORS = (OSError, EOFError, zlib.error, lzma.LZMAError)
_PACKED = (".gz", ".xz", ".bz2")
_ROTATED = re.compile(r"(?:[.-]\d[\w.-]*?)(?:\.gz|\.xz|\.bz2)?\Z")


class Found(NamedTuple):
    """A file on disk that belongs to a log."""

    path: str
    base: str  # the log's own path
    device: int
    inode: int
    size: int
    mtime_ns: int

    @property
    def key(self) -> Tuple[int, int]:
        """The file, whatever its name."""
        return self.device, self.inode

    @property
    def packed(self) -> bool:
        """Compressed."""
        return self.path.endswith(_PACKED)

    @property
    def live(self) -> bool:
        """It has the log's own name: it is written to."""
        return self.path == self.base


def open_plain(path: str) -> BinaryIO:
    """The file's decompressed bytes. Reading may raise any of READ_ERRORS."""
    if path.endswith(".gz"):
        return cast("BinaryIO", gzip.open(path, "rb"))
    if path.endswith(".xz"):
        return cast("BinaryIO", lzma.open(path, "rb"))
    if path.endswith(".bz2"):
        return cast("BinaryIO", bz2.open(path, "rb"))
    return open(path, "rb")


def service_of(base: str) -> str:
    """The service of a log by its path: the directory below /var/log, else its name (nginx/access.log, dpkg.log)."""
    parent = os.path.basename(os.path.dirname(base))
    name = re.sub(r"[.-](?:log|err|out)\Z", "", os.path.basename(base))
    return name if parent in {"log", ""} or not base.startswith("/var/log/") else parent


def rotated_files(base: str) -> List[Found]:
    """The log itself and what rotation made of it, as far as it is readable."""
    directory, name = os.path.split(base)
    stem, extension = os.path.splitext(name)
    found = []
    with contextlib.suppress(OSError):
        for entry in os.scandir(directory or "."):
            other = entry.name
            rotated = other.startswith(name) and _ROTATED.match(other[len(name) :])
            dated = extension and other.startswith(stem + "-") and re.match(r"-\d{6,}\.\w+", other[len(stem) :])
            if other != name and not rotated and not (dated and extension in other):
                continue
            with contextlib.suppress(OSError):
                if entry.is_file() and os.access(entry.path, os.R_OK):
                    stat = entry.stat()
                    path = os.path.join(directory, other)
                    found.append(Found(path, base, stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns))
    return found


class FileStream:
    """One history of a log, in the file that holds it now."""

    kind = "file"
    exact = True

    def __init__(self, identity: str, file: Found, size: int, end: str) -> None:
        """`size`: decompressed; `end`: what to do with the last event, see fold."""
        self.id, self.place, self.base = identity, file.path, file.base
        self._file, self._size, self._end = file, size, end

    def extent(self) -> Optional[Range]:
        """All its bytes."""
        return (0, self._size - 1) if self._size else None

    def chunk(self, hole: Range) -> Range:
        """The newest 4 MiB from an event's beginning; of a compressed file, and of one with no times, the oldest
        part.
        """
        first, last = hole
        if self._file.packed:
            return first, min(last, first + PACKED_CHUNK_BYTES - 1)
        if last - first < CHUNK_BYTES:
            return hole
        begin = self._event_after(last - CHUNK_BYTES + 1)
        return (begin, last) if begin is not None else (first, first + CHUNK_BYTES - 1)

    def x_at(self, seq: int) -> Optional[str]:
        """The hash of the line that ends at byte `seq`."""
        first = max(0, seq + 1 - LINE_HASH_WINDOW_BYTES)
        try:
            with self._opened() as file:
                _skip(file, first)
                window = file.read(seq + 1 - first)
        except READ_ERRORS:
            return None
        return line_hash(window) if len(window) == seq + 1 - first else None

    def read(self, first: int, last: int) -> Reading:
        """The events whose bytes lie in first..last; blank lines between them are none. Raises Changed where more
        may follow.
        """
        end = self._end
        if (
            last + 1 < self._size
        ):  # before what is sent already the last event is whole, in the middle of a hole it is not
            end = HOLD if last - first + 1 >= CHUNK_BYTES else ALL
        at = first
        try:
            with self._opened() as file:
                _skip(file, max(0, first - 1))
                whole = first == 0 or file.read(1) == b"\n"
                for event in read_events(file, self._context(), first, end, last + 1):
                    if event.end > last + 1:
                        break
                    # Where reading begins within a line, its hash is not the whole line's: no mark there.
                    yield self._piece(event, event.x if whole or event.first > first else NO_X)
                    at = event.end
        except READ_ERRORS as error:
            _log.warning("file=unreadable path=%s at=%d error=%s", self.place, at, error)
            raise Changed(self.place) from error
        if at != last + 1 and end != ALL:
            raise Changed(f"{self.place}: more may follow")

    def _piece(self, event: TextEvent, x: str) -> Piece:
        said = dict(event.event)
        host = said.pop("host", None)
        if host and host not in LOCAL_NAMES:
            said["fields"] = dict(said["fields"], _HOSTNAME=host)
        return Piece(event.first, event.end - 1, x, said.get("ts_us"), said)

    def _context(self) -> Context:
        reference_us = self._file.mtime_ns // 1000
        base = self._file.base
        return Context(base, service_of(base), Stamps(reference_us), reference_us)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[BinaryIO]:
        """The file that was found, not another one that has its name by now. Raises Changed."""
        try:
            file = open_plain(self._file.path)
        except OSError as error:
            raise Changed(self.place) from error
        with file:
            stat = os.fstat(file.fileno())
            if (stat.st_dev, stat.st_ino) != self._file.key:
                raise Changed(self.place)
            yield file

    def _event_after(self, offset: int) -> Optional[int]:
        """The first byte after `offset` at which an event surely begins, within 256 KiB."""
        stamps = Stamps(self._file.mtime_ns // 1000)
        with self._opened() as file:
            file.seek(offset)
            position = offset + len(file.readline(SYNC_BYTES))
            while position < offset + SYNC_BYTES:
                line = file.readline(SYNC_BYTES)
                if not line.endswith(b"\n"):
                    return None
                text = line[:4096].decode("utf-8", "replace").rstrip("\r\n")
                if text.startswith("Start-Date: ") or parse_line(text, stamps).leads:
                    return position
                position += len(line)
        return None


def _skip(file: BinaryIO, count: int) -> None:
    """Stand at decompressed offset `count`."""
    file.seek(count)
