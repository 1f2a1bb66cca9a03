"""Whether somebody else works on a store just now. Moving one asks for it alone."""

from __future__ import annotations

import threading

from sqlalchemy import Connection, inspect

from devmesh.clock import Clock, SystemClock
from devmesh.db.engine import Database
from devmesh.db.sqlite import path_of
from devmesh.errors import Unavailable

STOP_IT = "Stop the DevMesh server (and whatever else is connected), then type the same again."
TRIES, PAUSE_S = 10, 0.2  # a connection that was closed stays in the server's list for a moment


def refuse_if_in_use(db: Database, clock: Clock | None = None) -> None:
    """Raise Unavailable where another process holds the store or is connected to it.

    On SQLite the lock file says so, and keeps others out while this process has the store open. A MariaDB server lists
    its connections, which a server of ours keeps open; another node of a cluster lists none of them here, but a loop's
    lease shows there as well.
    """
    if db.dialect == "sqlite":
        if not db.writable:
            pid = db.lock.holder().get("pid") if db.lock is not None else None
            who = f"Process {pid}" if pid else "Another process"
            raise Unavailable(f"{who} holds the store {path_of(db.url)}.", hint=STOP_IT)
        return
    clock, never = clock or SystemClock(), threading.Event()
    for left in reversed(range(TRIES)):
        with db.read() as connection:
            who = _others(connection)
        if not who:
            return
        if left:
            clock.wait(PAUSE_S, never)
    raise Unavailable(f"The database is in use: {who}.", hint=STOP_IT)


def _others(connection: Connection) -> str:
    """Who, in words; empty where nobody is. This process has one connection at most, the one that asks."""
    run = connection.exec_driver_sql
    others = run(
        "SELECT id, user, host FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
    ).all()
    if others:
        return ", ".join(f"connection {number} of {user}@{host}" for number, user, host in others[:5])
    if not inspect(connection).has_table("loops"):
        return ""
    owner = run(
        "SELECT owner FROM loops WHERE owner <> '' AND lease_until_us > UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 LIMIT 1"
    ).scalar()
    return f"the server {owner} works on it, or was killed within the last minute" if owner else ""
