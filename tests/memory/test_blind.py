"""Times in which nothing could be seen of a node: the verdicts of scripted cuts, and what detectors make of it (C4)."""

from __future__ import annotations

import shutil

import pytest
from blind_fleet import MINUTE_US, Fleet

from bodies import HOUR_US, NOW_US
from devmesh.clock import FakeClock
from devmesh.detectors import Finding, Live
from devmesh.mesh import open_mesh
from devmesh.settings import load_settings

START_US = NOW_US // HOUR_US * HOUR_US - HOUR_US // 4  # the cuts lie across a full hour
CUT_MIN = 21


class Watcher:
    """Watches a fleet live, minute by minute, and keeps what it finds."""

    def __init__(self, fleet: Fleet) -> None:
        self.live: Live = fleet.mesh.detectors.live(fleet.clock.now_us() // HOUR_US, 48)
        self.found: dict[tuple[object, ...], Finding] = {}
        fleet.each_minute = self.look

    def look(self, minute: int) -> None:
        """What is new in this minute."""
        for one in self.live.look(minute).findings:
            self.found.setdefault((one.minute, one.detector, one.kind, one.node, one.service, one.family), one)

    def kinds(self, since_us: int = 0) -> list[str]:
        """The kinds of findings that weigh something."""
        return [one.kind for one in self.found.values() if one.weight >= 1 and one.minute >= since_us // MINUTE_US]


@pytest.fixture
def fleet(make_mesh):
    """Two machines that were seen for some minutes."""
    clock = FakeClock(START_US)
    made = Fleet(make_mesh(clock=clock), clock)
    made.run(5)
    return made


def kill_agent(fleet):
    """The machine goes on, its agent does not."""
    fleet.machines[0].agent = False
    fleet.run(CUT_MIN)
    fleet.machines[0].restart_agent(fleet.clock.now_us())


def drop_network(fleet):
    """All goes on, and nothing arrives."""
    fleet.machines[0].linked = False
    fleet.run(CUT_MIN)
    fleet.machines[0].linked = True


def stop_server(fleet):
    """Nobody looks, nobody answers."""
    fleet.server = False
    fleet.run(CUT_MIN)
    fleet.server = True


def pause_host(fleet):
    """Machine and agent stand still, and know nothing of it."""
    fleet.machines[0].alive = False
    fleet.run(CUT_MIN)
    fleet.machines[0].alive = True


def quiet_host(fleet):
    """The agent beats, and there is nothing to tell."""
    fleet.machines[0].talks = False
    fleet.run(CUT_MIN)
    fleet.machines[0].talks = True


def clock_jump(fleet):
    """The machine's clock is an hour behind for a while."""
    fleet.machines[0].ahead_us = -HOUR_US
    fleet.run(CUT_MIN)
    fleet.machines[0].ahead_us = 0


def node_down(fleet):
    """The machine loses power, and boots."""
    machine = fleet.machines[0]
    machine.alive = False
    fleet.run(CUT_MIN)
    machine.alive, machine.boot = True, machine.boot + 1
    machine.restart_agent(fleet.clock.now_us())


CUTS = [
    (kill_agent, {("nas", "agent_dead", True)}, ["unheard"]),
    (drop_network, {("nas", "network_cut", True)}, ["unheard"]),
    (stop_server, {(name, "server_down", True) for name in ("nas", "web")}, []),
    (pause_host, {("nas", "paused", False)}, ["unheard"]),
    (quiet_host, set(), ["silence", "node silent"]),
    (clock_jump, set(), None),
    (node_down, {("nas", "node_down", False)}, ["unheard"]),
]


def told(fleet) -> set[tuple[str, str, bool]]:
    """(node, verdict, filled) of all intervals that are over."""
    names = fleet.mesh.nodes.node_names.names(range(10))
    some = fleet.mesh.memory.blind(0, 2**60)
    assert all(one.until_us is not None for one in some)
    return {(names[one.node_id], one.verdict, one.filled) for one in some}


@pytest.fixture(scope="module")
def lived(tmp_path_factory, empty_store):
    """A folder with a store that knows two machines for 51 hours."""
    folder = tmp_path_factory.mktemp("lived")
    shutil.copy(empty_store, folder / "devmesh.db")
    clock = FakeClock(START_US)
    mesh = open_mesh(load_settings(data_dir=folder, embedding_provider="off", disk_reserve_mb=1), clock=clock)
    mesh.intake.start()
    Fleet(mesh, clock).live_through(51)
    mesh.close()
    return folder


@pytest.mark.sqlite_only
@pytest.mark.parametrize(("cut", "verdicts", "kinds"), CUTS, ids=lambda one: getattr(one, "__name__", ""))
def test_a_cut_is_known_for_what_it_was_and_alarms_nobody_afterwards(make_mesh, lived, tmp_path, cut, verdicts, kinds):
    """Verdict, and whether the lines came; one finding at most while it lasts; in the half hour after it none; what is
    normal stays as it was within 5 %.
    """
    clock = FakeClock(START_US)
    shutil.copytree(lived, tmp_path / "data")
    fleet = Fleet(make_mesh(clock=clock), clock)
    watcher = Watcher(fleet)
    fleet.run(5)
    before = normal(watcher)
    cut(fleet)
    back_us = clock.now_us()
    fleet.run(35)
    assert told(fleet) == verdicts
    assert watcher.kinds(back_us) == []
    assert kinds is None or sorted(watcher.kinds()) == sorted(kinds)
    assert not verdicts or normal(watcher) == pytest.approx(before, rel=0.05)


def normal(watcher) -> list[float]:
    """What the watch calls normal of each service: its level, and the mean of its errors."""
    pairs, errors = watcher.live.watch.normal.pairs, watcher.live.watch.error_rate.state
    return [*(pairs["slow_n"] / pairs["slow_h"]), *errors["mean"]]
