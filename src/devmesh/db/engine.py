"""A `Database`: where every room gets its connections.

`with db.read() as connection` gives a snapshot that cannot write; `with db.write() as connection` is one transaction,
taken in turn, durable when the block ends. A driver's error leaves either block as an error of the house.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from devmesh.db import sqlite
from devmesh.db.lock import FairLock, StoreLock
from devmesh.errors import ConfigError, StorageFull, Unavailable

WRITE_TIMEOUT_S = 30.0
CHECKPOINT_WAIT_MS = 200  # for readers to end; every writer waits meanwhile


class Database:
    """One store, opened: engines for reading and writing and the locks around them."""

    def __init__(self, url: str, reader: Engine, writer: Engine | None, lock: StoreLock | None) -> None:
        self.url = url
        self.dialect = make_url(url).get_backend_name()
        self.lock = lock
        self._reader = reader
        self._writer = writer
        self._turn = FairLock()
        self.on_full: Callable[[], object] = lambda: None  # what to give up for the next try, when the disk is full

    @property
    def writable(self) -> bool:
        """False where another process holds the store."""
        return self._writer is not None

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection in one read transaction: everything it sees is of one moment."""
        with _translated(), self._reader.connect() as connection, connection.begin():
            yield connection

    @contextlib.contextmanager
    def write(self, timeout_s: float = WRITE_TIMEOUT_S) -> Iterator[Connection]:
        """A connection in one write transaction; commits at the block's end, rolls back on any error.

        Raises Unavailable when the turn does not come within `timeout_s` seconds or the store cannot take it.
        """
        if self._writer is None:
            raise Unavailable("The store is open for reading alone: another process holds it.")
        if not self._turn.acquire(timeout_s):
            raise Unavailable("The writer is behind.", retry_after_s=2)
        try:
            with _translated(self._writer), self._writer.connect() as connection, connection.begin():
                yield connection
        except StorageFull:
            self.on_full()
            raise
        finally:
            self._turn.release()

    def scalar(self, sql: str, **values: Any) -> Any:
        """The first value of a short read."""
        with self.read() as connection:
            return connection.execute(text(sql), values).scalar()

    def free_bytes(self) -> int:
        """Bytes inside of SQLite's file that new rows will use before the file grows; 0 where that is not known."""
        if self.dialect != "sqlite":
            return 0
        try:
            return int(self.scalar("SELECT freelist_count FROM pragma_freelist_count")) * sqlite.PAGE_BYTES
        except Unavailable:
            return 0

    def log_bytes(self) -> int:
        """Size of SQLite's write-ahead log."""
        path = sqlite.path_of(self.url)
        wal = path.with_name(path.name + "-wal") if path is not None else None
        return wal.stat().st_size if wal is not None and wal.exists() else 0

    def checkpoint(self) -> None:
        """Fold SQLite's write-ahead log back into the file and cut it; as far as readers let it, for writers wait."""
        if self.dialect != "sqlite" or self._writer is None or not self._turn.acquire(WRITE_TIMEOUT_S):
            return
        try:
            with _translated():
                raw = self._writer.raw_connection()
                try:
                    raw.cursor().execute(f"PRAGMA busy_timeout={CHECKPOINT_WAIT_MS}")
                    raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
                finally:
                    raw.cursor().execute(f"PRAGMA busy_timeout={sqlite.BUSY_TIMEOUT_MS}")
                    raw.close()
        finally:
            self._turn.release()

    def close(self) -> None:
        """Close every connection and let the lock file go."""
        self._reader.dispose()
        if self._writer is not None:
            self._writer.dispose()
        if self.lock is not None:
            self.lock.release()


@contextlib.contextmanager
def _translated(heal: Engine | None = None) -> Iterator[None]:
    """Driver errors stop here; after one that broke I/O the connection is opened anew."""
    try:
        yield
    except (DBAPIError, *sqlite.DRIVER_ERRORS) as error:  # bulk inserts speak to the driver itself
        known = sqlite.translate(error)
        if heal is not None:
            heal.dispose()
        if known is None:
            raise
        raise known from error
    except PoolTimeout as error:
        raise Unavailable("Every connection to the store is in use.", retry_after_s=2) from error


def open_database(url: str, *, read_only: bool = False) -> Database:
    """Open the store at `url`.

    On SQLite the process that can take the lock file writes; any other opens it for reading alone. Raises ConfigError
    for a URL that no store here speaks.
    """
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name() if parsed.drivername in {"sqlite", "sqlite+pysqlite"} else parsed.drivername
    except Exception as error:
        raise ConfigError(f"The database URL cannot be read: {error}.", hint="sqlite:////path/to/devmesh.db") from error
    if backend != "sqlite":
        raise ConfigError(
            f"No store of kind {backend!r} is supported yet.", hint="Leave DEVMESH_DATABASE_URL empty for SQLite."
        )
    path = sqlite.path_of(url)
    lock = StoreLock(path.with_name(path.name + ".lock")) if path is not None else None
    writing = not read_only and (lock is None or lock.take())
    writer = sqlite.make_engine(url, writing=True, pool_size=1) if writing else None
    reader = sqlite.make_engine(url, writing=False, pool_size=8)
    return Database(url, reader, writer, lock)
