"""From decoded lines to an `EventBatch`: the rules for time, priority, pid and service, and what remains as `fields`.

Fields of journald that moved into columns are taken out of `fields`, unless the column does not say the same:
nothing that a sender said is lost but what `_dropped` counts. Levels from templates and the cut to the stored
length come later, with `apply_levels` and `cut_messages`: redaction stands between.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec
import polars as pl

from devmesh.events.model import EVENT_BATCH
from devmesh.intake.model import Limits
from devmesh.intake.priority import MISSING, priorities
from devmesh.intake.services import CANDIDATES, service_names
from devmesh.intake.times import event_times

if TYPE_CHECKING:
    from devmesh.intake.model import Decoded

# Columns say the same as these, mostly: they are taken out and put back where the column says something else.
_MOVED: Final[tuple[str, ...]] = ("PRIORITY", "_PID", "SYSLOG_PID", "_SYSTEMD_UNIT", "SYSLOG_IDENTIFIER", "_HOSTNAME")
_READ: Final[tuple[str, ...]] = tuple(name for name in CANDIDATES if name not in _MOVED)
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_CLAIMED: Final = '"_claimed_priority":'
_encoder = msgspec.json.Encoder()

Fields = list[dict[str, Any]]


def to_batch(
    decoded: Decoded,
    *,
    node: str,
    received_us: int,
    stream_id: int | None = None,
    limits: Limits | None = None,
) -> pl.DataFrame:
    """The `EventBatch` of n rows for n decoded lines, in their order; `decoded.fields` is used up.

    `node` is the speaker's name where a line names none. Messages are not cut yet.
    """
    limits = limits or Limits()
    frame = decoded.frame
    times, time_claims = event_times(frame["ts_us"], frame["ts"], received_us)
    codes, unknown = priorities(decoded.priority)
    columns = {
        "ts_us": times,
        "received_us": _constant(received_us, len(frame), pl.Int64()),
        "node": _fill(frame["node"], _constant(node, len(frame), pl.String())),
        "priority": pl.Series(codes, dtype=pl.Int8),
        "pid": frame["pid"],
        "stream_id": _constant(stream_id, len(frame), pl.Int64()),
        "seq": frame["seq"],
        "message": frame["message"],
    }
    rows: Fields | None = None
    if time_claims or unknown or any(decoded.fields):
        rows = [fields or {} for fields in decoded.fields]
    if rows is None:
        columns["service"] = service_names(pl.DataFrame(), frame["service"], frame["pid"])
        columns["fields"] = _constant(None, len(frame), pl.String())
    else:
        _move_fields(rows, frame["service"], columns, limits)
        _claim(rows, "_claimed_ts", time_claims)
        _claim(rows, "_claimed_priority", {row: decoded.priority[row] for row in unknown})
        columns["fields"] = _encode(rows)
    columns["priority"] = _fill(columns["priority"], _constant(MISSING, len(frame), pl.Int8()))
    return pl.DataFrame({name: columns[name] for name in EVENT_BATCH}, schema=EVENT_BATCH)


def _constant(value: int | str | None, size: int, dtype: pl.DataType) -> pl.Series:
    return pl.Series([value], dtype=dtype).new_from_index(0, size)


def _fill(series: pl.Series, other: pl.Series) -> pl.Series:
    """The series with the other's values where it has none."""
    if not series.null_count():
        return series
    return other if series.null_count() == len(series) else series.zip_with(series.is_not_null(), other)


def _claim(rows: Fields, name: str, claims: dict[int, Any]) -> None:
    for row, claim in claims.items():
        rows[row][name] = claim[:64] if isinstance(claim, str) else claim


def _move_fields(rows: Fields, declared: pl.Series, columns: dict[str, pl.Series], limits: Limits) -> None:
    """Fill the columns that journald's fields can fill, and leave in `rows` what they do not say."""
    names: set[str] = set().union(*rows)
    _keep_within(rows, names, limits)
    moved = {name: [row.pop(name, None) for row in rows] for name in _MOVED if name in names}
    read = {name: [row.get(name) for row in rows] for name in _READ if name in names}
    text, odd = _texts({**moved, **read})
    if "PRIORITY" in text:
        codes, _ = priorities(moved["PRIORITY"] if "PRIORITY" not in odd else text["PRIORITY"].to_list())
        columns["priority"] = _fill(columns["priority"], pl.Series(codes, dtype=pl.Int8))
    for name in ("_PID", "SYSLOG_PID"):
        if name in text:
            columns["pid"] = _fill(columns["pid"], text[name].str.to_integer(strict=False))
    candidates = pl.DataFrame([text[name] for name in CANDIDATES if name in text])
    columns["service"] = service_names(candidates, declared, columns["pid"])
    for name, values in moved.items():
        unsaid = text[name].ne_missing(_said(name, columns))
        if name in odd:
            unsaid |= pl.Series([not isinstance(value, str) for value in values], dtype=pl.Boolean)
        for row in unsaid.arg_true().to_list():
            if values[row] is not None:
                rows[row][name] = values[row]


