"""The embedded engine: ready, bounded, never left behind, the same answers as the graph in memory."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from inventories import SHOP

from devmesh.errors import ConfigError, Unavailable
from devmesh.graph import Edge, Fails, Inventory, Snapshot
from devmesh.graph import falkor as falkor_file
from devmesh.graph.engine import MISSING, Engine, is_built
from devmesh.graph.falkor import Address, Falkor, address_of, plain
from devmesh.graph.inventory import read_inventory
from devmesh.graph.model import Service
from devmesh.graph.snapshot import snapshot_of

# With CI set they fail instead: there it must be installed.
pytestmark = pytest.mark.skipif(not is_built() and not os.environ.get("CI"), reason=MISSING)
TREES = {"max_examples": 15, "deadline": None, "suppress_health_check": list(HealthCheck)}


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    """One that runs."""
    one = Engine(tmp_path_factory.mktemp("e"))
    one.ensure()
    yield one
    one.stop()


@pytest.fixture
def falkor(engine, request):
    """A client of it, whose graphs are the test's own."""
    return Falkor(Address(name=f"t-{abs(hash(request.node.nodeid))}", socket=engine.socket_path))


def gone(pid: int) -> bool:
    """Whether a process has ended, within a second."""
    for _ in range(1_000):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        with open(f"/proc/{pid}/stat") as stat:  # noqa: PTH123 - a zombie is nobody's work any more
            if stat.read().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        time.sleep(0.001)
    return False


def fails_with(graph: Snapshot, name: str, tree: dict[int, int]) -> dict[str, int]:
    """How far each one of a tree is, by name."""
    root, hops = graph.find(name).id, {}
    for one in tree:
        here, n = one, 0
        while here != root:
            here, n = tree[here], n + 1
        hops[graph.things[one].name] = n
    return hops


def test_it_answers_as_the_memory_does(falkor):
    """Who fails, what may be behind it, ways: by name and distance."""
    graph = snapshot_of(read_inventory(SHOP), ["db1", "web1", "web2", "edge"])
    assert not falkor.is_projected(graph)
    falkor.project(graph)
    assert falkor.is_projected(graph)
    for name in ("db", "api", "web", "host:web2", "host:db1", "shipper"):
        number = graph.find(name).id
        for breaks in (True, False):
            told = falkor.tree(graph, number, breaks=breaks)
            assert fails_with(graph, name, told) == fails_with(graph, name, graph.tree(number, breaks=breaks))
            adjacent = graph.breaks if breaks else graph.needs
            assert all(there in adjacent[here] for there, here in told.items())
    web, host = graph.find("web").id, graph.find("host:web2").id
    assert sorted(falkor.ways(graph, web, host, 10)) == sorted(graph.ways(web, host, 10))
    assert falkor.ways(graph, host, web, 10) == []


HOSTILE = st.text(alphabet=st.sampled_from("a\"\\`'{}$[]()|\u202e🙂é;,- "), min_size=1, max_size=20)
NAMES = st.lists(HOSTILE, min_size=2, max_size=6, unique=True)


@settings(**TREES)
@given(names=NAMES, pairs=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=15))
def test_no_name_is_ever_more_than_a_name(falkor, names, pairs):
    """Quotes, backslashes, back ticks, braces, emoji: they come back as they were, and no query breaks (M15)."""
    services = {f"s{name}": Service(f"s{name}", name, (f"h{name}",)) for name in names}
    known = sorted(services)
    edges = {Edge(known[a % len(known)], known[b % len(known)], "CALLS") for a, b in pairs}
    inventory = Inventory(services, tuple(sorted(one for one in edges if one.start != one.end)), {})
    graph = snapshot_of(inventory, ())
    falkor.project(graph)
    with falkor._connected(5) as db:
        rows = db.select_graph(falkor._key(graph)).ro_query("MATCH (t:Thing) RETURN t.n, t.name").result_set
    assert dict(rows) == {str(one.id): one.name for one in graph.things}
    for one in graph.things:
        told = falkor.tree(graph, one.id, breaks=True)
        assert told.keys() == graph.tree(one.id, breaks=True).keys()


