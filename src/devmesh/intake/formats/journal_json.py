"""History as JSON lines of journald (`journalctl -o json`), with what that format does to fields.

Bytes that are not printable text are lists of numbers, repeated fields are lists of their values, and without `--all` a
field over 4,096 bytes is null. Each becomes what the agent would have sent: `_raw`, `NAME.2`, and a mark in `_cut`.
Memory is bounded by `LINE_BYTES`: a longer line is a fault, and so is one that is no JSON object.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, BinaryIO, Final

import msgspec

from devmesh.intake.formats.history import Past
from devmesh.intake.formats.journal_export import past_of
from devmesh.ship.export import KEPT_FIELDS, Entry, limit_of

if TYPE_CHECKING:
    from collections.abc import Iterator

LINE_BYTES: Final = 16 << 20
# What `null` says of a field's length: it is over the threshold of journalctl, and nobody knows by how much.
NULL_BYTES: Final = 4097
_CHUNK_BYTES: Final = 1 << 16
_CURSOR: Final = re.compile(r"s=([0-9a-f]{32});i=([0-9a-f]{1,16});(?:[a-z]=[0-9a-f]+;)*x=([0-9a-f]+)", re.ASCII)
_decoder = msgspec.json.Decoder(dict[str, Any])


def read_journal_json(stream: BinaryIO, host: str) -> Iterator[Past]:
    """The entries of a stream of JSON lines in its order. `host` is the node's name; blank lines are passed over."""
    end = 0
    for line, size in _lines(stream):
        start, end = end, end + size
        if line is None:
            yield Past(start, end, None, None, f"the line is longer than {LINE_BYTES} bytes")
        elif line.strip():
            yield _past(line, start, end, host)


def _lines(stream: BinaryIO) -> Iterator[tuple[bytes | None, int]]:
    """Lines and their sizes, end included; None for one that is over the limit."""
    while line := stream.readline(LINE_BYTES + 1):
        size = len(line)
        if size > LINE_BYTES and not line.endswith(b"\n"):
            while not line.endswith(b"\n") and (line := stream.readline(_CHUNK_BYTES)):
                size += len(line)
            yield None, size
        else:
            yield line, size


def _past(line: bytes, start: int, end: int, host: str) -> Past:
    try:
        fields = _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Past(start, end, None, None, "the line is no JSON object")
    match = _CURSOR.match(str(fields.get("__CURSOR", "")))
    entry = Entry(
        seqnum_id=match[1] if match else "",
        seq=int(match[2], 16) if match else 0,
        x=match[3] if match else "",
        realtime_us=_number(fields.get("__REALTIME_TIMESTAMP")),
        monotonic_us=_number(fields.get("__MONOTONIC_TIMESTAMP")),
        fields=[],
        text=None,
        surplus=0,
        whole=True,
        first_byte=start,
        end_byte=end,
    )
    names = [name for name in fields if name.isascii() and not name.startswith("__")]
    found = [one for name in names for one in _values(name, fields[name])]
    surplus = sum(not name.isascii() for name in fields) + max(0, len(found) - KEPT_FIELDS)
    return past_of(entry._replace(fields=found[:KEPT_FIELDS], surplus=surplus), host)


def _values(name: str, value: Any) -> Iterator[tuple[str, bytes, int]]:
    """The fields (name, kept bytes, length) that one key stands for."""
    if value is None:
        yield name, b"", NULL_BYTES
    elif isinstance(value, list) and not _is_bytes(value):
        for one in value:
            yield from _values(name, one if not isinstance(one, list) or _is_bytes(one) else str(one))
    else:
        raw = _bytes(value)
        yield name, raw[: limit_of(name.encode())], len(raw)


def _is_bytes(value: list[Any]) -> bool:
    """Whether a list is bytes: journalctl never writes an empty one, nor a list of numbers for anything else."""
    return bool(value) and all(type(one) is int and 0 <= one <= 255 for one in value)  # noqa: PLR2004 - a byte


def _bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode()
    return bytes(value) if isinstance(value, list) else msgspec.json.encode(value)


def _number(value: Any) -> int | None:
    """A time of the journal: digits, usually as text."""
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None  # noqa: PLR2004 - below 64 bits
