"""Many rows into MariaDB: LOAD DATA LOCAL INFILE from memory, checked, else INSERT statements of many rows.

The server asks for a file by name and the driver opens it: the name is that of a memfd, so nothing touches a disk. LOAD
DATA LOCAL only warns where an INSERT fails (it cut, zeroed and dropped rows in strict mode), so it counts only with no
warning and every row there; otherwise it is rolled back and the rows are inserted, which raises what is wrong.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl
import pymysql
from sqlalchemy import Connection, Table

from devmesh.db.again import Contended
from devmesh.db.refused import Refused, by_halves

log = logging.getLogger(__name__)

STATEMENT_CHARS = 200_000  # at most 4 bytes each: below a max_allowed_packet of 1 MiB, where one row is
SPARE_BYTES = 256  # of a packet, for what stands around the rows
TOO_LONG = "is longer than the database server takes in one statement (max_allowed_packet)"
FORBIDDEN = {1148, 3948, 4166}  # what a server says that does not allow LOCAL
FORBIDDEN_NOTICE = "LOAD DATA LOCAL is forbidden (local_infile=0): rows are stored by statements, which is slower."


class Notices:
    """What a server does not let us do, for /health; the fast way is not tried again until the next start."""

    def __init__(self) -> None:
        self.load_forbidden = False


notices = Notices()


def insert_frame(
    connection: Connection, table: Table, frame: pl.DataFrame, refused: list[Refused] | None = None
) -> None:
    """Insert every row of `frame` (at least one); its columns are named as the table's.

    Rows that the server does not take are added to `refused`; without it they raise the driver's error. Raises
    Contended where the whole transaction must begin again, which `Database.transact` does.
    """
    raw = _raw(connection)
    fast, raw.by_statements = not getattr(raw, "by_statements", False), False
    if fast and not notices.load_forbidden and pl.Binary not in frame.dtypes:  # a text file cannot hold just any bytes
        cursor, alone = raw.cursor(), not getattr(raw, "of_cluster", False)
        if alone:  # a node of a cluster does not flush a transaction with a savepoint when it commits (11.8.6)
            cursor.execute("SAVEPOINT load_rows")
        try:
            if _load(cursor, table.name, frame):
                return
        except pymysql.err.MySQLError as error:
            if error.args[0] not in FORBIDDEN:
                raise
            notices.load_forbidden = True
            log.warning("notice=%r", FORBIDDEN_NOTICE)
        if not alone:
            raw.by_statements = True
            raise Contended("The server did not take every row as it is; by statements it says why.", retry_after_s=1)
        cursor.execute("ROLLBACK TO SAVEPOINT load_rows")
    _insert(connection, table.name, frame, refused)


def add_counts(connection: Connection, table: Table, frame: pl.DataFrame) -> None:
    """Add the column `n` to the rows with the same keys (all other columns), which are made where missing."""
    names = [name for name in frame.columns if name != "n"] + ["n"]
    head, tail = _head(table.name, names), "ON DUPLICATE KEY UPDATE n = n + VALUES(n)"
    for _first, parts in _statements(connection, head, frame.select(names).rows(), None):
        _raw(connection).cursor().execute(f"{head} {','.join(parts)} {tail}")


def _load(cursor: Any, table: str, frame: pl.DataFrame) -> bool:
    """Whether every row went in as it is."""
    fd = os.memfd_create("rows", os.MFD_CLOEXEC)
    path = cursor.connection.offered = f"/proc/self/fd/{fd}"
    try:
        with os.fdopen(os.dup(fd), "wb") as file:
            # Quotes are doubled and nothing else is special: NULL without quotes is null, "NULL" the word.
            frame.write_csv(file, include_header=False, separator="\t", quote_style="non_numeric", null_value="NULL")
        cursor.execute(
            f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE `{table}` CHARACTER SET utf8mb4 "
            "FIELDS TERMINATED BY '\\t' OPTIONALLY ENCLOSED BY '\"' ESCAPED BY '' LINES TERMINATED BY '\\n' "
            f"({_names(frame.columns)})"
        )
    finally:
        cursor.connection.offered = ""
        os.close(fd)
    return bool(cursor.rowcount == frame.height and cursor.warning_count == 0)


def _insert(connection: Connection, table: str, frame: pl.DataFrame, refused: list[Refused] | None) -> None:
    head, cursor = _head(table, frame.columns), _raw(connection).cursor()

    def store(parts: Sequence[str]) -> None:
        cursor.execute(f"{head} {','.join(parts)}")

    for first, parts in _statements(connection, head, frame.rows(), refused):
        if refused is None:
            store(parts)
        else:
            refused += by_halves(store, parts, first)


def _statements(
    connection: Connection, head: str, rows: Sequence[Sequence[Any]], refused: list[Refused] | None
) -> Iterator[tuple[int, list[str]]]:
    """Rows as SQL for statements that begin with `head`, bounded by their bytes and not by their rows (F44), each with
    the place of its first row. A row that no packet holds is refused: the server would hang up without a word.
    """
    raw = _raw(connection)
    packet = _packet_bytes(raw) - len(head) - SPARE_BYTES
    first, parts, size = 0, list[str](), 0
    for place, row in enumerate(rows):
        part = f"({','.join([raw.escape(value, raw.encoders) for value in row])})"
        if parts and size + len(part) > min(STATEMENT_CHARS, packet // 4):
            yield first, parts
            parts, size = [], 0
        if len(part) * 4 > packet and len(part.encode("utf-8", "surrogateescape")) > packet:
            if refused is None:
                raise pymysql.err.DataError(1153, TOO_LONG)
            refused.append(Refused(place, "", TOO_LONG))
            continue
        first = first if parts else place
        parts.append(part)
        size += len(part)
    if parts:
        yield first, parts


def _packet_bytes(raw: Any) -> int:
    """The longest statement that the server takes from this connection."""
    with raw.cursor() as cursor:
        cursor.execute("SELECT @@max_allowed_packet")
        return int(cursor.fetchone()[0])


def _raw(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _head(table: str, columns: Sequence[str]) -> str:
    return f"INSERT INTO `{table}` ({_names(columns)}) VALUES"


def _names(columns: Sequence[str]) -> str:
    return ",".join(f"`{name}`" for name in columns)
