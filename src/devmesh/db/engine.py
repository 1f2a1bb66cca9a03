"""A `Database`: where every room gets its connections.

`with db.read() as connection` gives a snapshot that cannot write; `with db.write() as connection` is one transaction,
taken in turn, durable when the block ends. A driver's error leaves either block as an error of the house.
The kinds of store (`sqlite.py`, `mariadb.py`) each bring engines, the driver's errors and their translation.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from devmesh.db import sqlite
from devmesh.db.again import WITHIN_S, Contended, pauses_s
from devmesh.db.lock import FairLock, StoreLock
from devmesh.errors import ConfigError, StorageFull, Unavailable

MARIADB = {"mysql", "mysql+pymysql", "mariadb", "mariadb+pymysql"}
WRITE_TIMEOUT_S = 30.0
CHECKPOINT_WAIT_MS = 200  # for readers to end; every writer waits meanwhile

T = TypeVar("T")


class Database:
    """One store, opened: engines for reading and writing and the locks around them."""

    def __init__(
        self, url: str, reader: Engine, writer: Engine | None, lock: StoreLock | None, kind: ModuleType = sqlite
    ) -> None:
        self.url = url
        self.dialect = reader.dialect.name  # sqlite or mariadb
        self.lock = lock
        self._kind = kind
        self._reader = reader
        self._writer = writer
        self._turn = FairLock()
        self.on_full: Callable[[], object] = lambda: None  # what to give up for the next try, when the disk is full
        self.pause: Callable[[float], None] = time.sleep  # between two tries of a transaction
        # Calls what it is given, once, when the server may have lost what this process remembers (continuity.py).
        self.watch: Callable[..., None] = lambda *_call: None

    @property
    def writable(self) -> bool:
        """False where another process holds the store."""
        return self._writer is not None

    @contextlib.contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection in one read transaction: everything it sees is of one moment."""
        with self._translated(), self._reader.connect() as connection, connection.begin():
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
            with self._translated(self._writer), self._writer.connect() as connection, connection.begin():
                yield connection
        except StorageFull:
            self.on_full()
            raise
        finally:
            self._turn.release()

    def transact(self, work: Callable[[Connection], T]) -> T:
        """`work` in one write transaction, and its result; again as a whole, with pauses, where another one was in its
        way (`again.py`). So `work` changes nothing but the store, and looks before it inserts.

        Raises what `write` raises, and Contended when the others did not let go.
        """
        begun = time.monotonic()
        for pause_s in pauses_s():
            try:
                with self.write() as connection:
                    return work(connection)
            except (Contended, DBAPIError, *self._kind.DRIVER_ERRORS) as error:
                raced = isinstance(error, Contended) or self._kind.is_duplicate(error)
                if not raced or time.monotonic() - begun > WITHIN_S:
                    raise
            self.pause(pause_s)
        with self.write() as connection:
            return work(connection)

    @contextlib.contextmanager
    def change_schema(self) -> Iterator[Connection]:
        """A connection for DDL, which may take long. On SQLite one write transaction; on MariaDB each statement commits
        by itself (and `mariadb.prepare_schema` lets one process at a time).
        """
        if self.dialect == "sqlite":
            with self.write() as connection:
                yield connection
            return
        engine = self._kind.make_patient_engine(self.url)
        with self._translated(), engine.connect() as connection, connection.begin():
            yield connection

    @contextlib.contextmanager
    def _translated(self, heal: Engine | None = None) -> Iterator[None]:
        """Driver errors stop here; after one that broke I/O the connection is opened anew."""
        try:
            yield
        except (DBAPIError, *self._kind.DRIVER_ERRORS) as error:  # bulk inserts speak to the driver itself
            known = self._kind.translate(error)
            if heal is not None and not isinstance(known, Contended):
                heal.dispose()
            if known is None:
                raise
            raise known from error
        except PoolTimeout as error:
            raise Unavailable("Every connection to the store is in use.", retry_after_s=2) from error

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

    def notice(self) -> str:
        """What the store's server does not let us do and thus costs speed; empty where it does all."""
        return "" if self.dialect == "sqlite" else str(self._kind.notice())

    def server_bytes(self) -> int:
        """What the tables take on a server's disk, as far as it has counted; 0 for SQLite, whose file says it."""
        query = "SELECT SUM(data_length + index_length) FROM information_schema.tables WHERE table_schema = DATABASE()"
        return 0 if self.dialect == "sqlite" else int(self.scalar(query) or 0)

    def data_bytes(self) -> int:
        """What the data takes: for SQLite its pages, in the file or yet in the write-ahead log, which keeps
        up to 64 MiB of room whatever it holds.
        """
        if self.dialect != "sqlite":
            return self.server_bytes()
        return int(self.scalar("PRAGMA page_count") or 0) * int(self.scalar("PRAGMA page_size") or 0)

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
            with self._translated():
                raw = self._writer.raw_connection()
                try:
                    raw.cursor().execute(f"PRAGMA busy_timeout={CHECKPOINT_WAIT_MS}")
                    raw.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
                finally:
                    raw.cursor().execute(f"PRAGMA busy_timeout={sqlite.BUSY_TIMEOUT_MS}")
                    raw.close()
        finally:
            self._turn.release()

    def shrink(self) -> None:
        """Let idle connections of SQLite forget the pages that they hold: 32 MB of the writer, 8 of each reader."""
        if self.dialect != "sqlite":
            return
        _forget_pages(self._reader)
        if self._writer is not None and self._turn.acquire(WRITE_TIMEOUT_S):
            try:
                _forget_pages(self._writer)
            finally:
                self._turn.release()

    def close(self) -> None:
        """Close every connection and let the lock file go."""
        self._reader.dispose()
        if self._writer is not None:
            self._writer.dispose()
        if self.lock is not None:
            self.lock.release()


