"""The gateway against a real HTTP server that behaves badly (F49): never a bad vector, bounded time and memory."""

from __future__ import annotations

import json
import socket
import threading
import time
import tracemalloc
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from devmesh.clock import FakeClock, SystemClock
from devmesh.embeddings import EmbeddingUnavailable, GatewayProvider
from devmesh.errors import ConfigError


class Gateway(ThreadingHTTPServer):
    """An embedding gateway whose answer the test decides."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.requests = []
        self.over = threading.Event()
        self.answer = well

    def handle_error(self, request, client_address):
        """A client that hangs up is what these tests are about."""


class Handler(BaseHTTPRequestHandler):
    """Hands each request to the test's answer."""

    def do_POST(self):
        """Keep the request, then answer."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.requests.append((self.path, dict(self.headers), body))
        with suppress(ConnectionError):
            self.server.answer(self, body["input"])

    def log_message(self, *_):
        """Quiet."""

    def send(self, body, status=200, **headers):
        """A whole answer."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)


def cut(handler, _):
    """Hangs up in the middle."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{")


def vectors(rows):
    """The body for these (index, vector) rows."""
    return json.dumps({"data": [{"index": index, "embedding": vector} for index, vector in rows]}).encode()


def well(handler, texts):
    """A right answer, in reverse order: the vector says how long the text is."""
    rows = [(index, [3.0, 4.0, float(len(text))]) for index, text in enumerate(texts)]
    handler.send(vectors(reversed(rows)))


def raw(body, **how):
    """An answer that is always this body."""
    return lambda handler, _: handler.send(body, **how)


def silent(handler, _):
    """Never answers."""
    handler.server.over.wait(30)


def drip(first):
    """Sends these bytes and then one space now and then, for ever."""

    def answer(handler, _):
        handler.wfile.write(first)
        while not handler.server.over.wait(0.02):
            handler.wfile.write(b" ")

    return answer


def endless(handler, _):
    """Ten megabytes and more, in chunks."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    chunk = b"10000\r\n" + b"[" * 65536 + b"\r\n"
    for _ in range(200):
        handler.wfile.write(chunk)


@pytest.fixture
def gateway():
    """A server on a free port, stopped afterwards."""
    server = Gateway()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.over.set()
    server.shutdown()
    thread.join()
    server.server_close()


def provider(gateway, **how):
    """A provider for that server with a clock that stands."""
    how = {"clock": FakeClock(), "timeout_s": 5.0, "chance": lambda: 1.0, **how}
    return GatewayProvider(gateway.url, "a-model", **how)


def test_vectors_belong_to_their_texts_and_have_length_one(gateway):
    """The answer's index decides the order; what comes out is float32 of unit length."""
    found = provider(gateway).embed(["a", "bcd"])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0], np.array([3, 4, 1]) / np.sqrt(26), rtol=1e-6)
    np.testing.assert_allclose(found[1], np.array([3, 4, 3]) / np.sqrt(34), rtol=1e-6)


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/"])
def test_the_request_is_openais(gateway, path):
    """POST /v1/embeddings with model and input, whether or not the address ends in /v1, the token as a bearer."""
    bearer = "abc"
    GatewayProvider(gateway.url + path, "a-model", clock=FakeClock(), token=bearer).embed(["a \ud800"])
    (asked, headers, body) = gateway.requests[0]
    assert (asked, body) == ("/v1/embeddings", {"model": "a-model", "input": ["a ?"]})
    assert headers["Authorization"] == "Bearer abc"