class Injecting:
    """What the client would write into the query as it is."""

    def __str__(self) -> str:
        return "1 MATCH (n) DETACH DELETE n //"


@pytest.mark.parametrize("value", [Injecting(), b"x", None, {"a": 1}, {1}])
def test_nothing_but_plain_values_goes_out(value):
    """An object's text would be part of the query (M15)."""
    with pytest.raises(TypeError):
        plain([value])


def test_no_query_is_made_of_anything():
    """Cypher is text of constants alone: no f-string, no format, no sum but of two constants (T10)."""
    tree = ast.parse(Path(falkor_file.__file__).read_text())
    made = [one for one in tree.body if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]).startswith("_")]
    fixed = {ast.unparse(one.targets[0]) for one in made}
    assert all(isinstance(one, ast.Constant | ast.Name | ast.BinOp | ast.Dict) for one in (x.value for x in made))
    assert not [one for x in made for one in ast.walk(x) if isinstance(one, ast.JoinedStr | ast.Call)]
    calls = [one for one in ast.walk(tree) if isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute)]
    asked = {ast.unparse(one.args[0]) for one in calls if one.func.attr in {"query", "ro_query"}}
    assert asked == {"cypher", "_INDEX"}
    passed = {ast.unparse(one.args[1]) for one in calls if one.func.attr == "_ask"}
    assert passed | {"_NEEDS", "_BREAKS", "_NODES"} <= fixed


def test_what_the_engine_cannot_hold_is_left_out_of_text():
    """NUL ends its query, half of a character is no UTF-8 (M15)."""
    assert plain(["a\0b", "c\ud800d", 1, 2.5, True]) == ["ab", "cd", 1, 2.5, True]


def test_a_projection_is_whole_or_not_there(falkor, monkeypatch):
    """One that breaks off is no graph; the next try builds it. Those of before are dropped."""
    old = snapshot_of(read_inventory("services: {old: {hosts: [h]}}"), ())
    new = snapshot_of(read_inventory(SHOP), ())
    falkor.project(old)
    with monkeypatch.context() as patch:
        patch.setattr(falkor_file, "_BREAKS", "BREAK OFF")
        with pytest.raises(Unavailable):
            falkor.project(new)
    assert not falkor.is_projected(new)
    falkor.project(new)
    assert falkor.is_projected(new)
    assert not falkor.is_projected(old)
    with pytest.raises(Unavailable):
        falkor.tree(old, 0, breaks=True)


def test_two_that_build_at_once_do_not_meet(falkor):
    """The second leaves it to the first, whose lock it sees."""
    graph = snapshot_of(read_inventory(SHOP), ())
    with falkor._connected(5) as db:
        db.connection.set(f"{falkor._address.name}:lock", "another")
        falkor.project(graph)
        assert not falkor.is_projected(graph)
        assert db.connection.get(f"{falkor._address.name}:lock") == "another"
        db.connection.delete(f"{falkor._address.name}:lock")


def test_bounds_are_set(falkor):
    """Time, rows and memory of a query, and of the whole (T10)."""
    with falkor._connected(5) as db:
        said = {name: db.config_get(name) for name in ("TIMEOUT_DEFAULT", "RESULTSET_SIZE", "QUERY_MEM_CAPACITY")}
        memory = db.connection.config_get("maxmemory")
        stored = db.connection.config_get("appendonly") | db.connection.config_get("save")
    assert said == {"TIMEOUT_DEFAULT": 2_000, "RESULTSET_SIZE": 10_000, "QUERY_MEM_CAPACITY": 64 << 20}
    assert int(memory["maxmemory"]) == 256 << 20
    assert stored == {"appendonly": "no", "save": ""}


def test_nobody_else_may_speak_to_it(engine, falkor):
    """A socket of the owner's alone, in a folder of the owner's alone, and no port."""
    assert engine.socket_path.stat().st_mode & 0o777 == 0o600
    with falkor._connected(5) as db:
        assert db.connection.config_get("port") == {"port": "0"}


