"""What is imported, as bytes: files and stdin, unpacked, and how far."""

from __future__ import annotations

import contextlib
import io
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast

from devmesh.cli.history.unpacking import BUFFER_BYTES, unpacked
from devmesh.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

STDIN = "-"
HEAD_BYTES = 64 * 1024
_ROTATED = (
    re.compile(r"(.+?\.(?:log|err|out))[.-]\d[\w.-]*"),
    re.compile(r"(.+?)\.\d{1,3}"),
    re.compile(r"(.+?)-\d{6,8}"),
)
_PACKED = re.compile(r"\.(?:gz|zst|xz|bz2)\Z")


class Input:
    """One file, or stdin."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.name = "stdin" if path is None else str(path)
        self.size_bytes = 0 if path is None else path.stat().st_size
        self.lasts = path is not None and path.is_file()  # stdin, a pipe or a fifo can be read once
        self.read_bytes = 0  # of the file as it lies there
        self.damage = ""  # why a compressed one could not be read to its end

    @property
    def base(self) -> str:
        """The log's own path: without what compression and rotation added to its name."""
        if self.path is None:
            return self.name
        name = _PACKED.sub("", self.path.name)
        for pattern in _ROTATED:
            match = pattern.fullmatch(name)
            if match:
                name = match[1]
                break
        return os.path.abspath(self.path.with_name(name))  # noqa: PTH100 - links are kept as they are named

    @property
    def written_us(self) -> int:
        """When it was last written: the time of lines that have none, and what years are guessed from."""
        import time

        return time.time_ns() // 1_000 if self.path is None else self.path.stat().st_mtime_ns // 1_000

    @contextlib.contextmanager
    def opened(self, *, counting: bool = True) -> Iterator[BinaryIO]:
        """Its plain bytes. What does not last can be opened once."""
        with contextlib.ExitStack() as stack:
            raw = sys.stdin.buffer if self.path is None else stack.enter_context(self.path.open("rb", buffering=0))
            counted = io.BufferedReader(_Counted(self if counting else None, cast("BinaryIO", raw)), BUFFER_BYTES)
            yield unpacked(counted, self._is_damaged)

    def _is_damaged(self, why: str) -> None:
        self.damage = why

    def has_read(self, count: int) -> None:
        """Note progress."""
        self.read_bytes += count


class _Counted(io.RawIOBase):
    """Raw bytes on their way, counted."""

    def __init__(self, owner: Input | None, raw: BinaryIO) -> None:
        super().__init__()
        self._owner, self._raw = owner, raw

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int:
        view = memoryview(buffer).cast("B")
        data = self._raw.read(len(view)) or b""
        view[: len(data)] = data
        if self._owner is not None:
            self._owner.has_read(len(data))
        return len(data)


class Headed:
    """A stream whose first bytes were looked at already: `readline` and `read` as if they were not."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.head = _read_up_to(stream, HEAD_BYTES)
        self._rest = io.BytesIO(self.head)

    def readline(self, limit: int = -1) -> bytes:
        """A line, or its first `limit` bytes."""
        line = self._rest.readline(limit)
        if line.endswith(b"\n") or (0 <= limit <= len(line)):
            return line
        return line + self._stream.readline(limit - len(line) if limit >= 0 else -1)

    def read(self, count: int) -> bytes:
        """Up to `count` bytes."""
        return self._rest.read(count) or self._stream.read(count)


class Window:
    """The next `length` bytes of a stream, as a stream."""

    def __init__(self, stream: Headed, length: int, lines_before: int = 0) -> None:
        self._stream, self._left, self._ended = stream, length, lines_before
        self.line = lines_before  # the number of the line that was read last
        self.in_line = False  # what was read last ends within a line
        self.last = self.first_whole = self.last_whole = b""  # read last; the first and last that end a line

    def readline(self, limit: int = -1) -> bytes:
        """A line within the window."""
        room = self._left if limit < 0 else min(limit, self._left)
        line = self._stream.readline(room) if room else b""
        self._left -= len(line)
        if line:
            self.in_line = not line.endswith(b"\n")
            self._ended += not self.in_line
            self.last = line
            if not self.in_line:
                self.first_whole, self.last_whole = self.first_whole or line, line
            self.line = self._ended + self.in_line
        return line


def _read_up_to(stream: BinaryIO, count: int) -> bytes:
    parts: list[bytes] = []
    while count > 0:
        part = stream.read(count)
        if not part:
            break
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def inputs_of(paths: Iterable[str]) -> list[Input]:
    """The files that were named, folders with all that is in them, oldest first. Raises NotFound, InvalidInput."""
    found: list[Input] = []
    for name in paths:
        path = Path(name)
        if name == STDIN:
            found.append(Input(None))
        elif path.is_dir():
            inner = [one for one in sorted(path.rglob("*")) if one.is_file()]
            if not inner:
                raise NotFound(f"There is no file in {name}.", hint="Folders are taken with all that is in them.")
            found += [Input(one) for one in sorted(inner, key=lambda one: one.stat().st_mtime_ns)]
        elif path.exists():
            found.append(Input(path))
        else:
            raise NotFound(f"There is no file {name}.", hint="devmesh import PATH…, or - for what comes through a pipe")
    if [one.path for one in found].count(None) > 1:
        raise InvalidInput("Stdin can be read once.", hint="Name - once.")
    return found
