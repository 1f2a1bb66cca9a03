"""Times in which nothing could be seen of a node: the verdicts of scripted cuts, and what detectors make of it (C4)."""

from __future__ import annotations

import shutil

import pytest
from blind_fleet import MINUTE_US, Fleet

from bodies import HOUR_US, NOW_US, line, take
from devmesh.clock import FakeClock
from devmesh.detectors import Finding, Live, Tuning
from devmesh.events import minutes
from devmesh.memory.blind import KEPT_US
from devmesh.mesh import open_mesh
from devmesh.settings import load_settings

START_US = NOW_US // HOUR_US * HOUR_US - HOUR_US // 4  # the cuts lie across a full hour
CUT_MIN = 21


class Watcher:
    """Watches a fleet live, minute by minute, and keeps what it finds."""

    def __init__(self, fleet: Fleet) -> None:
        self.live: Live = fleet.mesh.detectors.live(fleet.clock.now_us() // HOUR_US, Tuning())
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


def test_the_store_knows_who_is_unseen_since_when_and_until_when_all_is_here(fleet):
    """While a cut lasts: one interval, its minutes blind up to now; when its lines came, none; a node without an agent
    has no part in any of it.
    """
    memory, nas = fleet.mesh.memory, fleet.machines[0]
    ids = fleet.mesh.nodes.node_names.ids(["nas", "web"])
    take(fleet.mesh, line("no agent sent this"), "plain", received_us=fleet.clock.now_us())
    lost_us = fleet.clock.now_us()
    first = lost_us // MINUTE_US
    assert memory.complete_until() == dict.fromkeys(ids.values(), lost_us)
    nas.linked = False
    fleet.run(10)
    assert [(one.node_id, one.verdict, one.since_us) for one in memory.blind(0, 2**60)] == [
        (ids["nas"], "unheard", lost_us)
    ]
    assert memory.minutes(first - 5, first + 99) == {ids["nas"]: frozenset(range(first, first + 10))}
    assert memory.complete_until()[ids["nas"]] == lost_us
    nas.linked = True
    fleet.run(2)
    assert told(fleet) == {("nas", "network_cut", True)}
    assert memory.minutes(first - 5, first + 99) == {}
    assert memory.blind(0, lost_us) == []
    assert memory.blind(0, 2**60, [ids["web"]]) == []


def test_a_backlog_a_second_loss_and_a_goodbye(fleet):
    """Behind while its lines wait; lost again before it caught up: another interval; a goodbye is remembered."""
    nas = fleet.machines[0]
    nas.slow = True
    fleet.run(5)
    assert [one.verdict for one in fleet.mesh.memory.blind(0, 2**60)] == ["behind"]
    nas.linked = False
    fleet.run(4)
    nas.linked = True
    fleet.run(1)
    nas.linked = False
    fleet.run(4)
    some = fleet.mesh.memory.blind(0, 2**60)
    assert [one.until_us is None for one in some] == [False, True]
    assert some[0].until_us == some[1].since_us
    nas.linked, nas.slow = True, False
    fleet.run(3)
    nas.beat(fleet.mesh, fleet.clock.now_us(), leaving="stopped")
    nas.agent = False
    fleet.run(4)
    last = fleet.mesh.memory.blind(0, 2**60)[-1]
    assert (last.verdict, last.orderly, last.until_us) == ("agent_dead", True, None)


def test_what_was_blind_is_forgotten_with_its_counts(fleet):
    """Intervals that are over go when their counts by minute go; one that lasts stays."""
    nas = fleet.machines[0]
    nas.linked = False
    fleet.run(5)
    nas.linked = True
    fleet.run(2)
    nas.linked = False
    fleet.run(4)
    assert len(fleet.mesh.memory.blind(0, 2**60)) == 2
    assert minutes.KEPT_US == KEPT_US
    fleet.clock.advance(KEPT_US / 1e6 - 600)
    fleet.mesh.runner.once("look-for-blind")
    assert len([one for one in fleet.mesh.memory.blind(0, 2**60) if one.node_id == 1]) == 2
    fleet.clock.advance(600)
    fleet.mesh.runner.once("look-for-blind")
    (lasts,) = [one for one in fleet.mesh.memory.blind(0, 2**60) if one.node_id == 1]
    assert lasts.until_us is None