def _said(name: str, columns: dict[str, pl.Series]) -> pl.Series:
    """What the columns say of a field that moved, as text."""
    if name == "_SYSTEMD_UNIT":
        return columns["service"] + ".service"
    column = {"SYSLOG_IDENTIFIER": "service", "_HOSTNAME": "node", "PRIORITY": "priority"}.get(name, "pid")
    return columns[column].cast(pl.String)


def _keep_within(rows: Fields, names: set[str], limits: Limits) -> None:
    """Drop fields with other names or too many, and count them in the event's `_dropped`."""
    fits = _NAME.fullmatch
    foreign = {name for name in names if not fits(name)}
    if not foreign and max(map(len, rows), default=0) <= limits.fields:
        return
    for row in rows:
        kept = [name for name in row if name not in foreign]
        if len(kept) > limits.fields:
            # What the columns are made from first, the others in their order.
            kept = sorted(kept, key=lambda name: name not in _MOVED and name not in _READ)[: limits.fields]
        if len(kept) == len(row):
            continue
        dropped = set(row) - set(kept)
        for name in dropped:
            del row[name]
        before = row.get("_dropped")
        row["_dropped"] = len(dropped) + (before if type(before) is int else 0)


def _texts(columns: dict[str, list[Any]]) -> tuple[dict[str, pl.Series], set[str]]:
    """Values as text: of a repeated field the first one, numbers in digits; and the names where not all were text."""
    texts, odd = {}, set()
    for name, values in columns.items():
        try:
            texts[name] = pl.Series(name, values, dtype=pl.String)
        except TypeError:
            texts[name] = pl.Series(name, [_one_text(value) for value in values], dtype=pl.String)
            odd.add(name)
    return texts, odd


def _one_text(value: Any) -> str | None:
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, str):
        return value
    return str(value) if type(value) is int else None


def _encode(rows: Fields) -> pl.Series:
    """Each object as compact JSON; empty ones are null."""
    lines = _encoder.encode_lines(rows).decode().split("\n")
    lines.pop()
    encoded = pl.Series("fields", lines, dtype=pl.String)
    return encoded.set(encoded == "{}", None)


def apply_levels(batch: pl.DataFrame, levels: pl.Series) -> pl.DataFrame:
    """The batch of n rows with the more severe of claimed priority and level (n of Int8 0..7, 8 or null where none was
    read).

    Where the level is more severe, the claimed priority moves into `fields._claimed_priority`, unless a claim is there.
    """
    severer = (levels < batch["priority"]).fill_null(value=False)
    if not severer.any():
        return batch
    claim = pl.concat_str(pl.lit("{" + _CLAIMED), pl.col("priority").cast(pl.String))
    fields = pl.col("fields")
    with_claim = (
        pl.when(fields.is_null())
        .then(pl.concat_str(claim, pl.lit("}")))
        .when(fields.str.contains(_CLAIMED, literal=True))
        .then(fields)
        .otherwise(pl.concat_str(claim, pl.lit(","), fields.str.slice(1)))
    )
    return batch.with_columns(
        priority=pl.when(severer).then(levels.cast(pl.Int8)).otherwise(pl.col("priority")),
        fields=pl.when(severer).then(with_claim).otherwise(fields),
    )


def cut_messages(batch: pl.DataFrame, limits: Limits | None = None) -> pl.DataFrame:
    """The batch with messages of at most `limits.message_bytes`; call it after redaction.

    A cut one ends in a mark that says how many bytes are missing, and has its original length in `fields._cut`.
    """
    limit = (limits or Limits()).message_bytes
    rows = (batch["message"].str.len_bytes() > limit).arg_true()
    if rows.is_empty():
        return batch
    messages, fields = batch["message"][rows].to_list(), batch["fields"][rows].to_list()
    cut = [_cut(message, limit) for message in messages]
    marked = [_with_cut(old, len(message.encode())) for old, message in zip(fields, messages, strict=True)]
    return batch.with_columns(
        message=batch["message"].scatter(rows, cut),
        fields=batch["fields"].scatter(rows, pl.Series(marked, dtype=pl.String)),
    )


def _cut(message: str, limit: int) -> str:
    raw = message.encode()
    # The mark holds at most as many digits as the length has; a character is never split.
    room = max(0, limit - len(_mark(len(raw)).encode()))
    kept = raw[:room].decode("utf-8", "ignore")
    return kept + _mark(len(raw) - len(kept.encode()))


def _mark(missing_bytes: int) -> str:
    return f" …[cut {missing_bytes} bytes]"


def _with_cut(fields: str | None, size_bytes: int) -> str:
    row = msgspec.json.decode(fields) if fields else {}
    earlier = row.get("_cut")
    # By journald's name, as the agent does; what it cut before us was longer still.
    row["_cut"] = {"MESSAGE": size_bytes, **(earlier if isinstance(earlier, dict) else {})}
    return _encoder.encode(row).decode()
