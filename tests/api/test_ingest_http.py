"""/ingest over HTTP: the protocol's answers, and limits that hold while a body arrives and is unpacked (F24, F31)."""

from __future__ import annotations

import asyncio
import gzip
import json
import resource
import subprocess
import sys
import zlib

import pytest
import zstandard
from asgi import Caller

from bodies import assert_counts, line, messages, numbered
from devmesh.api import body as reading
from devmesh.errors import DevMeshError
from devmesh.settings import load_settings

STREAM = {"DevMesh-Node": "n1", "DevMesh-Stream": "s1;0", "DevMesh-Range": "1-9;a1", "DevMesh-Batch": "b-1"}


def test_the_answer_has_what_the_agent_checks(call):
    """Batch echoed, sums that add up, coverage, pace and time: all that makes an answer an acknowledgement."""
    answer = call("POST", "/ingest", headers=STREAM, content=numbered(1, 9) + b"{bad\n")
    said = answer.json()
    assert answer.status_code == 200
    assert (said["batch"], said["stored"], said["repeated"], said["rejected"]) == ("b-1", 9, 0, 1)
    assert said["coverage"] == [[1, 9]]
    assert said["errors"][0]["line"] == 10
    assert set(said["pace"]) == {"max_events", "max_bytes", "min_interval_ms", "max_bytes_per_s"}
    assert said["server_time_us"] == call.mesh.clock.now_us()


def test_a_repeat_after_a_lost_answer(call):
    """The same request again is told as repeated, with the rows unchanged (F23)."""
    for stored, repeated in ((9, 0), (0, 9), (0, 9)):
        said = call("POST", "/ingest", headers=STREAM, content=numbered(1, 9)).json()
        assert (said["stored"], said["repeated"]) == (stored, repeated)
    assert len(messages(call.mesh)) == 9
    assert_counts(call.mesh)


@pytest.mark.parametrize(
    ("name", "pack"), [("gzip", gzip.compress), ("zstd", zstandard.compress), ("GZIP", gzip.compress)]
)
def test_packed_bodies(call, name, pack):
    """Gzip and zstd are unpacked, in several members or frames too."""
    body = pack(numbered(1, 4)) + pack(numbered(5, 9))
    said = call("POST", "/ingest", headers={**STREAM, "Content-Encoding": name}, content=body).json()
    assert said["stored"] == 9


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "x" * 300])
def test_an_unknown_encoding_is_415(call, encoding):
    """What cannot be unpacked is refused as such."""
    answer = call("POST", "/ingest", headers={**STREAM, "Content-Encoding": encoding}, content=b"x")
    assert (answer.status_code, answer.json()["batch"]) == (415, "b-1")


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@pytest.mark.parametrize("damage", [lambda raw: raw[:-5], lambda raw: b"no" + raw, lambda raw: raw + b"rest"])
def test_a_damaged_body_is_400(call, encoding, damage):
    """A body that was cut or damaged is refused as a whole and stores nothing."""
    pack = gzip.compress if encoding == "gzip" else zstandard.compress
    answer = call(
        "POST", "/ingest", headers={**STREAM, "Content-Encoding": encoding}, content=damage(pack(numbered(1, 9)))
    )
    assert answer.status_code == 400
    assert messages(call.mesh) == []
    assert call.mesh.nodes.stream_states("n1") == []


def test_a_body_over_the_limit_is_413(make_mesh):
    """Counted as it arrives, whatever Content-Length says, and the limits are told."""
    call = Caller(make_mesh(max_body_bytes=2_000, max_events=5))
    for body in (b"x" * 2_001, numbered(1, 6)):
        answer = call("POST", "/ingest", headers=STREAM, content=body)
        assert answer.status_code == 413
        assert answer.json()["limit_events"] == 5
    answer = call("POST", "/ingest", headers={**STREAM, "Content-Length": "99999999"}, content=line("x"))
    assert answer.status_code == 413


