"""Following new events: every commit once, whichever process made it.

With several writers a lower id can commit later, so a follower re-reads an overlap of 60 s and skips what it saw.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update

from devmesh.events.tables import followers, minute_counts

OVERLAP_US = 60_000_000


@dataclass(frozen=True)
class Commit:
    """One row of minute_counts."""

    id: int
    created_us: int
    first_ts_us: int
    last_ts_us: int
    first_id: int
    last_id: int
    blob: bytes


@dataclass(frozen=True)
class Position:
    """How far a follower is: the newest creation time, and the (id, created_us) that it saw within the overlap
    before.
    """

    created_us: int = 0
    seen: frozenset[tuple[int, int]] = frozenset()

    @property
    def newest_id(self) -> int:
        """The highest id that was seen."""
        return max((number for number, _created in self.seen), default=0)

    def after(self, commits: list[Commit]) -> Position:
        """The position once these commits are done with."""
        return position(self.seen | {(commit.id, commit.created_us) for commit in commits}, self.created_us)


def position(saw: Iterable[tuple[int, int]], created_us: int = 0) -> Position:
    """Where a follower is that saw these (id, created_us) and all before; the newest id stays among them."""
    pairs = frozenset(saw)
    newest = max([created_us, *(created for _id, created in pairs)])
    last = max(pairs, default=None)
    return Position(newest, frozenset(pair for pair in pairs if pair[1] >= newest - OVERLAP_US or pair == last))


def unseen(connection: Connection, at: Position, limit: int) -> list[Commit]:
    """The next commits that a follower at this position has not seen, in order of id.

    A commit of another writer may have a lower id and come late: its time tells it. Where a clock was set back,
    its time is older than what was seen: its id tells it.
    """
    table = minute_counts.c
    # + 0 keeps SQLite on the index by time, of which this is the last minute.
    late = (table.created_us >= at.created_us - OVERLAP_US) & (table.id + 0 <= at.newest_id)
    listed = connection.execute(select(table.id, table.created_us).where(late))
    missed = sorted(row.id for row in listed if (row.id, row.created_us) not in at.seen)
    after = select(table.id).where(table.id > at.newest_id).order_by(table.id).limit(limit)
    new = [*missed, *connection.execute(after).scalars()][:limit]
    query = select(minute_counts).where(table.id.in_(new)).order_by(table.id)
    return [
        Commit(row.id, row.created_us, row.first_ts_us, row.last_ts_us, row.first_id, row.last_id, row.blob)
        for row in connection.execute(query)
    ]


def load(connection: Connection, name: str) -> Position:
    """The stored position of a follower; the very beginning for a new one."""
    row = connection.execute(select(followers).where(followers.c.name == name)).one_or_none()
    return Position() if row is None else Position(row.created_us, frozenset(map(tuple, json.loads(row.seen))))


def save(connection: Connection, name: str, at: Position) -> None:
    """Store a position, in the transaction that stores what was made of it."""
    row = {"created_us": at.created_us, "seen": json.dumps(sorted(at.seen))}
    changed = connection.execute(update(followers).where(followers.c.name == name).values(row))
    if changed.rowcount == 0:
        connection.execute(insert(followers).values(name=name, **row))
