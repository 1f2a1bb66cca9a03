"""A streaming reader of `journalctl -o export`: any bytes, any size, bounded memory.

The format (systemd, "Journal Export Format"): `NAME=text` lines, or NAME, a 64-bit little-endian length and that many
bytes; an empty line ends an entry. Promises: never raises on bytes; a field of any size costs at most its limit in
memory; an entry that journalctl broke off (it meets damaged data and starts the next one) is marked as not whole, its
neighbour is unharmed.
"""

from __future__ import annotations

import re
import struct
from typing import BinaryIO, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple, Union

MESSAGE_LIMIT_BYTES = 32 * 1024
FIELD_LIMIT_BYTES = 8 * 1024
KEPT_FIELDS = 200  # far above the 64 that are sent, so that ballast does not crowd out what matters
ENTRY_LIMIT_BYTES = 1024 * 1024
NUMBER_DIGITS = 20
LENGTH_BYTES = 8
READ_BYTES = 64 * 1024
BLOCK_BYTES = 256 * 1024
PLAIN_BYTES = FIELD_LIMIT_BYTES  # so that no field of a plain entry is over its limit
PLAIN_FIELDS = 55
MOST_NAMES = 10_000
_known_names: Set[str] = set()
MOST_SURPLUS = 10_000  # a repeated essential field may not grow an entry without end

# What says who wrote an entry is kept in whatever crowd of fields.
ESSENTIAL = frozenset(
    b"MESSAGE PRIORITY UNIT OBJECT_SYSTEMD_UNIT CONTAINER_NAME _SYSTEMD_UNIT SYSLOG_IDENTIFIER _TRANSPORT _PID"
    b" SYSLOG_PID _BOOT_ID _COMM".split()
)
_NAME = re.compile(rb"[A-Za-z0-9_]{1,64}\Z")
_CURSOR = re.compile(rb"s=([0-9a-f]{32});i=([0-9a-f]{1,16});b=([0-9a-f]{32});m=[0-9a-f]+;t=[0-9a-f]+;x=([0-9a-f]+)")

Field = Tuple[str, bytes, int]  # name, kept bytes, original length


class Entry(NamedTuple):
    """One entry. Cursor parts are empty or 0 where the export has no cursor; bytes are offsets in the export itself."""

    seqnum_id: str
    seq: int
    x: str
    realtime_us: Optional[int]
    monotonic_us: Optional[int]
    fields: List[Field]
    text: Optional[Dict[str, str]]  # instead of `fields`, where all is short text and no name comes twice
    surplus: int  # fields that were not kept
    whole: bool
    first_byte: int
    end_byte: int


class _Builder:
    """Collects the fields of one entry."""

    def __init__(self, first_byte: int) -> None:
        self.first_byte = first_byte
        self.cursor = b""
        self.realtime: Optional[int] = None
        self.monotonic: Optional[int] = None
        self.fields: List[Field] = []
        self.kept_bytes = 0
        self.surplus = 0
        self.whole = True
        self.started = False

    def add(self, name: bytes, value: bytes, length: int) -> None:
        self.started = True
        if name.startswith(b"__"):
            if name == b"__CURSOR":
                self.cursor = value
            elif name == b"__REALTIME_TIMESTAMP":
                self.realtime = _number(value)
            elif name == b"__MONOTONIC_TIMESTAMP":
                self.monotonic = _number(value)
            return
        full = len(self.fields) >= KEPT_FIELDS or self.kept_bytes + len(value) > ENTRY_LIMIT_BYTES
        if full and (name not in ESSENTIAL or self.surplus > MOST_SURPLUS):
            self.surplus += 1
            return
        self.kept_bytes += len(value)
        self.fields.append((name.decode("ascii"), value, length))

    def entry(self, end_byte: int) -> Entry:
        parts = _CURSOR.match(self.cursor)
        seqnum_id, seq, x = (parts[1].decode(), int(parts[2], 16), parts[4].decode()) if parts else ("", 0, "")
        return Entry(
            seqnum_id,
            seq,
            x,
            self.realtime,
            self.monotonic,
            self.fields,
            None,
            self.surplus,
            self.whole,
            self.first_byte,
            end_byte,
        )


def _number(value: Union[bytes, str]) -> Optional[int]:
    return int(value) if value.isdigit() and value.isascii() and len(value) < NUMBER_DIGITS else None


def limit_of(name: bytes) -> int:
    """How many bytes of a field are kept."""
    return MESSAGE_LIMIT_BYTES if name == b"MESSAGE" else FIELD_LIMIT_BYTES


