"""A server that is started before its MariaDB waits for it (boot order); what waiting cannot mend ends it at once."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from concurrent.futures import Future

import pytest

from bodies import numbered
from devmesh.cli.history.stores import Body, LocalStore
from devmesh.cli.imports import way_in
from devmesh.cli.opening import reading
from devmesh.db.waiting import when_there
from devmesh.errors import ConfigError, Unavailable
from devmesh.events import Filter
from devmesh.intake import Ticket
from devmesh.mesh import open_mesh
from devmesh.nodes import StreamKey
from devmesh.settings import load_settings
from mariadb_server import private_server, said_to

# PyMySQL leaves the socket of a refused connection to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def collected():
    """Here, where it may be said."""
    yield
    gc.collect()


@pytest.fixture(scope="module")
def server(mariadb):
    """A server with a database that is not started yet; `mariadb` has shown that one can run."""
    made = private_server()
    made.create()
    made.start()
    said_to(made, "CREATE DATABASE devmesh", "CREATE USER someone@localhost IDENTIFIED BY 'right'")
    made.kill()
    made.socket.unlink()
    yield made
    made.stop()


@pytest.fixture
def running(server):
    """The same, started."""
    if server.process.poll() is not None:
        server.start()
    return server


def environment(folder, url):
    """Of a process over the database at `url`."""
    told = {
        "DEVMESH_DATA_DIR": str(folder), "DEVMESH_DATABASE_URL": url, "DEVMESH_EMBEDDING_PROVIDER": "off",
        "DEVMESH_UI": "false",
    }  # fmt: skip
    return {**os.environ, **told}


@pytest.fixture
def start(tmp_path):
    """Starts `devmesh …` over a database: `start(url, "serve")`."""
    started = []

    def start_one(url, *words):
        process = subprocess.Popen(
            [sys.executable, "-m", "devmesh", *words], env=environment(tmp_path / "data", url),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path,
        )  # fmt: skip
        started.append(process)
        return process

    yield start_one
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def settings(tmp_path):
    """Settings over a database: `settings(url)`."""
    return lambda url: load_settings(data_dir=tmp_path / "data", database_url=url, embedding_provider="off")


class Silent:
    """Shows nothing."""

    def say(self, text):
        """Nothing."""


def database(server, name="devmesh", user="root"):
    """The URL of a database of the server."""
    return server.url.replace("/?", f"/{name}?").replace("root@", f"{user}@")


def ended(process, seconds=20):
    """Exit code and what it said on stderr."""
    _out, said = process.communicate(timeout=seconds)
    return process.returncode, said


@pytest.mark.parametrize(("command", "number"), [("serve", signal.SIGTERM), ("up", signal.SIGINT)])
def test_it_waits_and_ends_at_once_when_it_is_told_to(server, start, command, number):
    """One line says what is missing, where, why, and how to end it; SIGTERM ends it with 0, Ctrl-C too."""
    process = start(database(server), command, "--port", "0")
    said = process.stderr.readline()
    assert "waiting for the database" in said
    assert str(server.socket) in said
    assert "No such file" in said
    begun = time.monotonic()
    process.send_signal(number)
    code, more = ended(process, 10)
    assert (code, more) == (0, "")
    assert time.monotonic() - begun < 3


def test_other_commands_do_not_wait(server, settings):
    """A person who asks wants an answer."""
    with pytest.raises(Unavailable, match="does not answer"), reading(settings(database(server))):
        pass


def test_it_serves_once_the_database_is_there(server, start):
    """Started first, it answers as soon as MariaDB does; after MariaDB's restart it begins anew."""
    process = start(database(server), "serve", "--port", "0")
    assert "waiting for the database" in process.stderr.readline()
    server.start()
    line = process.stdout.readline()
    assert "DevMesh is up at" in line
    with urllib.request.urlopen(line.split(" at ")[1].strip() + "/health", timeout=10) as answer:  # noqa: S310
        assert json.load(answer)["status"]
    server.kill()
    server.start()
    assert "DevMesh is up at" in next(line for line in process.stdout if " up at" in line), "forgets what it knew"
    server.kill()
    process.terminate()
    code, said = ended(process)
    assert code in {0, -signal.SIGTERM}
    assert "Traceback" not in said, said
    server.start()


def test_an_import_over_a_restart_of_mariadb(running, settings):
    """It ends and says how to go on; the same again brings the rest, and every line is stored once."""

    def bring(store, numbers):
        for number in numbers:
            first, last = number * 100 + 1, number * 100 + 100
            spans = (((first, last), ""),)
            store.send(Body("n", StreamKey("file", 0), numbered(first, last), spans), lambda _answer: None)
        store.wait()

    def over_a_restart(told):
        with way_in(told, Silent()) as store:
            bring(store, (0, 1))
            running.kill()
            running.start()
            for number in (2, 3):  # the first may meet connections that are broken
                with contextlib.suppress(Unavailable):
                    bring(store, (number,))
            bring(store, (4,))

    told = settings(database(running))
    with pytest.raises(Unavailable, match="this command ends") as caught:
        over_a_restart(told)
    assert "same command goes on" in caught.value.hint
    with way_in(told, Silent()) as store:
        bring(store, range(6))
    with reading(told) as mesh:
        found = [event.message for event in mesh.events.query(Filter(), 1_000).events]
    assert Counter(found) == Counter(f"entry {number}" for number in range(1, 601))


def test_a_body_that_was_not_stored_ends_an_import_at_once(make_mesh, monkeypatch):
    """Not when the whole file is read."""
    failed = Future()
    failed.set_exception(Unavailable("The database server does not answer."))
    mesh = make_mesh()
    monkeypatch.setattr(type(mesh.intake), "submit", lambda _intake, request: Ticket(request, failed))
    store, body = LocalStore(mesh), Body("n", StreamKey("file", 0), numbered(1, 2), (((1, 2), ""),))
    store.send(body, lambda _answer: None)
    with pytest.raises(Unavailable, match="does not answer"):
        store.send(body, lambda _answer: None)


def test_what_waiting_would_not_mend_ends_it(running, settings, caplog):
    """A wrong password, an unknown database, an account that may only look, an unsafe server; one that is read-only
    may be another one tomorrow.
    """

    def opened(url, pause):
        when_there(url, lambda: open_mesh(settings(url)), pause).close()

    said_to(running, "CREATE USER looks@localhost", "GRANT SELECT ON devmesh.* TO looks@localhost")
    said_to(running, "CREATE USER writes@localhost", "GRANT ALL ON devmesh.* TO writes@localhost")
    cases = (
        (database(running, user="someone:wrong"), "Access denied"),
        (database(running, "nowhere"), "Unknown database"),
        (database(running, user="looks"), "denied to user"),
    )
    for url, words in cases:
        with pytest.raises(ConfigError, match=words):
            opened(url, pytest.fail)
    said_to(running, "SET GLOBAL read_only=1")
    opened(database(running, user="writes"), lambda _s: said_to(running, "SET GLOBAL read_only=0"))
    assert "it is read-only" in caplog.text
    said_to(running, "SET GLOBAL innodb_flush_log_at_trx_commit=2")
    with pytest.raises(ConfigError, match="innodb_flush_log_at_trx_commit=2"):
        opened(database(running), pytest.fail)
    said_to(running, "SET GLOBAL innodb_flush_log_at_trx_commit=1")
