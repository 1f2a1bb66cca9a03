"""The store's promises to every room: one writer in turn, snapshots for readers, and errors of ours."""

from __future__ import annotations

import sqlite3
import stat
import threading
import time

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from bodies import NOW_US, line, messages, numbered, rows, take
from devmesh.db import open_database, schema, sqlite
from devmesh.db.lock import FairLock
from devmesh.errors import ConfigError, StorageFull, Unavailable
from devmesh.mesh import open_mesh
from devmesh.settings import load_settings
from quick_stores import make_durable


@pytest.mark.sqlite_only
def test_a_commit_is_durable(make_mesh, monkeypatch):
    """The store is in WAL mode with synchronous=FULL: NORMAL loses acknowledged rows in a power cut (M12)."""
    make_durable(monkeypatch)
    with make_mesh().db.write() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_readers_cannot_write(mesh):
    """A connection for reading refuses to write."""
    with pytest.raises(Exception, match=r"(?i)read-?only"), mesh.db.read() as connection:
        connection.execute(text("DELETE FROM nodes"))


def test_a_reader_sees_one_moment(mesh):
    """What is committed while somebody reads does not change what they see."""
    take(mesh, line("before"))
    with mesh.db.read() as connection:
        first = connection.execute(text("SELECT COUNT(*) FROM log_events")).scalar()
        take(mesh, line("during"))
        assert connection.execute(text("SELECT COUNT(*) FROM log_events")).scalar() == first
    assert len(messages(mesh)) == 2


def test_a_failed_block_leaves_nothing(mesh):
    """Whatever is raised in a write block rolls all of it back, and the next block works."""
    with pytest.raises(KeyboardInterrupt), mesh.db.write() as connection:  # noqa: PT012
        connection.execute(text("INSERT INTO nodes (name, created_us) VALUES ('x', 1)"))
        raise KeyboardInterrupt
    assert rows(mesh, "SELECT * FROM nodes") == []
    assert take(mesh, line("x")).stored == 1


def test_writers_take_turns_in_order():
    """The lock is handed over in the order of asking, and a waiter that gives up is forgotten."""
    lock, order = FairLock(), []
    assert lock.acquire(1)
    assert not lock.acquire(0.01)
    asked = []

    def wait(number):
        asked.append(number)
        assert lock.acquire(10)
        order.append(number)
        lock.release()

    threads = []
    for number in range(5):
        thread = threading.Thread(target=wait, args=(number,))
        thread.start()
        threads.append(thread)
        while len(lock._waiting) <= number:
            pass
    lock.release()
    for thread in threads:
        thread.join(10)
    assert order == [0, 1, 2, 3, 4]
    assert lock.acquire(0.01)