def test_one_that_was_killed_or_hangs_is_started_anew(tmp_path):
    """Within one look; what hangs is ended first."""
    one = Engine(tmp_path / "g")
    one.ensure()
    for kill in (signal.SIGKILL, signal.SIGSTOP):
        before = one.pid
        os.kill(before, kill)
        one.ensure()
        assert one.answers()
        assert one.pid != before
        assert gone(before)
    last = one.pid
    one.stop()
    assert gone(last)
    assert not one.socket_path.exists()


CHILD = """
import sys
from pathlib import Path
from devmesh.graph.engine import Engine
engine = Engine(Path(sys.argv[1]))
engine.ensure()
print(engine.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel must tell a process of its parent's end")
def test_it_ends_with_its_server_however_that_ends(tmp_path):
    """Kill -9 of the server: nothing is left behind, and the next one has the folder to itself."""
    folder = tmp_path / "g"
    command = [sys.executable, "-c", CHILD, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        pid = int(server.stdout.readline())
        other = Engine(folder)
        other.ensure()  # it only asks: the folder's engine is another process's
        assert other.pid is None
        other.stop()
        assert not gone(pid)
        server.kill()
        server.wait(10)
    assert gone(pid)
    other.ensure()
    assert other.answers()
    assert other.pid not in (None, pid)
    other.stop()


def test_it_outlives_the_thread_that_asked_for_it(tmp_path):
    """A request's thread ends; the kernel would take that for the end of its server."""
    one = Engine(tmp_path / "g")
    thread = Thread(target=one.ensure)
    thread.start()
    thread.join()
    begun = one.pid
    one.ensure()
    assert one.answers()
    assert one.pid == begun
    one.stop()


def test_one_that_was_left_behind_is_taken_over_and_ended(tmp_path):
    """Where the kernel does not end it: the next server goes on with it, and stops it in the end."""
    first = Engine(tmp_path / "g")
    first.ensure()
    os.close(first._lock)  # as if its process were gone
    second = Engine(tmp_path / "g")
    second.ensure()
    assert second.pid is None
    assert first.answers()
    second.stop()
    assert not first.answers()
    first._process.wait(10)


def test_any_folder_will_do(tmp_path, monkeypatch):
    """One that is named from where the server stands, with spaces and quotes in its name."""
    monkeypatch.chdir(tmp_path)
    one = Engine(Path("my 'data' \"here\"/é"))
    one.ensure()
    assert one.answers()
    assert one._folder == tmp_path / "my 'data' \"here\"/é"
    one.stop()


def test_an_engine_that_cannot_start_says_why(tmp_path, monkeypatch):
    """With what it said itself."""
    one = Engine(tmp_path / "g")
    command = one._command()
    monkeypatch.setattr(one, "_command", lambda: [*command, "NO_SUCH_THING", "1"])
    with pytest.raises(Unavailable, match=r"ended with \d+ as it started. It said: "):
        one.ensure()
    deep = Engine(tmp_path / ("x" * 100))
    with pytest.raises(Unavailable, match="too long"):
        deep.ensure()


def test_a_url_says_where_a_server_is():
    """With user, password, port and the name that graphs begin with; anything else is refused."""
    assert address_of("falkordb://graph.example:7000/mine") == Address("graph.example", 7000, "mine")
    full = address_of("falkordbs://anna:p%40ss@[::1]/x")
    assert full == replace(Address("::1", name="x"), user="anna", password="p@ss", tls=True)  # noqa: S106 - of nobody
    for wrong in ("redis://h/x", "falkordb:///x", "falkordb://h:port/x", "falkordb://h/x?y=1", "mine"):
        with pytest.raises(ConfigError):
            address_of(wrong)


def test_types_of_ones_own_say_who_fails():
    """`to` turns an edge round, `none` takes it out of every question."""
    two = {name: Service(name, "", (f"h{name}",)) for name in ("a", "b")}
    for fails, expected in ((Fails.FROM, {"a"}), (Fails.TO, set()), (Fails.NONE, set())):
        graph = snapshot_of(Inventory(two, (Edge("a", "b", "MINE"),), {"MINE": fails}), ())
        assert {graph.things[one].name for one in graph.downstream(graph.find("b").id)} == expected
