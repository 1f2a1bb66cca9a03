"""The loop that gives every template its family, and keeps families' texts and merges written down.

Only the holder of the loop's lease assigns, so families are deterministic once stored: the books in memory are what the
tables say, and are thrown away with the lease, after a failure, or when people merge or split (`by_hand.py`). A merge
rewrites the `family_id` of the members and leaves `merged_into` behind; no count moves.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, or_, select, update

from devmesh.clock import Clock
from devmesh.db import Database
from devmesh.loops import Lease
from devmesh.templates import totals
from devmesh.templates.changes import change_us, note_change
from devmesh.templates.family import FamilyBook, Outcome, StoredFamily
from devmesh.templates.tables import families, log_templates

LOOP = "assign-families"
FAMILIES_KEPT = 20_000  # in all books together; each takes about 4 KB
LONGEST_S = 0.5  # of one step, in which nobody else writes


class Assigner:
    """Assigns families to templates that have none."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock
        self._books: OrderedDict[int, FamilyBook] = OrderedDict()
        self._held = 0  # families in all books, as of the last step and of what was read since
        self._term: tuple[str, int] | None = None

    def step(self, limit: int, lease: Lease) -> int:
        """Assign at most `limit` templates, service by service; returns `limit` where some must wait for the next step,
        so that writers get their turn in between.
        """
        if self._term != (lease.owner, lease.term):
            self._forget()
            self._term = (lease.owner, lease.term)
        table = log_templates.c
        query = select(table.id, table.service_id, table.template, table.level).where(
            table.family_id.is_(None), table.merged_into.is_(None)
        )
        with self._db.read() as connection:
            rows = connection.execute(query.order_by(table.service_id, table.id).limit(limit)).all()
        if not rows:
            return 0
        by_service: dict[int, list[Any]] = defaultdict(list)
        for row in rows:
            by_service[row.service_id].append(row)
        deadline, done = self._clock.monotonic_s() + LONGEST_S, 0
        try:
            with lease.write() as connection:
                for service_id, members in by_service.items():
                    self._assign(connection, service_id, members)
                    done += len(members)
                    if self._clock.monotonic_s() > deadline:
                        break
        except BaseException:
            self._forget()  # they ran ahead of the tables
            raise
        self._held = sum(map(len, self._books.values()))
        return len(rows) if done == len(rows) else limit

    def _forget(self) -> None:
        self._books.clear()
        self._held = 0

    def _assign(self, connection: Connection, service_id: int, rows: Sequence[Any]) -> None:
        book, now = self._book(connection, service_id), change_us(connection, self._clock)
        outcome = book.assign([(row.id, row.template, row.level) for row in rows])
        stored = self._store_new(connection, service_id, outcome, {row.id: row.level for row in rows}, now)
        for provisional, family_id in stored.items():
            book.adopt(provisional, family_id)
        reworded = [{"of_family": key, "new_text": text} for key, text in outcome.texts.items() if key > 0]
        if reworded:
            of_family = update(families).where(families.c.id == bindparam("of_family"))
            connection.execute(of_family.values(text=bindparam("new_text"), changed_us=now), reworded)
        table = log_templates.c
        for gone, root in outcome.merged.items():
            into = stored.get(root, root)
            earlier = (families.c.id == gone) | (families.c.merged_into == gone)
            connection.execute(update(families).where(earlier).values(merged_into=into, changed_us=now))
            connection.execute(update(log_templates).where(table.family_id == gone).values(family_id=into))
        homes = [{"of_template": key, "home": stored.get(home, home)} for key, home in outcome.assigned.items()]
        # What was migrated or folded into a template lives in its family.
        this = or_(table.id == bindparam("of_template"), table.merged_into == bindparam("of_template"))
        connection.execute(update(log_templates).where(this).values(family_id=bindparam("home")), homes)
        changed = {one["home"] for one in homes} | {stored.get(root, root) for root in outcome.merged.values()}
        totals.refresh(connection, changed)
        note_change(connection, self._clock, changed)

    def _store_new(
        self, connection: Connection, service_id: int, outcome: Outcome, levels: dict[int, int | None], changed_us: int
    ) -> dict[int, int]:
        """Insert the families that are new; their provisional numbers to their ids."""
        fresh = sorted({number for number in outcome.assigned.values() if number < 0}, reverse=True)
        if not fresh:
            return {}
        # Only the holder of the lease makes families, so the next ids are known and all rows go in at once.
        first = int(connection.execute(select(func.coalesce(func.max(families.c.id), 0))).scalar_one()) + 1
        stored = {provisional: first + place for place, provisional in enumerate(fresh)}
        now = self._clock.now_us()
        rows = [
            {
                "id": family_id,
                "service_id": service_id,
                "text": outcome.texts[provisional],
                "exemplar_template_id": -provisional,
                "level": levels[-provisional],
                "created_us": now,
                "changed_us": changed_us,
            }
            for provisional, family_id in stored.items()
        ]
        connection.execute(insert(families), rows)
        return stored

    def _book(self, connection: Connection, service_id: int) -> FamilyBook:
        """The service's families: kept in memory for the services that were last asked for."""
        book = self._books.pop(service_id, None)
        if book is None:
            table = families.c
            rows = connection.execute(
                select(table.id, table.text, table.level).where(
                    table.service_id == service_id, table.merged_into.is_(None), table.apart.is_(False)
                )
            )
            book = FamilyBook(StoredFamily(row.id, row.text, row.level) for row in rows)
            self._held += len(book)
        self._books[service_id] = book
        while len(self._books) > 1 and self._held > FAMILIES_KEPT:
            self._held -= len(self._books.popitem(last=False)[1])
        return book
