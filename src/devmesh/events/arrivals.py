"""Counts by minute as they came: for who watches, and for who wants to see the past as it was seen then."""

from __future__ import annotations

import polars as pl
from sqlalchemy import func, select

from devmesh.db import Database
from devmesh.events import followers, minutes
from devmesh.events.tables import minute_counts

COMMITS_MAX = 5_000


class Arrivals:
    """What arrived when. Frames are (minute, template_id, node_id, service_id, priority, n)."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def since(self, since_us: int, before_us: int) -> tuple[pl.DataFrame, followers.Position]:
        """Events from `since_us` on that arrived before `before_us`, and the position from which `after` goes on."""
        table = minute_counts.c
        came = table.created_us < before_us
        with self._db.read() as connection:
            newest = connection.execute(select(func.max(table.created_us)).where(came)).scalar() or 0
            last = select(func.max(table.id)).where(came).scalar_subquery()
            recent = (table.created_us >= newest - followers.OVERLAP_US) | (table.id == last)
            saw = connection.execute(select(table.id, table.created_us).where(came & recent))
            at = followers.position((row.id, row.created_us) for row in saw)
            blobs = list(connection.execute(select(table.blob).where(came & (table.last_ts_us >= since_us))).scalars())
        return minutes.joined(blobs).filter(pl.col("minute") >= since_us // minutes.MINUTE_US), at

    def after(self, at: followers.Position, before_us: int) -> tuple[pl.DataFrame, followers.Position]:
        """What arrived since a position and before `before_us`, and the position after it; at most `COMMITS_MAX`
        commits a call, so ask again until nothing comes.
        """
        with self._db.read() as connection:
            found = followers.unseen(connection, at, COMMITS_MAX)
        came = [commit for commit in found if commit.created_us < before_us]
        return minutes.joined([commit.blob for commit in came]), at.after(came)

    def said(self, since_us: int, until_us: int) -> pl.DataFrame:
        """Events between two full minutes, with one column more: `came`, the minute of arrival."""
        table = minute_counts.c
        overlapping = (table.last_ts_us >= since_us) & (table.first_ts_us < until_us)
        with self._db.read() as connection:
            query = select(table.blob, table.created_us).where(overlapping)
            blobs = [(row.blob, row.created_us) for row in connection.execute(query)]
        if not blobs:
            return pl.DataFrame(schema={**minutes.SCHEMA, minutes.CAME: pl.Int64})
        minute = pl.col("minute")
        within = (minute >= since_us // minutes.MINUTE_US) & (minute * minutes.MINUTE_US < until_us)
        return minutes.joined_by_arrival(blobs).filter(within)