BAD = {
    "an error": ("status", raw(b"boom", status=500)),
    "no token": ("status", raw(b"", status=401)),
    "busy": ("status", raw(b"", status=503)),
    "nothing": ("form", raw(b"")),
    "a portal's page": ("form", raw(b"<html>please log in</html>")),
    "half a body": ("form", raw(vectors([(0, [1.0]), (1, [1.0])])[:-9])),
    "bytes": ("form", raw(b"\xff\xfe")),
    "deep nesting": ("form", raw(b"[" * 100_000)),
    "text for numbers": ("form", raw(vectors([(0, ["x"]), (1, ["y"])]))),
    "null": ("form", raw(vectors([(0, [None]), (1, [1.0])]))),
    "NaN": ("form", raw(vectors([(0, [float("nan"), 1.0]), (1, [1.0, 1.0])]))),
    "infinity": ("form", raw(vectors([(0, [1.0]), (1, [1.0])]).replace(b"[1.0]", b"[1e400]"))),
    "too large for float32": ("numbers", raw(vectors([(0, [1e300, 1.0]), (1, [1.0, 1.0])]))),
    "all zero": ("numbers", raw(vectors([(0, [0.0, 0.0]), (1, [1.0, 1.0])]))),
    "one too few": ("count", raw(vectors([(0, [1.0])]))),
    "one too many": ("count", raw(vectors([(0, [1.0]), (1, [1.0]), (2, [1.0])]))),
    "no vectors": ("count", raw(b'{"data": []}')),
    "one twice": ("count", raw(vectors([(0, [1.0]), (0, [1.0])]))),
    "counted from one": ("count", raw(vectors([(1, [1.0]), (2, [1.0])]))),
    "two dimensions": ("dimension", raw(vectors([(0, [1.0]), (1, [1.0, 1.0])]))),
    "no dimension": ("dimension", raw(vectors([(0, []), (1, [])]))),
    "too many dimensions": ("dimension", raw(vectors([(0, [1.0] * 4097), (1, [1.0] * 4097)]))),
    "a redirect": ("redirect", raw(b"", status=307, Location="/v1/elsewhere")),
    "compressed": ("status", raw(b"\x1f\x8b", Content_Encoding="gzip")),
    "ten megabytes": ("size", raw(b" " * 10_000_000)),
    "ten megabytes in chunks": ("size", endless),
    "another protocol": ("down", lambda handler, _: handler.wfile.write(b"SSH-2.0-x\r\n")),
    "a cut connection": ("down", cut),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_answer_gives_no_vector(gateway, what):
    """One kind of error with its reason, nothing learnt from it, one request, and the next good answer is taken."""
    reason, gateway.answer = BAD[what]
    clock = FakeClock()
    asking = provider(gateway, clock=clock)
    with pytest.raises(EmbeddingUnavailable) as raised:
        asking.embed(["secret text", "b"])
    assert raised.value.details["reason"] == reason
    assert "secret" not in str(raised.value)
    assert (asking.dim, len(gateway.requests)) == (0, 1)
    clock.advance(1.0)
    gateway.answer = well
    assert asking.embed(["a", "b"]).shape == (2, 3)
    assert asking.last_error == ""


def test_another_dimension_than_the_models_is_refused(gateway):
    """A gateway that serves another model under the same name cannot mix its vectors in."""
    with pytest.raises(EmbeddingUnavailable) as raised:
        provider(gateway, dim=1024).embed(["a"])
    assert raised.value.details["reason"] == "dimension"


@pytest.mark.parametrize(
    "answer",
    [
        silent,
        drip(b"HTTP/1.1"),
        drip(b"HTTP/1.1 200 OK\r\nX: "),
        drip(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"),
    ],
    ids=["silence", "dripping status", "dripping headers", "dripping body"],
)
def test_a_slow_gateway_costs_the_timeout_and_no_more(gateway, answer):
    """One deadline for the whole exchange, however the bytes come."""
    gateway.answer = answer
    began = time.monotonic()
    with pytest.raises(EmbeddingUnavailable) as raised:
        provider(gateway, clock=SystemClock(), timeout_s=0.2).embed(["a"])
    assert raised.value.details["reason"] == "slow"
    assert 0.15 < time.monotonic() - began < 2.0


def test_a_long_answer_is_not_held(gateway):
    """Of an endless reply to one text not more than a megabyte is ever in memory."""
    gateway.answer = endless
    asking = provider(gateway)
    tracemalloc.start()
    with pytest.raises(EmbeddingUnavailable):
        asking.embed(["a"])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_500_000


def test_a_gateway_that_is_down_is_left_alone_for_a_while():
    """After a failure nothing is asked until the pause is over; each failure doubles it; a success ends it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        clock = FakeClock()
        asking = GatewayProvider(f"http://127.0.0.1:{taken.getsockname()[1]}", "m", clock=clock, chance=lambda: 1.0)
        for pause_s in (1, 2, 4):
            with pytest.raises(EmbeddingUnavailable) as raised:
                asking.embed(["a"])
            assert raised.value.details["reason"] == "down"
            assert asking.wait_s == pytest.approx(pause_s)
            with pytest.raises(EmbeddingUnavailable) as raised:
                asking.embed(["a"])
            assert raised.value.details["reason"] == "waiting"
            assert "ConnectError" in raised.value.message
            clock.advance(pause_s)


def test_retry_after_is_honoured(gateway):
    """A gateway that names a time is not asked before it."""
    gateway.answer = raw(b"", status=429, Retry_After="120")
    asking = provider(gateway)
    with pytest.raises(EmbeddingUnavailable):
        asking.embed(["a"])
    assert asking.wait_s == pytest.approx(120)


def test_texts_that_are_refused_do_not_stop_the_others(gateway):
    """400, 413 and 422 are about the texts: the reason says so, and the next texts are asked at once."""
    gateway.answer = raw(b"", status=400)
    asking = provider(gateway)
    with pytest.raises(EmbeddingUnavailable) as raised:
        asking.embed(["a"])
    assert (raised.value.details["reason"], asking.wait_s) == ("refused", 0)
    gateway.answer = well
    assert asking.embed(["b"]).shape == (1, 3)


def test_many_texts_go_in_batches_with_a_pause_between(gateway):
    """32 texts a request, embedding_delay_s between requests, the order kept."""
    clock = FakeClock()
    began_s = clock.monotonic_s()
    texts = ["x" * (number + 1) for number in range(70)]
    found = provider(gateway, clock=clock, delay_s=7.0).embed(texts)
    assert [len(body["input"]) for _, _, body in gateway.requests] == [32, 32, 6]
    assert clock.monotonic_s() - began_s == pytest.approx(14.0)
    lengths = np.round(found[:, 2] / found[:, 0] * 3)
    assert lengths.tolist() == list(range(1, 71))


def test_a_stop_ends_the_pause(gateway):
    """A server that stops does not wait for the remaining batches."""
    stop = threading.Event()
    stop.set()
    with pytest.raises(EmbeddingUnavailable) as raised:
        provider(gateway, delay_s=1.0, stop=stop).embed(["a"] * 40)
    assert raised.value.details["reason"] == "stopped"
    assert len(gateway.requests) == 1


def test_no_texts_ask_nothing(gateway):
    """An empty batch is an empty answer."""
    assert provider(gateway, dim=3).embed([]).shape == (0, 3)
    assert gateway.requests == []


@pytest.mark.parametrize("url", ["", "gateway:4000", "ftp://gateway", "http://"])
def test_an_address_that_can_be_none_is_a_config_error(url):
    """The setting is named, before anything is asked."""
    with pytest.raises(ConfigError, match="GATEWAY_URL"):
        GatewayProvider(url, "m", clock=FakeClock())
