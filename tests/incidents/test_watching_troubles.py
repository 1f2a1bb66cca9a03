"""What goes wrong around the watch: clocks, imports, stores that go away, crashes, people who do a thing twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bodies import DAY_US, HOUR_US, line, rows, run_whole
from devmesh.clock import FakeClock
from devmesh.errors import Unavailable
from devmesh.incidents import queries
from opened import found, open_incident
from watched_life import BEGIN_US, MINUTE_US, START_US, failing, live, ordinary, send

pytestmark = pytest.mark.sqlite_only


def test_a_clock_that_is_years_behind_hides_nothing(fleet):
    """A node says the year 2001 in each minute: there is nothing to learn from it, and what others say is told."""

    def said(minute):
        return failing(83 * 60 + 3, 1 << 40)(minute) + line("up", ts_us=1_000_000_000_000_000, node="toaster")

    live(fleet, 4, said)
    assert [one.enough_us for one in fleet.incidents.list().rows] == [BEGIN_US + 3 * MINUTE_US]


def test_an_import_of_several_minutes_is_learned_whole(make_mesh, tmp_path):
    """It comes the oldest first, in three minutes; ordinary life is no news after it."""
    mesh = make_mesh(tmp_path / "beside", clock=FakeClock(BEGIN_US))
    live(mesh, 1)
    for hours in ((0, 5), (5, 10), (10, 83)):
        send(mesh, ordinary(hours[0] * 60, hours[1] * 60))
        live(mesh, 1)
    live(mesh, 61)
    assert mesh.incidents.list(thin=True).rows == []
    live(mesh, 2, failing(0, 1 << 40))
    assert len(mesh.incidents.list().rows) == 1


def test_a_clock_that_was_set_back_is_not_waited_for(fleet):
    """By hours: what is said from then on is told."""
    live(fleet, 2)
    fleet.clock.advance(-7_200)
    fleet.runner.once("watch")
    live(fleet, 3, failing(0, 1 << 40))
    assert [one.enough_us for one in fleet.incidents.list().rows] == [BEGIN_US - 118 * MINUTE_US]


def test_a_store_that_is_away_during_a_look_costs_no_line(fleet, monkeypatch):
    """It answers once and then not: what came with the answer is looked at again."""
    send(fleet, failing(0, 1 << 40)(83 * 60))
    fleet.clock.advance(60)
    after, calls = fleet.events.arrivals.after, []

    def away(*asked):
        calls.append(asked)
        if len(calls) > 1:
            raise Unavailable("The database server does not answer.")
        return after(*asked)

    monkeypatch.setattr(fleet.events.arrivals, "after", away)
    with pytest.raises(Unavailable):
        fleet.runner.once("watch")
    monkeypatch.undo()
    fleet.runner.once("watch")
    assert [one.enough_us for one in fleet.incidents.list().rows] == [BEGIN_US]


def muted(fleet):
    """A mute of the crash that two lines in an hour end."""
    send(fleet, failing(0, 1 << 40)(83 * 60))
    (crash,) = [one.id for one in fleet.templates.list_families(sort="new", limit=5) if "Failed with" in one.text]
    return fleet.incidents.mutes.mute(crash, "known", fleet.clock.now_us() + DAY_US, "ada", most_per_hour=1)


@pytest.mark.parametrize("point", ["watch_before_commit", "watch_after_commit"])
def test_a_crash_does_not_lose_that_a_mute_ended(fleet, make_mesh, monkeypatch, point):
    """Killed before or after the commit of the look that ends it, it is told once."""
    muted(fleet)
    live(fleet, 2, failing(0, 1 << 40))

    class Killed(BaseException):
        pass

    def crash(name):
        if name == point:
            raise Killed

    monkeypatch.setattr("devmesh.incidents.watching.crash_point", crash)
    with pytest.raises(Killed):
        live(fleet, 1, failing(0, 1 << 40))
    monkeypatch.undo()
    fleet.close()
    again = make_mesh(fleet.settings.data_dir, clock=fleet.clock)
    again.clock.advance(120)
    live(again, 2)
    assert rows(again, "SELECT COUNT(*) FROM findings WHERE kind = 'unmuted'")[0][0] == 1
    assert list(again.incidents.mutes.holding()) == []


def test_an_answer_to_a_commit_that_was_lost_stops_nothing(fleet, monkeypatch):
    """The look was stored, and the server's answer did not come: it is stored once, and the watch goes on."""
    muted(fleet)
    live(fleet, 2, failing(0, 1 << 40))

    def lost(name):
        if name == "watch_after_commit":
            raise Unavailable("The connection was lost at COMMIT.")

    monkeypatch.setattr("devmesh.incidents.watching.crash_point", lost)
    with pytest.raises(Unavailable):
        live(fleet, 1, failing(0, 1 << 40))
    monkeypatch.undo()
    live(fleet, 2, failing(0, 1 << 40))
    assert rows(fleet, "SELECT COUNT(*) FROM findings WHERE kind = 'unmuted'")[0][0] == 1


