"""A look at the past beside what was told in it (C15): with the same settings the same, message for message."""

from __future__ import annotations

import importlib
import pkgutil

import numpy as np
import pytest

import devmesh.detectors
from bodies import DAY_US, HOUR_US
from devmesh.backtest import Spell
from devmesh.clock import FakeClock
from devmesh.detecting import TELL_LEAST, TELL_MOST, replay
from devmesh.detectors import About, Finding, Tuning
from devmesh.detectors.states import FINDS
from devmesh.errors import ConfigError, InvalidInput
from devmesh.incidents import Mute
from devmesh.incidents.guard import Guard
from devmesh.incidents.held_then import HeldThen
from devmesh.memory import Minutes
from devmesh.watched import list_detectors
from opened import found, open_incident
from watched_life import BEGIN_US, MINUTE_US, START_US, failing, live, ordinary, send

pytestmark = pytest.mark.sqlite_only  # what it asks the store is tried elsewhere
BROKEN = 83 * 60 + 4  # minute of the life


@pytest.fixture
def told(fleet):
    """A house whose watch told one incident."""
    live(fleet, 16, failing(BROKEN, BROKEN + 6))
    return fleet


def test_with_the_settings_of_the_watch_it_is_what_was_told(told):
    """Neither more nor less, each at its minute."""
    seen = replay(told)
    (case,) = told.incidents.list().rows
    assert (seen["compared_since_us"], seen["more"], seen["less"]) == (BEGIN_US, [], [])
    assert seen["same"] == [{"id": case.id, "later_s": 0}]


def test_what_would_be_missed_is_named_and_who_called_it_real(told):
    """Of two that the detectors would not tell, the one that was voted real comes first."""
    minute = BEGIN_US // MINUTE_US + 8
    noise = open_incident(told, [found(told, minute, "dns", "edge")], title="the later one")
    real = open_incident(told, [found(told, minute - 1, "nfs", "nas")])
    told.incidents.votes.vote(real, "real", "ada")
    less = replay(told)["less"]
    assert [(one["id"], one["real"], one["services"]) for one in less] == [
        (real, True, ["nfs"]),
        (noise, False, ["dns"]),
    ]


def test_with_other_settings_it_may_tell_more_or_less(told):
    """While it would only learn nothing is compared; what was there before the watch began is neither."""
    assert replay(told, learn_h=24 * 28)["compared_since_us"] is None
    seen = replay(told, until=str(BEGIN_US))
    assert (seen["compared_since_us"], seen["less"]) == (None, [])


def test_with_more_evidence_asked_for_a_real_one_is_missed_and_said_so(told):
    """C15: how many a week, which one, that people called it real, and what to set for it; with less it comes again."""
    (case,) = told.incidents.list().rows
    told.incidents.votes.vote(case.id, "real", "ada")
    (one,) = told.incidents.replay(START_US, told.clock.now_us(), Tuning(off=frozenset({"primitive"}))).incidents
    weight = one.evidence()
    assert TELL_LEAST <= weight < TELL_MOST, "else nothing here depends on the setting"
    seen = replay(told, tell_from=weight + 0.01, off="primitive")
    assert [(one["id"], one["real"]) for one in seen["less"]] == [(case.id, True)]
    assert (seen["messages"], seen["a_week"], seen["more"]) == ({"told": 1, "would": 0}, None, [])
    assert seen["to_set"] == {"DEVMESH_TELL_FROM": f"{weight + 0.01:g}", "DEVMESH_DETECTORS_OFF": "primitive"}
    assert (replay(told, tell_from=weight, off="primitive")["less"], replay(told)["to_set"]) == ([], {})
    parts = {one.detector for one in told.incidents.parts([case.id])[case.id]}
    others = ", ".join(name for name in FINDS if name not in parts)
    assert replay(told, off=others)["same"] == [{"id": case.id, "later_s": 0}], "who had no part is not missed"
    assert [one["id"] for one in replay(told, off=",".join(parts))["less"]] == [case.id]


