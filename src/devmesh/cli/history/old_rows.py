"""A row of the old schema as a line of NDJSON, whatever types its columns have."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
from typing import Any

import msgspec

from devmesh.db.old import MORE
from devmesh.intake.priority import priority_of
from devmesh.nodes import is_node_name
from devmesh.ship.wire import LINE_LIMIT_BYTES, encode

_PYTHON_LEVELS = {10: 7, 20: 6, 30: 4, 40: 3, 50: 2}  # of Python's logging
_UNITS_US = ((10**17, 1 / 1000), (10**14, 1), (10**11, 1000))  # from which number on it counts ns, µs, ms; else seconds
_INT64 = 2**63


def line_of(row: dict[str, Any], node: str, zone: dt.tzinfo) -> bytes:
    """The row's event: its parts, and every further column among its fields. `zone` is that of times without one."""
    event: dict[str, Any] = {"message": _text(row["message"]), "seq": row["id"]}
    fields = _fields(row.get("fields"))
    fields |= {name: _plain(value) for name, value in row[MORE].items() if value is not None}
    event |= _time(row["ts"], zone)
    named = _text(row.get("node")).strip()
    event["node"] = named if is_node_name(named) else node
    if service := _text(row.get("service")).strip():
        event["service"] = service
    said = row.get("priority")
    priority = _PYTHON_LEVELS.get(said, said) if isinstance(said, int) else said
    if priority_of(priority) is not None:
        event["priority"] = priority_of(priority)
    elif said is not None:
        fields["priority"] = _plain(said)
    if (pid := _whole(row.get("pid"))) is not None:
        event["pid"] = pid
    if fields:
        event["fields"] = fields
    data = msgspec.json.encode(event) + b"\n"
    return data if len(data) <= LINE_LIMIT_BYTES else encode(event)


def mark_of(row: dict[str, Any]) -> str:
    """What tells this row from one of another database with the same id."""
    said = f"{row['id']}\0{row['ts']}\0{row['message']}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(said, digest_size=16).hexdigest()


def time_us(value: Any, zone: dt.tzinfo) -> int | None:
    """The instant that a column holds; numbers by their size in s, ms, µs or ns. None for what is no time."""
    if isinstance(value, dt.datetime):
        return round((value if value.tzinfo else value.replace(tzinfo=zone)).timestamp() * 1e6)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    unit = next((unit for border, unit in _UNITS_US if abs(value) >= border), 1_000_000)
    us = value * unit if isinstance(value, float) or unit < 1 else value * int(unit)
    return int(us) if abs(us) < _INT64 else None


def _time(value: Any, zone: dt.tzinfo) -> dict[str, Any]:
    us = time_us(value, zone)
    if us is not None:
        return {"ts_us": us}
    return {"ts": _text(value)} if value is not None else {}


def _fields(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    try:
        said = json.loads(value) if isinstance(value, str | bytes) else value
    except (ValueError, RecursionError):
        said = None
    return said if isinstance(said, dict) else {"fields": _text(value)}


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value if isinstance(value, bool | int) and abs(value) < _INT64 else _text(value)


def _whole(value: Any) -> int | None:
    text = str(value) if not isinstance(value, bool) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None  # noqa: PLR2004 - 64 bits


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return value.isoformat() if isinstance(value, dt.date | dt.datetime) else str(value)
