"""When families changed: instants that only grow, so that whoever follows them by time misses none."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, func, select, update

from devmesh.clock import Clock
from devmesh.db.lists import one_of
from devmesh.templates.tables import families


def change_us(connection: Connection, clock: Clock) -> int:
    """The instant to note for a change: now, or just after the last one where the clock was set back."""
    last = connection.execute(select(func.coalesce(func.max(families.c.changed_us), 0))).scalar_one()
    return max(clock.now_us(), int(last) + 1)


def note_change(connection: Connection, clock: Clock, family_ids: Iterable[int]) -> None:
    """Note that these families changed: search and embeddings look at them again."""
    wanted = sorted(family_ids)
    if wanted:
        changed = update(families).where(one_of(families.c.id, wanted))
        connection.execute(changed.values(changed_us=change_us(connection, clock)))