@pytest.mark.parametrize("asked", [{"learn_h": 0}, {"tell_from": 1.9}, {"tell_from": 6.1}, {"off": "loudest"}])
def test_settings_that_there_are_not_are_refused(mesh, asked):
    """Before anything is looked at."""
    with pytest.raises(InvalidInput):
        replay(mesh, **asked)


def test_the_server_watches_as_it_is_set(make_mesh):
    """With less evidence, and some off: none of those has a part, and a look at the past says the same."""
    mesh = make_mesh(clock=FakeClock(BEGIN_US), tell_from=2.0, detectors_off="primitive, new")
    send(mesh, ordinary(0, 83 * 60))
    live(mesh, 16, failing(BROKEN, BROKEN + 6))
    seen = replay(mesh)
    cases = mesh.incidents.list().rows
    assert [one["id"] for one in seen["same"]] == [one.id for one in cases]
    assert (seen["tell_from"], seen["off"], seen["more"], seen["less"]) == (2.0, ["new", "primitive"], [], [])
    assert not {part.detector for one in cases for part in mesh.incidents.parts([one.id])[one.id]} & set(seen["off"])


def test_a_detector_that_there_is_not_cannot_be_off(make_mesh):
    """The server does not start; the setting is named."""
    with pytest.raises(ConfigError, match="detectors_off"):
        make_mesh(detectors_off="primitive, loudest")


def test_as_it_was_seen_it_is_what_was_told_from_then_on(told):
    """By arrival too; what was told before the time that is looked at is not missed."""
    seen = replay(told, since=str(BEGIN_US), as_seen=True)
    assert (seen["more"], seen["less"], [one["later_s"] for one in seen["same"]]) == ([], [], [0])
    (case,) = told.incidents.list().rows
    after = replay(told, since=str(case.enough_us + 10 * MINUTE_US), as_seen=True)
    assert after["less"] == []


def both(mesh):
    """The past by the time of its lines, and by their arrival."""
    return replay(mesh), replay(mesh, since=str(BEGIN_US), as_seen=True)


def test_what_a_window_held_is_held_again(fleet):
    """It would be told nobody now as it was told nobody then."""
    fleet.incidents.maintenance.plan(BEGIN_US, BEGIN_US + 3 * HOUR_US, ["store", "apps"], [], "new disks", "ada")
    live(fleet, 16, failing(BROKEN, BROKEN + 6))
    assert fleet.incidents.list().rows == []
    for seen in both(fleet):
        assert (seen["incidents"], seen["more"], seen["held"] > 0) == ([], [], True)


def test_what_goes_on_after_its_window_is_told_as_it_was(fleet):
    """What the window held joins what came before it and after it, at the same minutes."""
    fleet.incidents.maintenance.plan(BEGIN_US, BEGIN_US + 8 * MINUTE_US, ["store", "apps"], [], "new disks", "ada")
    live(fleet, 16, failing(BROKEN, BROKEN + 6))
    (case,) = fleet.incidents.list().rows
    for seen in both(fleet):
        assert (seen["same"], seen["more"], seen["less"]) == ([{"id": case.id, "later_s": 0}], [], [])
        assert [one["onset_us"] for one in seen["incidents"]] == [case.onset_us]


