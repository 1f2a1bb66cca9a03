"""Counts by minute as blobs: one for each commit, about two bytes an event.

A blob holds the columns (minute, template_id, node_id, service_id, priority, n), sorted, minutes as differences, each
column whole and little-endian, compressed together with zstd. Where commits of an hour were joined it also says how
many minutes late each count came, so that the past can be seen as it arrived. Detectors, followers and the way to a
rare service's minutes read them.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
import zstandard

from devmesh.errors import DevMeshError
from devmesh.events.grouping import added_up

MINUTE_US = 60_000_000
DAY_US = 86_400_000_000
KEPT_US = 35 * DAY_US
COLUMNS = ("minute", "template_id", "node_id", "service_id", "priority", "n")
CAME = "came"  # the minute of arrival
FORMAT, JOINED = 1, 2  # of one commit; of several, with a column more
MAX_BLOB_BYTES = 256 * 1024 * 1024

SCHEMA = {
    "minute": pl.Int64,
    "template_id": pl.Int64,
    "node_id": pl.Int64,
    "service_id": pl.Int64,
    "priority": pl.Int64,
    "n": pl.Int64,
}


def whole_from_us(now_us: int) -> int:
    """Since when every event's blob is still there: they go by time of arrival, up to a day before the event's own."""
    return now_us - KEPT_US + 2 * DAY_US


def count(events: pl.DataFrame) -> pl.DataFrame:
    """Events (ts_us, template_id, node_id, service_id, priority) to counts by minute, sorted."""
    columns = [events[name].to_numpy().astype(np.int64) for name in ("ts_us", *COLUMNS[1:-1])]
    columns[0] //= MINUTE_US
    keys, n = added_up(columns)
    return pl.DataFrame(dict(zip(COLUMNS, (*keys, n), strict=True)), schema=SCHEMA)


def encode(counts: pl.DataFrame) -> bytes:
    """Counts by minute to a blob, sorted, with or without the minute in which they came; `decode` and `by_arrival` give
    them back equal.
    """
    columns = [np.ascontiguousarray(counts[name].to_numpy(), dtype="<i8") for name in COLUMNS]
    if CAME in counts.columns:
        columns.append(counts[CAME].to_numpy() - columns[0])
    columns[0] = np.diff(columns[0], prepend=np.int64(0))
    packed = [_narrow(column) for column in columns]
    head = bytes([JOINED if CAME in counts.columns else FORMAT, *(column.dtype.itemsize for column in packed)])
    body = b"".join(column.tobytes() for column in packed)
    return head + zstandard.ZstdCompressor(level=3).compress(body)


def decode(blob: bytes, only: Sequence[str] = COLUMNS) -> pl.DataFrame:
    """The counts of a blob, or `only` some of its columns; raises DevMeshError for one of another format.

    What came in several minutes may be several rows of one key.
    """
    columns = _columns(blob, only)
    return pl.DataFrame(columns, schema={name: SCHEMA[name] for name in columns})


def by_arrival(blob: bytes, created_us: int) -> pl.DataFrame:
    """The counts of a blob that was committed at `created_us`, with the minute in which each came."""
    columns = _columns(blob, (*COLUMNS, CAME))
    frame = pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.Int64))
    came = pl.col("minute") + pl.col(CAME) if CAME in columns else pl.lit(created_us // MINUTE_US, pl.Int64)
    return frame.with_columns(came.alias(CAME))


def joined_by_arrival(blobs: Sequence[tuple[bytes, int]]) -> pl.DataFrame:
    """Several blobs with their times of commit as one, sorted: n added up for each key and minute of arrival."""
    keys = (*COLUMNS[:-1], CAME)
    frames = pl.concat([by_arrival(blob, created_us) for blob, created_us in blobs])
    return frames.group_by(keys).agg(pl.col("n").sum()).sort(keys)


def _columns(blob: bytes, only: Sequence[str]) -> dict[str, np.ndarray]:
    if not blob or blob[0] not in (FORMAT, JOINED):
        raise DevMeshError(
            "A row of minute_counts has a format that this version does not know.", hint="Upgrade DevMesh."
        )
    names = COLUMNS if blob[0] == FORMAT else (*COLUMNS, CAME)
    sizes = list(blob[1 : 1 + len(names)])
    body = zstandard.ZstdDecompressor().decompress(blob[1 + len(names) :], max_output_size=MAX_BLOB_BYTES)
    rows = len(body) // sum(sizes)
    columns, at = {}, 0
    for name, size in zip(names, sizes, strict=True):
        if name in only:
            columns[name] = np.frombuffer(body, dtype=f"<i{size}", count=rows, offset=at).astype(np.int64)
        at += rows * size
    if "minute" in columns:
        columns["minute"] = np.cumsum(columns["minute"])
    return columns


def joined(blobs: Sequence[bytes], by: Sequence[str] = COLUMNS[:-1]) -> pl.DataFrame:
    """Several blobs as one: n added up for each combination of the columns `by`, sorted by them."""
    if not blobs:
        return pl.DataFrame(schema={name: SCHEMA[name] for name in (*by, "n")})
    frames = pl.concat([decode(blob, (*by, "n")) for blob in blobs])
    return frames.group_by(by).agg(pl.col("n").sum()).sort(by)


def _narrow(column: np.ndarray) -> np.ndarray:
    """The same numbers in the fewest bytes that hold them all."""
    low, high = (int(column.min()), int(column.max())) if len(column) else (0, 0)
    for size in (1, 2, 4):
        if -(1 << (8 * size - 1)) <= low and high < 1 << (8 * size - 1):
            return column.astype(f"<i{size}")
    return column
