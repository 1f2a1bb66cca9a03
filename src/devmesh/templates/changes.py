"""When families changed: instants that only grow, so that whoever follows them by time misses none."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from devmesh.clock import Clock
from devmesh.templates.tables import families


def change_us(connection: Connection, clock: Clock) -> int:
    """The instant to note for a change: now, or just after the last one where the clock was set back."""
    last = connection.execute(select(func.coalesce(func.max(families.c.changed_us), 0))).scalar_one()
    return max(clock.now_us(), int(last) + 1)
