"""Where to look: the stretches of time in which a template, a service or a node spoke, newest first.

event_counts says in which hours; minute_counts narrows a busy hour to its minutes. That is how the last words of a rare
service are found among a million lines without an index on every column.
"""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
from sqlalchemy import ColumnElement, Connection, Table, bindparam, select

from devmesh.events import minutes
from devmesh.events.filters import Filter
from devmesh.events.tables import day_counts, event_counts, minute_counts

HOUR_US = 3_600_000_000
MINUTE_US = 60_000_000
MAX_BLOBS = 400
FIRST_STRIDE_HOURS = 24

Window = tuple[int, int]

# Built once: a question about a rare service asks it for every hour, and building costs more than running.
_BLOBS = (
    select(minute_counts.c.id, minute_counts.c.blob)
    .where(minute_counts.c.last_ts_us >= bindparam("first"), minute_counts.c.first_ts_us < bindparam("last"))
    .limit(MAX_BLOBS + 1)
)


def windows(
    connection: Connection, asked: Filter, before_us: int, oldest_us: int, minutes_from_us: int
) -> Iterator[Window]:
    """Stretches [from, to) of time to look through, newest first, between `oldest_us` and `before_us`.

    Before `minutes_from_us` minute_counts may have let rows go: hours are looked through whole there.
    """
    if not _names_something(asked):
        yield oldest_us, before_us
        return
    upper, width = -(-before_us // HOUR_US), FIRST_STRIDE_HOURS
    lowest = oldest_us // HOUR_US
    known: dict[int, frozenset[int]] = {}
    while upper > lowest:
        lower = max(lowest, upper - width)
        for first_hour, last_hour in _spoken(connection, asked, lower, upper):
            first, last = max(oldest_us, first_hour * HOUR_US), min(before_us, last_hour * HOUR_US)
            if first < minutes_from_us and first < last:
                yield first, last
            elif first < last:
                yield from _minutes(connection, asked, first, last, known)
        upper, width = lower, width * 4


def _names_something(asked: Filter) -> bool:
    names = (asked.template_ids, asked.service_ids, asked.node_ids, asked.priority)
    return any(part is not None for part in names)


def _spoken(connection: Connection, asked: Filter, lower: int, upper: int) -> list[Window]:
    """Hours [from, to) in lower..upper in which something matches, newest first; a folded day counts as 24 of them."""
    hour, day = event_counts.c.hour, day_counts.c.day
    by_hour = select(hour).distinct().where((hour >= lower) & (hour < upper), *_named(event_counts, asked))
    by_day = select(day).distinct().where((day >= lower // 24) & (day <= upper // 24), *_named(day_counts, asked))
    spans = [(number, number + 1) for number in connection.execute(by_hour).scalars()]
    spans += [
        (max(lower, 24 * number), min(upper, 24 * number + 24)) for number in connection.execute(by_day).scalars()
    ]
    return sorted(_merged(spans), reverse=True)


def _named(table: Table, asked: Filter) -> list[ColumnElement[bool]]:
    parts: list[ColumnElement[bool]] = []
    for column, ids in (
        (table.c.template_id, asked.template_ids),
        (table.c.service_id, asked.service_ids),
        (table.c.node_id, asked.node_ids),
    ):
        if ids is not None:
            parts.append(column.in_(ids))
    if asked.priority is not None:
        parts.append(table.c.priority <= asked.priority)
    return parts


def _merged(spans: list[Window]) -> list[Window]:
    """Each hour once: a late event of a folded hour stands in both tables."""
    out: list[Window] = []
    for first, last in sorted(spans):
        if out and first < out[-1][1]:
            out[-1] = (out[-1][0], max(out[-1][1], last))
        elif first < last:
            out.append((first, last))
    return out


def _minutes(
    connection: Connection, asked: Filter, first: int, last: int, known: dict[int, frozenset[int]]
) -> Iterator[Window]:
    """The minutes of one hour in which something matches; the whole hour where that is not known cheaply.

    `known` remembers the matching minutes of each row for the next hour: a commit often lies in two.
    """
    rows = connection.execute(_BLOBS, {"first": first, "last": last}).all()
    if not rows or len(rows) > MAX_BLOBS:
        yield first, last
        return
    matching = _matches(asked)
    needed = ("minute", *matching.meta.root_names())
    for row in rows:
        if row.id not in known:
            known[row.id] = frozenset(minutes.decode(row.blob, needed).filter(matching)["minute"].unique())
    found: set[int] = set().union(*(known[row.id] for row in rows))
    spans = _joined(
        sorted(minute for minute in found if first < (minute + 1) * MINUTE_US and minute * MINUTE_US < last)
    )
    for low, high in reversed(spans):
        yield max(first, low * MINUTE_US), min(last, (high + 1) * MINUTE_US)


def _matches(asked: Filter) -> pl.Expr:
    parts = [pl.lit(value=True)]
    for column, ids in (
        ("template_id", asked.template_ids),
        ("service_id", asked.service_ids),
        ("node_id", asked.node_ids),
    ):
        if ids is not None:
            parts.append(pl.col(column).is_in(list(ids)))
    if asked.priority is not None:
        parts.append(pl.col("priority") <= asked.priority)
    return pl.all_horizontal(parts)


def _joined(numbers: list[int]) -> list[tuple[int, int]]:
    """Sorted numbers as runs of neighbours."""
    spans: list[tuple[int, int]] = []
    for number in numbers:
        if spans and number == spans[-1][1] + 1:
            spans[-1] = (spans[-1][0], number)
        else:
            spans.append((number, number))
    return spans
