"""Evidence from logs: the lines of telling templates, each once, from a stored position; floods are bounded."""

from __future__ import annotations

import pytest

from bodies import DAY_US, NOW_US, line, rows, run_whole, take
from devmesh.clock import FakeClock
from devmesh.graph.learning import reading, stored
from devmesh.graph.learning.reading import MOST_TARGETS

INVENTORY = """\
services:
  mariadb: {hosts: [db1]}
  redis-server: {hosts: [web1]}
  nfs-server: {hosts: [nas]}
  api: {hosts: [web1]}
"""


@pytest.fixture
def mesh(make_mesh):
    """A house with an inventory that declares no edge."""
    mesh = make_mesh(clock=FakeClock(NOW_US))
    mesh.graph.load(INVENTORY)
    return mesh


def say(mesh, *messages: str, node: str = "web1", service: str = "api", days: int = 1) -> None:
    """Let a service say this on each of some days."""
    times = [NOW_US - day * DAY_US for day in range(days, 0, -1)]
    body = b"".join(line(one, service=service, ts_us=at) for at in times for one in messages)
    assert take(mesh, body, node).stored == len(messages) * days


def pairs(mesh) -> list[tuple[str, str, int, int]]:
    """(start, end, evidence, failures) of everything that is known."""
    found = mesh.graph.learning.proposals(everything=True).rows
    return [(one.start, one.end, one.evidence, one.failures) for one in found]


def test_lines_become_evidence_once(mesh):
    """By name, with failures apart; a second pass, and one after a restart, counts nothing again."""
    say(mesh, "Connected to redis://web1:6379/0", "Error 111 connecting to web1:6379. Connection refused", days=3)
    say(mesh, "nothing of the kind", 'INFO: 10.0.0.9:40112 - "GET /x HTTP/1.1" 200 OK')
    run_whole(mesh, "learn-edges")
    assert pairs(mesh) == [("api", "redis-server", 6, 3)]
    assert mesh.graph.learning.proposals().rows[0].days == 3
    run_whole(mesh, "learn-edges")
    assert pairs(mesh) == [("api", "redis-server", 6, 3)]
    say(mesh, "Connected to redis://web1:6379/0")
    run_whole(mesh, "learn-edges")
    assert pairs(mesh) == [("api", "redis-server", 7, 3)]


def test_lines_tell_whose_an_address_is_and_who_listens(mesh):
    """What a node's DHCP client, its firewall and a service that starts say of themselves."""
    say(mesh, "dial tcp 10.0.0.12:3307: connect: connection refused", "call to http://10.0.0.13:3307/x took 9s")
    run_whole(mesh, "learn-edges")
    assert pairs(mesh) == []
    assert {one.target for one in mesh.graph.learning.unresolved()} == {"10.0.0.12:3307", "10.0.0.13:3307"}
    say(mesh, "bound to 10.0.0.12 -- renewal in 3000 seconds.", node="db1", service="dhclient")
    ready = "Version: '11.8'  socket: '/run/mysqld/mysqld.sock'  port: 3307  Debian"
    say(mesh, ready, node="db1", service="mariadb")
    run_whole(mesh, "learn-edges")
    run_whole(mesh, "place-edges")
    assert pairs(mesh) == [("api", "mariadb", 1, 1)]


def test_a_dead_mount_is_the_server_that_the_node_mounts(mesh):
    """The kernel says whose files they are, the service that it misses them."""
    say(mesh, "nfs: server nas not responding, still trying", service="kernel")
    say(mesh, "open /mnt/nas/data/1: stale NFS file handle", days=2)
    run_whole(mesh, "learn-edges")
    assert pairs(mesh) == [("api", "nfs-server", 2, 2)]


def test_a_flood_of_targets_is_bounded(mesh):
    """Of one service in one step so many; the tables hold so many, and nothing else is lost."""
    many = [f"connected to 10.{n // 250}.{n % 250}.9:80" for n in range(300)]
    say(mesh, *many)
    say(mesh, "Connected to redis://web1:6379/0", service="mariadb", node="db1")
    run_whole(mesh, "learn-edges")
    [(waiting,)] = rows(mesh, "SELECT count(*) FROM graph_seen WHERE whom = ''")
    assert waiting <= min(MOST_TARGETS, stored.MOST_WAITING)
    assert pairs(mesh) == [("mariadb", "redis-server", 1, 0)]


def test_nothing_is_read_of_what_tells_nothing(mesh, monkeypatch):
    """A template is matched once, and lines of dull ones are not fetched."""
    asked: list[str] = []
    real = reading.phrases_for
    monkeypatch.setattr(reading, "phrases_for", lambda text: asked.append(text) or real(text))
    say(mesh, "nothing of the kind", days=3)
    say(mesh, "nothing of the kind")
    run_whole(mesh, "learn-edges")
    say(mesh, "nothing of the kind")
    at = mesh.events.following.position("learn-edges")
    part = mesh.events.following.next(mesh.graph.learning._book.telling, at, 100)
    assert (part.events, part.commits, asked) == ([], 1, ["nothing of the kind"])


def test_the_system_says_nothing_of_services(mesh):
    """What belongs to the machine itself is no end of an edge."""
    say(mesh, "connected to redis://web1:6379", service="systemd-resolved", days=3)
    run_whole(mesh, "learn-edges")
    assert (pairs(mesh), mesh.graph.learning.unresolved()) == ([], [])
