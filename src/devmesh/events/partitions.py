"""The days of log_events on MariaDB: partitions made ahead and dropped whole, by one loop alone.

    past        everything before the first day that was made: history that was imported; its rows expire one by one
    d20261122   one UTC day
    rest        the days after the last that was made; nearly empty, since days are made ahead

A change waits 3 s for readers at most and is tried again at the loop's next turn: an ALTER that waits for one open read
holds up every insert behind it.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection

from devmesh.db import Database
from devmesh.db.again import Contended
from devmesh.errors import Unavailable

DAY_US = 86_400_000_000
DAYS_AHEAD = 3
MOST_AT_ONCE = 400
NEVER = -(2**63)


def keep(db: Database, now_us: int, border_us: int) -> None:
    """Make the partitions of today and of 3 days ahead, drop those that end at `border_us` or before.

    Raises Unavailable where readers did not let go in time.
    """
    with db.read() as connection:
        ends = _ends(connection)
    made = [end for end in ends.values() if end is not None]
    today = now_us // DAY_US
    first = max(made) // DAY_US if made else today
    days = range(first, min(today + DAYS_AHEAD + 1, first + MOST_AT_ONCE))
    old = [name for name, end in ends.items() if name != "past" and end is not None and end <= border_us]
    if not days and not old:
        return
    try:
        _change(db, days, first, old, begin=not made)
    except Contended as busy:  # a step that was in another's way is tried again at once, and each try holds inserts up
        raise Unavailable(f"{busy.message} It is tried at the next turn.", retry_after_s=busy.retry_after_s) from busy


def _change(db: Database, days: range, first: int, old: list[str], *, begin: bool) -> None:
    """Make these days, the first ones also with `past` before them, and drop the old ones."""
    with db.change_schema() as connection:
        if days:
            parts = [_part(f"d{_name(day)}", (day + 1) * DAY_US) for day in days]
            if begin:
                parts.insert(0, _part("past", first * DAY_US))
            whole = ", ".join([*parts, "PARTITION rest VALUES LESS THAN MAXVALUE"])
            connection.exec_driver_sql(f"ALTER TABLE log_events REORGANIZE PARTITION rest INTO ({whole})")
        if old:
            connection.exec_driver_sql(f"ALTER TABLE log_events DROP PARTITION {', '.join(old)}")


def prepare(target: Database, source: Database, now_us: int) -> None:
    """Make the days of the source's events in a target that has none yet, before they are loaded: to split `rest` into
    days later would copy it under a lock. What is older than 400 days lies in `past`. Then those up to 3 days ahead.

    Raises Unavailable where readers did not let go in time.
    """
    if target.dialect != "sqlite":
        _make_days_of(target, source)
        keep(target, now_us, border_us=NEVER)


def _make_days_of(target: Database, source: Database) -> None:
    with source.read() as connection:
        first, last = connection.exec_driver_sql("SELECT MIN(ts_us), MAX(ts_us) FROM log_events").one()
    with target.read() as connection:
        made = len(_ends(connection)) > 1
    if made or last is None:
        return
    days = range(max(first // DAY_US, last // DAY_US - MOST_AT_ONCE + 1), last // DAY_US + 1)
    parts = [_part("past", days[0] * DAY_US), *(_part(f"d{_name(day)}", (day + 1) * DAY_US) for day in days)]
    whole = ", ".join([*parts, "PARTITION rest VALUES LESS THAN MAXVALUE"])
    with target.change_schema() as connection:
        connection.exec_driver_sql(f"ALTER TABLE log_events REORGANIZE PARTITION rest INTO ({whole})")


def _ends(connection: Connection) -> dict[str, int | None]:
    """The partitions in order, with the time that each ends before; None for the last."""
    found = connection.exec_driver_sql(
        "SELECT partition_name, partition_description FROM information_schema.partitions"
        " WHERE table_schema = DATABASE() AND table_name = 'log_events' ORDER BY partition_ordinal_position"
    )
    return {name: None if end == "MAXVALUE" else int(end) for name, end in found}


def _part(name: str, end_us: int) -> str:
    return f"PARTITION {name} VALUES LESS THAN ({end_us})"


def _name(day: int) -> str:
    return f"{datetime.fromtimestamp(day * DAY_US / 1e6, UTC):%Y%m%d}"
