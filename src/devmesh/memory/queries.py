"""What of the times in which nothing could be seen is asked and written in SQL."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, or_, select, update

from devmesh.db.lists import one_of
from devmesh.memory.model import BlindInterval
from devmesh.memory.sight import Before, Known, Unseen
from devmesh.memory.tables import blind_intervals, lookouts

_TOLD = [blind_intervals.c[one.name] for one in fields(BlindInterval)]
_LAST = [lookouts.c[one.name] for one in fields(Known)]


def last_look(connection: Connection) -> dict[int, Known]:
    """What the last look saw, by node; 0 is the server."""
    return {row.node_id: Known(*row[1:]) for row in connection.execute(select(lookouts.c.node_id, *_LAST))}


def remember(connection: Connection, seen: dict[int, Known], known: Collection[int]) -> None:
    """Write down what a look saw of some nodes; `known` have a row."""
    for node_id, one in seen.items():
        row = {name: getattr(one, name) for name in (field.name for field in fields(Known))}
        if node_id in known:
            connection.execute(update(lookouts).where(lookouts.c.node_id == node_id).values(row))
        else:
            connection.execute(insert(lookouts).values(node_id=node_id, **row))


def lasting(connection: Connection) -> dict[int, Unseen]:
    """The intervals that last, by node."""
    rows = connection.execute(
        select(*_TOLD, blind_intervals.c.before).where(blind_intervals.c.until_us.is_(None)).order_by(_TOLD[0])
    )
    return {row.node_id: Unseen(_told(row), msgspec.json.decode(row.before, type=Before)) for row in rows}


def save(connection: Connection, one: Unseen) -> None:
    """Write an interval down; one with number 0 is new."""
    row = {field.name: getattr(one.told, field.name) for field in fields(BlindInterval) if field.name != "id"}
    row["before"] = msgspec.json.encode(one.before).decode()
    if one.told.id:
        connection.execute(update(blind_intervals).where(blind_intervals.c.id == one.told.id).values(row))
    else:
        connection.execute(insert(blind_intervals).values(row))


def between(
    connection: Connection, since_us: int, until_us: int, node_ids: Collection[int] | None
) -> list[BlindInterval]:
    """Intervals that have a part in a span, the oldest first."""
    table = blind_intervals.c
    lasts = or_(table.until_us.is_(None), table.until_us > since_us)
    query = select(*_TOLD).where(table.since_us < until_us, lasts).order_by(table.since_us, table.node_id)
    if node_ids is not None:
        query = query.where(table.node_id.in_(list(node_ids)))
    return [_told(row) for row in connection.execute(query)]


def forget(connection: Connection, before_us: int, limit: int) -> None:
    """Delete what ended before a time, the oldest first."""
    table = blind_intervals.c
    old = select(table.id).where(table.until_us < before_us).order_by(table.until_us).limit(limit)
    ids = list(connection.execute(old).scalars())
    if ids:
        connection.execute(delete(blind_intervals).where(one_of(table.id, ids)))


def _told(row: Any) -> BlindInterval:
    return BlindInterval(*(getattr(row, field.name) for field in fields(BlindInterval)))