@pytest.mark.sqlite_only
def test_a_store_held_by_another_is_503_and_heals(make_mesh, monkeypatch):
    """While another program writes to the file, requests get 503 and nothing is stored; afterwards it works (F36)."""
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_MS", 100)
    mesh = make_mesh()
    take(mesh, numbered(1, 3), stream="s", ranges=((1, 3),))
    other = sqlite3.connect(sqlite.path_of(mesh.db.url), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(Unavailable) as caught:
        take(mesh, numbered(4, 6), stream="s", ranges=((4, 6),))
    assert caught.value.status == 503
    assert caught.value.retry_after_s
    assert messages(mesh) == ["entry 1", "entry 2", "entry 3"]
    other.execute("ROLLBACK")
    other.close()
    assert take(mesh, numbered(4, 6), stream="s", ranges=((4, 6),)).stored == 3


@pytest.mark.sqlite_only
def test_the_log_is_folded_back(make_mesh):
    """When a reader that held the write-ahead log open has gone, the log is cut (F36: it stays below its limit)."""
    mesh = make_mesh(wal_limit_mb=8)
    wal = sqlite.path_of(mesh.db.url).with_name("devmesh.db-wal")
    with mesh.db.read() as connection:
        connection.execute(text("SELECT COUNT(*) FROM log_events")).scalar()
        for number in range(6):
            take(mesh, b"".join(line("x" * 30_000 + str(number)) for _each in range(60)))
        assert wal.stat().st_size > 8 << 20
    mesh.runner.once("fold-wal")
    assert wal.stat().st_size < 1 << 20


@pytest.mark.sqlite_only
def test_the_log_is_folded_back_when_the_disk_is_short(make_mesh, monkeypatch):
    """A log far below its limit is cut as well where its room is needed; with room it stays."""
    mesh = make_mesh(wal_limit_mb=64)
    wal = sqlite.path_of(mesh.db.url).with_name("devmesh.db-wal")
    take(mesh, b"".join(line("x" * 30_000) for _each in range(60)))
    mesh.runner.once("fold-wal")
    assert wal.stat().st_size > 1 << 20
    monkeypatch.setattr(mesh.space, "short", lambda: "no room")
    mesh.runner.once("fold-wal")
    assert wal.stat().st_size < 1 << 20


@pytest.mark.sqlite_only
def test_idle_connections_forget_their_pages(make_mesh, monkeypatch):
    """Once memory has grown and little comes in, the writer and every reader that nobody uses let their caches go."""
    mesh = make_mesh()
    with mesh.db.read(), mesh.db.read():
        pass
    told = []
    writer, one, other = [engine.raw_connection() for engine in (mesh.db._writer, mesh.db._reader, mesh.db._reader)]
    for name, raw in (("writer", writer), ("one", one), ("other", other)):
        raw.driver_connection.set_trace_callback(lambda sql, name=name: told.append((name, sql)))
        raw.close()
    held = iter([100 << 20, 200 << 20, 100 << 20])
    monkeypatch.setattr("devmesh.heap.own_bytes", lambda: next(held))
    assert mesh.runner.once("give-memory-back") == 0
    assert mesh.runner.once("give-memory-back") == 1
    shrunk = {name for name, sql in told if sql == "PRAGMA shrink_memory"}
    assert shrunk == {"writer", "one", "other"}
    assert take(mesh, line("x")).stored == 1


@pytest.mark.sqlite_only
def test_one_process_writes(make_mesh, tmp_path):
    """A second process over the same store may read, and is told that it may not write; the first is not disturbed."""
    mesh = make_mesh()
    take(mesh, line("x"))
    second = open_mesh(load_settings(data_dir=mesh.settings.data_dir, embedding_provider="off"))
    assert not second.db.writable
    assert messages(second) == ["x"]
    with pytest.raises(Unavailable), second.db.write():
        pass
    second.close()
    assert take(mesh, line("y")).stored == 1
    third = open_mesh(load_settings(data_dir=mesh.settings.data_dir, embedding_provider="off"))
    assert not third.db.writable
    third.close()


def test_the_store_is_for_its_owner_alone(tmp_path):
    """Folder and lock file are closed to other users: they hold everybody's logs and a token."""
    mesh = open_mesh(load_settings(data_dir=tmp_path / "new", embedding_provider="off"))
    mesh.db.lock.announce(url="u")
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    assert stat.S_IMODE(mesh.db.lock.path.stat().st_mode) == 0o600
    assert mesh.db.lock.holder()["url"] == "u"
    mesh.close()
    assert mesh.db.lock.holder() == {}


@pytest.mark.parametrize("url", ["x", "mysql+mysqldb://a/b", "mysql://a", "postgresql://x/y", "sqlite+pysqlcipher://"])
def test_other_stores_are_refused(url):
    """A URL that no store speaks is a setting that cannot work."""
    with pytest.raises(ConfigError):
        open_database(url)


def test_a_newer_store_is_refused(mesh):
    """A store of a newer DevMesh is not touched (F45)."""
    with mesh.db.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigError):
        schema.upgrade(mesh.db)


def test_driver_errors_are_errors_of_ours():
    """Full, busy and broken disks become 503; a mistake of ours does not hide behind one."""
    for name, expected in (
        ("SQLITE_FULL", StorageFull),
        ("SQLITE_BUSY_SNAPSHOT", Unavailable),
        ("SQLITE_IOERR_FSYNC", Unavailable),
    ):
        error = sqlite3.OperationalError("x")
        error.sqlite_errorname = name
        assert type(sqlite.translate(error)) is expected
    mistake = sqlite3.IntegrityError("x")
    mistake.sqlite_errorname = "SQLITE_CONSTRAINT"
    assert sqlite.translate(mistake) is None
    assert sqlite.translate(ValueError()) is None


@pytest.mark.sqlite_only
def test_a_raw_driver_error_is_translated(mesh):
    """An error of the driver itself, past SQLAlchemy as in bulk inserts, becomes one of ours as well."""
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorname = "SQLITE_FULL"
    with pytest.raises(StorageFull), mesh.db.write():
        raise error
    assert take(mesh, line("x", ts_us=NOW_US)).stored == 1


@pytest.mark.sqlite_only
def test_a_checkpoint_does_not_hold_writers_up_behind_a_reader(mesh):
    """Where somebody reads for long, the log is folded back as far as that goes, and writers go on at once."""
    take(mesh, line("before"))
    with mesh.db.read() as connection:
        connection.execute(text("SELECT COUNT(*) FROM log_events")).scalar()
        take(mesh, line("during"))
        begun = time.monotonic()
        mesh.db.checkpoint()
        assert time.monotonic() - begun < 2
    with mesh.db.write() as connection:
        assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == sqlite.BUSY_TIMEOUT_MS


def test_what_lies_in_a_folder_that_was_open_is_closed(tmp_path):
    """In a folder that everybody may look into, the store, its log and the lock file are their owner's alone."""
    tmp_path.chmod(0o755)
    (tmp_path / "devmesh.db.lock").touch(mode=0o644)
    mesh = open_mesh(load_settings(data_dir=tmp_path, embedding_provider="off"))
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    mesh.close()
    assert modes.keys() >= {"devmesh.db", "devmesh.db-wal", "devmesh.db.lock"}
    assert set(modes.values()) == {0o600}


def test_an_error_of_the_store_holds_no_values(mesh):
    """The text of a driver's error reaches logs and health: the statement may stand in it, log lines may not."""
    with pytest.raises(DBAPIError) as caught, mesh.db.write() as connection:
        connection.execute(text("INSERT INTO nodes (name) VALUES (:name)"), {"name": "what somebody logged"})
    assert "what somebody logged" not in str(caught.value)
