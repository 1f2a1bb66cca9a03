"""A lease on a loop and the fence that makes it safe.

A process that slept through its lease cannot know it; the database does. Each take-over raises `term`, and a step's
transaction ends with an update that asks for its own owner and term: no row, no commit (the fencing token of Kleppmann,
"How to do distributed locking", 2016).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from devmesh.clock import Clock
from devmesh.db import Database
from devmesh.errors import DevMeshError
from devmesh.loops.tables import loops

LEASE_US = 60_000_000


class LeaseLost(DevMeshError):
    """Another process runs this loop now; the step was rolled back."""

    code = "lease_lost"


@dataclass(frozen=True)
class Lease:
    """The right to run one loop, in one term."""

    db: Database
    clock: Clock
    name: str
    owner: str
    term: int

    @contextlib.contextmanager
    def write(self) -> Iterator[Connection]:
        """A write transaction that commits only while this lease holds; raises LeaseLost otherwise."""
        with self.db.write() as connection:
            yield connection
            self.fence(connection)

    def renew(self) -> None:
        """Hold it for longer, in the middle of a step; raises LeaseLost."""
        with self.write():
            pass

    def fence(self, connection: Connection) -> None:
        """The last statement of a step's transaction."""
        mine = (loops.c.name == self.name) & (loops.c.owner == self.owner) & (loops.c.term == self.term)
        held = connection.execute(update(loops).where(mine).values(lease_until_us=self.clock.now_us() + LEASE_US))
        if held.rowcount != 1:
            raise LeaseLost

    def note(self, done: int, error: str | None, failures: int) -> None:
        """Leave word of the last run for health."""
        mine = (loops.c.name == self.name) & (loops.c.owner == self.owner) & (loops.c.term == self.term)
        with self.db.write() as connection:
            connection.execute(
                update(loops)
                .where(mine)
                .values(last_run_us=self.clock.now_us(), last_done=done, last_error=error, failures=failures)
            )


def take(db: Database, clock: Clock, name: str, owner: str) -> Lease | None:
    """The lease on loop `name` for `owner`, or None while another process holds it.

    One that ran out and that nobody else took goes on in its term: what its holder keeps in memory still holds.
    """
    now = clock.now_us()
    with db.read() as connection:
        row = connection.execute(select(loops).where(loops.c.name == name)).one_or_none()
    if row is not None and row.owner == owner and row.lease_until_us > now:
        return Lease(db, clock, name, owner, row.term)
    if row is not None and row.owner and row.owner != owner and row.lease_until_us > now:
        return None
    if row is None:
        return _take_new(db, clock, name, owner)
    with db.write() as connection:
        term = row.term if row.owner == owner else row.term + 1
        taken = connection.execute(
            update(loops)
            .where((loops.c.name == name) & (loops.c.owner == row.owner) & (loops.c.term == row.term))
            .values(owner=owner, term=term, lease_until_us=now + LEASE_US)
        )
    return Lease(db, clock, name, owner, term) if taken.rowcount == 1 else None


def _take_new(db: Database, clock: Clock, name: str, owner: str) -> Lease | None:
    """The lease on a loop that has no row yet; whoever else inserts it first has it."""
    row = {"name": name, "owner": owner, "term": 1, "lease_until_us": clock.now_us() + LEASE_US, "failures": 0}
    try:
        with db.write() as connection:
            connection.execute(insert(loops).values(row))
    except IntegrityError:
        return take(db, clock, name, owner)
    return Lease(db, clock, name, owner, 1)


def release(db: Database, owner: str) -> None:
    """Hand back every lease that `owner` holds."""
    with db.write() as connection:
        connection.execute(update(loops).where(loops.c.owner == owner).values(lease_until_us=0))


def interrupt(connection: Connection, name: str) -> None:
    """Let the step of loop `name` that runs now roll back, and its holder forget what it keeps in memory.

    The first statement of a transaction that changes by hand what the loop works on: it waits for a step that is about
    to commit, and one that comes later finds another term.
    """
    connection.execute(update(loops).where(loops.c.name == name).values(term=loops.c.term + 1))
