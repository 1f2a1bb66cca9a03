"""Storing events: rows and both counts, inside the batch's transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from sqlalchemy import Connection, insert

from devmesh.db.bulk import add_counts, insert_frame
from devmesh.db.refused import Refused
from devmesh.events import minutes, nul
from devmesh.events.grouping import added_up
from devmesh.events.tables import event_counts, log_events, minute_counts

HOUR_MINUTES = 60

COLUMNS = (
    "ts_us",
    "received_us",
    "node_id",
    "service_id",
    "priority",
    "pid",
    "template_id",
    "stream_id",
    "seq",
    "message",
    "fields",
)


@dataclass(frozen=True)
class Appended:
    """What one commit stored; `refused` are rows of its frame that the store did not take."""

    events: int
    first_ts_us: int
    last_ts_us: int
    first_id: int
    last_id: int
    refused: tuple[Refused, ...] = ()


def append(connection: Connection, frame: pl.DataFrame, first_id: int, writer_id: int, now_us: int) -> Appended:
    """Insert the n rows of `frame` (n > 0, COLUMNS) with ids from `first_id` on, and count them."""
    rows = frame if frame["ts_us"].is_sorted() else frame.with_row_index("row").sort("ts_us", maintain_order=True)
    last_id = first_id + len(rows) - 1
    ids, refused = pl.Series("id", np.arange(first_id, last_id + 1)), list[Refused]()
    insert_frame(connection, log_events, pl.DataFrame([ids, *(rows[name] for name in COLUMNS)]), refused)
    ordered = rows if not refused else rows.filter(~pl.int_range(pl.len()).is_in([one.row for one in refused]))
    if "row" in rows.columns:
        refused = [replace(one, row=int(rows["row"][one.row])) for one in refused]
    if ordered.is_empty():
        return Appended(0, 0, 0, first_id, last_id, tuple(refused))
    nul.note(connection, ordered)
    counts = minutes.count(ordered)
    add_counts(connection, event_counts, hourly(counts, writer_id))
    span = int(ordered["ts_us"][0]), int(ordered["ts_us"][-1])
    done = Appended(len(ordered), *span, first_id, last_id, tuple(refused))
    connection.execute(
        insert(minute_counts).values(
            created_us=now_us,
            writer_id=writer_id,
            first_ts_us=done.first_ts_us,
            last_ts_us=done.last_ts_us,
            first_id=done.first_id,
            last_id=done.last_id,
            blob=minutes.encode(counts),
        )
    )
    return done


def hourly(counts: pl.DataFrame, writer_id: int) -> pl.DataFrame:
    """Counts by minute to rows of event_counts, sorted by key; `hour` counts hours since the epoch."""
    names = ("template_id", "node_id", "service_id", "priority")
    columns = [counts["minute"].to_numpy() // HOUR_MINUTES, *(counts[name].to_numpy() for name in names)]
    keys, n = added_up(columns, counts["n"].to_numpy())
    writers = np.full(len(n), writer_id)
    return pl.DataFrame(dict(zip(("hour", *names, "writer_id", "n"), (*keys, writers, n), strict=True)))
