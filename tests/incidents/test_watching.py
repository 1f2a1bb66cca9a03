"""The watch in a house of either kind of store: minute by minute, over crashes, beside people who change incidents."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from bodies import DAY_US, HOUR_US, line, rows, run_whole
from devmesh.clock import FakeClock
from devmesh.detecting import replay
from devmesh.detectors import Tuning
from devmesh.errors import InvalidInput, NotFound
from devmesh.loops import LeaseLost
from watched_life import BEGIN_US, CRASH, MINUTE_US, START_US, failing, live, ordinary, send


def test_a_fault_opens_one_incident_within_a_minute_and_it_ends_by_itself(fleet):
    """It is told at the end of its first minute, cites its lines, and closes half an hour after the last."""
    live(fleet, 3)
    assert fleet.incidents.list().rows == []
    live(fleet, 1, failing(0, 1 << 40))
    (case,) = fleet.incidents.list().rows
    assert (case.status, case.severity) == ("open", "warning")
    assert case.enough_us == BEGIN_US + 3 * MINUTE_US
    assert CRASH in {one.message for one in fleet.incidents.cited(case.id)}
    live(fleet, 9, failing(0, 1 << 40))
    live(fleet, 31)
    (case,) = fleet.incidents.list().rows
    assert (case.status, case.closed_by) == ("closed", "")
    assert case.closed_us == BEGIN_US + 12 * MINUTE_US
    assert [one.kind for one in fleet.incidents.notes(case.id)] == ["told", "closed"]
    services = fleet.nodes.service_names.names({part.service_id for part in fleet.incidents.parts([case.id])[case.id]})
    assert set(services.values()) == {"api", "mariadb"}


@pytest.mark.sqlite_only
def test_the_watch_and_a_look_at_the_past_agree(fleet):
    """What was told as it happened is what the same lines give afterwards."""
    live(fleet, 20, failing(83 * 60 + 4, 83 * 60 + 12))
    (told,) = fleet.incidents.list().rows
    (seen,) = replay(fleet)["incidents"]
    assert (seen["onset_us"], seen["detected_us"]) == (told.onset_us, told.enough_us + MINUTE_US)
    assert seen["detectors"] == sorted({part.detector for part in fleet.incidents.parts([told.id])[told.id]})


@pytest.mark.sqlite_only
def test_the_past_as_it_was_seen_is_what_was_told(fleet):
    """Lines of the api come two minutes late: by arrival the same incidents, told in the same minutes, also once the
    minutes were joined; by the time of the lines it would have been told earlier.
    """
    late = []

    def said(minute):
        late.append(failing(83 * 60 + 4, 83 * 60 + 12)(minute))
        return late[-3] if len(late) > 2 else b""

    live(fleet, 16, said)
    live(fleet, 34)
    told = [(one.onset_us, one.enough_us, one.closed_us) for one in fleet.incidents.list(thin=True).rows]
    assert len(told) == 1
    for _ in range(2):
        seen = fleet.incidents.replay(0, fleet.clock.now_us(), Tuning(), as_seen=True).incidents
        minutes = [(one.onset, one.told, one.closed) for one in seen]
        assert [tuple(n * MINUTE_US for n in one) for one in minutes] == told
        fleet.clock.advance(3 * 3600)
        run_whole(fleet, "template-totals")
        run_whole(fleet, "join-minutes")
        fleet.clock.advance(-3 * 3600)
    (by_time,) = fleet.incidents.replay(START_US, fleet.clock.now_us(), Tuning()).incidents
    assert by_time.onset == told[0][0] // MINUTE_US


@pytest.mark.sqlite_only
def test_what_lay_there_before_opens_nothing(make_mesh, tmp_path):
    """A store that was just filled, with a fault in the last minutes, is no news; what comes then is."""
    mesh = make_mesh(tmp_path / "old", clock=FakeClock(BEGIN_US))
    said = failing(83 * 60 - 20, 83 * 60)
    send(mesh, ordinary(0, 83 * 60) + b"".join(said(minute) for minute in range(83 * 60 - 20, 83 * 60)))
    live(mesh, 2)
    assert mesh.incidents.list(thin=True).rows == []


@pytest.mark.sqlite_only
def test_an_import_beside_the_watch_opens_nothing_and_is_learned(make_mesh, tmp_path):
    """Three days of history come while the server runs: it has learned them a look later, and tells what comes then."""
    mesh = make_mesh(tmp_path / "beside", clock=FakeClock(BEGIN_US))
    live(mesh, 2)
    panic = line("Kernel panic - not syncing", service="kernel", ts_us=START_US + 60 * HOUR_US, node="store")
    send(mesh, ordinary(0, 83 * 60) + panic)
    live(mesh, 3)
    assert mesh.incidents.list(thin=True).rows == []
    live(mesh, 2, failing(0, 1 << 40))
    assert len(mesh.incidents.list().rows) == 1


def test_a_restart_in_the_middle_goes_on_with_the_same_incident(fleet, make_mesh):
    """A new process learns again, finds what was found, and doubles nothing."""
    live(fleet, 4, failing(0, 1 << 40))
    folder = fleet.settings.data_dir
    fleet.close()
    again = make_mesh(folder, clock=fleet.clock)
    again.clock.advance(120)  # the lease of the one before runs out
    live(again, 3, failing(0, 1 << 40))
    (case,) = again.incidents.list().rows
    found = sum(one.times for one in again.incidents.findings(case.id))
    assert rows(again, "SELECT COUNT(*) FROM findings") == [(found,)]
    assert [one.kind for one in again.incidents.notes(case.id)] == ["told"]


@pytest.mark.sqlite_only
@pytest.mark.parametrize("point", ["watch_before_commit", "watch_after_commit"])
def test_a_crash_loses_and_doubles_nothing(fleet, make_mesh, monkeypatch, point):
    """Killed before or after the commit, the next process tells the one incident once."""

    class Killed(BaseException):
        pass

    def crash(name):
        if name == point:
            raise Killed

    send(fleet, failing(0, 1 << 40)(83 * 60))
    fleet.clock.advance(60)
    monkeypatch.setattr("devmesh.incidents.watching.crash_point", crash)
    with pytest.raises(Killed):
        fleet.runner.once("watch")
    monkeypatch.undo()
    fleet.close()
    again = make_mesh(fleet.settings.data_dir, clock=fleet.clock)
    again.clock.advance(120)
    live(again, 2)
    assert [one.enough_us for one in again.incidents.list().rows] == [BEGIN_US]


@pytest.mark.sqlite_only
def test_a_close_by_hand_rests_for_an_hour(fleet):
    """What is known does not open it again at once; the story names who closed it."""
    live(fleet, 3, failing(0, 1 << 40))
    (case,) = fleet.incidents.list().rows
    fleet.incidents.investigate(case.id, "ada")
    assert fleet.incidents.get(case.id).status == "investigating"
    fleet.incidents.close(case.id, "ada")
    live(fleet, 14, failing(0, 1 << 40))
    assert [(one.id, one.status) for one in fleet.incidents.list().rows] == [(case.id, "closed")]
    with pytest.raises(InvalidInput, match="closed already"):
        fleet.incidents.close(case.id, "ada")
    fleet.incidents.reopen(case.id, "eve")
    assert fleet.incidents.get(case.id).reopened == 1
    assert [(one.who, one.kind) for one in fleet.incidents.notes(case.id)][1:] == [
        ("ada", "investigating"), ("ada", "closed"), ("eve", "reopened"),
    ]  # fmt: skip


def test_split_and_merge_move_findings_lines_and_parts(fleet):
    """Split off, the api's complaints are an incident of their own; merged, they are one again; the watch goes on."""
    live(fleet, 3, failing(0, 1 << 40))
    (case,) = fleet.incidents.list().rows
    api = fleet.nodes.service_names.ids(["api"], create=False)["api"]
    chosen = [one.id for one in fleet.incidents.findings(case.id) if one.finding.service == api]
    other = fleet.incidents.split(case.id, chosen, "ada")
    assert {one.service_id for one in fleet.incidents.parts([other.id])[other.id]} == {api}
    assert other.title.startswith("api on apps: ")
    assert fleet.incidents.get(case.id).title.startswith("mariadb on store: ")
    assert (other.detected_us, other.told_us) == (case.detected_us, None)
    assert api not in {one.service_id for one in fleet.incidents.parts([case.id])[case.id]}
    assert {one.service_id for one in fleet.incidents.cited(other.id)} == {api}
    live(fleet, 2, failing(0, 1 << 40))
    assert len(fleet.incidents.list().rows) == 2
    fleet.incidents.merge(other.id, case.id, "ada")
    live(fleet, 12, failing(0, 1 << 40))
    assert [one.id for one in fleet.incidents.list().rows] == [case.id]
    assert set(chosen) <= {one.id for one in fleet.incidents.findings(case.id)}
    with pytest.raises(InvalidInput):
        fleet.incidents.merge(case.id, case.id, "ada")
    with pytest.raises(InvalidInput):
        fleet.incidents.split(case.id, [], "ada")
    with pytest.raises(NotFound):
        fleet.incidents.get(999)


