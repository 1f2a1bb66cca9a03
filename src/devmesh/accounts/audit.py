"""Who did what: a row for each thing that people, tokens and the command line changed, written in the transaction that
changed it, so that neither is there without the other. The newest 100,000 are kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from devmesh.accounts.tables import audit
from devmesh.clock import Clock
from devmesh.db import Database
from devmesh.paging import LIMIT_DEFAULT, Page, check_limit, first_of, number_in

COMMAND_LINE = "command line"
KEPT = 100_000
TRIM_EVERY = 1_000
WHAT_CHARS = 600


@dataclass(frozen=True)
class Deed:
    """Something that was done: `who` is a user's name, `token 3`, `command line` or `this machine`."""

    id: int
    at_us: int
    who: str
    did: str
    what: str


def record(connection: Connection, clock: Clock, who: str, did: str, what: str) -> None:
    """Write down that `who` (64 characters) `did` something (32) to `what`, in the caller's transaction."""
    row = {"at_us": clock.now_us(), "who": who, "did": did, "what": what[:WHAT_CHARS]}
    number = connection.execute(insert(audit).values(row).returning(audit.c.id)).scalar_one()
    if number % TRIM_EVERY == 0:
        connection.execute(delete(audit).where(audit.c.id <= number - KEPT))


class Audit:
    """What was done, to look at."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def list(self, limit: int = LIMIT_DEFAULT, cursor: str | None = None) -> Page[Deed]:
        """At most `limit` (1,000) deeds, the newest first. Raises InvalidInput for a limit out of bounds or a cursor
        that is none.
        """
        check_limit(limit)
        query = select(audit).order_by(audit.c.id.desc()).limit(limit + 1)
        with self._db.read() as connection:
            rows = connection.execute(query.where(audit.c.id < number_in(cursor)) if cursor else query).all()
        return first_of([_deed(row) for row in rows], limit, lambda deed: str(deed.id))


def _deed(row: Any) -> Deed:
    return Deed(row.id, row.at_us, row.who, row.did, row.what)
