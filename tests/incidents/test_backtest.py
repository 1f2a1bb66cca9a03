"""A look at the past beside what was told in it (C15): with the same settings the same, message for message."""

from __future__ import annotations

import importlib
import pkgutil

import pytest
from test_watching import BEGIN_US, MINUTE_US, failing, fleet, live, send  # noqa: F401 - a fixture

import devmesh.detectors
from bodies import HOUR_US
from devmesh.backtest import Spell
from devmesh.detecting import replay
from devmesh.watched import list_detectors
from opened import found, open_incident

pytestmark = pytest.mark.sqlite_only  # what it asks the store is tried elsewhere
BROKEN = 83 * 60 + 4  # minute of the life


@pytest.fixture
def told(fleet):  # noqa: F811
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


def test_as_it_was_seen_it_is_what_was_told_from_then_on(told):
    """By arrival too; what was told before the time that is looked at is not missed."""
    seen = replay(told, since=str(BEGIN_US), as_seen=True)
    assert (seen["more"], seen["less"], [one["later_s"] for one in seen["same"]]) == ([], [], [0])
    (case,) = told.incidents.list().rows
    after = replay(told, since=str(case.told_us + 10 * MINUTE_US), as_seen=True)
    assert after["less"] == []


def test_what_a_window_held_says_so(fleet):  # noqa: F811
    """It would be told more, but was held on purpose."""
    fleet.incidents.maintenance.plan(BEGIN_US, BEGIN_US + 3 * HOUR_US, ["store", "apps"], [], "new disks", "ada")
    live(fleet, 16, failing(BROKEN, BROKEN + 6))
    assert fleet.incidents.list().rows == []
    assert [one["held"] for one in replay(fleet)["more"]] == ["maintenance: new disks"]


def test_lines_that_came_later_would_be_told(told):
    """A fault of which the lines came days after its time is more than was told."""
    live(told, 70)
    failed = failing(0, 1 << 40)
    said = b"".join(failed(minute) for minute in range(83 * 60 + 70, 83 * 60 + 76)).replace(b"apps", b"back")
    said = said.replace(b"store", b"nas").replace(b"mariadb", b"nfs")
    told.clock.advance(3 * 24 * 3600)
    send(told, said)
    more = replay(told)["more"]
    assert [({"back", "nas"} <= set(one["nodes"]), one["held"]) for one in more] == [(True, "")]


@pytest.mark.parametrize(
    ("onset", "pairs", "same"),
    [(10, {(1, 1)}, True), (50, {(1, 1)}, True), (51, {(1, 1)}, False), (10, {(1, 2), (2, 1)}, False)],
)
def test_two_are_the_same_by_time_and_by_whom_they_speak_of(onset, pairs, same):
    """Half an hour after the last sign they are still open; a node or a service alone is not enough."""
    one = Spell(0, 0, 0, 50, frozenset({(1, 1), (3, 3)}))
    other = Spell(0, onset, onset, onset + 9, frozenset(pairs))
    assert one.meets(other) is other.meets(one) is same


def test_every_detector_has_its_state(fleet):  # noqa: F811
    """Whoever adds a detector says what it finds."""
    parts = pkgutil.iter_modules(devmesh.detectors.__path__, "devmesh.detectors.")
    modules = [importlib.import_module(one.name) for one in parts]
    names = {one.NAME for one in modules if hasattr(one, "NAME")}
    assert {one["name"] for one in list_detectors(fleet)["detectors"]} == names
