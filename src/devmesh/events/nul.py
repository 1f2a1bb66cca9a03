"""Between which times messages with NUL lie: a single row, and none in most houses.

SQLite's fastest search ends at the first NUL of a text, and looking out for one costs as much again. So it is looked
out for where one can be, and nowhere else.
"""

from __future__ import annotations

import polars as pl
from sqlalchemy import Connection, case, insert, select, update

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
        # By what stands there when the row is ours: another server may have widened it since we looked.
        here = nul_span.c
        wider = {
            "first_ts_us": case((here.first_ts_us > first, first), else_=here.first_ts_us),
            "last_ts_us": case((here.last_ts_us < last, last), else_=here.last_ts_us),
        }
        connection.execute(update(nul_span).where(here.id == _ONLY).values(wider))


def span(connection: Connection) -> tuple[int, int] | None:
    """The first and the last time at which such a message was said; None where there is none."""
    row = connection.execute(select(nul_span.c.first_ts_us, nul_span.c.last_ts_us)).first()
    return None if row is None else (row.first_ts_us, row.last_ts_us)
