"""Where to look: the stretches of time in which a template, a service or a node spoke, newest first or oldest first.

event_counts says in which hours; minute_counts narrows a busy hour to its minutes. That is how the last words of a rare
service are found among a million lines without an index on every column.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import polars as pl
from sqlalchemy import ColumnElement, Executable, Table, bindparam, func, not_, select

from devmesh.db.lists import one_of
from devmesh.events import minutes
from devmesh.events.filters import Filter
from devmesh.events.tables import day_counts, event_counts, log_events, minute_counts

HOUR_US = 3_600_000_000
MINUTE_US = 60_000_000
MAX_BLOBS = 400
FIRST_STRIDE_HOURS = 24
LAST_STRIDE_HOURS = 24 * 28  # one statement looks through no more of event_counts

Window = tuple[int, int]
Ask = Callable[[Executable, Mapping[str, int]], Sequence[Any]]  # runs a statement, in whose transaction is its matter

# Built once: a question about a rare service asks them for every hour, and building costs more than running.
_BLOBS = (
    select(minute_counts.c.id, minute_counts.c.blob)
    .where(minute_counts.c.last_ts_us >= bindparam("first"), minute_counts.c.first_ts_us < bindparam("last"))
    .limit(MAX_BLOBS + 1)
)
_TIMES = select(log_events.c.ts_us).where(
    log_events.c.ts_us >= bindparam("low"), log_events.c.ts_us < bindparam("high")
)
_BORDER_BELOW = _TIMES.order_by(log_events.c.ts_us.desc(), log_events.c.id.desc()).limit(1).offset(bindparam("rows"))
_BORDER_ABOVE = _TIMES.order_by(log_events.c.ts_us, log_events.c.id).limit(1).offset(bindparam("rows"))


def windows(
    ask: Ask, asked: Filter, span: Window, minutes_from_us: int, *, oldest_first: bool = False
) -> Iterator[Window]:
    """Stretches [from, to) of time to look through, in order, within `span`; an empty one says how far it came.

    Before `minutes_from_us` minute_counts may have let rows go: hours are looked through whole there.
    """
    oldest_us, before_us = span
    if not _names_something(asked):
        yield span
        return
    hours = oldest_us // HOUR_US, -(-before_us // HOUR_US)
    known: dict[int, frozenset[int]] = {}
    for lower, upper in _strides(*hours, oldest_first=oldest_first):
        for first_hour, last_hour in _ordered(_spoken(ask, asked, lower, upper), oldest_first=oldest_first):
            first, last = max(oldest_us, first_hour * HOUR_US), min(before_us, last_hour * HOUR_US)
            if first < minutes_from_us and first < last:
                yield first, last
            elif first < last:
                yield from _ordered(_minutes(ask, asked, first, last, known), oldest_first=oldest_first)
        edge = min(before_us, upper * HOUR_US) if oldest_first else max(oldest_us, lower * HOUR_US)
        yield edge, edge


def slices(ask: Ask, window: Window, rows: int, *, oldest_first: bool = False) -> Iterator[Window]:
    """A window cut into stretches of `rows` events (more where more are of one instant), in order."""
    low, high = window
    border = _BORDER_ABOVE if oldest_first else _BORDER_BELOW
    while low < high:
        found = ask(border, {"low": low, "high": high, "rows": rows})
        first, last = (low, high) if not found else (low, found[0][0] + 1) if oldest_first else (found[0][0], high)
        yield first, last
        low, high = (last, high) if oldest_first else (low, first)


def shares(ask: Ask, window: Window, rows: int) -> Iterator[Window]:
    """A window cut into stretches of some `rows` events, newest first, by the counts of its hours: less work than to
    walk over the events. They cover the window whatever the counts say.
    """
    low, end = window
    held = 0.0
    for hour, n in _held(ask, low // HOUR_US, -(-end // HOUR_US)) if end - low > HOUR_US else ():
        first, last = max(low, hour * HOUR_US), min(end, (hour + 1) * HOUR_US)
        if n > rows:
            if last < end:
                yield last, end
            width = -(-(last - first) * rows // int(n))
            yield from ((max(first, edge - width), edge) for edge in range(last, first, -width))
        elif held + n > rows:
            yield first, end
        else:
            held += n
            continue
        end, held = first, 0.0
    if low < end:
        yield low, end


def _held(ask: Ask, lowest: int, highest: int) -> Iterator[tuple[int, float]]:
    """(hour, events) of the hours that have some, newest first; those of a folded day are spread over its hours."""
    hour, day = event_counts.c.hour, day_counts.c.day
    for lower, upper in _strides(lowest, highest, oldest_first=False):
        held: dict[int, float] = {}
        by_hour = select(hour, func.sum(event_counts.c.n).label("n")).where((hour >= lower) & (hour < upper))
        for row in ask(by_hour.group_by(hour), {}):
            held[row.hour] = float(row.n)
        by_day = select(day, func.sum(day_counts.c.n).label("n")).where((day >= lower // 24) & (day <= upper // 24))
        for row in ask(by_day.group_by(day), {}):
            for number in range(max(lower, 24 * row.day), min(upper, 24 * row.day + 24)):
                held[number] = held.get(number, 0.0) + float(row.n) / 24
        yield from sorted(held.items(), reverse=True)


def _strides(lowest: int, highest: int, *, oldest_first: bool) -> Iterator[Window]:
    """lowest..highest in steps that begin small: the answer is mostly near where one begins to look."""
    width = FIRST_STRIDE_HOURS
    while lowest < highest:
        if oldest_first:
            lower, upper = lowest, min(highest, lowest + width)
            lowest = upper
        else:
            lower, upper = max(lowest, highest - width), highest
            highest = lower
        yield lower, upper
        width = min(width * 4, LAST_STRIDE_HOURS)


def _ordered(spans: list[Window], *, oldest_first: bool) -> list[Window]:
    return sorted(spans, reverse=not oldest_first)


def _names_something(asked: Filter) -> bool:
    names = (asked.template_ids, asked.service_ids, asked.node_ids, asked.priority)
    return any(part is not None for part in names)


def _spoken(ask: Ask, asked: Filter, lower: int, upper: int) -> list[Window]:
    """Hours [from, to) in lower..upper in which something matches; a folded day counts as 24 of them."""
    hour, day = event_counts.c.hour, day_counts.c.day
    by_hour = select(hour).distinct().where((hour >= lower) & (hour < upper), *named(event_counts, asked))
    by_day = select(day).distinct().where((day >= lower // 24) & (day <= upper // 24), *named(day_counts, asked))
    spans = [(row.hour, row.hour + 1) for row in ask(by_hour, {})]
    spans += [(max(lower, 24 * row.day), min(upper, 24 * row.day + 24)) for row in ask(by_day, {})]
    return _merged(spans)


def named(table: Table, asked: Filter) -> list[ColumnElement[bool]]:
    """What a question says of names and priority, as conditions on a table of counts."""
    parts = [one_of(table.c[name], ids) for name, ids in asked.names() if ids is not None]
    if asked.without_template_ids:
        parts.append(not_(one_of(table.c.template_id, asked.without_template_ids)))
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


def _minutes(ask: Ask, asked: Filter, first: int, last: int, known: dict[int, frozenset[int]]) -> list[Window]:
    """The minutes of one hour in which something matches; the whole hour where that is not known cheaply.

    `known` remembers the matching minutes of each row for the next hour: a commit often lies in two.
    """
    rows = ask(_BLOBS, {"first": first, "last": last})
    if not rows or len(rows) > MAX_BLOBS:
        return [(first, last)]
    matching = _matches(asked)
    needed = ("minute", *matching.meta.root_names())
    for row in rows:
        if row.id not in known:
            known[row.id] = frozenset(minutes.decode(row.blob, needed).filter(matching)["minute"].unique())
    found: set[int] = set().union(*(known[row.id] for row in rows))
    spans = _joined(
        sorted(minute for minute in found if first < (minute + 1) * MINUTE_US and minute * MINUTE_US < last)
    )
    return [(max(first, low * MINUTE_US), min(last, (high + 1) * MINUTE_US)) for low, high in spans]


def _matches(asked: Filter) -> pl.Expr:
    parts = [pl.lit(value=True)]
    parts += [pl.col(name).is_in(list(ids)) for name, ids in asked.names() if ids is not None]
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
