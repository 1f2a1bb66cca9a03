"""Two writers in each other's way: whole transactions are tried again, or said to be in doubt (F38, F39)."""

from __future__ import annotations

import contextlib
import socket
import threading
import time

import pymysql
import pytest
from sqlalchemy import event
from sqlalchemy.engine import make_url

from bodies import assert_counts, messages, numbered, rows, take
from devmesh.db.again import TIMES, Contended
from devmesh.errors import Unavailable
from devmesh.mesh import open_mesh
from devmesh.settings import load_settings
from mariadb_server import as_root, asked


@pytest.fixture
def db(db):
    """No pause between tries takes time."""
    db.pause = lambda _pause_s: None
    return db


@pytest.fixture
def mesh(url, tmp_path, clock):
    """A house over it, with the stream `s` of n1 known, which waits for a lock for 1 s alone."""
    opened = house(url, tmp_path / "data", clock)
    event.listen(opened.db._writer, "connect", _wait_briefly)
    opened.db._writer.dispose()
    assert take(opened, numbered(1, 5), stream="s", ranges=((1, 5),)).stored == 5
    yield opened
    opened.close()


def house(url, folder, clock):
    """A house whose intake runs."""
    told = {"database_url": url, "embedding_provider": "off", "disk_reserve_mb": 1}
    mesh = open_mesh(load_settings(data_dir=folder, **told), clock=clock)
    mesh.intake.start()
    return mesh


def _wait_briefly(raw, _record):
    with raw.cursor() as cursor:
        cursor.execute("SET SESSION innodb_lock_wait_timeout=1")


@pytest.fixture
def rival(url):
    """Another program's connection, in a transaction."""
    with as_root(url) as connection:
        connection.begin()
        yield connection


def when_waiting(url, do):
    """A thread that calls `do` once a transaction waits for a lock."""

    def watch():
        with as_root(url, autocommit=True) as connection:
            deadline = time.monotonic() + 20
            query = "SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"
            while asked(connection, query) == ((0,),) and time.monotonic() < deadline:
                time.sleep(0.12)  # asked again within 0.1 s the server shows the same moment
        do()

    thread = threading.Thread(target=watch)
    thread.start()
    return thread


def said_of(mesh):
    """The messages of the pauses that a house made between tries."""
    pauses = []
    mesh.db.pause = pauses.append
    return pauses


def whole(mesh, last):
    """Each entry once, and the counts true."""
    assert messages(mesh) == [f"entry {number}" for number in range(1, last + 1)]
    assert rows(mesh, "SELECT first_seq, last_seq FROM stream_ranges") == [(1, last)]
    assert_counts(mesh)


def test_a_deadlock_is_tried_again(mesh, url, rival):
    """The server breaks our transaction off: it runs again as if it had not run before, and the sender sees nothing."""
    pauses = said_of(mesh)
    many = ",".join(f"({number}, 1, 1, 1, 1, 99, 1)" for number in range(5_000))
    # What wrote more wins a deadlock.
    asked(rival, f"INSERT INTO event_counts VALUES {many}", "UPDATE nodes SET retired_us = NULL, created_us = 2")  # noqa: S608

    def cross():
        asked(rival, "UPDATE streams SET version = version + 1")
        rival.rollback()

    crossing = when_waiting(url, cross)
    assert take(mesh, numbered(3, 9), stream="s", ranges=((3, 9),)).stored == 4
    crossing.join()
    assert len(pauses) == 1
    assert mesh.intake.trouble() is None
    whole(mesh, 9)


def test_a_lock_that_does_not_come_is_tried_again(mesh, rival):
    """Held for longer than we wait, then let go: stored by the next try."""
    asked(rival, "UPDATE nodes SET created_us = 2")
    pauses = []
    mesh.db.pause = lambda pause_s: (pauses.append(pause_s), rival.rollback())
    assert take(mesh, numbered(6, 9), stream="s", ranges=((6, 9),)).stored == 4
    assert len(pauses) == 1
    whole(mesh, 9)


