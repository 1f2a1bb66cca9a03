"""How often, over time and by priority: the bars above a list of events.

Questions that read no text are answered from the counts: minutes where the bars are short and recent, hours otherwise;
bars shorter than a day spread a folded day over its hours. Questions that read text look through the events, newest
first, for at most 2 s, and say how far back they came.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl
from sqlalchemy import Connection, func, select

from devmesh.clock import Clock
from devmesh.events import minutes
from devmesh.events.filters import Filter
from devmesh.events.tables import day_counts, event_counts, log_events, minute_counts
from devmesh.events.windows import HOUR_US, MINUTE_US, named

PRIORITIES = 8
DAY_HOURS = 24
STEPS_US = tuple(
    count * MINUTE_US for count in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080, 43_200)
)


@dataclass(frozen=True)
class Histogram:
    """Bars of `step_us` from `from_us`: in each, events by priority (8 numbers, emerg first).

    `counted_from_us` is there only where looking through the text took too long: what is older is not in the bars.
    """

    from_us: int
    step_us: int
    bars: list[list[int]]
    counted_from_us: int | None = None

    @property
    def total(self) -> int:
        """Events in all bars."""
        return sum(map(sum, self.bars))


Counts = Counter[tuple[int, int]]  # (number of the bar since 1970, priority): events


def step_for(span_us: int, most: int) -> int:
    """The shortest step that needs at most `most` bars for a span."""
    return next((step for step in STEPS_US if span_us <= step * (most - 1)), STEPS_US[-1])


def of_counts(
    connection: Connection, clock: Clock, asked: Filter, since_us: int, until_us: int, step_us: int
) -> Counts:
    """The bars between two instants by what the store counted; their edges are those of minutes or hours."""
    whole = minutes.whole_from_us(clock.now_us())
    if step_us % HOUR_US and since_us >= whole:
        return _by_minute(connection, asked, since_us, until_us, step_us)
    return _by_hour(connection, asked, since_us, until_us, step_us)


def _by_minute(connection: Connection, asked: Filter, since_us: int, until_us: int, step_us: int) -> Counts:
    table = minute_counts.c
    overlapping = (table.last_ts_us >= since_us) & (table.first_ts_us < until_us)
    blobs = list(connection.execute(select(table.blob).where(overlapping)).scalars())
    if not blobs:
        return Counter()
    kept, columns = _kept(asked, since_us, until_us)
    frames = pl.concat([minutes.decode(blob, columns) for blob in blobs]).lazy().filter(kept)
    bar = (pl.col("minute") * MINUTE_US // step_us).alias("bar")
    summed = frames.group_by(bar, "priority").agg(pl.col("n").sum()).collect()
    return Counter({(number, priority): n for number, priority, n in summed.iter_rows()})


def _kept(asked: Filter, since_us: int, until_us: int) -> tuple[pl.Expr, list[str]]:
    """The condition of a question on counts by minute, and the columns that it and the bars need."""
    keep = (pl.col("minute") >= since_us // MINUTE_US) & (pl.col("minute") * MINUTE_US < until_us)
    columns = ["minute", "priority", "n"]
    for name, ids in asked.names():
        if ids is not None:
            keep &= pl.col(name).is_in(list(ids))
            columns.append(name)
    if asked.without_template_ids:
        keep &= ~pl.col("template_id").is_in(list(asked.without_template_ids))
        columns.append("template_id")
    if asked.priority is not None:
        keep &= pl.col("priority") <= asked.priority
    return keep, columns


def _by_hour(connection: Connection, asked: Filter, since_us: int, until_us: int, step_us: int) -> Counts:
    first, last = since_us // HOUR_US, -(-until_us // HOUR_US)
    hour, day, priority = event_counts.c.hour, day_counts.c.day, event_counts.c.priority
    by_hour = select(hour, priority, func.sum(event_counts.c.n).label("n")).where(
        hour >= first, hour < last, *named(event_counts, asked)
    )
    by_day = select(day, day_counts.c.priority, func.sum(day_counts.c.n).label("n")).where(
        day >= first // DAY_HOURS, day * DAY_HOURS < last, *named(day_counts, asked)
    )
    counts: Counts = Counter()
    for at, level, n in connection.execute(by_hour.group_by(hour, priority)):
        counts[at * HOUR_US // step_us, level] += int(n)
    for at, level, n in connection.execute(by_day.group_by(day, day_counts.c.priority)):
        for number, share in _spread(int(at), int(n), step_us):
            counts[number, level] += share
    return counts


def _spread(day: int, n: int, step_us: int) -> Iterator[tuple[int, int]]:
    """A day's events over the bars that it covers, as evenly as whole numbers go."""
    if step_us >= DAY_HOURS * HOUR_US:
        yield day * DAY_HOURS * HOUR_US // step_us, n
        return
    for hour in range(DAY_HOURS):
        at = (day * DAY_HOURS + hour) * HOUR_US // step_us
        yield at, n * (hour + 1) // DAY_HOURS - n * hour // DAY_HOURS


def as_bars(counts: Counts, since_us: int, until_us: int, step_us: int, counted_from_us: int | None) -> Histogram:
    """The counts as a list without holes."""
    first, last = since_us // step_us, max(since_us, until_us - 1) // step_us
    bars = [[counts.get((number, level), 0) for level in range(PRIORITIES)] for number in range(first, last + 1)]
    return Histogram(first * step_us, step_us, bars, counted_from_us)


def span(connection: Connection) -> tuple[int, int] | None:
    """The times of the oldest and the newest event that is stored; None where none is."""
    ts = log_events.c.ts_us
    # One question for both ends would look through the whole table.
    ends = (select(ts).order_by(end).limit(1).scalar_subquery() for end in (ts, ts.desc()))
    first, last = connection.execute(select(*ends)).one()
    return None if first is None else (int(first), int(last))
