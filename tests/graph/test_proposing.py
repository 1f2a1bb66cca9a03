"""A first inventory from logs: who runs where, types by name, edges of which a line told; a draft that loads."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bodies import NOW_US, line, run_whole, take
from devmesh.clock import FakeClock
from devmesh.errors import InvalidInput
from devmesh.graph import Edge, Refused
from devmesh.graph.inventory import read_inventory
from devmesh.graph.naming import accused, type_of
from devmesh.graph.proposing import as_yaml

DAY_S = 24 * 3600


def test_what_logs_show_becomes_a_draft_that_loads(mesh):
    """Services by node (on all of them: `all`), the system's own left out, edges by name and by port."""
    said = [
        ("db1", "mariadb", "ready for connections"),
        ("db1", "node_exporter", "listening"),
        ("web1", "node_exporter", "listening"),
        ("web1", "shop-api", "connect to db1:3306 failed: connection refused"),
        ("web1", "shop-api", "cannot connect to redis-server: timed out"),
        ("web1", "shop-api", "talked to node_exporter"),
        ("web1", "redis-server", "ready"),
        ("web1", "systemd-logind", "new session"),
        ("web1", "kernel", "up"),
        ("web1", "sshd@3-11-0", "hi"),
    ]
    for node, service, message in said:
        take(mesh, line(message, service=service), node)
    run_whole(mesh, "template-samples")
    run_whole(mesh, "assign-families")
    text = mesh.graph.propose()
    draft = read_inventory(text)
    assert sorted(draft.services) == ["mariadb", "node_exporter", "redis-server", "shop-api"]
    assert draft.services["node_exporter"].everywhere
    assert draft.services["mariadb"].hosts == ("db1",)
    assert [draft.services[name].type for name in ("mariadb", "redis-server", "shop-api")] == [
        "database", "cache", "api",
    ]  # fmt: skip
    assert draft.edges == (Edge("shop-api", "mariadb", "CALLS"), Edge("shop-api", "redis-server", "CALLS"))
    assert "# 1 line tells of trouble between them" in text
    loaded = mesh.graph.load(text)
    assert (loaded.unheard_services, loaded.unheard_hosts) == ((), ())


def test_what_was_said_before_those_days_makes_no_edge(make_mesh):
    """Whom somebody could not reach a month ago, it may not need any more."""
    clock = FakeClock(NOW_US)
    mesh = make_mesh(clock=clock)
    for message in ("connect to mariadb failed: connection refused", "up"):
        for service in ("mariadb", "shop-api"):
            take(mesh, line(message, service=service), received_us=clock.now_us())
        clock.advance(30 * DAY_S)
    clock.advance(-30 * DAY_S)
    run_whole(mesh, "template-samples")
    run_whole(mesh, "assign-families")
    assert read_inventory(mesh.graph.propose(40)).edges == (Edge("shop-api", "mariadb", "CALLS"),)
    draft = read_inventory(mesh.graph.propose(2))
    assert (sorted(draft.services), draft.edges) == (["mariadb", "shop-api"], ())


def test_names_that_an_inventory_does_not_take_are_left_out(mesh):
    """Those that begin like a question; a node that is called as all of them are."""
    for node, service in (("n1", "host:web"), ("n1", "service:x"), ("n1", "db"), ("n2", "api"), ("all", "api")):
        take(mesh, line("up", service=service), node)
    draft = read_inventory(mesh.graph.propose())
    assert {name: (one.hosts, one.everywhere) for name, one in draft.services.items()} == {
        "api": (("n2",), False), "db": (("n1",), False),
    }  # fmt: skip


def test_an_empty_store_gives_an_empty_draft(mesh):
    """It loads, too; days out of bounds are told."""
    assert read_inventory(mesh.graph.propose()).services == {}
    for wrong in (0, -1, 400, float("nan")):
        with pytest.raises(InvalidInput):
            mesh.graph.propose(wrong)


NAMES = st.text(min_size=1, max_size=30).filter(
    lambda name: name.isprintable() and name == name.strip() and not name.startswith(("host:", "service:"))
)


@given(st.dictionaries(NAMES, st.sets(NAMES, min_size=1, max_size=3), min_size=1, max_size=5))
def test_any_names_survive_the_draft(places):
    """Quotes, colons, `no`, numbers: what is written is what is read."""
    known = {name: some - {"all"} for name, some in places.items() if some - {"all"}}
    try:
        read = read_inventory(as_yaml(known, {"x", "y", "z", "?"}, []))
    except Refused as refused:  # two names that intake would clean to one
        wrong = [one.what for one in refused.faults if "already" not in one.what]
    else:
        wrong = [name for name, one in read.services.items() if set(one.hosts) != known[name]]
    assert wrong == []


RUNS = {"mariadb": {"db1"}, "sshd": {"db1"}, "web": {"db2"}, "edge-dns": {"db2"}}


def test_types_are_guessed_by_name():
    """Or not at all."""
    assert type_of("postgresql@15-main") == "database"
    assert type_of("nginx") == "proxy"
    assert type_of("foo") == ""


@pytest.mark.parametrize(
    ("message", "whom"),
    [
        ("upstream mariadb timed out", {"mariadb"}),
        ("dial tcp db1:3306: connection refused", {"mariadb"}),
        ("dial tcp db1:5432: connection refused", set()),
        ("could not connect to '10.0.0.7' port 3306: refused", {"mariadb"}),
        ("could not connect to 10.0.0.8:3306: refused", set()),
        ("dial tcp db2:3306: connection refused", set()),
        ("MariaDB: connection lost", {"mariadb"}),
        ("mariadb-backup refused", set()),
        ("ssh: connect to host db1 port 22: Connection refused", {"sshd"}),
        ("resolver db2:53 timed out", {"edge-dns"}),
    ],
)
def test_whom_a_line_accuses(message, whom):
    """By its name as a word, or by host and port together."""
    assert set(accused(message, RUNS, {"10.0.0.7": "db1"})) == whom
