"""A real server and its graph engine: up with it, up again after a kill, gone with it, and nothing lost."""

from __future__ import annotations

import json
import os
import signal
import urllib.request
from pathlib import Path

import pytest

from devmesh.graph.engine import is_built
from processes import start_server

pytestmark = pytest.mark.skipif(not is_built() and not os.environ.get("CI"), reason="no engine here")
TEXT = "services:\n  db: {hosts: [h1]}\n  api: {hosts: [h2], depends_on: [db]}\n"


def post(server, path, body):
    """The JSON answer of a POST."""
    head = {"Content-Type": "application/json"}
    asked = urllib.request.Request(server.url + path, json.dumps(body).encode(), head, method="POST")  # noqa: S310
    with urllib.request.urlopen(asked, timeout=20) as answer:  # noqa: S310 - our own server
        return json.load(answer)


def engine_of(server) -> int | None:
    """The pid of the redis-server among the server's children."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rsplit(")", 1)
        except OSError:
            continue
        state, parent = fields[1].split()[:2]
        if int(parent) == server.process.pid and state != "Z" and "redis-server" in fields[0]:
            return int(path.parent.name)
    return None


def test_the_engine_lives_and_dies_with_its_server(tmp_path):
    """`kill -9` of the engine: the next look has a new one. `kill -9` of the server: no engine is left, and the next
    server has the inventory.
    """
    server = start_server(tmp_path / "data")
    try:
        assert engine_of(server) is None  # nothing is loaded
        post(server, "/graph/inventory", {"text": TEXT})
        post(server, "/loops/keep-graph/run", {})
        first = engine_of(server)
        assert server.get("/graph/blast?of=db")["engine"] == "falkordb"
        os.kill(first, signal.SIGKILL)
        assert server.get("/graph/blast?of=db")["total"] == 1
        post(server, "/loops/keep-graph/run", {})
        second = engine_of(server)
        assert second not in (None, first)
        assert server.get("/graph/blast?of=db")["engine"] == "falkordb"
        server.kill()
        assert not Path(f"/proc/{second}").exists() or "Z" in Path(f"/proc/{second}/stat").read_text()
        server = start_server(tmp_path / "data")
        assert server.get("/graph/blast?of=db")["total"] == 1
        post(server, "/loops/keep-graph/run", {})
        third = engine_of(server)
        assert server.get("/graph/blast?of=db")["engine"] == "falkordb"
        server.stop()
        assert not Path(f"/proc/{third}").exists()
    finally:
        server.kill()
