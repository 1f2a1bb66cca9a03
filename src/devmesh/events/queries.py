"""Finding events: in slices of time, within 2 seconds, with a note of how far was looked."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Any

import polars as pl
from sqlalchemy import Connection, String, Subquery, and_, bindparam, cast, func, or_, select, tuple_

from devmesh.clock import Clock
from devmesh.db import Database
from devmesh.db.words import SEPARATOR, joined
from devmesh.events import nul
from devmesh.events.filters import Filter, Numbered, check_regex, conditions, says
from devmesh.events.literals import required
from devmesh.events.minutes import whole_from_us
from devmesh.events.tables import log_events
from devmesh.events.windows import HOUR_US, Ask, Window, shares, slices, windows

SLICE_ROWS = 10_000  # of 32 KiB at most: what a question with an expression holds in memory at once
COUNTED_ROWS = 40_000  # that the store itself looks through, in one short read
TEXT_IDS = 10_000  # numbers with their counts in one text: less than a max_allowed_packet of 1 MiB takes
READ_LIMIT_S = 2.0
COUNTING_THREADS = 2
NODE = 1 << 32  # a node and a template in one number
Key = tuple[int, int]
Span = dict[str, int]

_PLACE = tuple_(log_events.c.ts_us, log_events.c.id)
_OLDEST_FIRST = log_events.c.ts_us, log_events.c.id
_NEWEST_FIRST = log_events.c.ts_us.desc(), log_events.c.id.desc()
# Built once and run for every stretch of time: building a statement costs more than running it.
_SPAN = (log_events.c.ts_us >= bindparam("low")) & (log_events.c.ts_us < bindparam("high"))


@dataclass(frozen=True)
class Found:
    """Rows that match, in the order of looking; up to `reached_us` everything was looked through, which is all where
    `whole`. `reached_us` is None where there is nothing to look through.
    """

    rows: list[Any]
    reached_us: int | None
    whole: bool


def newest(db: Database, clock: Clock, asked: Filter, limit: int, before: Key | None) -> Found:
    """At most `limit` rows that match, newest first, all before the key `before`; looks for at most 2 s."""
    if asked.regex:
        check_regex(asked.regex)
    with db.read() as connection:
        span = _span(_within(connection), asked, before)
        if asked.nothing or span is None:
            return Found([], None, whole=True)
        where = _open_where(asked, nul=_may_hold_nul(connection, span))
        where = where if before is None else and_(where, before > _PLACE)
        return _look(connection, clock, asked, where, span, limit, READ_LIMIT_S)


def around(db: Database, clock: Clock, key: Key, node_id: int, before: int, after: int) -> tuple[Found, Found]:
    """At most `before` events of a node on the one side of `key`, newest first, and `after` on the other, oldest first;
    looks for at most 1 s on each side.
    """
    asked = Filter(node_ids=(node_id,))
    with db.read() as connection:
        span = _span(_within(connection), asked, None) or (key[0], key[0] + 1)
        where, earlier, later = _open_where(asked), (span[0], key[0] + 1), (key[0], span[1])
        return (
            _look(connection, clock, asked, and_(where, key > _PLACE), earlier, before, READ_LIMIT_S / 2),
            _look(
                connection, clock, asked, and_(where, key < _PLACE), later, after, READ_LIMIT_S / 2, oldest_first=True
            ),
        )


def count(db: Database, clock: Clock, asked: Filter) -> int:
    """How many events match, all of them looked through, in short reads: an open one would let the log of a store grow
    that is written to. Two threads, for a store reads without Python's lock.
    """
    if asked.regex:
        check_regex(asked.regex)
    if asked.nothing:
        return 0

    def ask(query: Any, values: Any) -> Sequence[Any]:
        with db.read() as connection:
            return connection.execute(query, values).all()

    span = _span(ask, asked, None)
    if span is None:
        return 0
    with db.read() as connection:
        where = _open_where(asked, nul=_may_hold_nul(connection, span))
    parts = _Shared(
        part
        for window in windows(ask, asked, span, whole_from_us(clock.now_us()))
        for part in (slices(ask, window, SLICE_ROWS) if asked.regex else shares(ask, window, COUNTED_ROWS))
    )
    with ThreadPoolExecutor(COUNTING_THREADS) as pool:
        return sum(pool.map(lambda _number: _count_in(ask, asked, where, parts), range(COUNTING_THREADS)))


def numbered(db: Database, clock: Clock, asked: Filter, numbers: Window) -> list[Numbered]:
    """The events with a number of first..last in their stream, by stream and number; looks through all of the
    question's time, in short reads, for nothing leads there by number.
    """

    def ask(query: Any, values: Any) -> Sequence[Any]:
        with db.read() as connection:
            return connection.execute(query, values).all()

    span = _span(ask, asked, None)
    table = log_events.c
    wanted = and_(_open_where(asked), table.seq.between(*numbers), table.stream_id.is_not(None))
    query = select(table.stream_id, table.seq, table.message).where(wanted)
    rows = [
        Numbered(row.stream_id, row.seq, row.message)
        for window in (windows(ask, asked, span, whole_from_us(clock.now_us())) if span else ())
        for low, high in shares(ask, window, COUNTED_ROWS)
        for row in ask(query, {"low": low, "high": high})
    ]
    return sorted(rows, key=lambda one: (one.stream_id, one.seq))


def bars(
    connection: Connection, clock: Clock, asked: Filter, span: Window, step_us: int
) -> tuple[dict[tuple[int, int], int], int | None]:
    """{(number of the bar of `step_us` since 1970, priority): matching events} within `span`, newest first for at most
    2 s, and how far back that came where it did not come to the end.
    """
    ask, deadline = _within(connection), clock.monotonic_s() + READ_LIMIT_S
    where, counts = _open_where(asked, nul=_may_hold_nul(connection, span)), Counter[tuple[int, int]]()
    ts, priority = log_events.c.ts_us, log_events.c.priority
    start = (ts - ts % step_us).label("start")
    grouped = select(start, priority, func.count()).where(where).group_by(start, priority)
    single = select(start, priority).where(where).order_by(*_OLDEST_FIRST)
    for window in windows(ask, asked, span, whole_from_us(clock.now_us())):
        for low, high in slices(ask, window, SLICE_ROWS):
            values = {"low": low, "high": high}
            if asked.regex:
                hits = _messages(ask, where, values).str.contains(asked.regex).arg_true()
                rows = ask(single, values) if len(hits) else ()
                counts.update((rows[place][0] // step_us, rows[place][1]) for place in hits)
            else:
                counts.update({(at // step_us, level): n for at, level, n in ask(grouped, values)})
            if clock.monotonic_s() > deadline:
                return counts, low
    return counts, None


def in_commit(
    connection: Connection, asked: Filter, low: int, high: int, first_id: int, last_id: int, limit: int
) -> tuple[list[Any], int]:
    """The newest `limit` rows of one commit that match, and how many match; its event times lie within low..high."""
    where = and_(_open_where(asked), log_events.c.id.between(first_id, last_id))
    span = {"low": low, "high": high + 1}
    query = select(log_events).where(where).order_by(*_NEWEST_FIRST)
    if asked.regex:
        rows = connection.execute(query, span).all()
        hits = pl.Series([row.message for row in rows], dtype=pl.String).str.contains(asked.regex).arg_true()
        return [rows[place] for place in hits.head(limit)], len(hits)
    found = list(connection.execute(query.limit(limit), span))
    if len(found) < limit:
        return found, len(found)
    return found, int(connection.execute(select(func.count()).select_from(log_events).where(where), span).scalar_one())


def by_keys(connection: Connection, keys: Sequence[Key]) -> list[Any]:
    """The rows with these keys, newest first."""
    table = log_events.c
    rows: list[Any] = []
    for start in range(0, len(keys), 200):
        chunk = or_(*[(table.ts_us == ts) & (table.id == number) for ts, number in keys[start : start + 200]])
        rows += connection.execute(select(log_events).where(chunk)).all()
    return sorted(rows, key=lambda row: (row.ts_us, row.id), reverse=True)


def _look(
    connection: Connection,
    clock: Clock,
    asked: Filter,
    where: Any,
    span: Window,
    limit: int,
    limit_s: float,
    *,
    oldest_first: bool = False,
) -> Found:
    """At most `limit` rows within `span` that fit `where`, which leaves the two times open."""
    rows: list[Any] = []
    if not limit:
        return Found(rows, None, whole=True)
    ask, deadline = _within(connection), clock.monotonic_s() + limit_s
    ordered = select(log_events).where(where).order_by(*(_OLDEST_FIRST if oldest_first else _NEWEST_FIRST))
    query, end = ordered.limit(bindparam("most")), span[1] if oldest_first else span[0]
    for window in windows(ask, asked, span, whole_from_us(clock.now_us()), oldest_first=oldest_first):
        for low, high in _stretches(ask, asked, window, oldest_first=oldest_first):
            most = limit - len(rows)
            if low < high and asked.regex:
                rows += by_keys(connection, _regex_keys(ask, asked.regex, where, {"low": low, "high": high}, most))
            elif low < high:
                rows += ask(query, {"low": low, "high": high, "most": most})
            if len(rows) >= limit:
                return Found(rows, rows[-1].ts_us, whole=False)
            reached = high if oldest_first else low
            if reached != end and clock.monotonic_s() > deadline:
                return Found(rows, reached, whole=False)
    return Found(rows, end, whole=True)


def _stretches(ask: Ask, asked: Filter, window: Window, *, oldest_first: bool) -> Iterator[Window]:
    """A window in parts none of which takes long: whole where it is short and no text is read, or every row fits, so
    that nobody walks over rows that are not wanted.
    """
    low, high = window
    if low >= high or asked.takes_all or (high - low <= HOUR_US and not asked.reads_text):
        return iter([window])
    return slices(ask, window, SLICE_ROWS, oldest_first=oldest_first)


def _within(connection: Connection) -> Ask:
    return lambda query, values: connection.execute(query, values).all()


def _span(ask: Ask, asked: Filter, before: Key | None) -> Window | None:
    """Oldest stored time that matters, and the first that does not any more; None where nothing can match."""
    ts = log_events.c.ts_us
    first = select(ts).order_by(ts).limit(1).scalar_subquery()
    last = select(ts).order_by(ts.desc()).limit(1).scalar_subquery()
    [(oldest, newest_ts)] = ask(select(first, last), {})
    if oldest is None:
        return None
    upper = newest_ts + 1
    if asked.until_us is not None:
        upper = min(upper, asked.until_us)
    if before is not None:
        upper = min(upper, before[0] + 1)
    if asked.since_us is not None:
        oldest = max(oldest, asked.since_us)
    return (oldest, upper) if oldest < upper else None


def _open_where(asked: Filter, *, nul: bool = True) -> Any:
    """The conditions of a question, the times `low` and `high` left open."""
    where = and_(_SPAN, conditions(asked))
    if asked.contains:
        where = and_(where, says(asked.contains, nul=nul))
    texts = required(asked.regex) if asked.regex else None
    return and_(where, says(*texts, nul=nul)) if texts else where


def _may_hold_nul(connection: Connection, span: Window) -> bool:
    """Whether some message with NUL may have been said between these times."""
    held = nul.span(connection)
    return held is not None and span[0] <= held[1] and held[0] < span[1]


def _messages(ask: Ask, where: Any, span: Span) -> pl.Series:
    """The messages in order of key: as one text from the store, split where polars is fast."""
    message = log_events.c.message
    together, size = joined(message, *_OLDEST_FIRST)
    [(whole, bytes_of_all, rows)] = ask(select(together, size, func.count()).where(where), span)
    if not rows:
        return pl.Series([], dtype=pl.String)
    messages = pl.Series([whole]).str.split(SEPARATOR).explode()
    cut = bytes_of_all is not None and (whole is None or len(whole.encode()) != bytes_of_all + rows - 1)
    if len(messages) == rows and not cut:
        return messages
    found = ask(select(message).where(where).order_by(*_OLDEST_FIRST), span)
    return pl.Series([row.message for row in found], dtype=pl.String)  # a message holds the separator


def _regex_keys(ask: Ask, pattern: str, where: Any, span: Span, limit: int) -> list[Key]:
    """The keys of the newest `limit` events whose message matches."""
    hits = _messages(ask, where, span).str.contains(pattern).arg_true()
    if not len(hits):
        return []
    keys = ask(select(log_events.c.ts_us, log_events.c.id).where(where).order_by(*_OLDEST_FIRST), span)
    return [(keys[place].ts_us, keys[place].id) for place in hits.tail(limit)]


def as_pairs(connection: Connection, sums: Subquery) -> pl.DataFrame:
    """The rows of (hour, template_id, n), in no order: a text for each hour and TEXT_IDS templates, split where polars
    is fast. The driver of MariaDB takes 6 µs for a row.
    """
    pair = cast(sums.c.template_id, String) + " " + cast(sums.c.n, String)
    text, _size = joined(pair)
    query = select(sums.c.hour, text).group_by(sums.c.hour, sums.c.template_id - sums.c.template_id % TEXT_IDS)
    rows = connection.execute(query).all()
    texts = pl.DataFrame([tuple(row) for row in rows], {"hour": pl.Int64, "pair": pl.String}, orient="row")
    pairs = texts.with_columns(pl.col("pair").str.split(SEPARATOR)).explode("pair")
    numbers = pl.col("pair").str.split_exact(" ", 1).struct.rename_fields(["template_id", "n"])
    return pairs.select("hour", numbers).unnest("pair").cast(pl.Int64)


class _Shared(Iterator[Window]):
    """Parts of the work that several threads draw from."""

    def __init__(self, parts: Iterator[Window]) -> None:
        self._parts, self._lock = parts, Lock()

    def __next__(self) -> Window:
        with self._lock:
            return next(self._parts)


def _count_in(ask: Ask, asked: Filter, where: Any, parts: Iterator[Window]) -> int:
    total = 0
    matching = select(func.count()).select_from(log_events).where(where)
    for low, high in parts:
        span = {"low": low, "high": high}
        if asked.regex:
            total += int(_messages(ask, where, span).str.contains(asked.regex).sum())
        else:
            total += int(ask(matching, span)[0][0])
    return total


def parsed_fields(text: str | None) -> dict[str, Any]:
    """The further fields of an event."""
    return dict(json.loads(text)) if text else {}
