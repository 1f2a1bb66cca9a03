"""The real server process: it starts, serves beside idle strangers, refuses what it must, and stops cleanly."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

from bodies import numbered
from devmesh.errors import Unavailable
from devmesh.server import serve
from processes import SERVE, serving


def ask(server, path, body=None, **headers):
    """(status, JSON) of one request."""
    head = {name.replace("_", "-"): value for name, value in headers.items()}
    asked = urllib.request.Request(server.url + path, body, head)  # noqa: S310 - our own server
    with urllib.request.urlopen(asked, timeout=30) as answer:  # noqa: S310 - our own server
        return answer.status, json.load(answer)


def test_what_is_acknowledged_survives_a_stop(tmp_path):
    """Entries sent to a server are there after SIGTERM and a new start, as is the coverage."""
    head = {"DevMesh_Node": "n1", "DevMesh_Stream": "s;0", "DevMesh_Range": "1-50;a"}
    with serving(tmp_path / "data", fresh=True) as server:
        assert ask(server, "/ingest", numbered(1, 50), **head)[1]["stored"] == 50
        assert server.stop() in {0, -signal.SIGTERM}
    with serving(tmp_path / "data", fresh=True) as server:
        assert ask(server, "/ingest", numbered(1, 50), **head)[1]["repeated"] == 50
        assert len(server.get("/logs?limit=100")["events"]) == 50


def test_a_second_server_is_refused(server):
    """Two processes never write to one store: the second says so and ends."""
    env = {**os.environ, "DEVMESH_DATA_DIR": str(server.data_dir), "DEVMESH_PORT": "0"}
    done = subprocess.run(
        [sys.executable, "-c", SERVE], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
    assert "Another process holds the store" in done.stderr
    assert server.get("/health")["status"]


def test_the_lock_file_tells_the_owner(server):
    """The command line finds address and token in the lock file, and that token opens the door."""
    told = json.loads((server.data_dir / "devmesh.db.lock").read_text())
    assert told["url"] == server.url
    assert told["pid"] == server.process.pid
    assert ask(server, "/stats", Authorization=f"Bearer {told['token']}")[0] == 200


def test_silent_connections_are_let_go(server):
    """More sockets that say nothing than may be served at once hold the others up for seconds only (F24)."""
    host, port = urllib.parse.urlsplit(server.url).hostname, urllib.parse.urlsplit(server.url).port
    silent = [socket.create_connection((host, port)) for _each in range(220)]
    for sock in silent[:50]:
        sock.sendall(b"GET /health HTTP/1.1\r\nHost: lo")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.HTTPError, OSError):
            assert server.get("/health")["status"]
            break
        silent[0].settimeout(0.2)
        with contextlib.suppress(OSError):
            silent[0].recv(1)  # returns when the server has let go
    else:
        raise AssertionError("silent connections hold the server up")
    for sock in silent:
        sock.close()


def test_idle_connections_hold_nobody_up(server):
    """Seventy sockets that say nothing, and ten that stop in the middle, leave the server answering (F24)."""
    host, port = urllib.parse.urlsplit(server.url).hostname, urllib.parse.urlsplit(server.url).port
    idle = [socket.create_connection((host, port)) for _each in range(80)]
    for sock in idle[:10]:
        sock.sendall(b"POST /ingest HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\nabc")
    assert server.get("/health")["status"]
    assert ask(server, "/ingest", numbered(1, 5))[1]["stored"] == 5
    for sock in idle:
        sock.close()


@pytest.mark.parametrize("away", [True, False])
def test_a_store_that_goes_while_the_server_starts(make_mesh, monkeypatch, caplog, away):
    """Whoever serves is told to begin again once it is there, by one line; another fault at start is an error."""

    def fail(*_more):
        raise Unavailable("The database server does not answer.")

    mesh = make_mesh(port=0)
    monkeypatch.setattr(type(mesh.intake), "start", fail)
    if away:
        monkeypatch.setattr(type(mesh.db), "read", fail)
        assert serve(mesh, lambda _url: None)
        [said] = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
        assert said == (
            "the store went while the server started: The database server does not answer. This server starts anew."
        )
    else:
        with pytest.raises(Unavailable, match="does not answer"):
            serve(mesh, lambda _url: None)
