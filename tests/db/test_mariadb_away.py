"""A MariaDB server that hangs, dies and comes back: 503 in time, nothing lost, and all goes on by itself (F37)."""

from __future__ import annotations

import gc
import os
import signal
import time

import pytest
from starlette.testclient import TestClient

from bodies import assert_counts, messages, numbered, take
from devmesh.api import make_app
from devmesh.errors import Unavailable
from devmesh.house import health, overall
from devmesh.mesh import open_mesh
from devmesh.settings import load_settings
from mariadb_server import Databases, private_server, said_to


@pytest.fixture
def server(mariadb: Databases):
    """A server of this test's own, to be hurt; that there is one at all, the run's server has shown."""
    made = private_server()
    made.create()
    made.start()
    said_to(made, "CREATE DATABASE devmesh")
    yield made
    made.stop()


@pytest.fixture
def mesh(server, tmp_path, clock):
    """A house over it."""
    opened = open_mesh(
        load_settings(
            data_dir=tmp_path, database_url=server.url.replace("/?", "/devmesh?"), embedding_provider="off",
            disk_reserve_mb=1,
        ),
        clock=clock,
    )  # fmt: skip
    opened.intake.start()
    yield opened
    opened.close()


def refused(mesh, first, last):
    """Seconds until a batch was refused with 503."""
    begun = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        take(mesh, numbered(first, last), stream="s", ranges=((first, last),))
    assert caught.value.retry_after_s
    assert mesh.intake.trouble()
    return time.monotonic() - begun


def asks_for_health(mesh, *more):
    """Each part says what it knows, within seconds, whoever asks (F37)."""
    client = TestClient(make_app(mesh), base_url="http://127.0.0.1", client=("127.0.0.1", 1))
    for headers in (*more, {}):
        begun = time.monotonic()
        answer = client.get("/health", headers=headers)
        assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
        assert time.monotonic() - begun < 10
    parts = {part["name"]: part for part in answer.json()["parts"]}
    assert "does not answer" in parts["store"]["reason"]
    assert "does not answer" in parts["intake"]["reason"]
    assert parts["disk"]["state"] == parts["loop template-totals"]["state"] == "ok"
    assert "not known" in parts["nodes"]["reason"]


# PyMySQL leaves the socket of a refused connection to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_server_that_hangs_or_dies(server, mesh):
    """Each call ends within its 5 s (some more for a slow machine), and the same batch goes in once it is back."""
    assert take(mesh, numbered(1, 5), stream="s", ranges=((1, 5),)).stored == 5
    os.kill(server.process.pid, signal.SIGSTOP)
    assert refused(mesh, 6, 9) < 7
    asks_for_health(mesh)
    os.kill(server.process.pid, signal.SIGCONT)
    assert take(mesh, numbered(6, 9), stream="s", ranges=((6, 9),)).stored == 4
    server.kill()
    assert refused(mesh, 10, 12) < 7
    asks_for_health(mesh, {"Authorization": "Bearer of-one-who-was-not-here-lately"})
    server.start()
    assert take(mesh, numbered(8, 12), stream="s", ranges=((8, 12),)).stored == 3
    assert messages(mesh) == [f"entry {number}" for number in range(1, 13)]
    assert_counts(mesh)
    assert overall(health(mesh)) == "ok"
    mesh.accounts.people.add("ada", "a long enough password")
    client = TestClient(make_app(mesh), base_url="http://127.0.0.1", client=("127.0.0.1", 1))
    assert client.get("/health").json().keys() == {"status"}
    server.kill()
    assert client.get("/health").json().keys() == {"status"}, "it was seen that people sign in here"
    server.start()
    gc.collect()  # here, where it may be said
