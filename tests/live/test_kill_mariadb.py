"""The server, MariaDB and the agent die in every pairing, under load: each entry is stored once (F01, F23, F37)."""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import combinations

import pytest
from ship_journals import lines, need_journals, write_journal

from bodies import assert_counts, rows
from devmesh.mesh import open_mesh
from devmesh.settings import load_settings
from mariadb_server import private_server, said_to
from processes import free_port, start_server
from resender import Resender, send_all

VICTIMS = ("mariadb", "server", "agent")  # in the order in which they come back: the server needs the store to start
PAIRS = list(combinations(VICTIMS, 2))
GROWTH = 40


@dataclass
class Endless(Resender):
    """Sends until it is told to end; `entries` is then what it sent. A test that failed waits for nothing more."""

    end: threading.Event = field(default_factory=threading.Event)
    failed: bool = False

    def run(self) -> None:
        """Send."""
        chance = random.Random(self.seed)  # noqa: S311 - sizes of batches
        while not self.end.is_set():
            last = self.entries + chance.randint(1, 40)
            self._until_acknowledged(self.entries + 1, last)
            self.entries = last

    def _post(self, first: int, last: int) -> dict[str, int] | None:
        if self.failed:
            raise SystemExit
        return super()._post(first, last)


class Shipper:
    """A journal that grows, and the real agent that ships it to one address."""

    def __init__(self, folder, node, url):
        self.folder, self.node, self.url, self.written = folder / node, node, url, 0
        self.folder.mkdir()
        self.write()
        self.start()

    def write(self):
        """More entries."""
        write_journal(self.folder / "j.journal", lines(self.written + 1, self.written + GROWTH))
        self.written += GROWTH

    def start(self, *more):
        """The agent as a process."""
        command = [sys.executable, "-m", "devmesh.ship", "--to", self.url, "--node", self.node]
        command += ["--journal-file", str(self.folder / "j.journal"), "--state-dir", str(self.folder / "state"), *more]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, env=dict(os.environ), stderr=log)

    def kill(self):
        """SIGKILL, and gone."""
        self.process.kill()
        self.process.wait(10)

    def finish(self):
        """Ship the rest."""
        self.kill()
        self.start("--once")
        assert self.process.wait(120) == 0, (self.folder / "log").read_text()[-3000:]