class _Source:
    """The stream through a buffer of its own, with a running offset."""

    def __init__(self, stream: BinaryIO) -> None:
        self._read = getattr(stream, "read1", stream.read)
        self._buffer, self._at = b"", 0
        self.offset = 0

    def _more(self) -> bool:
        data = self._read(BLOCK_BYTES)
        self._buffer, self._at = self._buffer[self._at :] + data, 0
        return bool(data)

    def _take(self, count: int) -> bytes:
        data = self._buffer[self._at : self._at + count]
        self._at += len(data)
        self.offset += len(data)
        return data

    def plain_entry(self) -> Optional[bytes]:
        """What is before the next empty line, passed over, if that is short enough to be split as it is."""
        while True:
            end = self._buffer.find(b"\n\n", self._at)
            if end >= 0:
                break
            if len(self._buffer) - self._at > PLAIN_BYTES or not self._more():
                return None
        return self._buffer[self._at : end] if end - self._at <= PLAIN_BYTES else None

    def line(self) -> bytes:
        """Up to 64 KiB of a line; without its end if there is more, or the stream ended."""
        searched = 0
        while True:
            end = self._buffer.find(b"\n", self._at + searched, self._at + READ_BYTES)
            searched = len(self._buffer) - self._at
            if end >= 0:
                return self._take(end + 1 - self._at)
            if searched >= READ_BYTES or not self._more():
                return self._take(READ_BYTES)

    def exactly(self, count: int) -> bytes:
        """`count` bytes, fewer at the end of the stream."""
        while len(self._buffer) - self._at < count and self._more():
            pass
        return self._take(count)

    def skip(self, count: int) -> bool:
        """Pass over `count` bytes; False if the stream ended before."""
        while count > 0:
            passed = len(self._take(count))
            count -= passed
            if count and not self._more():
                return False
        return True


def read_entries(stream: BinaryIO) -> Iterator[Entry]:
    """The entries of an export stream, in its order. `stream` needs read(n)."""
    source = _Source(stream)
    entry = _Builder(0)
    while True:
        if not entry.started:
            quick = _plain(source)
            if quick is not None:
                yield quick
                entry = _Builder(source.offset)
                continue
        at = source.offset
        line = source.line()
        if line == b"\n" or not line:
            if entry.started:
                entry.whole = entry.whole and bool(line)
                yield entry.entry(source.offset)
            if not line:
                return
            entry = _Builder(source.offset)
            continue
        if line.startswith(b"__CURSOR=") and entry.started:
            entry.whole = False
            yield entry.entry(at)
            entry = _Builder(at)
        if not _field(source, entry, line):
            entry.whole = False


def _plain(source: _Source) -> Optional[Entry]:
    """The next entry, if it is short, all text and repeats no field: most are, and this is five times as fast."""
    data = source.plain_entry()
    if data is None:
        return None
    try:
        pairs = [line.partition("=") for line in data.decode("utf-8").split("\n")]
    except UnicodeDecodeError:
        return None
    text = {name: value for name, equals, value in pairs if equals}
    if len(text) != len(pairs) or len(pairs) > PLAIN_FIELDS:
        return None
    if not _known_names.issuperset(text):
        if not all(_NAME.match(name.encode("utf-8")) for name in text):
            return None
        if len(_known_names) < MOST_NAMES:
            _known_names.update(text)
    cursor = _CURSOR.match(text.pop("__CURSOR", "").encode("utf-8"))
    first = source.offset
    source.skip(len(data) + 2)
    return Entry(
        cursor[1].decode() if cursor else "",
        int(cursor[2], 16) if cursor else 0,
        cursor[4].decode() if cursor else "",
        _number(text.pop("__REALTIME_TIMESTAMP", "")),
        _number(text.pop("__MONOTONIC_TIMESTAMP", "")),
        [],
        text,
        0,
        True,
        first,
        source.offset,
    )


def _field(source: _Source, entry: _Builder, line: bytes) -> bool:
    """Add the field that begins with `line`; False if it is damaged."""
    name, equals, value = line.partition(b"=")
    if equals:
        rest, ended = _rest_of_line(source, line)
        length = len(value) + rest - (1 if ended else 0)
        if not _NAME.match(name):
            return False
        entry.add(name, value[: min(length, limit_of(name))], length)
        return ended
    name = line[:-1]
    if not line.endswith(b"\n") or not _NAME.match(name):
        _rest_of_line(source, line)
        entry.started = True
        return False
    prefix = source.exactly(LENGTH_BYTES)
    if len(prefix) < LENGTH_BYTES:
        return False
    (length,) = struct.unpack("<Q", prefix)
    kept = source.exactly(min(length, limit_of(name)))
    complete = source.skip(length - min(length, limit_of(name)))
    entry.add(name, kept, length)
    return source.exactly(1) == b"\n" and complete


def _rest_of_line(source: _Source, line: bytes) -> Tuple[int, bool]:
    """How many more bytes a line has than `line`, its end included, and whether it has an end."""
    more = 0
    while not line.endswith(b"\n"):
        line = source.line()
        if not line:
            return more, False
        more += len(line)
    return more, True
