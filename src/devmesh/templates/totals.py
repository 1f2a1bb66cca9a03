"""Totals of templates and of their families: added up by the loop that follows commits, never by intake."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import BigInteger, Connection, bindparam, case, func, select, update

from devmesh.templates.tables import families, log_templates

CHUNK = 500
NOTHING = {"events": 0, "first": None, "last": None, "members": 0}  # a family whose members all moved away
Total = tuple[int, int, int, int]  # template_id, n, first_ts_us, last_ts_us


def record(connection: Connection, rows: Sequence[Total], now_us: int) -> None:
    """Add to the totals of these templates, and bring their families' totals up to date."""
    table = log_templates.c
    first, last = bindparam("first", type_=BigInteger()), bindparam("last", type_=BigInteger())
    add = (
        update(log_templates)
        .where(table.id == bindparam("of_template"))
        .values(
            event_count=table.event_count + bindparam("n"),
            updated_at=now_us,
            first_seen_us=case((table.first_seen_us < first, table.first_seen_us), else_=first),
            last_seen_us=case((table.last_seen_us > last, table.last_seen_us), else_=last),
        )
    )
    connection.execute(add, [dict(zip(("of_template", "n", "first", "last"), row, strict=True)) for row in rows])
    ids = sorted(row[0] for row in rows)
    touched: set[int] = set()
    for start in range(0, len(ids), CHUNK):
        query = select(table.family_id).where(table.id.in_(ids[start : start + CHUNK]), table.family_id.is_not(None))
        touched.update(connection.execute(query.distinct()).scalars())
    refresh(connection, touched)


def refresh(connection: Connection, family_ids: Iterable[int]) -> None:
    """Make the totals of these families the sums over their members."""
    table, wanted = log_templates.c, sorted(set(family_ids))
    for start in range(0, len(wanted), CHUNK):
        sums = (
            select(
                table.family_id.label("of_family"),
                func.sum(table.event_count).label("events"),
                func.min(table.first_seen_us).label("first"),
                func.max(table.last_seen_us).label("last"),
                func.count().label("members"),
            )
            .where(table.family_id.in_(wanted[start : start + CHUNK]))
            .group_by(table.family_id)
        )
        rows = [dict(row._mapping) for row in connection.execute(sums)]  # noqa: SLF001 - SQLAlchemy's public name
        known = {row["of_family"] for row in rows}
        rows += [NOTHING | {"of_family": family} for family in wanted[start : start + CHUNK] if family not in known]
        change = update(families).where(families.c.id == bindparam("of_family"))
        connection.execute(
            change.values(
                event_count=bindparam("events"),
                first_seen_us=bindparam("first"),
                last_seen_us=bindparam("last"),
                template_count=bindparam("members"),
            ),
            rows,
        )
