"""Numbers for events and for writers.

Ids of events come in blocks of 1,000,000 from one row, so no insert asks the store for one; a process that ends wastes
the rest of its block. A writer's number is the lowest free one; counters carry it, so that two processes never share a
row.
"""

from __future__ import annotations

import threading

from sqlalchemy import Connection, insert, select, update

from devmesh.clock import Clock
from devmesh.db import Database
from devmesh.db.again import Contended
from devmesh.events.tables import id_blocks, writers

BLOCK = 1_000_000
WRITER_LEASE_US = 600_000_000


class EventIds:
    """Hands out ids from this process's block."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._next = self._end = 0
        self._lock = threading.Lock()

    def take(self, count: int) -> int:
        """The first of `count` consecutive ids; takes a new block in a transaction of its own when this one is used
        up.
        """
        with self._lock:
            if self._next + count > self._end:
                self._next = self._block(max(count, BLOCK))
                self._end = self._next + max(count, BLOCK)
            first = self._next
            self._next += count
            return first

    def _block(self, size: int) -> int:
        mine = id_blocks.c.name == "log_events"

        def move(connection: Connection) -> int:
            moved = connection.execute(update(id_blocks).where(mine).values(next_id=id_blocks.c.next_id + size))
            if moved.rowcount == 0:
                connection.execute(insert(id_blocks).values(name="log_events", next_id=1 + size))
            return int(connection.execute(select(id_blocks.c.next_id).where(mine)).scalar_one()) - size

        return self._db.transact(move)


def lease_writer(db: Database, clock: Clock, owner: str) -> int:
    """The writer id of `owner`: its own again, or the lowest that nobody holds."""
    now = clock.now_us()
    held = {"owner": owner, "lease_until": now + WRITER_LEASE_US}

    def lease(connection: Connection) -> int:
        rows = connection.execute(select(writers).order_by(writers.c.id)).all()
        mine = next((row for row in rows if row.owner == owner), None)
        free = mine or next((row for row in rows if row.lease_until <= now), None)
        if free is None:
            last = rows[-1].id if rows else 0
            connection.execute(insert(writers).values(id=last + 1, **held))
            return int(last) + 1
        as_seen = (writers.c.id == free.id) & (writers.c.owner == free.owner)
        if connection.execute(update(writers).where(as_seen).values(held)).rowcount == 0:
            raise Contended("Another server took the same writer's number.", retry_after_s=1)
        return int(free.id)

    return db.transact(lease)