@pytest.mark.parametrize("headers", [
    {"DevMesh-Range": "5-3;a"}, {"DevMesh-Range": "x"}, {"DevMesh-Range": "1-99999999999999999999"},
    {"DevMesh-Range": ""}, {"DevMesh-Range": "1-2;" + "x" * 65}, {"DevMesh-Stream": "s1"},
    {"DevMesh-Stream": "a b;0"}, {"DevMesh-Stream": ";0"},
    {"DevMesh-Stream": "s;99999999999"}, {"DevMesh-Prev": "x;y"}, {"DevMesh-Prev": "1;"}, {"DevMesh-Prev": "-1;a"},
    {"DevMesh-Batch": ""}, {"DevMesh-Batch": "x" * 65}, {"DevMesh-Node": "x" * 256}, {"DevMesh-Machine": "x" * 65},
    {"Idempotency-Key": "x" * 256}, {"DevMesh-Range": ",".join(["1-2"] * 2_000)},
])  # fmt: skip
def test_headers_that_cannot_be_read_are_400(call, headers):
    """A header is read strictly: never a guess, never a 500."""
    answer = call("POST", "/ingest", headers={**STREAM, **headers}, content=line("x", seq=1))
    assert answer.status_code == 400
    assert messages(call.mesh) == []


def test_a_stream_needs_its_node(call):
    """With streams the node must be said where the token does not say it."""
    head = {name: value for name, value in STREAM.items() if name != "DevMesh-Node"}
    assert call("POST", "/ingest", headers=head, content=b"").status_code == 400
    assert call("POST", "/ingest", headers={"DevMesh-Node": "n", "DevMesh-Range": "1-2;a"}).status_code == 400


@pytest.mark.parametrize("name", ["büro-à", "東京", "n1"])
def test_a_nodes_name_is_utf8(call, name):
    """A name beyond ASCII is one and the same in the header, a token, a line and the list of nodes."""
    head = {**STREAM, "DevMesh-Node": name.encode()}
    assert call("POST", "/ingest", headers=head, content=line("x", seq=1)).status_code == 200
    assert [node.name for node in call.mesh.nodes.list().rows] == [name]
    token = call.mesh.accounts.create_token("node", name)
    said = call("GET", "/ingest/state", headers={"DevMesh-Node": name.encode()}, token=token).json()
    assert (said["node"], len(said["streams"])) == (name, 1)
    other = call("GET", "/ingest/state", headers={"DevMesh-Node": "bär".encode()}, token=token)
    assert other.json()["code"] == "forbidden"


@pytest.mark.parametrize("raw", [b"b\xfcro", b"\xff", "a\u202eb".encode(), "a\u00a0".encode(), b"x" * 256, b"a\tb"])
def test_a_name_that_is_none_is_400(call, raw):
    """Bytes that are no UTF-8, and characters that nobody sees, are refused rather than guessed at."""
    assert call("POST", "/ingest", headers={"DevMesh-Node": raw}, content=line("x")).status_code == 400
    assert call.mesh.nodes.list().rows == []


def test_another_protocol_is_426(call):
    """An agent of another age is told which versions are spoken."""
    answer = call("POST", "/ingest", headers={**STREAM, "DevMesh-Protocol": "2"}, content=b"")
    assert (answer.status_code, answer.json()["min"], answer.json()["max"]) == (426, 1, 1)


def test_a_fork_is_409_with_marks(call):
    """stream_forked carries coverage and marks: what the agent needs to open a new epoch."""
    call("POST", "/ingest", headers=STREAM, content=numbered(1, 9))
    head = {**STREAM, "DevMesh-Range": "10-12;c", "DevMesh-Prev": "9;other"}
    answer = call("POST", "/ingest", headers=head, content=numbered(10, 12))
    said = answer.json()
    assert (answer.status_code, said["code"], said["coverage"], said["marks"]) == (
        409,
        "stream_forked",
        [[1, 9]],
        [[9, "a1"]],
    )


def test_each_span_may_leave_a_mark(call):
    """Marks within a body are kept, and one that contradicts stops the batch, wherever it stands in the range."""
    head = {**STREAM, "DevMesh-Range": "1-3;a,4-6,7-9;b"}
    assert call("POST", "/ingest", headers=head, content=numbered(1, 9)).json()["coverage"] == [[1, 9]]
    for span, status in (("1-2,3-3;a", 200), ("1-3;z,4-9;b", 409), ("1-6;q,7-7", 200), ("1-6;other,7-7", 409)):
        answer = call("POST", "/ingest", headers={**STREAM, "DevMesh-Range": span}, content=b"")
        assert answer.status_code == status, span
    assert answer.json()["marks"] == [[9, "b"], [6, "q"], [3, "a"]]


