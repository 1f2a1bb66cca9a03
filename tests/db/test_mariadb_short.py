"""A MariaDB server that is short of something: connections, packet, the right to write, disk (F43, F44, F35)."""

from __future__ import annotations

import contextlib
import gc
import os
import shutil
import subprocess
import time

import pymysql
import pytest

from bodies import NOW_US, assert_counts, line, messages, numbered, rows, take
from devmesh.db import load
from devmesh.errors import Unavailable
from devmesh.house import health, overall
from devmesh.mesh import open_mesh
from devmesh.settings import load_settings
from mariadb_server import private_server, said_to

CONNECTIONS = 12
# PyMySQL leaves the socket of a refused connection to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(scope="module")
def server(mariadb):
    """A small server with a user who may do everything in databases of ours, and nothing else."""
    made = private_server(f"--max-connections={CONNECTIONS}", "--max-allowed-packet=1M")
    made.create()
    made.start()
    said_to(made, "CREATE USER devmesh@localhost", "GRANT ALL ON `devmesh\\_%`.* TO devmesh@localhost")
    yield made
    made.stop()


@pytest.fixture
def mesh(server, tmp_path, clock, request):
    """A house in a database of its own, as that user."""
    name = f"devmesh_{abs(hash(request.node.name))}"
    said_to(server, f"CREATE DATABASE {name}")
    opened = house(f"mysql+pymysql://devmesh@localhost/{name}?unix_socket={server.socket}", tmp_path, clock)
    yield opened
    opened.close()
    said_to(server, f"DROP DATABASE {name}")
    gc.collect()  # here, where it may be said


def house(url, folder, clock):
    """A house whose intake runs."""
    told = {"database_url": url, "embedding_provider": "off", "disk_reserve_mb": 1}
    opened = open_mesh(load_settings(data_dir=folder, **told), clock=clock)
    opened.intake.start()
    return opened


def refused(mesh, body, node="n1", **more):
    """The error of a batch that must be sent again later; health is degraded."""
    with pytest.raises(Unavailable) as caught:
        take(mesh, body, node, **more)
    assert caught.value.retry_after_s
    assert overall(health(mesh)) == "degraded"
    return caught.value


def causes(mesh):
    """What health says of the parts that are not well."""
    return " ".join(part.reason for part in health(mesh) if part.state == "degraded")


def test_a_server_that_takes_no_writes(server, mesh):
    """Read-only for a while, for a node that is known and for one that is new: 503, the cause in health; then well."""
    assert take(mesh, numbered(1, 5), stream="s", ranges=((1, 5),)).stored == 5
    said_to(server, "SET GLOBAL read_only=1")
    try:
        refused(mesh, line("x"), "a new node")
        assert "read-only" in causes(mesh)
        refused(mesh, numbered(6, 9), stream="s", ranges=((6, 9),))
        assert "read-only" in causes(mesh)
        assert messages(mesh) == [f"entry {number}" for number in range(1, 6)]
    finally:
        said_to(server, "SET GLOBAL read_only=0")
    assert take(mesh, numbered(4, 9), stream="s", ranges=((4, 9),)).stored == 4
    assert overall(health(mesh)) == "ok"
    assert messages(mesh) == [f"entry {number}" for number in range(1, 10)]
    assert_counts(mesh)


def test_a_server_with_no_connection_left(server, mesh):
    """Others hold all of them when ours must be made anew: 503, the cause in health; then well."""
    assert take(mesh, numbered(1, 5), stream="s", ranges=((1, 5),)).stored == 5
    mesh.db._writer.dispose()
    mesh.db._reader.dispose()
    held = []
    try:
        with contextlib.suppress(pymysql.err.OperationalError):
            while True:
                held.append(pymysql.connect(unix_socket=str(server.socket), user="devmesh"))
        refused(mesh, numbered(6, 9), stream="s", ranges=((6, 9),))
        assert "no connection left" in causes(mesh)
    finally:
        for one in held:
            one.close()
    deadline = time.monotonic() + 20
    while overall(health(mesh)) != "ok" and time.monotonic() < deadline:  # the server counts them out a moment later
        try:
            take(mesh, numbered(6, 9), stream="s", ranges=((6, 9),))
        except Unavailable:
            continue
    assert messages(mesh) == [f"entry {number}" for number in range(1, 10)]
    assert_counts(mesh)


