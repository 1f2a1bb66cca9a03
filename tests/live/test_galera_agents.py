"""A Galera cluster that loses commits under running servers and agents: the agents send them again (F41)."""

from __future__ import annotations

import os
import shutil
import time
from collections import Counter

import pytest
from ship_journals import entry, need_journals, write_journal
from test_kill_mariadb import Shipper

from bodies import assert_counts, rows
from devmesh.mesh import open_mesh
from devmesh.settings import load_settings
from galera_cluster import start_cluster
from processes import free_port, start_server

pytestmark = [
    pytest.mark.soak,
    # PyMySQL leaves the socket of a refused connection to the garbage collector.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
AGAIN_S = 240.0  # the cluster's start and the agents' longest pause lie in it
LINES = 30
LETTERS = "abcde"  # no template makes a placeholder of them


class Speaker(Shipper):
    """A journal in which services come and go, and the real agent that ships it."""

    def __init__(self, folder, node, url):
        self.said = Counter()
        super().__init__(folder, node, url)

    def write(self, service="first"):
        """More entries, of a service and of a shape that may be new."""
        numbers = range(self.written + 1, self.written + LINES + 1)
        texts = {number: f"{service} of {self.node} says {number}" for number in numbers}
        write_journal(
            self.folder / "j.journal",
            [entry(number, text.encode(), (b"SYSLOG_IDENTIFIER", service.encode())) for number, text in texts.items()],
        )
        self.said.update((self.node, service, text) for text in texts.values())
        self.written += LINES


@pytest.fixture
def cluster():
    """Three nodes."""
    need_journals()
    made = start_cluster()
    yield made
    made.stop()


@pytest.fixture
def speakers(cluster, tmp_path):
    """Makes an agent of the server at a node: `speakers(2, "web")`; servers and agents run through until the end."""
    servers, agents = {}, []

    def make(number, node):
        if number not in servers:
            env = {"DEVMESH_DATABASE_URL": cluster.url(number)}
            servers[number] = start_server(tmp_path / f"server{number}", port=free_port(), env=env, fresh=True)
        agents.append(Speaker(tmp_path, node, servers[number].url))
        return agents[-1]

    yield make
    for agent in agents:
        agent.kill()
    for server in servers.values():
        server.kill()


def stored(cluster, tmp_path):
    """(node, service, message) of every line, how often."""
    mesh = open_mesh(load_settings(data_dir=tmp_path / "proof", database_url=cluster.url(2), embedding_provider="off"))
    try:
        return Counter(
            rows(
                mesh,
                "SELECT n.name, s.name, e.message FROM log_events e LEFT JOIN nodes n ON n.id = e.node_id "
                "LEFT JOIN services s ON s.id = e.service_id",
            )
        )
    finally:
        mesh.close()


def until_there(cluster, tmp_path, agents, seconds=AGAIN_S):
    """Wait until every line of every agent is stored; none may ever be there twice or under another name."""
    wanted = sum((agent.said for agent in agents), Counter())
    deadline = time.monotonic() + seconds
    while missing := wanted - (found := stored(cluster, tmp_path)):
        assert not found - wanted, "lines are there twice, or under a name that is not theirs"
        assert time.monotonic() < deadline, f"{missing.total()} of {wanted.total()} lines are missing: {missing}"
        time.sleep(0.5)  # the agents do it by themselves
    assert found == wanted


def assert_whole(cluster, tmp_path):
    """Each line's template exists, is of its service and of its text, and the counts are those of the lines."""
    mesh = open_mesh(load_settings(data_dir=tmp_path / "proof", database_url=cluster.url(3), embedding_provider="off"))
    try:
        for service, text, template in rows(
            mesh,
            "SELECT s.name, e.message, t.template FROM log_events e JOIN services s ON s.id = e.service_id "
            "LEFT JOIN log_templates t ON t.id = e.template_id AND t.service_id = e.service_id",
        ):
            assert template is not None, (service, text)
            assert template.split()[0] == text.split()[0]
        doubled = "SELECT id FROM log_events GROUP BY id HAVING COUNT(*) > 1"
        assert rows(mesh, doubled) == [], "two lines have one number"
        assert_counts(mesh)
    finally:
        mesh.close()


def go_back(cluster, older):
    """Every node begins with this copy of a node's data; the cluster knows nothing of what came after it."""
    for node in cluster.nodes:
        shutil.rmtree(node.data)
    shutil.copytree(older, cluster.nodes[0].data)
    cluster.nodes[0]._own(cluster.nodes[0].data, *cluster.nodes[0].data.rglob("*"))
    for node in cluster.nodes[1:]:
        node.take_data_of(cluster.nodes[0])


def test_agents_send_again_what_the_cluster_lost(cluster, speakers, tmp_path):
    """All three nodes are killed and go on with the oldest disk, twice, while servers and agents run through: lines,
    nodes, services and templates that were acknowledged and lost are there again, each once and under its own name.
    """
    agents = [speakers(number, f"web{number}") for number in (1, 2, 3)]
    until_there(cluster, tmp_path, agents)
    for turn in ("second", "third"):
        cluster.nodes[2].kill()
        older = shutil.copytree(cluster.nodes[2].data, cluster.nodes[2].folder / turn)
        cluster.nodes[2].join(cluster.nodes[0].peer)
        agents.append(speakers(2, f"{turn}-web"))
        for number, agent in enumerate(agents):
            agent.write(f"{turn}-{LETTERS[number]}")
        until_there(cluster, tmp_path, agents)
        for node in cluster.nodes:
            os.kill(node.process.pid, 9)
        for node in cluster.nodes:
            node.kill()
        go_back(cluster, older)
        cluster.recover()
        # In another order than before, for numbers are given anew; the first agent has nothing more to say.
        for number, agent in enumerate(agents[:0:-1]):
            agent.write(f"{turn}-later-{LETTERS[number]}")
        until_there(cluster, tmp_path, agents)
        assert_whole(cluster, tmp_path)
    assert all(agent.process.poll() is None for agent in agents)