def test_a_clone_is_409(call):
    """node_clone is told as such."""
    call("POST", "/ingest", headers={**STREAM, "DevMesh-Machine": "m1"}, content=numbered(1, 9))
    answer = call("POST", "/ingest", headers={**STREAM, "DevMesh-Machine": "m2"}, content=numbered(1, 9))
    assert (answer.status_code, answer.json()["code"]) == (409, "node_clone")


def test_errors_never_hold_log_text(call):
    """What was wrong is said without the text of the line."""
    secrets = (
        b'{"message": 1, "ts": "s3cret"}\n{"s3cret": }\n{"message":"x","pid":"s3cret"}\n{"message":"x","priority":[]}\n'
    )
    answer = call("POST", "/ingest", content=secrets)
    assert answer.json()["rejected"] == 4
    assert "s3cret" not in answer.text


def test_a_line_of_40_megabytes_is_rejected_alone(call):
    """A line over its limit costs no neighbour, packed or not."""
    body = line("before") + b'{"message":"' + b"x" * 40_000_000 + b'"}\n' + line("after")
    answer = call("POST", "/ingest", headers={"Content-Encoding": "gzip"}, content=gzip.compress(body, 1))
    assert (answer.json()["stored"], answer.json()["rejected"], answer.json()["errors"][0]["line"]) == (2, 1, 2)


BOMB = """
import asyncio, resource, sys, zlib, zstandard
from devmesh.api.body import read_body
from devmesh.errors import TooLarge
from devmesh.settings import load_settings

kind = sys.argv[1]
if kind == "gzip":
    packer = zlib.compressobj(1, wbits=31)
    parts = [packer.compress(bytes(1 << 20)) for _ in range(512)] + [packer.flush()]
else:
    packer = zstandard.ZstdCompressor(level=1).compressobj()
    parts = [packer.compress(bytes(1 << 20)) for _ in range(512)] + [packer.flush()]
bomb = b"".join(parts)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

class Request:
    headers = {"content-encoding": kind}
    async def stream(self):
        yield bomb

try:
    asyncio.run(read_body(Request(), load_settings()))
except TooLarge:
    print(len(bomb), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_bomb_costs_no_more_than_the_limit(kind):
    """512 MiB of zeros in a small body are refused at 64 MiB, and memory grows by less than twice that."""
    done = subprocess.run([sys.executable, "-c", BOMB, kind], capture_output=True, text=True, timeout=120, check=True)
    packed, grown_mb = map(int, done.stdout.split())
    assert packed < 8 << 20
    assert grown_mb < 128


class Trickle:
    """A request whose body arrives as the test says; the clock of its event loop is the test's."""

    def __init__(self, chunks, **headers) -> None:
        self.headers, self._chunks = headers, chunks

    async def stream(self):
        """The chunks, one after the other."""
        for wait_s, chunk in self._chunks:
            await asyncio.sleep(wait_s)
            yield chunk


@pytest.mark.parametrize("chunks", [[(0, b"x"), (5, b"y")], [(0.01, b"x")] * 40])
def test_a_slow_body_is_given_up(monkeypatch, chunks):
    """A body that stops, or brings less than the floor, ends its request and nobody else's."""
    monkeypatch.setattr(reading, "WINDOW_S", 0.1)
    with pytest.raises(DevMeshError) as caught:
        asyncio.run(reading.read_body(Trickle(chunks), load_settings()))
    assert caught.value.status == 400


def test_a_steady_body_is_taken(monkeypatch):
    """A body above the floor may take as long as it needs."""
    monkeypatch.setattr(reading, "WINDOW_S", 0.1)
    body = asyncio.run(reading.read_body(Trickle([(0.02, b"x" * 2_000)] * 20), load_settings()))
    assert len(body) == 40_000


