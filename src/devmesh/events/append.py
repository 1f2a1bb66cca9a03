"""Storing events: rows and both counts, inside the batch's transaction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from sqlalchemy import Connection, insert

from devmesh.db.bulk import add_counts, insert_frame
from devmesh.events import minutes, nul
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
    """What one commit stored."""

    events: int
    first_ts_us: int
    last_ts_us: int
    first_id: int
    last_id: int


def append(connection: Connection, frame: pl.DataFrame, first_id: int, writer_id: int, now_us: int) -> Appended:
    """Insert the n rows of `frame` (n > 0, COLUMNS) with ids from `first_id` on, and count them."""
    ordered = frame if frame["ts_us"].is_sorted() else frame.sort("ts_us", maintain_order=True)
    last_id = first_id + len(ordered) - 1
    ids = pl.Series("id", np.arange(first_id, last_id + 1))
    insert_frame(connection, log_events, pl.DataFrame([ids, *(ordered[name] for name in COLUMNS)]))
    nul.note(connection, ordered)
    counts = minutes.count(ordered)
    add_counts(connection, event_counts, hourly(counts, writer_id))
    done = Appended(len(ordered), int(ordered["ts_us"][0]), int(ordered["ts_us"][-1]), first_id, last_id)
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
    keys = ["hour", "template_id", "node_id", "service_id", "priority", "writer_id"]
    keyed = counts.lazy().with_columns(
        (pl.col("minute") // HOUR_MINUTES).alias("hour"), pl.lit(writer_id, dtype=pl.Int64).alias("writer_id")
    )
    return keyed.group_by(keys).agg(pl.col("n").sum()).sort(keys).collect()
