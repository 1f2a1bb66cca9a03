"""Counts by minute as blobs: one for each commit, about two bytes an event.

A blob holds the columns (minute, template_id, node_id, service_id, priority, n), sorted, minutes as differences, each
column whole and little-endian, compressed together with zstd. Detectors, followers and the way to a rare service's
minutes read them.
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
FORMAT = 1
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
    """Counts by minute to a blob; `decode` gives them back equal."""
    columns = [np.ascontiguousarray(counts[name].to_numpy(), dtype="<i8") for name in COLUMNS]
    columns[0] = np.diff(columns[0], prepend=np.int64(0))
    packed = [_narrow(column) for column in columns]
    head = bytes([FORMAT, *(column.dtype.itemsize for column in packed)])
    body = b"".join(column.tobytes() for column in packed)
    return head + zstandard.ZstdCompressor(level=3).compress(body)


def decode(blob: bytes, only: Sequence[str] = COLUMNS) -> pl.DataFrame:
    """The counts of a blob, or `only` some of its columns; raises DevMeshError for one of another format."""
    if not blob or blob[0] != FORMAT:
        raise DevMeshError(
            "A row of minute_counts has a format that this version does not know.", hint="Upgrade DevMesh."
        )
    sizes = list(blob[1 : 1 + len(COLUMNS)])
    body = zstandard.ZstdDecompressor().decompress(blob[1 + len(COLUMNS) :], max_output_size=MAX_BLOB_BYTES)
    rows = len(body) // sum(sizes)
    columns, at = {}, 0
    for name, size in zip(COLUMNS, sizes, strict=True):
        if name in only:
            columns[name] = np.frombuffer(body, dtype=f"<i{size}", count=rows, offset=at).astype(np.int64)
        at += rows * size
    if "minute" in columns:
        columns["minute"] = np.cumsum(columns["minute"])
    return pl.DataFrame(columns, schema={name: SCHEMA[name] for name in columns})


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
