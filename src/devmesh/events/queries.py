"""Finding events: newest first, in slices of time, within 2 seconds, with a cursor for the rest."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import polars as pl
from sqlalchemy import Connection, and_, bindparam, func, literal_column, or_, select, tuple_

from devmesh.clock import Clock
from devmesh.db import Database
from devmesh.events.filters import Filter, check_regex, conditions, says
from devmesh.events.minutes import whole_from_us
from devmesh.events.tables import log_events
from devmesh.events.windows import Window, windows

SLICE_ROWS = 5_000  # of 32 KiB at most: what a question holds in memory at once
READ_LIMIT_S = 2.0
SEPARATOR = "\x1e"
Key = tuple[int, int]
Span = dict[str, int]

# Built once and run for every stretch of time: building a statement costs more than running it.
_SPAN = (log_events.c.ts_us >= bindparam("low")) & (log_events.c.ts_us < bindparam("high"))
_BORDER = (
    select(log_events.c.ts_us)
    .where(_SPAN)
    .order_by(log_events.c.ts_us.desc(), log_events.c.id.desc())
    .limit(1)
    .offset(bindparam("skipped"))
)


def newest(
    db: Database, clock: Clock, asked: Filter, limit: int, before: Key | None
) -> tuple[list[Any], int | None, bool]:
    """At most `limit` rows that match, newest first, all before the key `before`.

    Returns the rows, the time back to which everything was looked through, and whether that is the beginning.
    """
    if asked.regex:
        check_regex(asked.regex)
    deadline = clock.monotonic_s() + READ_LIMIT_S
    rows: list[Any] = []
    with db.read() as connection:
        span = _span(connection, asked, before)
        if asked.nothing or span is None:
            return [], None, True
        oldest, upper = span
        reached, where = upper, _open_where(asked, before)
        for low, high in windows(connection, asked, upper, oldest, whole_from_us(clock.now_us())):
            for first, last in _slices(connection, low, high) if asked.reads_text else [(low, high)]:
                rows += _matching(connection, asked, where, first, last, limit - len(rows))
                reached = first
                if len(rows) >= limit:
                    return rows, rows[-1].ts_us, False
                if clock.monotonic_s() > deadline:
                    return rows, reached, False
        return rows, oldest, True


def count(db: Database, clock: Clock, asked: Filter) -> int:
    """How many events match, all of them looked through; two threads where messages must be read."""
    if asked.regex:
        check_regex(asked.regex)
    if asked.nothing:
        return 0
    with db.read() as connection:
        span = _span(connection, asked, None)
        if span is None:
            return 0
        parts = [
            piece
            for low, high in windows(connection, asked, span[1], span[0], whole_from_us(clock.now_us()))
            for piece in _slices(connection, low, high)
        ]
    halves = [parts[0::2], parts[1::2]]
    with ThreadPoolExecutor(2) as pool:
        return sum(pool.map(lambda half: _count_in(db, asked, half), halves))


def around(connection: Connection, key: Key, node_id: int, before: int, after: int) -> list[Any]:
    """The events of one node on both sides of one, in order of time, that one among them."""
    table = log_events.c
    place = tuple_(table.ts_us, table.id)
    mine = select(log_events).where(table.node_id == node_id)
    earlier = mine.where(place < key).order_by(table.ts_us.desc(), table.id.desc()).limit(before)
    later = mine.where(place >= key).order_by(table.ts_us, table.id).limit(after + 1)
    return [*reversed(connection.execute(earlier).all()), *connection.execute(later)]


def in_commit(
    connection: Connection, asked: Filter, low: int, high: int, first_id: int, last_id: int, limit: int
) -> list[Any]:
    """The newest `limit` rows of one commit that match; its event times lie within low..high."""
    table = log_events.c
    where = and_(_open_where(asked, None), table.id.between(first_id, last_id))
    span = {"low": low, "high": high + 1}
    query = select(log_events).where(where).order_by(table.ts_us.desc(), table.id.desc())
    if not asked.regex:
        return list(connection.execute(query.limit(limit), span))
    rows = connection.execute(query, span).all()
    hits = pl.Series([row.message for row in rows], dtype=pl.String).str.contains(asked.regex).arg_true()
    return [rows[place] for place in hits.head(limit)]


def by_keys(connection: Connection, keys: Sequence[Key]) -> list[Any]:
    """The rows with these keys, newest first."""
    table = log_events.c
    rows: list[Any] = []
    for start in range(0, len(keys), 200):
        chunk = or_(*[(table.ts_us == ts) & (table.id == number) for ts, number in keys[start : start + 200]])
        rows += connection.execute(select(log_events).where(chunk)).all()
    return sorted(rows, key=lambda row: (row.ts_us, row.id), reverse=True)


def _span(connection: Connection, asked: Filter, before: Key | None) -> Window | None:
    """Oldest stored time that matters, and the first that does not any more; None where nothing can match."""
    table = log_events.c
    oldest, newest_ts = connection.execute(
        select(
            select(table.ts_us).order_by(table.ts_us).limit(1).scalar_subquery(),
            select(table.ts_us).order_by(table.ts_us.desc()).limit(1).scalar_subquery(),
        )
    ).one()
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


def _slices(connection: Connection, low: int, high: int) -> Iterator[Window]:
    """[low, high) cut into stretches of some 5,000 rows, newest first."""
    while low < high:
        border = connection.execute(_BORDER, {"low": low, "high": high, "skipped": SLICE_ROWS}).scalar()
        first = low if border is None else max(low, border)
        yield first, high
        high = first


def _matching(connection: Connection, asked: Filter, where: Any, low: int, high: int, limit: int) -> Sequence[Any]:
    """At most `limit` rows of [low, high), newest first; `where` leaves the two times open."""
    table, span = log_events.c, {"low": low, "high": high}
    if asked.regex:
        return by_keys(connection, _regex_keys(connection, asked.regex, where, span, limit))
    query = select(log_events).where(where).order_by(table.ts_us.desc(), table.id.desc()).limit(bindparam("most"))
    return connection.execute(query, {**span, "most": limit}).all()


def _open_where(asked: Filter, before: Key | None) -> Any:
    """The conditions of a question, the times `low` and `high` left open."""
    table = log_events.c
    where = and_(_SPAN, conditions(asked))
    if asked.contains:
        where = and_(where, says(asked.contains))
    if before is not None:
        where = and_(where, tuple_(table.ts_us, table.id) < before)
    return where


def _messages(connection: Connection, where: Any, span: Span) -> pl.Series:
    """The messages in order of key: as one text from the store, split where polars is fast."""
    table = log_events.c
    whole, rows = connection.execute(
        select(func.group_concat(table.message, literal_column("char(30)")), func.count()).where(where),
        span,
    ).one()
    if not rows:
        return pl.Series([], dtype=pl.String)
    messages = pl.Series([whole]).str.split(SEPARATOR).explode()
    if len(messages) == rows:
        return messages
    found = connection.execute(select(table.message).where(where).order_by(table.ts_us, table.id), span).scalars()
    return pl.Series(list(found), dtype=pl.String)  # a message holds the separator


def _regex_keys(connection: Connection, pattern: str, where: Any, span: Span, limit: int) -> list[Key]:
    hits = _messages(connection, where, span).str.contains(pattern).arg_true()
    if not len(hits):
        return []
    table = log_events.c
    keys = connection.execute(select(table.ts_us, table.id).where(where).order_by(table.ts_us, table.id), span).all()
    return [(keys[place].ts_us, keys[place].id) for place in hits.tail(limit)]


def _count_in(db: Database, asked: Filter, parts: list[Window]) -> int:
    total, where = 0, _open_where(asked, None)
    matching = select(func.count()).select_from(log_events).where(where)
    for low, high in parts:
        span = {"low": low, "high": high}
        with db.read() as connection:
            if asked.regex:
                total += int(_messages(connection, where, span).str.contains(asked.regex).sum())
            else:
                total += int(connection.execute(matching, span).scalar_one())
    return total


def parsed_fields(text: str | None) -> dict[str, Any]:
    """The further fields of an event."""
    return dict(json.loads(text)) if text else {}
