"""Learned edges: what was seen becomes proposals, whom a target means, what people decide, what is stale."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bodies import DAY_US, NOW_US, line, rows, run_whole, take
from devmesh.clock import FakeClock
from devmesh.errors import Conflict, InvalidInput, NotFound, TooLarge
from devmesh.graph import Address, Listener, Seen
from devmesh.graph.evidence import MOST_SEEN
from devmesh.graph.learning import stored

INVENTORY = """\
services:
  postgresql: {hosts: [db01], type: database}
  paperless: {hosts: [apps]}
  shop: {hosts: [apps], depends_on: [postgresql]}
  nfs-server: {hosts: [nas]}
"""
RENAMED = INVENTORY.replace("paperless: {hosts: [apps]}", "docs: {hosts: [apps], aliases: [paperless]}")
HOUR_US = DAY_US // 24
DB = Address("db01", "10.0.0.12")
LISTENS = Listener("db01", "0.0.0.0", 5432, "postgresql")  # noqa: S104 - what an agent reports


def seen(hour: int = 0, **more) -> Seen:
    """What an agent saw in an hour, ten days of them before now."""
    at = NOW_US - 10 * DAY_US + hour * HOUR_US
    return replace(Seen("paperless", "apps", "10.0.0.12:5432", "network", at, at + HOUR_US - 1, 10, 1), **more)


@pytest.fixture
def mesh(make_mesh):
    """A house with an inventory, at NOW_US."""
    mesh = make_mesh(clock=FakeClock(NOW_US))
    mesh.graph.load(INVENTORY)
    return mesh


@pytest.fixture
def learned(mesh):
    """A house in which four days of reports were taken in."""
    mesh.graph.learn([seen(24 * day) for day in range(4)], [DB], [LISTENS])
    return mesh


def pairs(mesh, **more):
    """(start, end) of the proposals."""
    return [(one.start, one.end) for one in mesh.graph.learning.proposals(**more).rows]


def test_what_was_seen_is_proposed_in_words(learned):
    """Who, whom and by which address, how often, how many in vain; it is not in force."""
    [one] = learned.graph.learning.proposals().rows
    assert one.text == "paperless -> 10.0.0.12:5432 (postgresql) seen 40 times, incl. 4 failures, on apps"
    assert (one.evidence, one.failures, one.days, one.sources) == (40, 4, 4, ("network",))
    assert (one.first_us, one.last_us) == (seen().first_us, seen(72).last_us)
    assert one.confidence > 0.85
    assert learned.graph.causes("paperless").total == 1  # its host alone


def test_a_report_sent_twice_counts_once(learned):
    """What ends no later than what was taken says nothing new; what comes after it does."""
    done = learned.graph.learn([seen(48), seen(72), seen(96)], [DB], [LISTENS])
    assert (done.taken, done.unresolved, done.ignored) == (1, 0, 2)
    assert learned.graph.learning.proposals().rows[0].evidence == 50


def test_one_report_may_word_a_target_in_two_ways(mesh):
    """They are one target, and both of them count."""
    mapped = seen(target="[::ffff:10.0.0.12]:5432")
    assert mesh.graph.learn([seen(), mapped], [DB], [LISTENS]).taken == 2
    assert mesh.graph.learning.proposals(everything=True).rows[0].evidence == 20


def test_what_is_declared_is_no_proposal(mesh):
    """The same connection of a service whose file says so is its evidence."""
    mesh.graph.learn([seen(24 * day, service="shop") for day in range(4)], [DB], [LISTENS])
    assert pairs(mesh, everything=True) == []


def test_one_look_is_no_proposal_yet(mesh):
    """Below the threshold nothing is shown unless everything is asked for."""
    mesh.graph.learn([seen(count=1, failures=0)], [DB], [LISTENS])
    assert pairs(mesh) == []
    assert pairs(mesh, everything=True) == [("paperless", "postgresql")]


def test_an_accepted_edge_is_in_force_and_survives_a_load(learned):
    """Until it is refused: in questions, marked as learned, and after an inventory that does not know it."""
    learned.graph.learning.accept("paperless", "postgresql", "anna")
    assert pairs(learned) == []
    [one] = learned.graph.learning.proposals(everything=True).rows
    assert (one.decision, one.decided_by, one.decided_us) == ("accepted", "anna", NOW_US)
    assert [step.types for step in learned.graph.path("paperless", "postgresql").ways[0]] == [("DEPENDS_ON (learned)",)]
    shown = {one.name: one.edges for one in learned.graph.list().rows}
    assert shown["paperless"] == ("DEPENDS_ON (learned) postgresql",)
    learned.graph.load(INVENTORY.replace("type: database", "type: postgres"))
    assert "paperless" in {row.name for row in learned.graph.blast("postgresql").rows}
    learned.graph.learning.refuse("paperless", "postgresql")
    assert "paperless" not in {row.name for row in learned.graph.blast("postgresql").rows}


def test_a_refused_edge_stays_refused(learned):
    """However much more is seen of it."""
    learned.graph.learning.refuse("paperless", "postgresql")
    learned.graph.learn([seen(24 * day) for day in range(5, 9)], [DB], [LISTENS])
    assert pairs(learned) == []
    assert learned.graph.learning.proposals(everything=True).rows[0].decision == "refused"


def test_an_inventory_that_declares_it_takes_it_over(learned):
    """Then only the file counts: without the edge in a later one it is a proposal again."""
    learned.graph.learning.accept("paperless", "postgresql")
    declares = INVENTORY.replace("paperless: {hosts: [apps]}", "paperless: {hosts: [apps], depends_on: [postgresql]}")
    learned.graph.load(declares)
    [way] = learned.graph.path("paperless", "postgresql").ways
    assert way[0].types == ("DEPENDS_ON",)
    with pytest.raises(Conflict):
        learned.graph.learning.refuse("paperless", "postgresql")
    learned.graph.load(INVENTORY)
    assert learned.graph.path("paperless", "postgresql").ways == ()
    assert pairs(learned) == [("paperless", "postgresql")]


def test_a_renamed_service_keeps_its_history(learned):
    """What was seen, and what was accepted, is its own under the new name while the alias says who it was."""
    learned.graph.load(RENAMED)
    [one] = learned.graph.learning.proposals().rows
    assert (one.start, one.end, one.evidence) == ("docs", "postgresql", 40)
    learned.graph.learn([seen(96)], [DB], [LISTENS])
    assert learned.graph.learning.proposals().rows[0].evidence == 50
    learned.graph.load(INVENTORY)
    learned.graph.learning.accept("paperless", "postgresql")
    learned.graph.load(RENAMED)
    assert "docs" in {row.name for row in learned.graph.blast("postgresql").rows}


def test_nobody_decides_what_was_not_seen(mesh):
    """It would be an edge out of nothing; and what is declared only a file changes."""
    with pytest.raises(NotFound):
        mesh.graph.learning.accept("paperless", "nfs-server")
    with pytest.raises(Conflict):
        mesh.graph.learning.refuse("shop", "postgresql")
    with pytest.raises(NotFound):
        mesh.graph.learning.find("0123456789ab")


def test_an_accepted_edge_may_lead_to_what_nobody_declared(mesh):
    """Then its end is in the graph, too, for as long as the edge is."""
    take(mesh, line("ready", service="redis-server"), "cache01")
    told = [seen(24 * day, target="10.0.0.9:6379") for day in range(4)]
    mesh.graph.learn(told, [Address("cache01", "10.0.0.9")])
    assert pairs(mesh) == [("paperless", "redis-server")]
    mesh.graph.learning.accept("paperless", "redis-server")
    mesh.graph.load(RENAMED)
    assert [row.name for row in mesh.graph.blast("redis-server").rows] == ["docs"]


def test_what_nobody_can_place_waits_with_the_reason(mesh):
    """Until somebody tells whose the address is and who listens: then it counts, with all that was seen."""
    done = mesh.graph.learn([seen(24 * day) for day in range(4)])
    assert (done.taken, done.unresolved) == (0, 4)
    [one] = mesh.graph.learning.unresolved()
    assert (one.target, one.why, one.n) == ("10.0.0.12:5432", "no node is known by this", 40)
    mesh.graph.learn([], [DB])
    run_whole(mesh, "place-edges")
    assert mesh.graph.learning.unresolved() == []
    assert mesh.graph.learning.proposals().rows[0].evidence == 40


def test_reports_are_bounded_and_checked(mesh):
    """Sources that there are not, more than a report may hold, times and counts that cannot be."""
    with pytest.raises(InvalidInput):
        mesh.graph.learn([seen(source="hearsay")])
    with pytest.raises(TooLarge):
        mesh.graph.learn([seen()] * (MOST_SEEN + 1))
    wrong = [seen(count=0), seen(failures=11), seen(last_us=0), seen(target="a b"), seen(service=""), seen(node="")]
    wrong += [seen(last_us=NOW_US + 2 * DAY_US), seen(first_us=-1), seen(target="224.0.0.251:5353")]
    assert mesh.graph.learn(wrong, [DB], [LISTENS]).ignored == len(wrong)


def test_a_flood_of_targets_pushes_out_only_its_own_kind(mesh):
    """A service keeps so many that nobody can place, and what was seen often stays."""
    mesh.graph.learn([seen(24 * day, target="10.9.9.9:1") for day in range(4)])
    for chunk in range(3):
        mesh.graph.learn([seen(target=f"10.1.{chunk}.{n}:80", count=1, failures=0) for n in range(100)])
    mesh.graph.learn([seen(24 * day) for day in range(4)], [DB], [LISTENS])
    assert rows(mesh, "SELECT count(*) FROM graph_seen WHERE whom = ''") == [(stored.MOST_WAITING,)]
    assert mesh.graph.learning.unresolved(1)[0].target == "10.9.9.9:1"
    assert pairs(mesh) == [("paperless", "postgresql")]


def test_declared_edges_without_evidence_are_listed(make_mesh):
    """Where their start was watched all the time; one that was seen, or that nobody could see, is not."""
    clock = FakeClock(NOW_US)
    mesh = make_mesh(clock=clock)
    declares = INVENTORY.replace("paperless: {hosts: [apps]}", "paperless: {hosts: [apps], depends_on: [postgresql]}")
    mesh.graph.load(declares + "edges:\n  - {from: paperless, to: nfs-server}\n")
    mesh.graph.learn([seen()], [DB], [LISTENS])
    assert mesh.graph.learning.stale() == []
    clock.advance(100 * 24 * 3600)
    later = clock.now_us() - HOUR_US
    mesh.graph.learn([seen(first_us=later, last_us=later)], [DB], [LISTENS])
    [one] = mesh.graph.learning.stale()
    assert one.text == "declared edge paperless -> nfs-server: no evidence ever"
    clock.advance(95 * 24 * 3600)
    later = clock.now_us() - HOUR_US
    mesh.graph.learn([seen(first_us=later, last_us=later, target="nas:/export", source="mounts")])
    assert [(one.start, one.end) for one in mesh.graph.learning.stale()] == [("paperless", "postgresql")]
