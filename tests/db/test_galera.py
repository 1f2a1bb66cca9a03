"""A real Galera cluster of three: nothing acknowledged is lost or doubled, whichever node dies or is cut off."""

from __future__ import annotations

import contextlib
import gc
import shutil
import threading
import time

import pymysql
import pytest

from bodies import assert_counts, messages, numbered, rows, take
from devmesh.clock import SystemClock
from devmesh.db import load, open_database
from devmesh.db.again import Contended
from devmesh.db.copying import copy
from devmesh.errors import ConfigError, DevMeshError, Unavailable
from devmesh.mesh import open_mesh
from devmesh.nodes import Claim, StreamKey
from devmesh.settings import load_settings
from galera_cluster import start_cluster

pytestmark = [
    pytest.mark.soak,
    pytest.mark.sqlite_only,
    # PyMySQL leaves the socket of a refused connection to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
WRITERS, BATCH = 9, 20


@pytest.fixture(scope="module")
def cluster():
    """Three nodes; each test makes a database of its own and leaves the nodes up."""
    made = start_cluster()
    yield made
    made.stop()


@pytest.fixture
def houses(cluster, tmp_path, request):
    """Opens DevMesh over a database of this test's own, at the node that is named first: `houses(2)`."""
    name, opened = request.node.name.removeprefix("test_")[:60], []
    cluster.nodes[0].run(f"CREATE DATABASE {name}")

    def open_at(*first, **more):
        folder = tmp_path / str(len(opened))
        url = cluster.url(*first, database=name)
        told = load_settings(data_dir=folder, database_url=url, embedding_provider="off", disk_reserve_mb=1, **more)
        mesh = open_mesh(told, clock=SystemClock())
        mesh.intake.start()
        opened.append(mesh)
        return mesh

    yield open_at
    for mesh in opened:
        mesh.close()
    gc.collect()  # here, where it may be said


def ship(mesh, first, last, node="n1"):
    """A batch of the node's stream."""
    return take(mesh, numbered(first, last), node, stream="s", ranges=((first, last),))


def coverage(mesh, node="n1"):
    """What the store says it has of the node's stream."""
    return [list(state.coverage) for state in mesh.nodes.stream_states(node)]


def until(call, seconds):
    """Call until it raises nothing, and how long that took."""
    begun = time.monotonic()
    while True:
        try:
            return call(), time.monotonic() - begun
        except DevMeshError:
            if time.monotonic() - begun > seconds:
                raise
            time.sleep(0.1)


def assert_each_once(mesh, last):
    """Every entry 1..last is there, once, and counted."""
    assert sorted(messages(mesh)) == sorted(f"entry {number}" for number in range(1, last + 1))
    assert_counts(mesh)


def test_a_node_that_dies_is_left_for_the_next(cluster, houses):
    """Within 10 s the same batch goes in at another node, which knows all that was acknowledged; the dead one joins
    again and has it, too.
    """
    mesh = houses(1)
    assert ship(mesh, 1, 50).stored == 50
    cluster.nodes[0].kill()
    answer, took = until(lambda: ship(mesh, 31, 80), 15)
    assert (answer.stored, answer.repeated) == (30, 20)
    assert took < 10
    assert coverage(mesh) == [[(1, 80)]]
    assert_each_once(mesh, 80)
    cluster.nodes[0].join(cluster.nodes[1].peer)
    assert_each_once(houses(1), 80)


def test_who_changes_nodes_reads_no_older_coverage(cluster, houses):
    """A node that is behind answers late or not at all, never with what was true before: an agent would go back for it,
    and what people see would jump.
    """
    first, second = houses(1), houses(2)
    assert ship(first, 1, 10).stored == 10
    assert coverage(second) == [[(1, 10)]]
    with pymysql.connect(host=cluster.nodes[1].host, user="devmesh") as behind:
        behind.cursor().execute("FLUSH TABLES WITH READ LOCK")  # it goes on answering and applies nothing
        assert ship(first, 11, 20).stored == 10
        found, took = until(lambda: coverage(second), 20)
    assert found == [[(1, 20)]]
    assert took < 10
    assert until(lambda: coverage(houses(2)), 20)[0] == [[(1, 20)]]


def test_a_node_has_on_its_own_disk_what_it_acknowledged(cluster, houses):
    """Killed right after the answer, before the others need have stored it: nothing is missing there. (With a savepoint
    in the transaction its last commit was.)
    """
    mesh = houses(1)
    for number in range(10):
        ship(mesh, number * BATCH + 1, (number + 1) * BATCH)
    cluster.nodes[0].kill()
    last = max(int(node.status("wsrep_last_committed")) for node in cluster.nodes[1:])
    assert cluster.nodes[0].recovered() == last
    cluster.nodes[0].join(cluster.nodes[1].peer)


def test_rows_that_no_load_takes_as_they_are_go_in_by_statements(houses, monkeypatch):
    """The transaction begins again for it, and holds each row once; the next one is fast again."""
    mesh, real, loads = houses(1), load._load, []
    monkeypatch.setattr(load, "_load", lambda *told: real(*told) and loads.append(1) and False)
    assert ship(mesh, 1, 10).stored == 10
    assert len(loads) == 1
    monkeypatch.setattr(load, "_load", lambda *told: loads.append(1) or real(*told))
    assert ship(mesh, 11, 20).stored == 10
    assert len(loads) == 2
    assert_each_once(mesh, 20)


@pytest.mark.parametrize("allowed", [1, 0])
def test_a_store_that_is_copied_into_a_cluster_is_whole(cluster, tmp_path, allowed):
    """Also where the node takes no LOAD DATA; and it is on the disk of the node that took it, to the last page."""
    source = open_mesh(load_settings(data_dir=tmp_path / "source", embedding_provider="off"), clock=SystemClock())
    source.intake.start()
    take(source, numbered(1, 300), stream="s", ranges=((1, 300),))
    source.close()
    node, name = cluster.nodes[0], f"copied_{allowed}"
    node.run(f"CREATE DATABASE {name}; SET GLOBAL local_infile={allowed}")
    with contextlib.ExitStack() as stack:
        stack.callback(node.run, "SET GLOBAL local_infile=1")
        stack.callback(setattr, load, "notices", load.Notices())
        sides = [open_database(url) for url in (source.db.url, cluster.url(1, database=name))]
        for side in sides:
            stack.callback(side.close)
        copied = copy(*sides, lambda _source: [], prepare=lambda: None)
    assert {one.table: one.rows for one in copied}["log_events"] == 300
    last = int(node.status("wsrep_last_committed"))
    node.kill()
    assert node.recovered() == last
    node.join(cluster.nodes[1].peer)


def test_two_nodes_cannot_both_commit_a_claim(houses):
    """Both hold the stream's row at once, as two nodes do; the guard lets one commit, the other must begin anew."""
    first, second = houses(1), houses(2)
    ship(first, 1, 5)
    node_id = first.nodes.node_names.ids(["n1"])["n1"]
    claim = Claim(StreamKey("s"), ((6, 10),))

    def both():
        with second.db.write() as theirs:
            assert second.nodes.claim(theirs, node_id, claim).repeated == ()
            with first.db.write() as ours:
                assert first.nodes.claim(ours, node_id, claim).repeated == ()

    with pytest.raises(Contended):
        both()
    assert coverage(first) == coverage(second) == [[(1, 10)]]


def test_two_servers_that_get_the_same_batches_store_them_once(houses):
    """At two nodes at the same moment, fifty times; each batch is answered by both, and its lines are there once."""
    meshes, stored, both = (houses(1), houses(2)), [], threading.Barrier(2)

    def send(mesh):
        for number in range(50):
            both.wait(60)
            first = number * BATCH + 1
            stored.append(until(lambda at=first: ship(mesh, at, at + BATCH - 1), 30)[0].stored)

    threads = [threading.Thread(target=send, args=(mesh,)) for mesh in meshes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(stored) == 50 * BATCH
    assert_each_once(meshes[0], 50 * BATCH)
    assert coverage(meshes[1]) == [[(1, 50 * BATCH)]]


class Agent(threading.Thread):
    """Sends one stream, batch after batch, and goes back to the server's coverage when it was not answered."""

    def __init__(self, mesh, name, stop):
        super().__init__(daemon=True)
        self.mesh, self.node, self.stop = mesh, name, stop
        self.acknowledged = self.sent = 0
        self.rewound = 0

    def run(self):
        """Until it is told to stop."""
        while not self.stop.is_set():
            try:
                self.step()
            except DevMeshError:
                self.stop.wait(0.2)

    def step(self):
        """One batch from where the server says it is."""
        known = coverage(self.mesh, self.node)
        at = known[0][0][1] if known and known[0] else 0
        self.rewound += at < self.acknowledged
        self.sent = max(self.sent, at + BATCH)
        ship(self.mesh, at + 1, at + BATCH, self.node)
        self.acknowledged = at + BATCH

    def catch_up(self):
        """Send what is missing up to the last line that was ever sent."""
        while (coverage(self.mesh, self.node) or [[(0, 0)]])[0][0][1] < self.sent:
            self.step()


def stored_by_node(mesh):
    """(node, lines, different lines, last seq) as log_events has them."""
    sql = (
        "SELECT name, COUNT(*), COUNT(DISTINCT seq), MAX(seq) FROM log_events JOIN nodes n ON n.id = node_id GROUP BY 1"
    )
    return {name: (lines, different, last) for name, lines, different, last in rows(mesh, sql)}


def run_agents(houses, seconds_or_event):
    """Nine agents, three at each node, for some seconds; stopped and joined by the caller."""
    stop = threading.Event()
    meshes = [houses(1), houses(2), houses(3)]
    agents = [Agent(meshes[number % 3], f"web{number}", stop) for number in range(WRITERS)]
    for agent in agents:
        agent.start()
    stop.wait(seconds_or_event)
    return meshes, agents, stop


def test_all_nodes_killed_at_once(cluster, houses):
    """Nine writers, kill -9 of all three nodes: after the restart every acknowledged line is there, once; what was not
    acknowledged is sent again from the server's coverage, and at the end everything is there, once.
    """
    _meshes, agents, stop = run_agents(houses, 5)
    for node in cluster.nodes:
        node.kill()
    stop.set()
    for agent in agents:
        agent.join(30)
    acknowledged = {agent.node: agent.acknowledged for agent in agents}
    assert all(acknowledged.values())
    cluster.recover()
    fresh = houses(2)
    for node, (lines, different, last) in stored_by_node(fresh).items():
        assert lines == different == last >= acknowledged[node]
    assert_counts(fresh)
    for agent in agents:
        agent.mesh = fresh
        agent.catch_up()
    assert all(found == (agent.sent,) * 3 for agent in agents for found in [stored_by_node(fresh)[agent.node]])
    assert_counts(fresh)


def test_a_node_that_is_cut_off_and_comes_back(cluster, houses):
    """The clients still reach it, it refuses them, and they go on at the others; after the heal it reads again within
    10 s. Nothing is lost or doubled.
    """
    meshes, agents, stop = run_agents(houses, 3)
    cluster.nodes[2].cut()
    before = {agent.node: agent.acknowledged for agent in agents}
    stop.wait(12)
    assert all(agent.acknowledged > before[agent.node] for agent in agents), "everyone goes on, those at node 3 too"
    cluster.nodes[2].heal()
    took = cluster.nodes[2].wait_ready(30)
    assert took < 10
    stop.set()
    for agent in agents:
        agent.join(30)
        agent.catch_up()
    there = stored_by_node(houses(3))
    for agent in agents:
        assert there[agent.node] == (agent.sent,) * 3
        assert agent.sent >= agent.acknowledged
    assert_counts(meshes[2])


def test_two_of_three_gone_is_503_at_once_and_back_by_itself(cluster, houses):
    """What is left cannot know what the others do: it refuses (1047), in bounded time, until they are back."""
    mesh = houses(3)
    assert ship(mesh, 1, 10).stored == 10
    for node in cluster.nodes[:2]:
        node.kill()
    begun = time.monotonic()
    with pytest.raises(Unavailable) as caught:
        ship(mesh, 11, 20)
    assert time.monotonic() - begun < 12
    assert caught.value.retry_after_s
    cluster.nodes[2].kill()
    cluster.recover()
    assert until(lambda: ship(mesh, 11, 20), 20)[0].stored == 10
    assert_each_once(mesh, 20)


def test_a_cluster_that_lost_commits_gets_them_again(cluster, houses):
    """All nodes go back to an older state of their disks: the coverage says so, and the agents send what is gone."""
    mesh = houses(1)
    stop = threading.Event()
    agent = Agent(mesh, "n1", stop)
    for _batch in range(5):
        agent.step()
    _restart_all(cluster, lambda: shutil.copytree(cluster.nodes[0].data, cluster.nodes[0].folder / "older"))
    for _batch in range(5):
        until(agent.step, 20)
    assert agent.acknowledged == 10 * BATCH

    def go_back():
        for node in cluster.nodes:
            shutil.rmtree(node.data)
        shutil.move(cluster.nodes[0].folder / "older", cluster.nodes[0].data)
        cluster.nodes[0]._own(cluster.nodes[0].data, *cluster.nodes[0].data.rglob("*"))
        for node in cluster.nodes[1:]:
            node.take_data_of(cluster.nodes[0])

    _restart_all(cluster, go_back)
    assert until(lambda: coverage(mesh), 20)[0] == [[(1, 5 * BATCH)]]
    agent.catch_up()
    assert agent.rewound == 1
    assert_each_once(mesh, 10 * BATCH)


def _restart_all(cluster, meanwhile):
    """Stop every node hard, do something to their disks, begin again."""
    for node in cluster.nodes:
        node.kill()
    meanwhile()
    cluster.recover()


def test_a_node_that_would_lose_commits_is_refused_at_start(cluster, houses):
    """Whichever of the list it is, named; unless told to take it."""
    cluster.nodes[1].run("SET GLOBAL innodb_flush_log_at_trx_commit=0")
    try:
        with pytest.raises(ConfigError, match=r"10\.98\.0\.2: .*innodb_flush_log_at_trx_commit=0"):
            houses(1)
        assert ship(houses(1, allow_unsafe=True), 1, 5).stored == 5
    finally:
        cluster.nodes[1].run("SET GLOBAL innodb_flush_log_at_trx_commit=1")
