"""A small HTTP server that answers like Discord, and worse; and what the tests say of incidents."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from bodies import NOW_US
from devmesh.notifications import Notice
from devmesh.notifications.posting import Post

HOOK = "/api/webhooks/1/geheim-token"
DISCORD = {"kind": "discord", "url": f"https://discord.com{HOOK}"}
MINUTE_US = 60_000_000


def notice(number=7, version=1, **more):
    """An incident that is open and critical, unless it is said otherwise."""
    told = {
        "severity": "critical", "status": "open", "title": "nas01 is unreachable", "onset_us": NOW_US,
        "services": ("smbd",), "nodes": ("nas01",), "lines": ("14 services are affected.",),
        "path": f"/ui/incidents/{number}",
    }  # fmt: skip
    return Notice(number, version, **{**told, **more})


def closed(number=7, version=9, **more):
    """The same, twelve minutes later."""
    return notice(number, version, status="closed", closed_us=NOW_US + 12 * MINUTE_US, **more)


class FarSide(ThreadingHTTPServer):
    """Keeps every request. `answer(handler)` may answer in the place of `like_discord`."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests, self.messages, self.over = [], {}, threading.Event()
        self.answers = []

    @property
    def said(self):
        """(method, path, JSON body) of every request."""
        return [(method, path, json.loads(body)) for method, path, _heads, body in self.requests]

    def posts(self):
        """The bodies of new messages."""
        return [body for method, _path, body in self.said if method == "POST"]

    def handle_error(self, request, client_address):
        """A client that hangs up is what some tests are about."""


class Handler(BaseHTTPRequestHandler):
    """Hands each request to the next answer, or answers as Discord does."""

    def do_POST(self):
        """Keep it, then answer."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.command, self.path, dict(self.headers), body))
        with suppress(ConnectionError):
            answer = self.server.answers.pop(0) if self.server.answers else like_discord
            answer(self)

    do_PATCH = do_POST  # noqa: N815 - the standard library asks for this name

    def log_message(self, *_):
        """Quiet."""

    def send(self, status, body=b"", **headers):
        """A whole answer."""
        told = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(told)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(told)


def like_discord(handler):
    """200 with the message's id; 404 for an edit of a message that is not there."""
    messages = handler.server.messages
    path = handler.path.partition("?")[0]
    if handler.command == "POST":
        number = str(1000 + len(messages))
        messages[number] = 1
        handler.send(200, {"id": number})
    elif path.rpartition("/")[2] in messages:
        handler.send(200, {"id": path.rpartition("/")[2]})
    else:
        handler.send(404, {"message": "Unknown Message", "code": 10008})


def always(status, body=b"", **headers):
    """An answer that is this one."""
    return lambda handler: handler.send(status, body, **headers)


def hang(handler):
    """No answer at all."""
    handler.server.over.wait(30)


@contextmanager
def far_side():
    """One on a free port."""
    server = FarSide()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def aim(mesh, name, server):
    """Let a channel's requests go to the far side instead of the internet."""
    way = mesh.notifications._ways[name]
    host, port = "127.0.0.1", server.server_address[1]
    path = way._place.url.partition(way._place.told)[2]
    told = f"{host}:{port}"
    way._place = replace(way._place, url=f"http://{told}{path}", scheme="http", host=host, port=port, told=told)
    way._post = Post(mesh.clock, private=True)
