"""A server that is started before its MariaDB waits for it (boot order); what waiting cannot mend ends it at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request

import pytest

from mariadb_server import private_server, said_to


@pytest.fixture(scope="module")
def server(mariadb):
    """A server that is not started yet; `mariadb` has shown that one can run."""
    made = private_server()
    made.create()
    yield made
    made.stop()


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


def database(server, name="devmesh"):
    """The URL of a database of the server."""
    return server.url.replace("/?", f"/{name}?")


def ended(process, seconds=20):
    """Exit code and what it said on stderr."""
    _out, said = process.communicate(timeout=seconds)
    return process.returncode, said


@pytest.mark.parametrize("command", ["serve", "up"])
def test_it_waits_and_ends_at_once_when_it_is_told_to(server, start, command):
    """One line says what is missing, where, why, and how to end it; SIGTERM ends it with 0, Ctrl-C too."""
    for number in (signal.SIGTERM, signal.SIGINT):
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


def test_other_commands_do_not_wait(server, start):
    """A person who asks wants an answer."""
    code, said = ended(start(database(server), "stats"))
    assert code == 8
    assert "does not answer" in said


def test_it_serves_once_the_database_is_there(server, start):
    """Started first, it answers as soon as MariaDB does, and what waiting would not mend ended it at once."""
    process = start(database(server), "serve", "--port", "0")
    assert "waiting for the database" in process.stderr.readline()
    server.start()
    said_to(server, "CREATE DATABASE devmesh", "CREATE USER someone@localhost IDENTIFIED BY 'right'")
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
    wrong = database(server).replace("root@", "someone:wrong@")
    said_to(server, "CREATE USER looks@localhost", "GRANT SELECT ON devmesh.* TO looks@localhost")
    looks = database(server).replace("root@", "looks@")
    cases = ((wrong, "Access denied"), (database(server, "nowhere"), "Unknown database"), (looks, "denied to user"))
    for url, words in cases:
        code, said = ended(start(url, "serve", "--port", "0"))
        assert code == 3
        assert words in said
        assert "waiting" not in said
    said_to(server, "CREATE USER writes@localhost", "GRANT ALL ON devmesh.* TO writes@localhost")
    said_to(server, "SET GLOBAL read_only=1")
    process = start(database(server).replace("root@", "writes@"), "serve", "--port", "0")
    assert "it is read-only" in process.stderr.readline()
    said_to(server, "SET GLOBAL read_only=0")
    assert "DevMesh is up at" in process.stdout.readline()
    process.terminate()
    assert ended(process)[0] in {0, -signal.SIGTERM}
    said_to(server, "SET GLOBAL innodb_flush_log_at_trx_commit=2")
    code, said = ended(start(database(server), "serve", "--port", "0"))
    assert code == 3
    assert "innodb_flush_log_at_trx_commit=2" in said