def test_a_server_that_stood_still_counts_nothing_twice(fleet):
    """It slept for two hours, and the minutes that it had half read were joined before it looked again."""

    def more(minute):
        return b"".join(
            line("served 12 requests", service="api", ts_us=START_US + minute * MINUTE_US + n, node="apps")
            for n in range(minute % 2)
        )

    live(fleet, 30, more)
    send(fleet, ordinary(83 * 60 + 30, 83 * 60 + 31))
    fleet.clock.advance(7_200)
    send(fleet, ordinary(85 * 60 + 30, 85 * 60 + 31))
    run_whole(fleet, "template-totals")
    run_whole(fleet, "join-minutes")
    fleet.runner.once("watch")
    findings = rows(fleet, "SELECT detector, text FROM findings")
    assert [one for one in findings if one[0] == "louder"] == []


def test_the_same_findings_are_split_off_twice(fleet):
    """Split, merged, and split again: each is an incident of its own."""
    live(fleet, 3, failing(0, 1 << 40))
    (case,) = fleet.incidents.list().rows
    chosen = [one.id for one in fleet.incidents.findings(case.id)][:1]
    first = fleet.incidents.split(case.id, chosen, "ada")
    fleet.incidents.merge(first.id, case.id, "ada")
    assert fleet.incidents.split(case.id, chosen, "ada").id not in {first.id, case.id}


def test_what_goes_on_does_not_end_with_what_it_is_merged_into(fleet):
    """An open one that goes into a closed one opens it; one that had ended leaves it closed."""
    live(fleet, 3, failing(0, 1 << 40))
    (case,) = fleet.incidents.list().rows
    some = [one.id for one in fleet.incidents.findings(case.id)]
    first = fleet.incidents.split(case.id, some[:1], "ada")
    second = fleet.incidents.split(case.id, some[1:2], "ada")
    for one in (case, first):
        fleet.incidents.close(one.id, "ada")
    fleet.incidents.merge(first.id, case.id, "ada")
    assert fleet.incidents.get(case.id).status == "closed"
    fleet.incidents.merge(second.id, case.id, "ada")
    again = fleet.incidents.get(case.id)
    assert (again.status, again.closed_us, again.closed_by) == ("open", None, "")


def test_a_merged_incident_is_called_by_the_gravest_of_both(fleet):
    """And grew when the later of the two did."""
    minute = BEGIN_US // MINUTE_US
    into = open_incident(fleet, [replace(found(fleet, minute, "dns", "edge"), weight=3.0, critical=False)])
    grave = replace(found(fleet, minute + 90, "nfs", "nas"), weight=6.0, critical=True, text="disk full")
    fleet.incidents.merge(open_incident(fleet, [grave]), into, "ada")
    with fleet.db.read() as connection:
        one = queries.growing_by_id(connection, into)
    assert (one.head.text, one.grown) == ("disk full", minute + 90)
    case = fleet.incidents.get(into)
    assert (case.severity, case.title) == ("critical", "nfs on nas: disk full")