@pytest.mark.parametrize("road", ["load", "statements"])
def test_a_server_that_takes_small_packets(mesh, monkeypatch, road):
    """With 1 MiB a statement: lines of any size come in by LOAD DATA; by statements the one that no packet holds is
    rejected alone, and the others are stored.
    """
    monkeypatch.setattr(load.notices, "load_forbidden", road == "statements")
    wide = [f"value {number} " + "\U0001f600" * 80_000 for number in range(3)]
    body = b"".join(
        line(f"entry {number}", seq=number, ts_us=NOW_US + number, service="svc", fields={"wide": wide[number % 3]})
        for number in range(1, 4)
    )
    assert take(mesh, body, stream="s", ranges=((1, 3),)).stored == 3
    huge = line("huge", seq=4, ts_us=NOW_US + 4, fields={"quotes": "'" * 1_000_000})
    answer = take(mesh, huge + line("small", seq=5, ts_us=NOW_US + 5), stream="s", ranges=((4, 5),))
    assert (answer.stored, answer.rejected) == ((2, 0) if road == "load" else (1, 1))
    assert [(one.line, "max_allowed_packet" in one.reason) for one in answer.errors] == [(1, True)][: answer.rejected]
    many = b"".join(
        line(f"other {chr(97 + number % 26)}{'x' * (number % 900)}", ts_us=NOW_US) for number in range(3_000)
    )
    assert take(mesh, many, "n2").stored == 3_000
    assert rows(mesh, "SELECT COUNT(*) FROM log_events") == [(3_003 + answer.stored,)]
    assert_counts(mesh)


@pytest.mark.soak
def test_a_server_whose_disk_fills_up(mariadb, tmp_path, clock):
    """On a disk of 260 MB: whatever MariaDB does (11.8 aborts when it cannot even roll back), nothing that was
    acknowledged is lost; with room again, and the server started again where it ended, the same batch goes in.
    """
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    server = private_server("--innodb-log-file-size=8M")
    server.data.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=260m", "tmpfs", str(server.data)], check=True)
    mesh = None
    try:
        server.create()
        (server.data / "room").write_bytes(bytes(48 << 20))
        server.start()
        said_to(server, "CREATE DATABASE devmesh_full")
        mesh = house(server.url.replace("/?", "/devmesh_full?"), tmp_path, clock)
        stored, error = 0, None
        while error is None and stored < 2_000_000:
            try:
                stored += take(mesh, padded(stored), stream="s", ranges=((stored + 1, stored + 500),)).stored
            except Unavailable as caught:
                error = caught
        assert error is not None
        assert error.retry_after_s
        assert overall(health(mesh)) == "degraded"
        (server.data / "room").unlink()
        if server.process.poll() is not None:  # as its service manager does
            server.start()
        deadline = time.monotonic() + 60
        answer = None
        while answer is None and time.monotonic() < deadline:
            try:
                answer = take(mesh, padded(stored), stream="s", ranges=((stored + 1, stored + 500),))
            except Unavailable:
                continue
        assert answer is not None
        assert answer.stored + answer.repeated == 500
        assert rows(mesh, "SELECT COUNT(*), COUNT(DISTINCT seq) FROM log_events") == [(stored + 500, stored + 500)]
        assert rows(mesh, "SELECT first_seq, last_seq FROM stream_ranges") == [(1, stored + 500)]
        assert_counts(mesh)
        assert overall(health(mesh)) == "ok"
        assert shutil.disk_usage(server.data).free > 0
    finally:
        if mesh is not None:
            mesh.close()
        server.kill()
        subprocess.run(["umount", "-l", str(server.data)], check=True)
        server.stop()


def padded(after):
    """500 entries of some size after the first `after`."""
    return numbered(after + 1, after + 500, fields={"pad": "x" * 2_000})
