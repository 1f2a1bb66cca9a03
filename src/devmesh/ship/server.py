"""The server as the agent sees it: four requests over http.client, no redirects, nothing believed without proof.

A redirect is an answer like any other that is not ours, so the token never goes to another host. Answers are bounded in
size and time. An answer that is not a JSON object has no body for us, whatever its status.
"""

# Paths are text here, as the command line, os.scandir and systemd's files give them.
# ruff: noqa: PTH123

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import socket
import ssl
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any, Dict, Iterator, NamedTuple, Optional
from urllib.parse import urlsplit

from devmesh.ship import AGENT_VERSION, tls
from devmesh.ship.clock import Clock
from devmesh.ship.errors import OptionsError
from devmesh.ship.in_vain import InVain
from devmesh.ship.skew import Skew

if TYPE_CHECKING:
    from devmesh.ship.batch import Batch

__all__ = ["UNREACHABLE", "Answer", "OptionsError", "Server"]
TIMEOUT_S = 30.0
WHOLE_TIMEOUT_S = 90.0  # a server that drips one byte every 29 s is cut off, too
ANSWER_LIMIT_BYTES = 32 * 1024 * 1024
GZIP_LEVEL = 5
LONG_NUMBER = 7
KEEP_ALIVE_S = 2.0  # servers close idle connections after a few seconds; an old one is not tried
UNREACHABLE = 0


class Answer(NamedTuple):
    """What came back; status 0: nothing did, `error` says why."""

    status: int
    body: Optional[Dict[str, Any]]
    retry_after_s: Optional[float]
    error: str


class Server:
    """One server's address and our name there."""

    def __init__(
        self,
        url: str,
        node: str,
        machine: str,
        token_file: Optional[str] = None,
        tls_ca: Optional[str] = None,
        clock: Optional[Clock] = None,
    ) -> None:
        parts = urlsplit(url if "://" in url else "http://" + url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            msg = f"--to {url!r} is no address of a server: it should look like http://server:8000"
            raise OptionsError(msg)
        try:
            port = parts.port
        except ValueError as error:
            msg = f"--to {url!r} has no usable port: {error}"
            raise OptionsError(msg) from error
        self._host, self._port = parts.hostname, port
        self._tls = tls.context_for(tls_ca, https=parts.scheme == "https")
        self._prefix = parts.path.rstrip("/")
        self._token_file = token_file
        self._headers = {
            "DevMesh-Node": node,
            "DevMesh-Protocol": "1",
            "User-Agent": "devmesh-shipper/" + AGENT_VERSION,
        }
        if machine:
            self._headers["DevMesh-Machine"] = machine
        self._connection: Optional[http.client.HTTPConnection] = None
        self._used_at = 0.0
        self._clock = clock or Clock()
        self.skew = Skew()
        self.in_vain = InVain()
        self.gzip = True

    def ingest(self, batch: Batch) -> Answer:
        """POST /ingest."""
        body, headers = batch.body(), batch.headers()
        if self.gzip and body:
            body = gzip.compress(body, GZIP_LEVEL)
            headers["Content-Encoding"] = "gzip"
        headers["Content-Type"] = "application/x-ndjson"
        return self._ask("POST", "/ingest", body, headers)

    def heartbeat(self, said: Dict[str, Any]) -> Answer:
        """POST /ingest/heartbeat."""
        # A path need not be UTF-8: what is not becomes a question mark, as in the events themselves.
        body = json.dumps(said, ensure_ascii=False).encode("utf-8", "replace")
        return self._ask("POST", "/ingest/heartbeat", body, {"Content-Type": "application/json"})

    def connections(self, said: Dict[str, Any]) -> Answer:
        """POST /ingest/connections."""
        headers = {"Content-Type": "application/json"}
        return self._ask("POST", "/ingest/connections", json.dumps(said).encode(), headers)

    def state(self) -> Answer:
        """GET /ingest/state: what the server knows of our streams."""
        return self._ask("GET", "/ingest/state", None, {})

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _ask(self, method: str, path: str, body: Optional[bytes], headers: Dict[str, str]) -> Answer:
        """One request under an id of its own. The answer's body is kept only if it is ours: it repeats the id."""
        request_id = str(uuid.uuid4())
        asked_us, asked_s = self._clock.now_us(), self._clock.monotonic()
        answer = self._request(method, path, body, dict(headers, **{"DevMesh-Batch": request_id}))
        named = None if answer.body is None else answer.body.get("batch")
        if answer.body is not None and named != request_id and (answer.status == http.client.OK or named):
            answer = answer._replace(body=None, error="the answer does not name our request")
        heard_s = self._clock.monotonic()
        # Who stood still in the middle of a request did not wait all the while.
        self.in_vain.heard(answer.body is not None, max(asked_s, heard_s - TIMEOUT_S), heard_s)
        if answer.body is not None:
            self.skew.heard(answer.body.get("server_time_us"), asked_us, self._clock.now_us())
        return answer

    def _request(self, method: str, path: str, body: Optional[bytes], headers: Dict[str, str]) -> Answer:
        try:
            headers = dict(self._headers, **headers, **self._authorization())
            # http.client would send text as Latin-1, or not at all.
            encoded = {name: value.encode("utf-8", "replace") for name, value in headers.items()}
            connection = self._connected()
            with _cut_off_after(connection, WHOLE_TIMEOUT_S):
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    connection.request(method, self._prefix + path, body, encoded)  # an early answer may wait
                answer = _read(connection.getresponse())
        except ssl.SSLError as error:
            self.close()
            return Answer(UNREACHABLE, None, None, tls.trouble(error))
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            return Answer(UNREACHABLE, None, None, f"{type(error).__name__}: {error}")
        self._used_at = time.monotonic()
        if answer.status != http.client.OK:
            self.close()
        return answer

    def _authorization(self) -> Dict[str, str]:
        """Read anew for each request, so that a rotated token needs no restart."""
        if not self._token_file:
            return {}
        with open(self._token_file, encoding="ascii") as file:
            return {"Authorization": "Bearer " + file.read(4096).strip()}

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is not None and time.monotonic() - self._used_at > KEEP_ALIVE_S:
            self.close()
        if self._connection is None:
            if self._tls is not None:
                self._connection = http.client.HTTPSConnection(
                    self._host, self._port, timeout=TIMEOUT_S, context=self._tls
                )
            else:
                self._connection = http.client.HTTPConnection(self._host, self._port, timeout=TIMEOUT_S)
        return self._connection


@contextlib.contextmanager
def _cut_off_after(connection: http.client.HTTPConnection, seconds: float) -> Iterator[None]:
    """End the connection under whoever waits on it, when a request has taken `seconds` in all."""

    def cut() -> None:
        if connection.sock is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)  # not TLS's own, which would wait

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _read(response: http.client.HTTPResponse) -> Answer:
    data = response.read(ANSWER_LIMIT_BYTES)
    try:
        body = json.loads(data)
    except (ValueError, RecursionError):
        body = None
    wait = response.getheader("Retry-After", "")
    retry_after_s = float(wait) if wait.isdecimal() and len(wait) < LONG_NUMBER else None
    ours = body if isinstance(body, dict) else None
    return Answer(response.status, ours, retry_after_s, "" if ours is not None else "the answer is no JSON object")