class Rig:
    """MariaDB, servers over it at fixed addresses, and whoever sends to them."""

    def __init__(self, folder, servers=1):
        need_journals()
        self.folder, self.shippers, self.clients, self.threads = folder, [], [], []
        self.mariadb = private_server()
        self.mariadb.create()
        self.mariadb.start()
        said_to(self.mariadb, "CREATE DATABASE devmesh")
        self.database = self.mariadb.url.replace("/?", "/devmesh?")
        self.ports = [free_port() for _each in range(servers)]
        self.servers = [self.server(number) for number in range(servers)]

    def server(self, number):
        """A server at its address."""
        env = {"DEVMESH_DATABASE_URL": self.database}
        return start_server(self.folder / f"data{number}", port=self.ports[number], env=env)

    def restart(self, number):
        """Kill a server and start it again."""
        self.servers[number].kill()
        self.servers[number] = self.server(number)

    def send(self, agents, clients):
        """Begin: agents go to a server each, clients to any at random, with the same stream."""
        urls = [server.url for server in self.servers]
        self.shippers = [Shipper(self.folder, f"agent{one}", urls[one % len(urls)]) for one in range(agents)]
        self.clients = [Endless(f"c{one}", 0, lambda: random.choice(urls), one) for one in range(clients)]  # noqa: S311
        self.threads = send_all(self.clients)

    def kill(self, victims):
        """Kill these at once, then start them again."""
        if "server" in victims:
            os.kill(self.servers[0].process.pid, 9)
        if "mariadb" in victims:
            self.mariadb.kill()
        if "agent" in victims:
            self.shippers[0].kill()
        if "mariadb" in victims:
            self.mariadb.start()
        if "server" in victims:
            self.restart(0)
        if "agent" in victims:
            self.shippers[0].start()

    def finish(self, clock):
        """Send the rest, then prove that all of it is there once."""
        for client in self.clients:
            client.end.set()
        for thread in self.threads:
            thread.join(120)
        assert [client.trouble for client in self.clients] == [[]] * len(self.clients)
        for shipper in self.shippers:
            shipper.finish()
        for server in self.servers:
            server.stop()
        told = {"database_url": self.database, "embedding_provider": "off"}
        mesh = open_mesh(load_settings(data_dir=self.folder / "proof", **told), clock=clock)
        try:
            self._prove(mesh)
        finally:
            mesh.close()

    def _prove(self, mesh):
        by_node = "SELECT nodes.name, message FROM log_events JOIN nodes ON nodes.id = node_id"
        stored = Counter(rows(mesh, by_node))
        wanted = Counter((one.node, f"entry {n}") for one in self.shippers for n in range(1, one.written + 1))
        wanted += Counter(
            (one.node, f"{one.node} entry {n}") for one in self.clients for n in range(1, one.entries + 1)
        )
        assert not wanted - stored, "entries are lost"
        assert not stored - wanted, "entries are stored twice"
        by_stream = "SELECT COUNT(*), COUNT(DISTINCT stream_id) FROM stream_ranges"
        assert rows(mesh, by_stream) == [(len(self.shippers) + len(self.clients),) * 2]
        assert rows(mesh, "SELECT COUNT(*) FROM gaps") == [(0,)]
        assert_counts(mesh)

    def close(self):
        """End what this rig started."""
        for client in self.clients:
            client.failed = True
            client.end.set()
        for shipper in self.shippers:
            with contextlib.suppress(ProcessLookupError):
                shipper.kill()
        for server in self.servers:
            server.kill()
        self.mariadb.stop()


@pytest.fixture
def rig_of(mariadb, tmp_path):
    """Makes a rig, and ends it."""
    made = []

    def make(**more):
        made.append(Rig(tmp_path, **more))
        return made[-1]

    yield make
    for rig in made:
        rig.close()


def deaths(rig, matrix, times, clock, seed):
    """Each of the pairings dies so many times, at random moments, in random order, while all send."""
    chance = random.Random(seed)  # noqa: S311 - moments to die
    rounds = matrix * times
    chance.shuffle(rounds)
    rig.send(agents=1, clients=2)
    for victims in rounds:
        rig.shippers[0].write()
        time.sleep(chance.uniform(0.0, 0.3))  # a random moment is what is asked for
        rig.kill(victims)
    rig.finish(clock)


# PyMySQL leaves the socket of a refused connection to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_every_pair_dies(rig_of, clock):
    """Two at once, each pairing twice."""
    deaths(rig_of(), PAIRS, 2, clock, seed=11)


@pytest.mark.soak
def test_every_pair_dies_soak(rig_of, clock):
    """One, two or all three at once, each ten times."""
    alone = [(victim,) for victim in VICTIMS]
    deaths(rig_of(), [*alone, *PAIRS, VICTIMS], 10, clock, seed=12)


@pytest.mark.soak
def test_two_servers_over_one_database(rig_of, clock):
    """Two servers, two agents and a client of both for 60 s, one server killed and started again every 5 s."""
    rig = rig_of(servers=2)
    rig.send(agents=2, clients=2)
    begun = time.monotonic()
    killed = 0
    while time.monotonic() < begun + 60:
        for shipper in rig.shippers:
            shipper.write()
        time.sleep(0.2)  # the load goes on for as long as was asked for
        if time.monotonic() > begun + 5 * (killed + 1):
            rig.restart(killed % 2)
            killed += 1
    assert killed >= 8
    rig.finish(clock)
