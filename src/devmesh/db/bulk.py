"""Many rows at once, the fastest way that the store has.

On SQLite that is one statement for some hundred rows: the driver lets go of Python's lock once a statement, so the
thread that decodes the next batch is not woken for every row.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import polars as pl
from sqlalchemy import Connection, Table

ROWS_A_STATEMENT = 100


def insert_frame(connection: Connection, table: Table, frame: pl.DataFrame) -> None:
    """Insert every row of `frame`; its columns are named as the table's."""
    rows = frame.rows()
    raw = _raw(connection)
    whole = len(rows) - len(rows) % ROWS_A_STATEMENT
    statement = _insert(table.name, tuple(frame.columns), ROWS_A_STATEMENT)
    for start in range(0, whole, ROWS_A_STATEMENT):
        raw.execute(statement, list(chain.from_iterable(rows[start : start + ROWS_A_STATEMENT])))
    if whole < len(rows):
        raw.executemany(_insert(table.name, tuple(frame.columns), 1), rows[whole:])


def add_counts(connection: Connection, table: Table, frame: pl.DataFrame) -> None:
    """Add the column `n` to the rows with the same keys (all other columns), which are made where missing.

    `frame` must be sorted by its keys: concurrent writers then take locks in one order.
    """
    keys = [name for name in frame.columns if name != "n"]
    statement = _upsert(table.name, tuple(keys))
    _raw(connection).executemany(statement, frame.select(*keys, "n").rows())


def _raw(connection: Connection) -> Any:
    return connection.connection.driver_connection


@lru_cache
def _insert(table: str, columns: Sequence[str], rows: int) -> str:
    values = "(" + ",".join("?" * len(columns)) + ")"
    return f"INSERT INTO {table} ({','.join(columns)}) VALUES {','.join([values] * rows)}"  # noqa: S608 - names are ours


@lru_cache
def _upsert(table: str, keys: Sequence[str]) -> str:
    marks = ",".join("?" * (len(keys) + 1))
    names = ",".join(keys)
    return f"INSERT INTO {table} ({names},n) VALUES ({marks}) ON CONFLICT ({names}) DO UPDATE SET n = n + excluded.n"  # noqa: S608 - names are ours
