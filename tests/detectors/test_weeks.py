"""Drift, asked of a house: what its counts of weeks say, by name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bodies import DAY_US, HOUR_US, NOW_US, line, run_whole, take
from devmesh.detectors import service, weeks
from devmesh.drifting import list_drift
from devmesh.errors import InvalidInput, Unavailable
from devmesh.memory import BlindInterval
from drifted_life import DAYS, live

START_US = NOW_US // DAY_US * DAY_US - DAYS * DAY_US


@pytest.fixture
def fleet(make_mesh):
    """A disk that complains more each day."""
    mesh = make_mesh()
    live(mesh, NOW_US)
    return mesh


def test_what_drifts_is_named_once_for_each_service(fleet):
    """The surest of its patterns, how many more do so, since when, and each day; today does not count."""
    found = list_drift(fleet)
    assert (found["days"], found["compared"], found["found"], found["together"]) == (DAYS, 3, 1, [])
    [one] = found["drifts"]
    assert (one["kind"], one["service"], one["node"], one["alike"]) == ("rising", "smartd", "nas", 1)
    assert one["text"].startswith(("sector <n> is pending", "scrubbed <n> blocks"))
    assert (one["before"], one["now"]) == (8.0, 30.0)
    assert one["days"] == (None, *range(5, 4 + DAYS))
    assert START_US <= one["since_us"] < START_US + 7 * DAY_US
    assert found["until_us"] == START_US + DAYS * DAY_US


def test_it_is_looked_for_once_an_hour(fleet):
    """Whoever asks meanwhile gets what was found; what came after it shows an hour later."""
    first = list_drift(fleet)
    more = b"".join(line("ready", service="web", ts_us=NOW_US - DAY_US - k) for k in range(3_000))
    take(fleet, more, "web2", received_us=NOW_US)
    assert list_drift(fleet) == first
    fleet.clock.advance(3_600)
    assert list_drift(fleet)["compared"] == first["compared"]
    assert "web2" not in str(list_drift(fleet)["drifts"])


def test_a_young_store_says_how_many_days_it_needs(make_mesh):
    """And an empty one does, too."""
    mesh = make_mesh()
    assert list_drift(mesh)["days"] == 0
    take(mesh, line("hello", service="web", ts_us=NOW_US - 3 * DAY_US), received_us=NOW_US)
    for loop in mesh.templates.loops():
        run_whole(mesh, loop.name)
    mesh.clock.advance(3_600)
    found = list_drift(mesh)
    assert (found["days"], found["least_days"], found["drifts"]) == (3, 22, [])


def test_who_asks_while_another_looks_is_not_kept_for_long(fleet, monkeypatch):
    """Requests that wait would take the threads of all others."""
    monkeypatch.setattr(service, "WEEKS_WAIT_S", 0.01)
    asked = []

    def look(*_rooms):
        with pytest.raises(Unavailable):
            list_drift(fleet)
        asked.append(1)
        return weeks.Weeks(1, 1, 0, 0, (), ())

    monkeypatch.setattr(weeks, "look", look)
    assert list_drift(fleet)["days"] == 0
    assert asked


@pytest.mark.parametrize("limit", [0, 1_001])
def test_a_limit_that_is_none(fleet, limit):
    """Is refused."""
    with pytest.raises(InvalidInput):
        list_drift(fleet, limit=limit)


def test_days_of_which_a_node_was_cut_off_do_not_count(fleet, monkeypatch):
    """Twelve days had two hours without sight each, and what is left is too short to be a drift."""
    node = fleet.nodes.node_names.ids(["nas"], create=False)["nas"]
    ends = [START_US + day * DAY_US for day in range(18, DAYS)]
    cuts = [BlindInterval(1, node, at - 2 * HOUR_US, at, "network_cut", "", False, None, None, False) for at in ends]
    monkeypatch.setattr(fleet.memory, "blind", lambda _since_us, _until_us: cuts)
    assert weeks.look(fleet.templates, fleet.events, fleet.memory, NOW_US).drifts == ()
    cuts[:] = [replace(one, filled=True) for one in cuts]  # what was missing came later
    assert weeks.look(fleet.templates, fleet.events, fleet.memory, NOW_US).drifts
