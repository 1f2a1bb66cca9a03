"""Names to numbers: nodes and services, created on first sight, cached after their commit.

Names are never reused or deleted, so a cache entry holds for ever.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable

from sqlalchemy import Connection, Table, func, insert, select

from devmesh.clock import Clock
from devmesh.db import Database

CHUNK = 500
OVERFLOW = "<overflow>"


class Names:
    """The ids of one table's names, both ways."""

    def __init__(self, db: Database, clock: Clock, table: Table, bound: int) -> None:
        self._db, self._clock, self._table, self._bound = db, clock, table, bound
        self._overflow = select(table.c.id).where(table.c.name == OVERFLOW)
        self._ids: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._lock = threading.Lock()

    def ids(self, names: Iterable[str], *, create: bool = True) -> dict[str, int]:
        """The ids of `names`; unknown ones are created in a transaction of their own, or left out.

        Names beyond the bound all have the id of `<overflow>`.
        """
        wanted = set(names)
        unknown = wanted - self._ids.keys()
        if unknown:
            self._load(unknown)
            unknown -= self._ids.keys()
        if unknown and create:
            self._create(sorted(unknown))
        found = {name: self._ids[name] for name in wanted if name in self._ids}
        if create and len(found) < len(wanted):
            found |= dict.fromkeys(wanted - found.keys(), self._ids[OVERFLOW])
        return found

    def names(self, ids: Iterable[int]) -> dict[int, str]:
        """The names of `ids`; unknown ids are left out."""
        wanted = set(ids)
        unknown = sorted(wanted - self._names.keys())
        for start in range(0, len(unknown), CHUNK):
            with self._db.read() as connection:
                rows = connection.execute(
                    select(self._table.c.id, self._table.c.name).where(
                        self._table.c.id.in_(unknown[start : start + CHUNK])
                    )
                ).all()
            self._learn([(row.id, row.name) for row in rows])
        return {key: self._names[key] for key in wanted if key in self._names}

    def _load(self, names: set[str]) -> None:
        ordered = sorted(names)
        for start in range(0, len(ordered), CHUNK):
            with self._db.read() as connection:
                rows = connection.execute(
                    select(self._table.c.id, self._table.c.name).where(
                        self._table.c.name.in_(ordered[start : start + CHUNK])
                    )
                ).all()
            self._learn([(row.id, row.name) for row in rows])

    def _create(self, names: list[str]) -> None:
        self._db.transact(lambda connection: self._insert(connection, names))
        self._load({*names, OVERFLOW})

    def _insert(self, connection: Connection, names: list[str]) -> None:
        """Insert those that are not there yet, as far as the bound lets them."""
        now, known = self._clock.now_us(), set[str]()
        for start in range(0, len(names), CHUNK):
            found = connection.execute(
                select(self._table.c.name).where(self._table.c.name.in_(names[start : start + CHUNK]))
            )
            known.update(found.scalars())
        there = connection.execute(select(func.count()).select_from(self._table)).scalar_one()
        fresh = [name for name in names if name not in known]
        kept = fresh[: max(0, self._bound - there)]
        if len(kept) < len(fresh) and not connection.execute(self._overflow).first():
            kept.append(OVERFLOW)
        if kept:
            connection.execute(insert(self._table), [{"name": name, "created_us": now} for name in kept])

    def _learn(self, rows: list[tuple[int, str]]) -> None:
        with self._lock:
            for key, name in rows:
                self._ids[name] = key
                self._names[key] = name