@pytest.mark.sqlite_only
def test_in_maintenance_nothing_is_told_until_it_goes_on_after_the_end(fleet):
    """A window for the database's node holds what it says; what the api says is told; what lasts is told after it."""
    now = fleet.clock.now_us()
    fleet.incidents.maintenance.plan(now, now + 20 * MINUTE_US, ["sto*"], ["mariadb"], "new disks", "ada")
    live(fleet, 3, failing(0, 1 << 40))
    mariadb = fleet.nodes.service_names.ids(["mariadb"], create=False)["mariadb"]
    cases = fleet.incidents.list(thin=True).rows
    assert mariadb not in {
        part.service_id for one in fleet.incidents.parts([x.id for x in cases]).values() for part in one
    }
    live(fleet, 20, failing(0, 1 << 40))
    cases = fleet.incidents.list(thin=True).rows
    assert mariadb in {part.service_id for one in fleet.incidents.parts([x.id for x in cases]).values() for part in one}
    assert rows(fleet, "SELECT COUNT(*) FROM findings WHERE held = ''")[0][0] == sum(
        found.times for one in cases for found in fleet.incidents.findings(one.id)
    )


@pytest.mark.sqlite_only
def test_what_began_hours_before_the_end_of_a_window_is_told_as_going_on(fleet):
    """A new error is found once, in the first of five hours, and said on: after them it is open, and quotes them."""
    now = fleet.clock.now_us()
    fleet.incidents.maintenance.plan(now, now + 5 * HOUR_US, ["apps"], [], "new disks", "ada")

    def complains(minute):
        ts_us = START_US + minute * MINUTE_US
        return line("ERROR: certificate of mariadb is not trusted", service="api", ts_us=ts_us, node="apps")

    live(fleet, 3, complains)
    for first, last in ((3, 60), *((hour * 60, hour * 60 + 60) for hour in range(1, 5))):
        minutes = range(83 * 60 + first, 83 * 60 + last)
        send(fleet, ordinary(minutes.start, minutes.stop) + b"".join(map(complains, minutes)))
        fleet.clock.advance((last - first) * 60)
        fleet.runner.once("watch")
    assert fleet.incidents.list(thin=True).rows == []
    live(fleet, 3, complains)
    (case,) = fleet.incidents.list(thin=True).rows
    assert (case.status, case.onset_us) == ("open", now + 5 * HOUR_US)