def test_bodies_that_arrive_together_share_a_bound():
    """Bombs that do not end hold no more memory together than is set aside: the next is asked to come again."""
    settings, arriving = load_settings(max_plain_bytes=1 << 20), reading.Arriving(2 << 20)
    bomb = zlib.compress(bytes(1 << 20), wbits=31)

    async def all_at_once():
        bodies = [Trickle([(0, bomb), (0.1, b"")], **{"content-encoding": "gzip"}) for _ in range(5)]
        reads = [reading.read_body(one, settings, arriving) for one in bodies]
        return await asyncio.gather(*reads, return_exceptions=True)

    done = asyncio.run(all_at_once())
    assert [len(one) for one in done if isinstance(one, bytes)] == [1 << 20] * 2
    assert [one.status for one in done if isinstance(one, DevMeshError)] == [503] * 3
    assert arriving.held == 0


def test_thousands_of_tiny_members_cost_little():
    """A body of many empty gzip members is no way to keep the server busy: 1 MiB in a second of CPU."""
    body = zlib.compress(b"", wbits=31) * 50_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    asyncio.run(reading.read_body(Trickle([(0, body)], **{"content-encoding": "gzip"}), load_settings()))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < 1.0


HOSTILE_BEATS = [
    b'{"sources": [NaN]}', b'{"sources": ["\\ud800"]}', b'{"agent": "\\ud800"}', b'{"dropped": {"\\ud800": 1}}',
    b'{"sources": ' + b"[" * 900 + b"]" * 900 + b"}", b'{"sources": [1e999]}', b'{"clock_us": 1e400}', b"[" * 100_000,
    b'{"sources": [' + b"9" * 5_000 + b"]}", b"\xff", b"null", b"[]", b"",
    b'{"gaps": [{"stream": "s;0", "from": 9, "to": 1}]}',
    b'{"gaps": [{"stream": "s;1_0", "from": 1, "to": 2}]}', b'{"backlog_events": -1}', b'{"sources": ["a\\u0000b"]}',
    b'{"gaps": [{"stream": "' + b"x" * 199 + b';0", "from": 1, "to": 2}]}',
]  # fmt: skip


@pytest.mark.parametrize("beat", HOSTILE_BEATS)
def test_no_heartbeat_breaks_the_pages(call, beat):
    """Whatever a heartbeat holds, it is taken or refused, and the pages that show nodes still work."""
    answer = call(
        "POST", "/ingest/heartbeat", headers={"DevMesh-Node": "n1", "Content-Type": "application/json"}, content=beat
    )
    assert answer.status_code < 500
    for path in ("/nodes", "/health", "/metrics", "/ingest/state"):
        assert call("GET", path, headers={"DevMesh-Node": "n1"}).status_code == 200


def test_a_heartbeat_has_a_limit(make_mesh):
    """A heartbeat is a body like any other: over the limit it is refused while it arrives."""
    call = Caller(make_mesh(max_body_bytes=10_000))
    body = json.dumps({"sources": ["x" * 20_000]}).encode()
    head = {"DevMesh-Node": "n1", "Content-Type": "application/json"}
    assert call("POST", "/ingest/heartbeat", headers=head, content=body).status_code == 413


def test_state_tells_what_the_agent_needs(call):
    """Coverage and marks of each stream, the limits and the time."""
    call("POST", "/ingest", headers=STREAM, content=numbered(1, 9))
    said = call("GET", "/ingest/state", headers={"DevMesh-Node": "n1"}).json()
    assert said["streams"] == [{"stream": "s1", "epoch": 0, "coverage": [[1, 9]], "marks": [[9, "a1"]]}]
    assert said["limits"]["events"] == call.mesh.settings.max_events
    assert call("GET", "/ingest/state", headers={"DevMesh-Node": "never"}).json()["streams"] == []


def test_a_quota_is_429(make_mesh, clock):
    """Over its quota a node is told when to come again, others are not held up, and later it works."""
    call = Caller(make_mesh(node_quota_bytes_per_s=100))
    sent = [call("POST", "/ingest", headers={"DevMesh-Node": "n1"}, content=line("x" * 2_000)) for _each in range(3)]
    assert [one.status_code for one in sent][-1] == 429
    assert int(sent[-1].headers["Retry-After"]) >= 1
    assert call("POST", "/ingest", headers={"DevMesh-Node": "n2"}, content=line("x")).status_code == 200
    clock.advance(300)
    assert call("POST", "/ingest", headers={"DevMesh-Node": "n1"}, content=line("x")).status_code == 200
