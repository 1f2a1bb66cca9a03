"""A table read in the order of its key, page by page, each page in a short read of its own.

What a page holds in memory is bounded by rows and by bytes. One long read would keep SQLite's log and MariaDB's undo
from being reused. Both stores give the same rows in the same order: text is compared byte by byte on either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Integer,
    LargeBinary,
    Select,
    String,
    Table,
    and_,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.types import TypeDecorator

from devmesh.db.engine import Database

ROWS = 20_000
BYTES = 8 * 1024 * 1024
NUMBER_BYTES = 4  # of an array
STEP = 500  # rows asked of the driver at once

Row = tuple[Any, ...]


def pages(db: Database, table: Table, after: Row | None = None) -> Iterator[list[Row]]:
    """The rows of `table` behind the key `after` (all of them for None), as tuples in the order of its columns."""
    query = select(*_columns(table)).order_by(*table.primary_key)
    wide = {place: size for place, column in enumerate(table.columns) if (size := _unit_bytes(column))}
    limit = min(ROWS, 2_000)
    while True:
        with db.read() as connection:
            rows = _page(connection, query if after is None else query.where(_behind(table, after)), limit, wide)
        if not rows:
            return
        yield rows
        after = key_of(table, rows[-1])
        limit = min(ROWS, 2 * len(rows))  # where a page was cut by its bytes, not much is read in vain next time


def key_of(table: Table, row: Row) -> Row:
    """The primary key of a row."""
    names = [column.name for column in table.columns]
    return tuple(row[names.index(column.name)] for column in table.primary_key)


def _columns(table: Table) -> list[ColumnElement[Any]]:
    """As the store keeps them: a truth is a number there."""
    return [
        type_coerce(column, Integer).label(column.name) if isinstance(column.type, Boolean) else column
        for column in table.columns
    ]


def _unit_bytes(column: Column[Any]) -> int:
    """Bytes of one of the things that a value's length counts; 0 for numbers, which do not matter."""
    if isinstance(column.type, TypeDecorator):
        return NUMBER_BYTES
    return int(isinstance(column.type, LargeBinary | String))


def _page(connection: Connection, query: Select[Any], limit: int, wide: Mapping[int, int]) -> list[Row]:
    """At most `limit` rows, and not many more bytes in the columns `wide` than BYTES."""
    rows: list[Row] = []
    size = 0
    streaming = connection.execution_options(stream_results=True)
    with streaming.execute(query.limit(limit)) as result:
        for part in result.partitions(STEP):
            rows += map(tuple, part)
            for place, unit in wide.items():
                size += unit * sum([len(row[place]) for row in part if row[place] is not None])
            if size > BYTES:
                break
    return rows


def _behind(table: Table, key: Sequence[Any]) -> ColumnElement[bool]:
    """Rows whose key is greater; written out, because MariaDB walks no index for (a, b) > (x, y)."""
    columns = list(table.primary_key)
    condition: ColumnElement[bool] = columns[-1] > key[-1]
    for column, value in reversed(list(zip(columns[:-1], key[:-1], strict=True))):
        condition = and_(column >= value, or_(column > value, and_(column == value, condition)))
    return condition
