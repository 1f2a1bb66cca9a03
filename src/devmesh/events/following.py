"""Following some templates for ever: from a stored position, each event once, nothing read of what has none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from devmesh.clock import Clock
from devmesh.db import Database
from devmesh.events import followers, minutes, queries
from devmesh.events.filters import Event, Filter

COMMITS = 50  # at a time


@dataclass(frozen=True)
class Part:
    """New events since a position, oldest first, of `commits` commits, and the position after them; `missed` more
    matched than were asked for.
    """

    events: list[Event]
    position: followers.Position
    missed: int
    commits: int


class Following:
    """What a loop calls that follows events by what they say."""

    def __init__(self, db: Database, clock: Clock, as_events: Callable[[Iterable[Any]], list[Event]]) -> None:
        self._db, self._clock, self._as_events = db, clock, as_events

    def position(self, name: str) -> followers.Position:
        """How far a follower of this name is; at the very beginning, if it is new."""
        with self._db.read() as connection:
            return followers.load(connection, name)

    def keep(self, connection: Connection, name: str, at: followers.Position) -> None:
        """Store how far a follower is, in the transaction that stores what it made of the events before."""
        followers.save(connection, name, at)

    def next(self, wanted: Callable[[Sequence[int]], Sequence[int]], at: followers.Position, limit: int) -> Part:
        """Events of some templates stored since `at`: `wanted` says which of the templates of a commit, of which the
        newest `limit` are read. Looks for at most 2 s.
        """
        deadline = self._clock.monotonic_s() + queries.READ_LIMIT_S
        rows: list[Any] = []
        looked: list[followers.Commit] = []
        matching = 0
        with self._db.read() as connection:
            for commit in followers.unseen(connection, at, COMMITS):
                there = minutes.decode(commit.blob, ("template_id",))["template_id"].unique()
                some = tuple(wanted(there.to_list()))
                if some:
                    span = commit.first_ts_us, commit.last_ts_us, commit.first_id, commit.last_id
                    found, n = queries.in_commit(connection, Filter(template_ids=some), *span, limit)
                    rows += found
                    matching += n
                looked.append(commit)
                if len(rows) >= limit or self._clock.monotonic_s() > deadline:
                    break
        rows.sort(key=lambda row: (row.ts_us, row.id))
        return Part(self._as_events(rows), at.after(looked), matching - len(rows), len(looked))
