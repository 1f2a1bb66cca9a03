"""The embedded store: one SQLite file in WAL mode, durable at every commit.

`synchronous=FULL` is what makes a commit survive a power cut: NORMAL lost 2,020 of 279,640 acknowledged rows in one.
Pages of 16 KiB take a sixth off the cost of appending log lines with the default of 4 KiB (docs/benchmarks.md).
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import QueuePool

from devmesh.errors import ConfigError, StorageFull, Unavailable

DRIVER_ERRORS = (sqlite3.Error,)
PAGE_BYTES = 16 * 1024
BUSY_TIMEOUT_MS = 5_000
CHECKPOINT_PAGES = 4_000
READ_CACHE_KIB = 8_000
WRITE_CACHE_KIB = 32_000


def path_of(url: str) -> Path | None:
    """The database file of a SQLite URL; None for other stores and for memory."""
    try:
        parsed = make_url(url)
    except ArgumentError:  # its text would show the URL, which may hold a password
        raise ConfigError(
            "DEVMESH_DATABASE_URL is no URL of a store.", hint="Leave it empty for SQLite in the data folder."
        ) from None
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        return None
    return Path(parsed.database)


def make_engine(url: str, *, writing: bool, pool_size: int) -> Engine:
    """An engine whose connections are set up for writing, or refuse to write."""
    engine = create_engine(
        _as_url(url, writing=writing),
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=0 if writing else 32,
        hide_parameters=True,  # an error's text reaches logs and health, and the values are people's log lines
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000},
    )
    event.listen(engine, "connect", setup_writer if writing else _setup_reader)
    begin = "BEGIN IMMEDIATE" if writing else "BEGIN"
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def _as_url(url: str, *, writing: bool) -> URL:
    path = path_of(url)
    if path is not None and writing:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(OSError):  # the driver says what is wrong
            # It holds everybody's logs; SQLite gives the files beside it the mode of this one.
            os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    return make_url(url)


def setup_writer(connection: Any, _record: Any) -> None:
    """Make a connection one that writes, durably."""
    connection.isolation_level = None  # transactions begin where we say, not where the driver guesses
    run = connection.execute
    run(f"PRAGMA page_size={PAGE_BYTES}")
    run("PRAGMA journal_mode=WAL")
    run("PRAGMA synchronous=FULL")
    run(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    run(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
    run("PRAGMA journal_size_limit=67108864")
    run(f"PRAGMA cache_size=-{WRITE_CACHE_KIB}")
    run("PRAGMA temp_store=MEMORY")


def _setup_reader(connection: Any, _record: Any) -> None:
    connection.isolation_level = None
    run = connection.execute
    run(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    run(f"PRAGMA cache_size=-{READ_CACHE_KIB}")
    run("PRAGMA query_only=ON")
    run("PRAGMA temp_store=MEMORY")


def translate(error: BaseException) -> Unavailable | None:
    """The error of the house for one of the driver's; None when it is no fault of the store."""
    cause = getattr(error, "orig", error)
    if not isinstance(cause, sqlite3.Error):
        return None
    name = getattr(cause, "sqlite_errorname", "") or type(cause).__name__
    if name.startswith("SQLITE_FULL"):
        return StorageFull("The store's disk is full.", hint="Free space on the data folder's disk.", retry_after_s=60)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return Unavailable("The store is busy: another process writes to it.", retry_after_s=1)
    if name.startswith(("SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return Unavailable(
            f"The store cannot be used: {name}.", hint="Look at the disk and its kernel messages.", retry_after_s=5
        )
    return None


def is_duplicate(_error: BaseException) -> bool:
    """No: one process writes, so a key that was not there when a transaction looked does not appear in it."""
    return False
