"""Many rows at once, the fastest way that the store has.

On SQLite that is one statement for some hundred rows: the driver lets go of Python's lock once a statement, so the
thread that decodes the next batch is not woken for every row.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import polars as pl
from sqlalchemy import Connection, Table

if TYPE_CHECKING:
    from devmesh.db.refused import Refused

ROWS_A_STATEMENT = 100


def insert_frame(
    connection: Connection, table: Table, frame: pl.DataFrame, refused: list[Refused] | None = None
) -> None:
    """Insert every row of `frame` (at least one); its columns are named as the table's. Rows that MariaDB does not take
    are added to `refused`; without it they raise the driver's error. SQLite takes all.

    What is the same in every row is bound once a statement, not once a row: in a batch of one node that is half of all
    values.
    """
    if connection.dialect.name != "sqlite":
        from devmesh.db import load

        load.insert_frame(connection, table, frame, refused)
        return
    raw = _raw(connection)
    same = [column for column in frame.get_columns() if _is_constant(column)]
    other = [column for column in frame.get_columns() if not _is_constant(column)]
    names = tuple(column.name for column in (*same, *other))
    head, width = [column[0] for column in same], len(other)
    values: list[Any] = [None] * (frame.height * width)
    for place, column in enumerate(other):
        values[place::width] = column.to_list()  # row by row in one flat list: a third of the cost of tuples
    for start in range(0, frame.height, ROWS_A_STATEMENT):
        rows = min(ROWS_A_STATEMENT, frame.height - start)
        raw.execute(_insert(table.name, names, len(same), rows), head + values[start * width : (start + rows) * width])


def add_counts(connection: Connection, table: Table, frame: pl.DataFrame) -> None:
    """Add the column `n` to the rows with the same keys (all other columns), which are made where missing.

    `frame` must be sorted by its keys: concurrent writers then take locks in one order.
    """
    if connection.dialect.name != "sqlite":
        from devmesh.db import load

        load.add_counts(connection, table, frame)
        return
    keys = [name for name in frame.columns if name != "n"]
    statement = _upsert(table.name, tuple(keys))
    columns = [frame[name].to_list() for name in (*keys, "n")]
    _raw(connection).executemany(statement, list(zip(*columns, strict=True)))


def _raw(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _is_constant(column: pl.Series) -> bool:
    if column.null_count():
        return column.null_count() == len(column)
    return column.dtype.is_integer() and column.min() == column.max()


@lru_cache
def _insert(table: str, columns: Sequence[str], same: int, rows: int) -> str:
    """A statement for `rows` rows whose first `same` columns have one value for all of them."""
    head = [f"?{place}" for place in range(1, same + 1)]
    width = len(columns) - same
    marks = [
        ",".join([*head, *(f"?{same + row * width + place}" for place in range(1, width + 1))]) for row in range(rows)
    ]
    return f"INSERT INTO {table} ({','.join(columns)}) VALUES ({'),('.join(marks)})"  # noqa: S608 - names are ours


@lru_cache
def _upsert(table: str, keys: Sequence[str]) -> str:
    marks = ",".join("?" * (len(keys) + 1))
    names = ",".join(keys)
    return f"INSERT INTO {table} ({names},n) VALUES ({marks}) ON CONFLICT ({names}) DO UPDATE SET n = n + excluded.n"  # noqa: S608 - names are ours