def test_a_lock_that_never_comes_is_503_in_time(mesh, rival, monkeypatch):
    """The sender is asked to come again, health says why, and nothing is half done."""
    monkeypatch.setattr("devmesh.db.engine.WITHIN_S", 0.5)
    asked(rival, "UPDATE nodes SET created_us = 2")
    with pytest.raises(Contended) as caught:
        take(mesh, numbered(6, 9), stream="s", ranges=((6, 9),))
    assert caught.value.retry_after_s
    assert "same rows" in mesh.intake.trouble()
    rival.rollback()
    assert take(mesh, numbered(6, 9), stream="s", ranges=((6, 9),)).stored == 4
    assert mesh.intake.trouble() is None
    whole(mesh, 9)


def test_tries_are_bounded_and_their_pauses_grow(db):
    """Five more after the first, each after about twice the pause of the one before; then Contended."""
    pauses, tries = [], []
    db.pause = pauses.append

    def work(_connection):
        tries.append(1)
        raise pymysql.err.OperationalError(1213, "Deadlock found")

    with pytest.raises(Contended):
        db.transact(work)
    assert (len(tries), len(pauses)) == (TIMES + 1, TIMES)
    assert all(0.025 * 2**number <= pause <= 0.075 * 2**number for number, pause in enumerate(pauses))


@pytest.mark.parametrize("code", [1180, 2013, 1205, 1062, 1406])
def test_what_is_tried_again(db, code):
    """Not what is in doubt or will fail again; the lock that did not come, and the key that another server was faster
    with.
    """
    tries = []

    def work(_connection):
        tries.append(1)
        if len(tries) == 1:
            kind = pymysql.err.IntegrityError if code == 1062 else pymysql.err.OperationalError
            raise kind(code, "said the server")
        return "done"

    if code in {1205, 1062}:
        assert db.transact(work) == "done"
    else:
        with pytest.raises((Unavailable, pymysql.err.OperationalError)):
            db.transact(work)
        assert len(tries) == 1


class Cut:
    """A way to the server that can lose the answer to a COMMIT, which arrives there all the same."""

    def __init__(self, path, to):
        self.path, self._to, self.armed = str(path), to, False
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(self.path)
        self._listener.listen()
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                near = self._listener.accept()[0]
                self._threads.append(threading.Thread(target=self._carry, args=(near,)))
                self._threads[-1].start()

    def _carry(self, near):
        with near, socket.socket(socket.AF_UNIX) as far:
            far.connect(self._to)
            back = threading.Thread(target=self._pump, args=(far, near))
            back.start()
            with contextlib.suppress(OSError):
                while data := near.recv(1 << 16):
                    if self.armed and b"\x03COMMIT" in data:
                        near.shutdown(socket.SHUT_RDWR)
                        self.armed = False
                    far.sendall(data)
            with contextlib.suppress(OSError):
                far.shutdown(socket.SHUT_WR)  # what was sent is still worked off
            back.join()

    def _pump(self, far, near):
        with contextlib.suppress(OSError):
            while data := far.recv(1 << 16):
                near.sendall(data)
        with contextlib.suppress(OSError):
            near.shutdown(socket.SHUT_RDWR)

    def close(self):
        """Let go of everything; whoever used it has closed."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)


def test_an_answer_to_commit_that_is_lost(url, tmp_path, clock):
    """It was stored and we cannot know: no acknowledgement, no second try of ours; sent again, it is a repeat (F39)."""
    parsed = make_url(url)
    cut = Cut(tmp_path / "cut", parsed.query["unix_socket"])
    mesh = house(parsed.update_query_dict({"unix_socket": cut.path}).render_as_string(), tmp_path / "data", clock)
    assert take(mesh, numbered(1, 5), stream="s", ranges=((1, 5),)).stored == 5
    cut.armed = True
    with pytest.raises(Unavailable) as caught:
        take(mesh, numbered(6, 9), stream="s", ranges=((6, 9),))
    assert caught.value.retry_after_s
    assert not isinstance(caught.value, Contended)
    again = take(mesh, numbered(6, 12), stream="s", ranges=((6, 12),))
    assert (again.stored, again.repeated) == (3, 4)
    whole(mesh, 12)
    mesh.close()
    cut.close()