def counts_of(until, *said):
    """An hour that is known until a minute, in which the muted line was said on node 1 in these minutes."""
    minutes, ones = np.array(said, dtype=np.int64), np.ones(len(said), dtype=np.int64)
    return Minutes(until // 60, until, minutes, ones, ones, ones, ones, ones)


def muted(**more):
    """A mute of family 1 that was made in the first minute of an hour, for a day."""
    guard = Guard(1, "write failed", {}, None, {}, 1, 1, 0, neighbours=False)
    return Mute(1, 1, (), "known", "ada", HOUR_US + 1, HOUR_US + DAY_US, None, guard, **more)


def bad(minute):
    """The muted line was found in a minute of that hour."""
    return Finding(60 + minute, "new", "new", 1, 1, 1, 4.0, False, About.SELF, "text")


@pytest.mark.parametrize(
    ("ended", "told"),
    [
        ({}, [[], [], []]),
        ({"ended_us": HOUR_US + 20 * MINUTE_US + 5, "ended_why": "ended by ada"}, [[], [], [5, 19]]),
        ({"ended_us": HOUR_US + 20 * MINUTE_US + 5, "ended_why": "it was said 9 times"}, [[], [5, 19, 20], []]),
    ],
)
def test_a_mute_holds_in_the_past_until_it_ended(ended, told):
    """For good; until the look after somebody ended it; until the very look in which its guard did, which is told."""
    held = HeldThen(None, [muted(**ended)], [], 3.0)
    looks = [(6, [bad(5)]), (20, [bad(19)]), (21, [])]
    looks = [held.sift(found, 60 + until, counts_of(60 + until, 80)) for until, found in looks]
    assert [[one.minute - 60 for one in look] for look in looks] == told
    assert held.count == (1 if told[1] else 2)


def test_an_hour_of_the_past_is_sifted_as_its_minutes_are():
    """What was found before the mute was made is told, what it held is let go at its end."""
    mute = muted(ended_us=HOUR_US + 30 * MINUTE_US, ended_why="ended by ada")
    found = [bad(minute) for minute in (0, 10, 40)]
    whole = HeldThen(None, [mute], [], 3.0).past_hour(found, counts_of(120, 60, 70, 100))
    assert sorted(one.minute - 60 for one in whole) == [0, 10, 40]
    lasting = HeldThen(None, [muted()], [], 3.0)
    assert (lasting.past_hour(found, counts_of(120)), lasting.count) == ([], 3)


def test_a_guard_that_ended_a_mute_is_told_once_however_the_past_is_looked_at():
    """By whole hours, and where two hours look at the same minutes."""
    mute = muted(ended_us=HOUR_US + 20 * MINUTE_US + 5, ended_why="it was said 9 times")
    whole = HeldThen(None, [mute], [], 3.0).past_hour([bad(5)], counts_of(119, 65, 79))
    assert [one.kind for one in whole] == ["new", "unmuted"]
    twice = HeldThen(None, [mute], [], 3.0)
    looks = [twice.sift([], 80, counts_of(80, 79)) for _ in range(2)]
    assert [len(look) for look in looks] == [1, 0]


def test_what_a_mute_holds_for_good_is_forgotten():
    """After the hour in which it could be let go; what a window covers, too, waits for its end."""
    mute = muted()
    held = HeldThen(None, [mute], [], 3.0)
    for until in range(61, 181):
        held.sift([bad(until - 61)], until, counts_of(until))
    assert (held.count, len(held._held)) == (120, 60)


def test_lines_that_came_later_would_be_told(told):
    """A fault of which the lines came days after its time is more than was told."""
    live(told, 70)
    failed = failing(0, 1 << 40)
    said = b"".join(failed(minute) for minute in range(83 * 60 + 70, 83 * 60 + 76)).replace(b"apps", b"back")
    said = said.replace(b"store", b"nas").replace(b"mariadb", b"nfs")
    told.clock.advance(3 * 24 * 3600)
    send(told, said)
    more = replay(told)["more"]
    assert [{"back", "nas"} <= set(one["nodes"]) for one in more] == [True]


@pytest.mark.parametrize(
    ("onset", "pairs", "same"),
    [(10, {(1, 1)}, True), (50, {(1, 1)}, True), (51, {(1, 1)}, False), (10, {(1, 2), (2, 1)}, False)],
)
def test_two_are_the_same_by_time_and_by_whom_they_speak_of(onset, pairs, same):
    """Half an hour after the last sign they are still open; a node or a service alone is not enough."""
    one = Spell(0, 0, 0, 50, frozenset({(1, 1), (3, 3)}))
    other = Spell(0, onset, onset, onset + 9, frozenset(pairs))
    assert one.meets(other) is other.meets(one) is same


def test_every_detector_has_its_state(fleet):
    """Whoever adds a detector says what it finds."""
    parts = pkgutil.iter_modules(devmesh.detectors.__path__, "devmesh.detectors.")
    modules = [importlib.import_module(one.name) for one in parts]
    names = {one.NAME for one in modules if hasattr(one, "NAME")}
    assert {one["name"] for one in list_detectors(fleet)["detectors"]} == names