def test_findings_go_after_their_time_but_for_those_of_incidents(fleet):
    """What no incident has is forgotten."""
    live(fleet, 3, failing(0, 1 << 40))
    (case,) = fleet.incidents.list().rows
    kept = fleet.incidents.findings(case.id)
    old = kept[0].finding
    with fleet.db.write() as connection:
        fleet.detectors.note(connection, [(replace(old, minute=1), "muted: known")], 1)
        assert fleet.detectors.forget(connection, 1 << 40, queries.kept_findings(), 1_000) == 1
    assert fleet.incidents.findings(case.id) == kept


def test_a_family_that_takes_another_in_is_not_loud(make_mesh, tmp_path):
    """An error of each second minute goes into one of each day: what was learned of both is learned anew, as one."""

    def said(minute):
        ts_us = START_US + minute * MINUTE_US
        often = line("ERROR: packet lost on the way", service="api", ts_us=ts_us, node="apps")
        rare = line("ERROR: certificate ends soon enough", service="api", ts_us=ts_us, node="apps")
        return often * (minute % 2) + rare * (minute % 1440 == 5)

    mesh = make_mesh(tmp_path / "merged", clock=FakeClock(BEGIN_US))
    send(mesh, ordinary(0, 83 * 60) + b"".join(map(said, range(83 * 60))))
    live(mesh, 20, said)
    families = {one.text: one.id for one in mesh.templates.list_families()}
    (gone,), (into,) = ([number for text, number in families.items() if word in text] for word in ("packet", "certif"))
    mesh.templates.merge(gone, into)
    live(mesh, 3, said)
    assert mesh.incidents.list(thin=True).rows == []


def hours_pass(fleet, hours, first=83):
    """Ordinary ones, with a look at the end of each."""
    for hour in range(first, first + hours):
        fleet.clock.advance(3_600)
        send(fleet, ordinary(hour * 60, (hour + 1) * 60))
        fleet.runner.once("watch")


def test_a_clock_that_is_hours_behind_is_learned_once_an_hour(fleet, monkeypatch):
    """Its node says something in each second minute, five hours too early: four weeks are not learned each time."""
    live(fleet, 1)
    learned, learn = [], fleet.detectors.live
    monkeypatch.setattr(fleet.detectors, "live", lambda *asked: learned.append(asked) or learn(*asked))

    def said(minute):
        ts_us = START_US + (minute - 300) * MINUTE_US
        return line("up", service="init", ts_us=ts_us, node="toaster") * (minute % 2)

    live(fleet, 14, said)
    assert len(learned) == 1
    hours_pass(fleet, 1, 84)
    learned.clear()
    live(fleet, 4, said)
    assert len(learned) == 1


@pytest.mark.parametrize("restart", [False, True])
def test_lines_that_come_hours_late_are_found_once(fleet, make_mesh, restart):
    """A node was cut off for four hours: what it said is found when it comes, also where the server is restarted just
    then; what comes an hour later with it finds nothing twice.
    """
    hours_pass(fleet, 4)
    send(fleet, b"".join(failing(0, 1 << 40)(83 * 60 + minute) for minute in range(20, 24)))
    if restart:
        fleet.close()
        fleet = make_mesh(fleet.settings.data_dir, clock=fleet.clock)
        fleet.clock.advance(120)
    live(fleet, 3)
    (case,) = fleet.incidents.list().rows
    assert (case.onset_us, case.status) == (BEGIN_US + 20 * MINUTE_US, "closed")
    found = rows(fleet, "SELECT COUNT(*) FROM findings")
    send(fleet, ordinary(83 * 60 + 25, 83 * 60 + 31))
    live(fleet, 3)
    assert [one.id for one in fleet.incidents.list(thin=True).rows] == [case.id]
    assert rows(fleet, "SELECT COUNT(*) FROM findings") == found
    assert [one.kind for one in fleet.incidents.notes(case.id)] == ["told", "closed"]


def test_the_past_of_a_new_node_is_no_news(fleet):
    """It brings its last hours along, with a fault in them."""
    hours_pass(fleet, 4)
    panic = line("Kernel panic - not syncing", service="kernel", ts_us=BEGIN_US + HOUR_US, node="fresh")
    send(fleet, panic + line("up", service="init", ts_us=fleet.clock.now_us(), node="fresh"))
    live(fleet, 3)
    assert fleet.incidents.list(thin=True).rows == []