@pytest.mark.sqlite_only
def test_a_muted_family_opens_nothing_until_its_date(fleet):
    """What it says is found and kept; once the mute is ended by hand, it is told."""
    send(fleet, failing(0, 1 << 40)(83 * 60))
    told = {one.text: one.id for one in fleet.templates.list_families(sort="new", limit=5)}
    for family in [number for said, number in told.items() if "Failed with" in said or "refused" in said]:
        mute = fleet.incidents.mutes.mute(family, "known", fleet.clock.now_us() + DAY_US, "ada", most_per_hour=1_000)
    live(fleet, 3, failing(0, 1 << 40))
    assert fleet.incidents.list(thin=True).rows == []
    assert {row[0] for row in rows(fleet, "SELECT held FROM findings")} == {mute.held}


def test_somebody_who_changes_an_incident_interrupts_the_watch(fleet, monkeypatch):
    """A close between the watch's look and its commit: the step is undone and done again, on what is there then."""
    live(fleet, 3, failing(0, 1 << 40))
    (case,) = fleet.incidents.list().rows
    send(fleet, failing(0, 1 << 40)(83 * 60 + 3))
    fleet.clock.advance(60)

    def close(name):
        if name == "watch_before_commit":
            fleet.incidents.close(case.id, "ada")

    monkeypatch.setattr("devmesh.incidents.watching.crash_point", close)
    with pytest.raises(LeaseLost):
        fleet.runner.once("watch")
    monkeypatch.undo()
    assert fleet.runner.once("watch") == 1
    assert fleet.incidents.get(case.id).status == "closed"


@pytest.mark.sqlite_only
def test_a_look_that_another_server_has_overtaken_is_dropped(fleet, monkeypatch):
    """The loop was lost before the commit, and the other server looked on for an hour: the position never goes back."""
    fleet.clock.advance(60)
    with monkeypatch.context() as lost:
        lost.setattr("devmesh.incidents.watching.crash_point", lambda _name: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            fleet.runner.once("watch")
    fleet.clock.advance(3600)
    there = fleet.clock.now_us() // MINUTE_US
    with fleet.db.write() as connection:
        connection.execute(text("UPDATE watch_state SET until_minute = :there"), {"there": there})
    assert fleet.runner.once("watch") == 0
    assert fleet.detectors.progress().until == there


def test_the_list_is_filtered_and_paged(fleet):
    """By status, severity, part and time; a bad word is an error that says what there is."""
    live(fleet, 3, failing(0, 1 << 40))
    (case,) = fleet.incidents.list().rows
    nodes = fleet.nodes.node_names.ids(["store", "apps"], create=False)
    assert fleet.incidents.list(status="active", severity="warning", node_ids=[nodes["store"]]).rows == [case]
    assert fleet.incidents.list(status="closed").rows == fleet.incidents.list(node_ids=[]).rows == []
    assert fleet.incidents.list(until_us=case.onset_us).rows == []
    assert fleet.incidents.list(cursor=f"{case.onset_us}-{case.id}").rows == []
    with pytest.raises(InvalidInput, match="no status"):
        fleet.incidents.list(status="dead")