def _forget_pages(engine: Engine) -> None:
    with contextlib.ExitStack() as held:  # all at once, else the same one comes again
        for _ in range(cast("QueuePool", engine.pool).checkedin()):
            raw = held.enter_context(contextlib.closing(engine.raw_connection()))
            raw.cursor().execute("PRAGMA shrink_memory")


def open_database(url: str, *, read_only: bool = False, allow_unsafe: bool = False) -> Database:
    """Open the store at `url`.

    On SQLite the process that can take the lock file writes; any other opens it for reading alone. Raises ConfigError
    for a URL that no store here speaks, and for a server that is too old or would lose commits (`allow_unsafe` takes
    the latter).
    """
    try:
        drivername = make_url(url).drivername
    except Exception as error:
        raise ConfigError(f"The database URL cannot be read: {error}.", hint="sqlite:////path/to/devmesh.db") from error
    if drivername in {"sqlite", "sqlite+pysqlite"}:
        return _open_sqlite(url, read_only=read_only)
    if drivername in MARIADB:
        return _open_mariadb(url, read_only=read_only, allow_unsafe=allow_unsafe)
    raise ConfigError(
        f"No store of kind {drivername!r} is supported.",
        hint="Leave DEVMESH_DATABASE_URL empty for SQLite, or mysql+pymysql://user@host/devmesh for MariaDB.",
    )


def _open_sqlite(url: str, *, read_only: bool) -> Database:
    path = sqlite.path_of(url)
    lock = StoreLock(path.with_name(path.name + ".lock")) if path is not None else None
    writing = not read_only and (lock is None or lock.take())
    writer = sqlite.make_engine(url, writing=True, pool_size=1) if writing else None
    reader = sqlite.make_engine(url, writing=False, pool_size=8)
    return Database(url, reader, writer, lock)


def _open_mariadb(url: str, *, read_only: bool, allow_unsafe: bool) -> Database:
    from devmesh.db import mariadb
    from devmesh.db.hosts import Hosts, hosts_of

    hosts = Hosts(url)
    writer = None if read_only else mariadb.make_engine(url, writing=True, pool_size=1, hosts=hosts)
    reader = mariadb.make_engine(url, writing=False, pool_size=8, hosts=hosts)
    db = Database(url, reader, writer, None, mariadb)
    db.watch = hosts.continuity.watch
    try:
        with db.read() as connection:
            mariadb.check(connection, allow_unsafe=allow_unsafe)
        if len(hosts_of(url)) > 1:
            mariadb.check_hosts(url, allow_unsafe=allow_unsafe)
    except BaseException:
        db.close()
        raise
    return db
