"""A real server and its graph engine: up with it, up again after a kill, gone with it, and nothing lost."""

from __future__ import annotations

import json
import os
import signal
import time
import urllib.request
from pathlib import Path

import pytest

from devmesh.graph.engine import is_built
from processes import start_server

pytestmark = pytest.mark.skipif(not is_built() and not os.environ.get("CI"), reason="no engine here")
TEXT = "services:\n  db: {hosts: [h1]}\n  cache: {hosts: [h1]}\n  api: {hosts: [h2], depends_on: [db]}\n"


def post(server, path, body, node=""):
    """The JSON answer of a POST, of a node's agent."""
    head = {"Content-Type": "application/json", **({"DevMesh-Node": node} if node else {})}
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


def accept_a_learned_edge(server) -> None:
    """What an agent saw once, put in force."""
    now = int(time.time() * 1_000_000)
    met = {"unit": "db.service", "protocol": "tcp", "address": "127.0.0.1", "port": 6379, "count": 1}
    heard = {"unit": "cache.service", "protocol": "tcp", "address": "127.0.0.1", "port": 6379}
    said = {"since_us": now - 1, "until_us": now, "connections": [met], "listeners": [heard]}
    assert post(server, "/ingest/connections", said, "h1")["taken"] == 1
    done = post(server, "/graph/proposals", {"start": "db", "end": "cache", "decision": "accept"})
    assert done["decision"] == "accepted"


def test_the_engine_lives_and_dies_with_its_server(tmp_path):
    """`kill -9` of the engine: the next look has a new one. `kill -9` of the server: no engine is left, and the next
    server has the inventory, and the learned edge that somebody accepted.
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
        accept_a_learned_edge(server)
        server.kill()
        assert not Path(f"/proc/{second}").exists() or "Z" in Path(f"/proc/{second}/stat").read_text()
        server = start_server(tmp_path / "data")
        assert server.get("/graph/blast?of=db")["total"] == 1
        assert [one["name"] for one in server.get("/graph/blast?of=cache")["rows"]] == ["db", "api"]
        post(server, "/loops/keep-graph/run", {})
        third = engine_of(server)
        assert server.get("/graph/blast?of=db")["engine"] == "falkordb"
        server.stop()
        assert not Path(f"/proc/{third}").exists()
    finally:
        server.kill()
