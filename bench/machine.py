"""How fast the machine is at this moment: figures of two days, or of two machines, are compared by that."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from pathlib import Path

ADDITIONS = 5_000_000
ROWS, BATCH = 100_000, 5_000


def yardstick() -> dict[str, float]:
    """CPU seconds of five million additions in a Python function, and rows a second into a bare SQLite table (240 bytes
    each, WAL, synchronous=FULL, 5,000 a commit): the better of three runs.
    """
    return {
        "additions_s": round(min(_additions_s() for _ in range(3)), 3),
        "sqlite_rows_per_s": round(max(_rows_per_s() for _ in range(3))),
    }


def _additions_s() -> float:
    begin, total = time.process_time(), 0
    for number in range(ADDITIONS):
        total += number
    return time.process_time() - begin


def _rows_per_s() -> float:
    rows = [(1_700_000_000_000_000 + number, number % 25, f"row {number} " * 20) for number in range(ROWS)]
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder) / "rows.db", isolation_level=None)
        connection.executescript(
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE t(a INT, b INT, c TEXT)"
        )
        begin = time.perf_counter()
        for start in range(0, ROWS, BATCH):
            connection.execute("BEGIN")
            connection.executemany("INSERT INTO t VALUES (?, ?, ?)", rows[start : start + BATCH])
            connection.execute("COMMIT")
        spent = time.perf_counter() - begin
        connection.close()
    return ROWS / spent
