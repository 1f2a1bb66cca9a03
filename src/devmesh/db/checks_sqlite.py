"""What is looked at on SQLite beside the schema: the file's pages, its mode, how durable a commit is."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

from devmesh.db import sqlite
from devmesh.db.checks import OK, RESTORE, WRONG, Finding, finding, joined, orphan_finding
from devmesh.db.engine import Database

LEVELS = ("OFF", "NORMAL", "FULL", "EXTRA")
PRIVATE = 0o077


def findings(db: Database) -> Iterator[Finding]:
    """By readers alone: the first connection for writing would mend the journal mode in silence."""
    with db.read() as connection:
        mode = str(connection.exec_driver_sql("PRAGMA journal_mode").scalar())
        yield finding("journal mode", mode, "wal", "The next start of the server sets it: devmesh serve")
        damage = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check")]
        if damage == ["ok"]:
            yield Finding("integrity", OK, "every page and every index")
        else:
            hint = f'{RESTORE} Or: sqlite3 devmesh.db ".recover" | sqlite3 new.db'
            yield Finding("integrity", WRONG, joined(damage), "ok", hint)
        yield orphan_finding(connection)
    yield _synchronous()
    yield from _rights(db)


def _synchronous() -> Finding:
    """What a connection that writes gets here; it is set anew for each, so one to nowhere tells it."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        sqlite.setup_writer(connection, None)
        level = LEVELS[int(connection.execute("PRAGMA synchronous").fetchone()[0])]
    if level in {"FULL", "EXTRA"}:
        return Finding("synchronous", OK, level)
    return Finding("synchronous", WRONG, level, "FULL", "This SQLite was built in an unusual way: use the system's.")


def _rights(db: Database) -> Iterator[Finding]:
    """The file holds everybody's logs."""
    path = sqlite.path_of(db.url)
    if path is None:
        return
    with contextlib.suppress(OSError):
        mode = path.stat().st_mode & 0o777
        if mode & PRIVATE:
            yield Finding("file mode", WRONG, f"{mode:04o}", "0600", f"chmod 600 {path}*")
        else:
            yield Finding("file mode", OK, f"{mode:04o}")
