"""What is sent to a JSON route costs the server no more than its limit, in memory and in time, whoever sends it."""

from __future__ import annotations

import asyncio
import json
import socket
from http.client import HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from devmesh.api import bounded
from devmesh.graph import MOST_BYTES

NOTE = "/incidents/1/note"
LARGE = 50 << 20


def peak(pid):
    """The most memory that a process ever had, in bytes."""
    told = Path(f"/proc/{pid}/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in told.splitlines() if line.startswith("VmHWM"))


def told_of(server, head, parts):
    """The status of the answer to a POST over a bare socket, and the answer's code."""
    url = urlsplit(server.url)
    with socket.create_connection((url.hostname, url.port), timeout=30) as sock:
        sock.sendall(f"POST {NOTE} HTTP/1.1\r\nContent-Type: application/json\r\n{head}\r\n\r\n".encode())
        for part in parts:
            sock.sendall(part)
        answer = HTTPResponse(sock)
        answer.begin()
        return answer.status, json.load(answer)["code"]


def test_a_large_body_costs_no_memory(server):
    """50 MB to a JSON route: a stranger hears 401, who may post 413, and nobody makes the server hold them."""
    before = peak(server.process.pid)
    stranger, local = "Host: mesh.example", f"Host: {urlsplit(server.url).netloc}"
    megabytes = [bytes(1 << 20)] * 50
    chunks = [b"100000\r\n" + one + b"\r\n" for one in megabytes]
    assert told_of(server, f"{stranger}\r\nContent-Length: {LARGE}", megabytes) == (401, "unauthorized")
    assert told_of(server, f"{stranger}\r\nTransfer-Encoding: chunked", chunks) == (401, "unauthorized")
    assert told_of(server, f"{local}\r\nContent-Length: {LARGE}", megabytes) == (413, "too_large")
    assert told_of(server, f"{local}\r\nTransfer-Encoding: chunked", chunks) == (413, "too_large")
    assert peak(server.process.pid) - before < LARGE // 4


def drip(call, path, *, pause_s=0.02):
    """The answer to a POST of the machine itself whose body never ends."""
    sent = []

    async def receive():
        await asyncio.sleep(pause_s)
        return {"type": "http.request", "body": b" ", "more_body": True}

    async def send(message):
        sent.append(message)

    head = [(b"host", b"127.0.0.1"), (b"transfer-encoding", b"chunked"), (b"content-type", b"application/json")]
    scope = {
        "type": "http", "http_version": "1.1", "method": "POST", "path": path, "query_string": b"", "headers": head,
        "client": ("127.0.0.1", 40_000), "root_path": "", "scheme": "http", "server": ("127.0.0.1", 8000),
    }  # fmt: skip
    asyncio.run(asyncio.wait_for(call.app(scope, receive, send), 5))
    return sent[0]["status"], json.loads(sent[1]["body"])


@pytest.mark.parametrize("path", [NOTE, "/tokens", "/graph/inventory", "/t/x/maintenance"])
def test_a_dripped_body_is_ended(call, monkeypatch, path):
    """A body that comes byte by byte ends after its time, with an error of the house; a token nobody knows at once."""
    monkeypatch.setattr(bounded, "WHOLE_S", 0.1)
    status, told = drip(call, path)
    assert (status, told["code"]) == ((401, "unauthorized") if path.startswith("/t/") else (408, "too_slow"))
    assert told["message"]
    assert call.app.state.arriving.held == 0


def test_an_inventory_may_be_larger(call):
    """The largest inventory is read, however JSON writes it; a note of a megabyte is refused before it is looked at."""
    text = "services: {}\n#" + "é" * (MOST_BYTES // 2 - 7)
    body = json.dumps({"text": text}).encode()
    assert len(body) > 2 * MOST_BYTES
    head = {"Content-Type": "application/json"}
    assert call("POST", "/graph/inventory", content=body, headers=head).status_code == 200
    answer = call("POST", NOTE, json={"text": "x" * (1 << 20)})
    assert (answer.status_code, answer.json()["limit_bytes"]) == (413, 1 << 20)
