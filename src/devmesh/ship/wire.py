"""What an entry becomes on the wire: one JSON object a line, as docs/protocol.md says.

Kept: everything that users set, `_BOOT_ID`, the monotonic time as `_MONOTONIC` (text, microseconds), who wrote it. Left
out: what is the same in every entry of a node or says nothing without the live system (BALLAST below). The time is
journald's own (`__REALTIME_TIMESTAMP`): it is what `journalctl` orders by. A repeated field NAME becomes NAME, NAME.2,
NAME.3. Bytes that are not UTF-8 are decoded with replacement and kept as base64 in `_raw`; cut fields have their length
in `_cut`; fields over the limit of 64 are counted in `_dropped`.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any, Dict, List, Tuple

from devmesh.ship.export import ESSENTIAL, Entry

if TYPE_CHECKING:
    from devmesh.ship.piece import Event

MAX_FIELDS = 60  # of 64: our own _BOOT_ID, _MONOTONIC and marks come on top
LINE_LIMIT_BYTES = 900 * 1024  # the server takes 1 MiB
BALLAST = frozenset(
    [
        "_MACHINE_ID",
        "_CAP_EFFECTIVE",
        "_SELINUX_CONTEXT",
        "_SYSTEMD_CGROUP",
        "_SYSTEMD_SLICE",
        "_SYSTEMD_USER_SLICE",
        "_SYSTEMD_INVOCATION_ID",
        "_SYSTEMD_OWNER_UID",
        "_STREAM_ID",
        "_RUNTIME_SCOPE",
        "_SOURCE_REALTIME_TIMESTAMP",
        "_SOURCE_MONOTONIC_TIMESTAMP",
        "_SOURCE_BOOTTIME_TIMESTAMP",
        "SYSLOG_RAW",
        "SYSLOG_TIMESTAMP",
        "_LINE_BREAK",
        "_GID",
        "_AUDIT_SESSION",
        "_AUDIT_LOGINUID",
        "_AUDIT_ID",
    ]
)
NOT_FIELDS = BALLAST | {"MESSAGE"}
_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}\Z")


def journal_event(entry: Entry, host: str) -> Event:
    """The event of a journal entry; `_HOSTNAME` is kept only where it is not `host`."""
    if entry.text is not None:
        return _event(entry, _plain_fields(entry.text, host), entry.text.get("MESSAGE", ""))
    fields: Dict[str, Any] = {}
    raw: Dict[str, str] = {}
    cut: Dict[str, int] = {}
    message, seen_message, dropped = "", False, entry.surplus
    ordered = entry.fields
    if len(ordered) > MAX_FIELDS:
        ordered = sorted(ordered, key=lambda field: field[0].encode("ascii") not in ESSENTIAL)
    for name, value, length in ordered:
        if name in BALLAST:
            continue
        text, damaged = decode(value, cut=length > len(value))
        if name == "_HOSTNAME" and text == host:
            continue
        if name == "MESSAGE" and not seen_message:
            message, seen_message, key = text, True, name
        else:
            key = _free_name(fields, name, seen_message=seen_message)
            if len(fields) >= MAX_FIELDS or not _NAME.match(key):
                dropped += 1
                continue
            fields[key] = text
        if damaged:
            raw[key] = base64.b64encode(value).decode("ascii")
        if length > len(value):
            cut[key] = length
    marks = {"_raw": raw, "_cut": cut, "_dropped": dropped}
    fields.update((mark, content) for mark, content in marks.items() if content)
    return _event(entry, fields, message)


def _plain_fields(text: Dict[str, str], host: str) -> Dict[str, Any]:
    # __SEQNUM and the like say where the entry lies, not what it says: systemd 257 writes them into exports.
    fields: Dict[str, Any] = {
        name: value for name, value in text.items() if name not in NOT_FIELDS and name[:2] != "__"
    }
    if fields.get("_HOSTNAME") == host:
        del fields["_HOSTNAME"]
    return fields


def _event(entry: Entry, fields: Dict[str, Any], message: str) -> Event:
    if entry.monotonic_us is not None:
        fields["_MONOTONIC"] = str(entry.monotonic_us)
    event: Event = {"seq": entry.seq, "message": message, "fields": fields}
    if entry.realtime_us is not None:
        event["ts_us"] = entry.realtime_us
    return event


def _free_name(fields: Dict[str, Any], name: str, *, seen_message: bool) -> str:
    if name not in fields and not (name == "MESSAGE" and seen_message):
        return name
    count = 2
    while f"{name}.{count}" in fields:
        count += 1
    return f"{name}.{count}"


def decode(value: bytes, *, cut: bool) -> Tuple[str, bool]:
    """Text of bytes, and whether they are not UTF-8; a character that a cut went through is left out."""
    try:
        return value.decode("utf-8"), False
    except UnicodeDecodeError as error:
        if cut and error.start >= len(value) - 3 and error.reason == "unexpected end of data":
            return value[: error.start].decode("utf-8"), False
        return value.decode("utf-8", "replace"), True


def encode(event: Event, limit_bytes: int = LINE_LIMIT_BYTES) -> bytes:
    """The event as a line of NDJSON, its fields cut with a mark if it is longer than `limit_bytes`."""
    line = _dump(event)
    keep = 4096
    while len(line) > limit_bytes and keep >= 1:
        event = _shortened(event, keep)
        line = _dump(event)
        keep //= 4
    return line


def _dump(event: Event) -> bytes:
    # "replace": a lone surrogate cannot come from decode(), but a line must never fail its batch.
    return _dumps(event).encode("utf-8", "replace") + b"\n"


def _shortened(event: Event, keep: int) -> Event:
    """A copy with message and fields of at most `keep` characters, `_raw` dropped, lengths noted in `_cut`."""
    fields = dict(event.get("fields") or {})
    cut = dict(fields.pop("_cut", {}))
    fields.pop("_raw", None)
    texts: List[Tuple[str, str]] = [(name, value) for name, value in fields.items() if isinstance(value, str)]
    for name, value in texts:
        if len(value) > keep:
            cut.setdefault(name, len(value.encode("utf-8", "replace")))
            fields[name] = value[:keep]
    message = event["message"]
    if len(message) > keep:
        cut.setdefault("MESSAGE", len(message.encode("utf-8", "replace")))
        message = message[:keep]
    if cut:
        fields["_cut"] = cut
    return dict(event, message=message, fields=fields)
