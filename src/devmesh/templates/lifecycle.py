"""The life of templates after their birth: the silent ones fold into `<rest>`; see migration.py for those whose rules
became better.

Ids are never reused or deleted: a template that is folded or migrated keeps its row and says where it went
(`merged_into`).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, or_, select, update

from devmesh.templates import totals
from devmesh.templates.canonical import CANON_VERSION
from devmesh.templates.levels import level_of
from devmesh.templates.registry import REST_TEXT, reserved_hash
from devmesh.templates.tables import log_templates

SILENT_US = 30 * 86_400_000_000
FEW_EVENTS = 10


def fold_silent(connection: Connection, now_us: int, limit: int) -> dict[int, int]:
    """Redirect templates that were silent for 30 days with fewer than 10 events to their family's `<rest>`.

    Returns {template id: id of its rest}; the caller moves their counts in the same transaction.
    """
    table = log_templates.c
    quiet = func.coalesce(table.last_seen_us, table.created_us) < now_us - SILENT_US
    young = table.created_us >= now_us - SILENT_US
    query = (
        select(table.id, table.service_id, table.family_id, table.event_count)
        .where(
            quiet,
            ~young,
            table.event_count < FEW_EVENTS,
            table.merged_into.is_(None),
            table.family_id.is_not(None),
            table.template != REST_TEXT,
        )
        .order_by(table.id)
        .limit(limit)
    )
    rows = connection.execute(query).all()
    rests = {row.family_id: _rest_of(connection, row.service_id, row.family_id, now_us) for row in rows}
    moved = {row.id: rests[row.family_id] for row in rows}
    redirect(connection, moved, now_us)
    emptied = update(log_templates).where(table.id.in_(sorted(moved)))
    connection.execute(emptied.values(event_count=0))
    added = [{"rest": rests[row.family_id], "n": row.event_count} for row in rows if row.event_count]
    if added:
        add = update(log_templates).where(table.id == bindparam("rest"))
        connection.execute(add.values(event_count=table.event_count + bindparam("n")), added)
    totals.refresh(connection, rests)
    return moved


def redirect(connection: Connection, moved: dict[int, int], now_us: int) -> None:
    """Let each template, and whatever was redirected to it before, point at its new place."""
    if not moved:
        return
    table, target = log_templates.c, log_templates.alias("target")
    earlier = or_(table.id == bindparam("gone"), table.merged_into == bindparam("gone"))
    home = select(target.c.family_id).where(target.c.id == bindparam("into")).scalar_subquery()
    change = update(log_templates).where(earlier)
    connection.execute(
        change.values(merged_into=bindparam("into"), family_id=home, updated_at=now_us),
        [{"gone": gone, "into": into} for gone, into in moved.items()],
    )


def _rest_of(connection: Connection, service_id: int, family_id: int, now_us: int) -> int:
    key = reserved_hash("rest", family_id)
    return find_or_make(connection, service_id, key, REST_TEXT, now_us, family_id=family_id)


def find_or_make(connection: Connection, service_id: int, key: bytes, text: str, now_us: int, **more: Any) -> int:
    """The id of the template with this key, followed where it was merged; made with `more` where there is none."""
    table = log_templates.c
    this = (table.service_id == service_id) & (table.canon_hash == key) & (table.canon_version == CANON_VERSION)
    found = connection.execute(select(table.id, table.merged_into).where(this)).first()
    if found is not None:
        return int(found.merged_into or found.id)
    row = {
        "service_id": service_id,
        "canon_hash": key,
        "canon_version": CANON_VERSION,
        "template": text,
        "level": level_of(text),
        "created_us": now_us,
        "updated_at": now_us,
        "event_count": 0,
        **more,
    }
    return int(connection.execute(insert(log_templates).values(row).returning(table.id)).scalar_one())
