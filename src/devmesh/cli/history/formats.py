"""Which format a file has, told by its first bytes, and its events one by one.

`journal-export` and `journal-json` are what journalctl prints with -o; `ndjson` is our own protocol's lines; `syslog`
and `plain` are text, read alike: lines with whatever head they have, continued lines folded.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import msgspec

from devmesh.cli.history.inputs import Headed, Window
from devmesh.errors import InvalidInput
from devmesh.ship.export import Entry, limit_of, read_entries
from devmesh.ship.files import service_of
from devmesh.ship.fold import Context, read_events
from devmesh.ship.identity import line_hash
from devmesh.ship.stamps import Stamps
from devmesh.ship.textline import parse_line
from devmesh.ship.wire import LINE_LIMIT_BYTES, encode, journal_event

FORMATS = ("auto", "journal-json", "journal-export", "syslog", "ndjson", "plain")
TEXT = ("syslog", "plain")
LONGEST_LINE = 16 * 1024 * 1024
_HOST = os.uname().nodename
_json = msgspec.json.Encoder()
_OURS = frozenset(("message", "ts", "ts_us", "service", "priority", "pid", "node", "seq", "fields"))
_CURSOR = re.compile(r"s=([0-9a-f]{32});i=([0-9a-f]{1,16});b=[0-9a-f]{32};m=[0-9a-f]+;t=[0-9a-f]+;x=([0-9a-f]+)")
_FIELD = re.compile(rb"\s*[A-Z_][A-Z0-9_]*[=\n]")


@dataclass(frozen=True)
class Item:
    """One event: bytes or seqnums first..last of its stream; `data` is its NDJSON line.

    `stream` and `node` are empty where the file's own hold. A bad one has a `reason` and no data.
    """

    first: int
    last: int
    x: str
    ts_us: int | None
    data: bytes
    line: int | None = None
    stream: str = ""
    node: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Reading:
    """What the command line says about how to read."""

    base: str
    written_us: int
    node: str | None = None
    service: str | None = None
    year: int | None = None
    zone: dt.tzinfo | None = None


def detect(head: bytes) -> str:
    """The format of a file that begins with `head`. Raises InvalidInput for what is no text."""
    if head.startswith(b"LPKSHHRH"):
        raise InvalidInput(
            "This is a journal's binary file.", hint="journalctl --file=PATH -o export | devmesh import -"
        )
    if _FIELD.match(head) and b"__REALTIME_TIMESTAMP=" in head:
        return "journal-export"
    if b"\0" in head.lstrip(b"\0")[:4096]:
        raise InvalidInput(
            "This is no text (it has zero bytes).",
            hint="Text, gzip, zstd, xz and bzip2 can be read; --format plain takes it as text all the same.",
        )
    first = head.lstrip().partition(b"\n")[0]
    if first.startswith(b"{"):
        return _of_json(first)
    said = parse_line(first[:4096].decode("utf-8", "replace"), Stamps(0))
    return "syslog" if said.host or said.priority is not None else "plain"


def _of_json(line: bytes) -> str:
    if b'"__CURSOR"' in line or b'"__REALTIME_TIMESTAMP"' in line:
        return "journal-json"
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        return "plain"
    # With other keys beside ours it is some program's own JSON; as text none of it is lost.
    return "ndjson" if isinstance(document.get("message"), str) and document.keys() <= _OURS else "plain"


# -- numbered by bytes ------------------------------------------------------------------------------------------------


def text_items(stream: Window, first: int, how: Reading) -> Iterator[Item]:
    """Events of text from byte `first` on, continued lines folded."""
    stamps = Stamps(how.written_us, how.zone, how.year)
    context = Context(how.base, how.service or service_of(how.base), stamps, how.written_us)
    at = first
    for found in read_events(cast("BinaryIO", stream), context, first):
        event = dict(found.event)
        host = event.pop("host", None)
        if host and host != _HOST:
            event["fields"] = {**event["fields"], "_HOSTNAME": host}
        if how.service:
            event["service"] = how.service
        yield Item(at, found.end - 1, found.x, event.get("ts_us"), _encoded(event))
        at = found.end


def ndjson_items(stream: Window, first: int, how: Reading) -> Iterator[Item]:
    """Lines of our own protocol, numbered by their bytes. One that is no object goes as it is: intake says why not."""
    begin = at = first
    while data := stream.readline(LONGEST_LINE):
        start, at = at, at + len(data)
        if data.isspace():
            continue
        x = line_hash(data)
        if len(data) >= LONGEST_LINE:
            yield Item(begin, at - 1, x, None, b"", stream.line, reason="the line is longer than 16 MiB")
        else:
            yield _ndjson_item(data, begin, start, at, x, stream.line, how)
        begin = at


def _ndjson_item(data: bytes, begin: int, start: int, end: int, x: str, line: int, how: Reading) -> Item:
    try:
        event = msgspec.json.decode(data)
    except (msgspec.DecodeError, ValueError, RecursionError):  # what intake refuses as well
        event = None
    if not isinstance(event, dict):
        return Item(begin, end - 1, x, None, data.rstrip(b"\r\n") + b"\n", line)
    event["seq"] = start
    if how.service:
        event["service"] = how.service
    if how.node:
        event.pop("node", None)
    ts_us = event.get("ts_us")
    return Item(begin, end - 1, x, ts_us if type(ts_us) is int else None, _json.encode(event) + b"\n", line)


# -- numbered by the journal ------------------------------------------------------------------------------------------


def export_items(stream: Headed, how: Reading) -> Iterator[Item]:
    """Entries of `journalctl -o export`."""
    for entry in read_entries(cast("BinaryIO", stream)):
        if entry.whole:
            yield _entry_item(entry, None, how)
        else:
            where = f"the entry at byte {entry.first_byte} is broken off"
            yield Item(entry.first_byte, entry.end_byte - 1, "", None, b"", reason=where)


def json_items(stream: Headed, how: Reading) -> Iterator[Item]:
    """Entries of `journalctl -o json`."""
    window = Window(stream, 2**62)
    at = 0
    while data := window.readline(LONGEST_LINE):
        start, at = at, at + len(data)
        if data.isspace():
            continue
        try:
            yield _entry_item(_json_entry(_decoded(data), start, at), window.line, how)
        except (ValueError, RecursionError, AttributeError, TypeError) as error:
            reason = str(error) if isinstance(error, _Unfit) else "the line is no JSON object of journalctl"
            yield Item(start, at - 1, line_hash(data), None, b"", window.line, reason=reason)


def _decoded(data: bytes) -> Any:
    """A line of JSON, quickly; what msgspec refuses and Python reads (half surrogates, NaN) is read as before."""
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, ValueError):
        return json.loads(data)


class _Unfit(ValueError):
    """An entry that journalctl left something out of that matters."""


def _json_entry(said: dict[str, Any], start: int, end: int) -> Entry:
    """JSON of journalctl: bytes are lists of numbers, repeated fields lists, large ones null."""
    cursor = _CURSOR.match(str(said.get("__CURSOR", "")))
    fields: list[tuple[str, bytes, int]] = []
    left_out = 0
    for name, value in said.items():
        if name.startswith("__"):
            continue
        if value is None and name == "MESSAGE":
            raise _Unfit("MESSAGE was too large for journalctl: add --all to its options")
        left_out += value is None
        limit = limit_of(name.encode("ascii", "replace"))
        fields += [(name, one[:limit], len(one)) for one in _values(value)]
    return Entry(
        seqnum_id=cursor[1] if cursor else "",
        seq=int(cursor[2], 16) if cursor else 0,
        x=cursor[3] if cursor else "",
        realtime_us=_number(said.get("__REALTIME_TIMESTAMP")),
        monotonic_us=_number(said.get("__MONOTONIC_TIMESTAMP")),
        fields=fields,
        text=None,
        surplus=left_out,
        whole=True,
        first_byte=start,
        end_byte=end,
    )


def _values(value: Any) -> list[bytes]:
    if value is None:
        return []
    if isinstance(value, list):
        if value and all(type(one) is int for one in value):
            return [bytes(value)]
        return [inner for one in value for inner in _values(one)]
    return [str(value).encode("utf-8", "surrogateescape")]


def _encoded(event: dict[str, Any]) -> bytes:
    """The event as a line of NDJSON; msgspec is ten times quicker than what the agent has at hand."""
    data = _json.encode(event) + b"\n"
    return data if len(data) <= LINE_LIMIT_BYTES else encode(event)


def _number(value: Any) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None  # noqa: PLR2004 - 64 bits


def _entry_item(entry: Entry, line: int | None, how: Reading) -> Item:
    """An entry as the agent of its own machine would send it."""
    from devmesh.ship.identity import node_name

    hosts = {name: value.decode("utf-8", "replace") for name, value, _length in entry.fields if name == "_HOSTNAME"}
    said = entry.text or hosts
    host = said.get("_HOSTNAME", "").split(".")[0].lower()
    node = how.node or host or node_name()
    event = journal_event(entry, node)
    if how.service:
        event["service"] = how.service
    if not entry.seqnum_id:  # printed without cursors: numbered by the file's bytes
        event["seq"] = entry.first_byte
        return Item(entry.first_byte, entry.end_byte - 1, "", entry.realtime_us, _encoded(event), line, node=node)
    return Item(entry.seq, entry.seq, entry.x, entry.realtime_us, _encoded(event), line, entry.seqnum_id, node)
