"""A small honest server for the agent's tests: it keeps coverage, marks, events and gaps, and misbehaves on script.

A script is a list of functions, one taken for each POST /ingest; None, or an empty script, means honest. A function
gets the `Exchange` and does what a bad network or server does; `Exchange.commit()` takes the batch in without
answering.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from devmesh.nodes.ranges import around
from devmesh.ship.piece import merged, missing


@dataclass
class Kept:
    """What the server has of one stream and epoch."""

    coverage: list[tuple[int, int]] = field(default_factory=list)
    marks: dict[int, str] = field(default_factory=dict)
    events: dict[int, dict[str, Any]] = field(default_factory=dict)
    gaps: list[dict[str, Any]] = field(default_factory=list)


class Exchange:
    """One POST /ingest."""

    def __init__(self, handler: BaseHTTPRequestHandler, server: FakeServer) -> None:
        self.handler, self.server = handler, server
        self.raw = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        self.encoding = handler.headers.get("Content-Encoding", "identity")
        self.plain = gzip.decompress(self.raw) if self.encoding == "gzip" else self.raw
        self.lines = [json.loads(line) for line in self.plain.splitlines()]
        self.batch = handler.headers["DevMesh-Batch"]
        self.stream = handler.headers["DevMesh-Stream"]

    def commit(self) -> dict[str, Any]:
        """Take the batch in; the answer that an honest server gives, or {} with status 409 sent already."""
        span = self.handler.headers["DevMesh-Range"]
        ends = [part.partition(";")[::2] for part in span.split(",")]
        ranges = merged([tuple(map(int, part.split("-"))) for part, _x in ends])
        (first, last), *others = ranges
        assert 0 <= first <= last, span
        assert not others, span
        kept = self.server.streams.setdefault(self.stream, Kept())
        marks_said = {int(part.split("-")[1]): x for part, x in ends if x}
        said = dict(marks_said)
        if "DevMesh-Prev" in self.handler.headers:
            seq, _semicolon, prev_x = self.handler.headers["DevMesh-Prev"].partition(";")
            said[int(seq)] = prev_x
        if any(kept.marks.get(seq, value) != value for seq, value in said.items()):
            marks = sorted(kept.marks.items(), reverse=True)
            self.answer(
                409, {"code": "stream_forked", "coverage": around(kept.coverage, [(first, last)]), "marks": marks}
            )
            return {}
        stored = 0
        for line in self.lines:
            assert first <= line["seq"] <= last, (line["seq"], span)
            if missing(kept.coverage, line["seq"], line["seq"]):
                assert line["seq"] not in kept.events
                kept.events[line["seq"]] = line
                stored += 1
        kept.coverage = merged([*kept.coverage, (first, last)])
        kept.marks.update(marks_said)
        return {"stored": stored, "repeated": len(self.lines) - stored, "rejected": 0, "errors": [],
                "coverage": around(kept.coverage, [(first, last)]), "server_time_us": 1}  # fmt: skip

    def answer(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        """Answer in our form."""
        self.send(status, json.dumps({"code": "", "batch": self.batch, **body}).encode(), headers)

    def send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        """Answer in any form."""
        send(self.handler, status, body, headers)

    def reset(self) -> None:
        """Cut the connection without an answer."""
        self.handler.close_connection = True
        with contextlib.suppress(OSError):
            self.handler.connection.shutdown(socket.SHUT_RDWR)


def send(handler: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
    """Write an answer."""
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


def _json(handler: BaseHTTPRequestHandler, **body: object) -> bytes:
    return json.dumps({"batch": handler.headers["DevMesh-Batch"], "server_time_us": 1, **body}).encode()


Act = Callable[[Exchange], None]


class FakeServer:
    """The server; `url` is where it listens."""

    def __init__(self) -> None:
        self.streams: dict[str, Kept] = {}
        self.heartbeats: list[dict[str, Any]] = []
        self.reports: list[dict[str, Any]] | None = None  # None: a server that knows none
        self.requests: list[tuple[str, int]] = []  # (stream, lines) of each POST /ingest
        self.heads: list[dict[str, str]] = []
        self.script: list[Act | None] = []
        self.always: Act | None = None
        self.down = self.dies_answering = False
        self.lock = threading.Lock()

    def messages(self, stream: str | None = None) -> list[str]:
        """What is stored, by stream and number."""
        chosen = [kept for name, kept in sorted(self.streams.items()) if stream in (None, name)]
        return [kept.events[seq]["message"] for kept in chosen for seq in sorted(kept.events)]

    def events(self) -> list[dict[str, Any]]:
        """Every stored event."""
        return [kept.events[seq] for _name, kept in sorted(self.streams.items()) for seq in sorted(kept.events)]

    def gaps(self) -> list[dict[str, Any]]:
        """Every stored gap."""
        return [gap for kept in self.streams.values() for gap in kept.gaps]

    def ingest(self, handler: BaseHTTPRequestHandler) -> None:
        """POST /ingest."""
        exchange = Exchange(handler, self)
        self.requests.append((exchange.stream, len(exchange.lines)))
        self.heads.append(dict(handler.headers.items()))
        act = self.script.pop(0) if self.script else self.always
        if act is not None:
            act(exchange)
            return
        answer = exchange.commit()
        if answer:
            exchange.answer(200, answer)

    def heartbeat(self, handler: BaseHTTPRequestHandler) -> None:
        """POST /ingest/heartbeat: a gap is stored only where nothing is covered."""
        said = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        self.heartbeats.append(said)
        for gap in said["gaps"]:
            kept = self.streams.setdefault(gap["stream"], Kept())
            if missing(kept.coverage, gap["from"], gap["to"]):
                kept.gaps.append(gap)
            kept.coverage = merged([*kept.coverage, (gap["from"], gap["to"])])
        newest = {name: kept.coverage[-1][1] for name, kept in self.streams.items() if kept.coverage}
        send(handler, 200, _json(handler, newest=newest))

    def connections(self, handler: BaseHTTPRequestHandler) -> None:
        """POST /ingest/connections."""
        said = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        if self.reports is None:
            send(handler, 404, b"{}")
            return
        self.reports.append(said)
        if self.dies_answering:
            handler.close_connection = True
            handler.connection.shutdown(socket.SHUT_RDWR)
        else:
            send(handler, 200, _json(handler))

    def state(self, handler: BaseHTTPRequestHandler) -> None:
        """GET /ingest/state."""
        streams = [
            {
                "stream": name.split(";")[0],
                "epoch": int(name.split(";")[1]),
                "coverage": kept.coverage,
                "marks": sorted(kept.marks.items(), reverse=True)[:32],
            }
            for name, kept in self.streams.items()
        ]
        send(handler, 200, _json(handler, streams=streams))


def _handler(fake: FakeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def do_GET(self) -> None:
            self._do({"/ingest/state": fake.state})

        def do_POST(self) -> None:
            self._do(
                {"/ingest": fake.ingest, "/ingest/heartbeat": fake.heartbeat, "/ingest/connections": fake.connections}
            )

        def _do(self, routes: dict[str, Callable[[BaseHTTPRequestHandler], None]]) -> None:
            with fake.lock:
                if fake.down:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                elif self.path in routes:
                    routes[self.path](self)
                else:
                    send(self, 404, b"{}")

        def log_message(self, *_arguments: object) -> None:
            return

    return Handler


@contextlib.contextmanager
def serving(fake: FakeServer, certificate: Path | None = None) -> Iterator[str]:
    """Serve `fake` on a free port, over TLS where there is a certificate; the URL."""

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_arguments: Any) -> None:
            return  # broken connections are what the tests make

    server = Quiet(("127.0.0.1", 0), _handler(fake))
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        # The handshake is for the connection's own thread: one that fails must not stop the others.
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http{'s' if certificate else ''}://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
