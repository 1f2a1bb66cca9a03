"""Between the house and an engine: whose graphs are whose, whom a client believes, what stands in health."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
from contextlib import closing
from dataclasses import replace
from threading import Thread

import pytest
from inventories import SHOP

from devmesh.errors import Unavailable
from devmesh.graph import Asking
from devmesh.graph.engine import MISSING, Engine, is_built
from devmesh.graph.falkor import Falkor, address_of
from devmesh.graph.inventory import read_inventory
from devmesh.graph.snapshot import snapshot_of
from tls_certificates import Authority

# With CI set they fail instead: there it must be installed.
pytestmark = pytest.mark.skipif(not is_built() and not os.environ.get("CI"), reason=MISSING)
GRAPH = snapshot_of(read_inventory(SHOP), ())


@pytest.mark.parametrize(("name", "said"), [("DNS:another.example", "mismatch"), ("IP:127.0.0.1", "closed")])
def test_a_server_must_be_the_one_that_the_url_names(tmp_path, monkeypatch, name, said):
    """Over TLS, a certificate of an authority that is trusted is not enough; the right one is asked."""
    authority = Authority.make(tmp_path, "ca")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.sign("far", name))

    def serve() -> None:
        near, _ = listening.accept()
        try:
            with context.wrap_socket(near, server_side=True) as far:
                far.recv(1_000)
        except OSError:
            near.close()

    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        thread = Thread(target=serve, daemon=True)
        thread.start()
        falkor = Falkor(address_of(f"falkordbs://127.0.0.1:{listening.getsockname()[1]}/x"))
        with pytest.raises(Unavailable, match=said):
            falkor.is_projected(GRAPH)
        thread.join()


def test_two_houses_in_one_engine_leave_each_other_alone(tmp_path, monkeypatch):
    """Both by the same URL, also where their stores have the same path on two machines; each drops its own."""
    engine = Engine(tmp_path / "e")
    engine.ensure()

    def falkor(store: str) -> Falkor:
        theirs = Asking("falkordb://127.0.0.1:1/x", tmp_path, store)._falkor._address
        return Falkor(replace(theirs, socket=engine.socket_path))

    here = falkor("sqlite:////data/devmesh.db")
    monkeypatch.setattr("devmesh.graph.asking.node", lambda: "another")
    others = [falkor("sqlite:////data/devmesh.db"), falkor("mysql://anna:old@db/devmesh"), falkor("mysql://db/b")]
    for one in (here, *others):
        one.project(GRAPH)
    assert all(one.is_projected(GRAPH) for one in (here, *others))
    assert falkor("mysql://anna:new@db/devmesh").is_projected(GRAPH)
    here.project(snapshot_of(read_inventory("services: {new: {hosts: [h]}}"), ()))
    assert [one.is_projected(GRAPH) for one in (here, *others)] == [False, True, True, True]
    engine.stop()


class Hanging:
    """A process that does not end, in the middle of a read that the kernel does not break off."""

    def send_signal(self, number: int) -> None:
        """Nothing happens."""

    def wait(self, timeout: float) -> None:
        """It takes longer."""
        raise subprocess.TimeoutExpired("redis-server", timeout)


@pytest.mark.parametrize("trouble", ["no folder", "lock", "socket", "hangs"])
def test_an_engine_that_a_machine_refuses_stands_in_health(tmp_path, trouble):
    """A folder that cannot be made or written, a process that cannot be ended: not "no inventory", nor "ok"."""
    folder = tmp_path / "g"
    asking = Asking("", folder, "sqlite://")
    if trouble == "no folder":
        folder.write_text("")
    elif trouble == "hangs":
        asking._engine._process = Hanging()
    else:
        (folder / f"engine.{trouble.replace('socket', 'sock')}").mkdir(parents=True)
    with pytest.raises(Unavailable, match="The graph engine "):
        asking.keep(GRAPH)
    assert asking.health()[0] == "degraded"
    assert asking.ask(lambda falkor: falkor.tree(GRAPH, 0, breaks=True), lambda: "known")[0] == "known"


def test_where_nobody_may_look_for_an_engine_the_memory_answers(tmp_path):
    """As another user's command line does; of a name that is too long nobody knows, either, whether it is there."""
    answer, engine = Asking("", tmp_path / ("x" * 300), "sqlite://").ask(lambda _falkor: "engine", lambda: "memory")
    assert (answer, engine[:8]) == ("memory", "memory: ")
