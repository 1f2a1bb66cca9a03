"""Between which times messages with NUL lie: a single row, and none in most houses.

SQLite's fastest search ends at the first NUL of a text, and looking out for one costs as much again. So it is looked
out for where one can be, and nowhere else.
"""

from __future__ import annotations

import polars as pl
from sqlalchemy import Connection, insert, select, update

from devmesh.events.tables import nul_span

_ONLY = 1


def note(connection: Connection, events: pl.DataFrame) -> None:
    """Remember the times of those of `events` (ts_us, message) whose message holds NUL."""
    held = events["message"].str.contains("\0", literal=True)
    if not held.any():
        return
    times = events["ts_us"].filter(held)
    first, last = int(times[0]), int(times[-1])
    known = span(connection)
    if known is None:
        connection.execute(insert(nul_span).values(id=_ONLY, first_ts_us=first, last_ts_us=last))
    elif first < known[0] or last > known[1]:
        wider = {"first_ts_us": min(first, known[0]), "last_ts_us": max(last, known[1])}
        connection.execute(update(nul_span).where(nul_span.c.id == _ONLY).values(wider))


def span(connection: Connection) -> tuple[int, int] | None:
    """The first and the last time at which such a message was said; None where there is none."""
    row = connection.execute(select(nul_span.c.first_ts_us, nul_span.c.last_ts_us)).first()
    return None if row is None else (row.first_ts_us, row.last_ts_us)
