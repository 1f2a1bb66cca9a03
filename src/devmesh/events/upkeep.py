"""The room's loops: fold counts into templates and days, join minutes, let old events go.

Each step is one bounded transaction that ends with its fence.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import polars as pl
from sqlalchemy import Connection, Table, delete, func, insert, select, tuple_

from devmesh.clock import Clock
from devmesh.db import Database
from devmesh.db.bulk import add_counts
from devmesh.errors import StorageFull
from devmesh.events import followers, minutes, partitions
from devmesh.events.tables import day_counts, event_counts, log_events, minute_counts
from devmesh.loops import Lease, Loop
from devmesh.templates import Templates

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000
FOLD_AFTER_US = 56 * DAY_US
JOIN_AFTER_US = HOUR_US
FOLLOWER = "template-totals"


@dataclass(frozen=True)
class Upkeep:
    """What keeps the tables of events small and their sums true."""

    db: Database
    clock: Clock
    retention_days: int
    templates: Templates
    make_room: Callable[[], None]

    def loops(self) -> list[Loop]:
        """All of them with their rhythm."""
        return [
            Loop("template-totals", 5.0, self.fold_totals, limit=200),
            Loop("join-minutes", 300.0, self.join_minutes, limit=500),
            Loop("fold-days", 3600.0, self.fold_days, limit=20_000),
            Loop("fold-templates", 3600.0, self.fold_templates, limit=200),
            Loop("expire-events", 600.0, self.expire, limit=20_000),
        ]

    def not_added(self, connection: Connection, limit: int) -> list[followers.Commit]:
        """The oldest commits that the totals of templates do not have yet."""
        return followers.unseen(connection, followers.load(connection, FOLLOWER), limit)

    def fold_totals(self, limit: int, lease: Lease) -> int:
        """Add new commits to the totals of their templates."""
        with self.db.read() as connection:
            at = followers.load(connection, FOLLOWER)
            commits = followers.unseen(connection, at, limit)
        if not commits:
            return 0
        rows = (
            minutes.joined([commit.blob for commit in commits])
            .group_by("template_id")
            .agg(
                pl.col("n").sum(),
                pl.col("minute").min().alias("first") * minutes.MINUTE_US,
                (pl.col("minute").max() + 1).alias("last") * minutes.MINUTE_US - 1,
            )
        )
        with lease.write() as connection:
            self.templates.record_totals(connection, rows.sort("template_id").rows())
            followers.save(connection, FOLLOWER, at.after(commits))
        return len(commits)

    def join_minutes(self, limit: int, lease: Lease) -> int:
        """Rows older than an hour become one for each hour of arrival; rows older than 35 days go."""
        now = self.clock.now_us()
        with self.db.read() as connection:
            at = followers.load(connection, FOLLOWER)
            border = min(now - JOIN_AFTER_US, at.created_us - followers.OVERLAP_US) // HOUR_US * HOUR_US
            writer, rows = self._joinable(connection, border, at.newest_id, limit)
        old = delete(minute_counts).where(minute_counts.c.created_us < now - minutes.KEPT_US)
        with lease.write() as connection:
            gone = connection.execute(old).rowcount
            if len(rows) > 1:
                connection.execute(delete(minute_counts).where(minute_counts.c.id.in_([row.id for row in rows])))
                connection.execute(
                    insert(minute_counts).values(
                        id=max(row.id for row in rows),  # an id that followers know: what they saw stays seen
                        created_us=max(row.created_us for row in rows),
                        writer_id=writer,
                        first_ts_us=min(row.first_ts_us for row in rows),
                        last_ts_us=max(row.last_ts_us for row in rows),
                        first_id=min(row.first_id for row in rows),
                        last_id=max(row.last_id for row in rows),
                        blob=minutes.encode(minutes.joined_by_arrival([(row.blob, row.created_us) for row in rows])),
                    )
                )
        return limit if len(rows) > 1 else min(gone, limit - 1)

    def _joinable(
        self, connection: Connection, border: int, last_id: int, limit: int
    ) -> tuple[int, list[followers.Commit]]:
        """The rows of the oldest hour of arrival, and of one writer, that has more than one that the totals have."""
        table = minute_counts.c
        done = (table.created_us < border) & (table.id <= last_id)
        hour = table.created_us // HOUR_US
        crowded = connection.execute(
            select(hour, table.writer_id)
            .where(done)
            .group_by(hour, table.writer_id)
            .having(func.count() > 1)
            .order_by(hour)
            .limit(1)
        ).first()
        if crowded is None:
            return 0, []
        start = int(crowded[0]) * HOUR_US
        rows = connection.execute(
            select(minute_counts)
            .where(done, table.created_us >= start, table.created_us < start + HOUR_US, table.writer_id == crowded[1])
            .order_by(table.id)
            .limit(limit)
        )
        return int(crowded[1]), [
            followers.Commit(
                row.id, row.created_us, row.first_ts_us, row.last_ts_us, row.first_id, row.last_id, row.blob
            )
            for row in rows
        ]

    def fold_days(self, limit: int, lease: Lease) -> int:
        """Hours older than 8 weeks are added to their day and go."""
        border = (self.clock.now_us() - FOLD_AFTER_US) // DAY_US * 24
        table = event_counts.c
        keys = (table.hour, table.template_id, table.node_id, table.service_id, table.priority, table.writer_id)
        # Read in the transaction that deletes: what a late event adds in between would go with its row.
        with lease.write() as connection:
            rows = connection.execute(
                select(*keys, table.n).where(table.hour < border).order_by(*keys).limit(limit)
            ).all()
            if rows:
                add_counts(connection, day_counts, _by_day(rows, [key.name for key in keys]))
                connection.execute(
                    delete(event_counts).where(table.hour <= rows[-1].hour, tuple_(*keys) <= tuple(rows[-1])[:-1])
                )
        return len(rows)

    def fold_templates(self, limit: int, lease: Lease) -> int:
        """Silent templates fold into their family's rest, and their counts with them."""
        with lease.write() as connection:
            moved = self.templates.fold_silent(connection, limit)
            for table in (event_counts, day_counts):
                _move_counts(connection, table, moved)
        if moved:
            self.templates.forget()
        return len(moved)

    def expire(self, limit: int, lease: Lease) -> int:
        """Events older than the retention go, oldest first; their counts stay. A full disk costs the ballast first.
        MariaDB drops whole days, and gets those of the days to come.

        What a large step needs of the disk to write its changes down may not be there: a smaller one finds room.
        """
        self.make_room()
        if self.db.dialect != "sqlite":
            with lease.write():
                pass  # DDL cannot be fenced itself, only what comes right before it
            partitions.keep(self.db, self.clock.now_us(), self._border_us())
        for share in (limit, limit // 10):
            with contextlib.suppress(StorageFull):
                done = self._expire(share, lease)
                return limit if done == share else done
        return self._expire(limit // 100, lease)

    def _expire(self, limit: int, lease: Lease) -> int:
        border, table = self._border_us(), log_events.c
        old = select(table.ts_us, table.id).where(table.ts_us < border).order_by(table.ts_us, table.id)
        with self.db.read() as connection:
            keys = connection.execute(old.limit(limit)).all()
        if not keys:
            return 0
        with lease.write() as connection:
            # The first condition finds the partitions on MariaDB.
            gone = (table.ts_us <= keys[-1].ts_us) & (tuple_(table.ts_us, table.id) <= tuple(keys[-1]))
            connection.execute(delete(log_events).where(gone))
        return len(keys)

    def _border_us(self) -> int:
        """The start of the oldest day that is kept."""
        return (self.clock.now_us() - self.retention_days * DAY_US) // DAY_US * DAY_US


def _by_day(rows: Sequence[Sequence[int]], keys: list[str]) -> pl.DataFrame:
    """Rows of event_counts (`keys` and n) to rows of day_counts, sorted by key."""
    frame = pl.DataFrame([tuple(row) for row in rows], schema=[*keys, "n"], orient="row")
    day_keys = ["day", *keys[1:]]
    daily = frame.with_columns((pl.col("hour") // 24).alias("day"))
    return daily.group_by(day_keys).agg(pl.col("n").sum()).sort(day_keys)


def _move_counts(connection: Connection, table: Table, moved: dict[int, int]) -> None:
    """Add the counts of each template to those of the template that it was folded into."""
    if not moved:
        return
    theirs = table.c.template_id.in_(sorted(moved))
    rows = connection.execute(select(table).where(theirs)).all()
    if not rows:
        return
    columns = [column.name for column in table.c]
    frame = pl.DataFrame([tuple(row) for row in rows], schema=columns, orient="row")
    frame = frame.with_columns(pl.col("template_id").replace_strict(moved))
    keys = columns[:-1]
    add_counts(connection, table, frame.group_by(keys).agg(pl.col("n").sum()).sort(keys))
    connection.execute(delete(table).where(theirs))
