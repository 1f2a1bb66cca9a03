"""Many rows into MariaDB: LOAD DATA LOCAL INFILE from memory, checked, else INSERT statements of many rows.

The server asks for a file by name and the driver opens it: the name is that of a memfd, so nothing touches a disk. LOAD
DATA LOCAL only warns where an INSERT fails (it cut, zeroed and dropped rows in strict mode), so it counts only with no
warning and every row there; otherwise it is rolled back and the rows are inserted, which raises what is wrong.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import Any

import polars as pl
import pymysql
from sqlalchemy import Connection, Table

log = logging.getLogger(__name__)

STATEMENT_CHARS = 200_000  # at most 4 bytes each: below a max_allowed_packet of 1 MiB, where one row is
FORBIDDEN = {1148, 3948, 4166}  # what a server says that does not allow LOCAL
FORBIDDEN_NOTICE = "LOAD DATA LOCAL is forbidden (local_infile=0): rows are stored by statements, which is slower."


class Notices:
    """What a server does not let us do, for /health; the fast way is not tried again until the next start."""

    def __init__(self) -> None:
        self.load_forbidden = False


notices = Notices()


def insert_frame(connection: Connection, table: Table, frame: pl.DataFrame) -> None:
    """Insert every row of `frame` (at least one); its columns are named as the table's."""
    if not notices.load_forbidden and pl.Binary not in frame.dtypes:  # a text file cannot hold bytes of any kind
        raw = connection.connection.driver_connection
        cursor = raw.cursor()  # type: ignore[union-attr]
        cursor.execute("SAVEPOINT load_rows")
        try:
            if _load(cursor, table.name, frame):
                return
        except pymysql.err.MySQLError as error:
            if error.args[0] not in FORBIDDEN:
                raise
            notices.load_forbidden = True
            log.warning("notice=%r", FORBIDDEN_NOTICE)
        cursor.execute("ROLLBACK TO SAVEPOINT load_rows")
    _insert(connection, table.name, frame)


def add_counts(connection: Connection, table: Table, frame: pl.DataFrame) -> None:
    """Add the column `n` to the rows with the same keys (all other columns), which are made where missing."""
    names = [name for name in frame.columns if name != "n"] + ["n"]
    _run(connection, _head(table.name, names), frame.select(names).rows(), "ON DUPLICATE KEY UPDATE n = n + VALUES(n)")


def _load(cursor: Any, table: str, frame: pl.DataFrame) -> bool:
    """Whether every row went in as it is."""
    fd = os.memfd_create("rows", os.MFD_CLOEXEC)
    try:
        with os.fdopen(os.dup(fd), "wb") as file:
            # Quotes are doubled and nothing else is special: NULL without quotes is null, "NULL" the word.
            frame.write_csv(file, include_header=False, separator="\t", quote_style="non_numeric", null_value="NULL")
        cursor.execute(
            f"LOAD DATA LOCAL INFILE '/proc/self/fd/{fd}' INTO TABLE `{table}` CHARACTER SET utf8mb4 "
            "FIELDS TERMINATED BY '\\t' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' LINES TERMINATED BY '\\n' "
            f"({_names(frame.columns)})"
        )
    finally:
        os.close(fd)
    return bool(cursor.rowcount == frame.height and cursor.warning_count == 0)


def _insert(connection: Connection, table: str, frame: pl.DataFrame) -> None:
    _run(connection, _head(table, frame.columns), frame.rows(), "")


def _run(connection: Connection, head: str, rows: Sequence[Sequence[Any]], tail: str) -> None:
    """INSERT statements that are bounded by their bytes, not by their rows (F44)."""
    raw: Any = connection.connection.driver_connection
    cursor, parts, size = raw.cursor(), list[str](), 0
    for row in rows:
        part = f"({','.join([raw.escape(value, raw.encoders) for value in row])})"
        if parts and size + len(part) > STATEMENT_CHARS:
            cursor.execute(f"{head} {','.join(parts)} {tail}")
            parts, size = [], 0
        parts.append(part)
        size += len(part)
    cursor.execute(f"{head} {','.join(parts)} {tail}")


def _head(table: str, columns: Sequence[str]) -> str:
    return f"INSERT INTO `{table}` ({_names(columns)}) VALUES"


def _names(columns: Sequence[str]) -> str:
    return ",".join(f"`{name}`" for name in columns)
