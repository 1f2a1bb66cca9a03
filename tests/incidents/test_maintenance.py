"""Maintenance windows: what is found in them is held, and told if it goes on after."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodies import DAY_US, HOUR_US, NOW_US
from devmesh.detectors import About, Finding
from devmesh.errors import InvalidInput, NotFound
from devmesh.incidents.maintenance import Maintenance, Names, Window, covers, goes_on
from devmesh.memory import Minutes

MINUTE_US = 60_000_000
NOW = NOW_US // MINUTE_US
NAMES = Names({1: "nas01", 2: "web01"}, {1: "smbd", 2: "nginx"})
ONE = Finding(NOW + 1, "primitive", "disk full", 1, 1, 7, 6.0, True, About.SELF, "disk full")
MISSED = replace(ONE, detector="silence", kind="silence", family=None)


@pytest.fixture
def windows(mesh, clock):
    """Of an empty house."""
    return Maintenance(mesh.db, clock)


def window(since_us=NOW_US, until_us=NOW_US + HOUR_US, nodes=(), services=(), ended_us=None):
    """One that nobody stored."""
    return Window(1, since_us, until_us, nodes, services, "reason", "anna", NOW_US, ended_us)


def said(*rows, until=NOW + 60):
    """Counts in which (minute, family, service, node) were said."""
    columns = [np.array([row[place] for row in sorted(rows)], dtype=np.int64) for place in range(4)]
    ones = np.ones(len(rows), dtype=np.int64)
    return Minutes(NOW // 60, until, *columns, ones, ones)


def test_a_window_covers_its_time_its_nodes_and_its_services():
    """By glob; what is not named is any."""
    assert covers([window()], ONE, NAMES) == window()
    assert covers([window(nodes=("nas*",), services=("smb?",))], ONE, NAMES)
    assert not covers([window(nodes=("web*",))], ONE, NAMES)
    assert not covers([window(nodes=("nas*",), services=("nginx",))], ONE, NAMES)
    assert not covers([window(nodes=("NAS*",))], ONE, NAMES)
    assert not covers([window()], replace(ONE, minute=NOW - 1), NAMES)
    assert not covers([window()], replace(ONE, minute=NOW + 61), NAMES)
    assert not covers([window(ended_us=NOW_US)], ONE, NAMES)
    first, second = window(services=("nginx",)), window(nodes=("*",))
    assert covers([first, second], ONE, NAMES) is second


def test_what_was_held_is_told_if_it_goes_on():
    """A bad line that is said again, or who is missing still after ten minutes; nothing else."""
    end = NOW + 30
    assert goes_on(ONE, said((end, 7, 1, 1)), end)
    assert not goes_on(ONE, said((end - 1, 7, 1, 1), (end, 7, 1, 2), (end, 8, 1, 1)), end)
    assert goes_on(MISSED, said((NOW, 7, 1, 1), (end, 7, 1, 2)), end)
    assert not goes_on(MISSED, said((end + 3, 9, 1, 1)), end)
    assert not goes_on(MISSED, said((NOW + 9, 9, 1, 1)), end)
    assert not goes_on(MISSED, said(until=end + 9), end)
    other = said((end + 3, 9, 2, 1))
    assert goes_on(MISSED, other, end)
    assert not goes_on(replace(MISSED, kind="node silent"), other, end)
    for detector in ("louder", "overdue", "correlation"):
        assert not goes_on(replace(ONE, detector=detector), said((end, 7, 1, 1)), end)
    assert not goes_on(replace(ONE, family=None), said((end, 7, 1, 1)), end)


def test_windows_are_planned_listed_and_ended(mesh, windows, clock):
    """Overlapping ones, too; one that is over stays as it was; all of it stands in the audit log."""
    first = windows.plan(NOW_US, NOW_US + HOUR_US, ["nas*"], [], "new disks", "anna")
    later = windows.plan(NOW_US, NOW_US + DAY_US, [], ["nginx"], "upgrade", "anna")
    assert (first.nodes, first.services, first.held) == (("nas*",), (), "maintenance: new disks")
    assert list(windows.list()) == [later, first]
    clock.advance(600)
    ended = windows.end(later.id, "bert")
    assert ended.end_us == NOW_US + 600 * 1_000_000
    assert windows.end(later.id, "carl") == ended
    assert list(windows.list()) == [first]
    assert list(windows.list(active=False)) == [ended, first]
    clock.advance(3600)
    assert list(windows.list()) == []
    assert windows.end(first.id, "carl") == first
    assert list(windows.since(first.until_us)) == [first]
    assert list(windows.since(first.until_us + 1)) == []
    did = [(deed.who, deed.did) for deed in mesh.accounts.audit.list().rows]
    assert did == [("bert", "ended"), ("anna", "planned"), ("anna", "planned")]


def test_one_that_is_still_to_come_can_be_taken_back(windows):
    """It never held anything."""
    planned = windows.plan(NOW_US + HOUR_US, NOW_US + 2 * HOUR_US, [], [], "later", "anna")
    assert list(windows.list()) == [planned]
    ended = windows.end(planned.id, "anna")
    assert not covers([ended], replace(ONE, minute=NOW + 61), NAMES)


@pytest.mark.sqlite_only
def test_what_cannot_be_planned_says_why(windows):
    """And what to do instead; nothing is stored."""
    good = {
        "since_us": NOW_US, "until_us": NOW_US + HOUR_US, "nodes": ["n"], "services": [], "reason": "r", "who": "anna",
    }  # fmt: skip
    for given_ in (
        {"until_us": NOW_US},
        {"until_us": NOW_US - 1, "since_us": NOW_US - HOUR_US},
        {"since_us": NOW_US + 2 * HOUR_US},
        {"until_us": NOW_US + 31 * DAY_US},
        {"since_us": -(2**70)},
        {"since_us": 2**70, "until_us": 2**70 + 1},
        {"since_us": NOW_US + 400 * DAY_US, "until_us": NOW_US + 401 * DAY_US},
        {"reason": "\n"},
        {"reason": "x" * 501},
        {"nodes": [""]},
        {"nodes": ["x" * 256]},
        {"services": [str(number) for number in range(51)]},
        {"services": ["half \ud800"]},
    ):
        with pytest.raises(InvalidInput) as raised:
            windows.plan(**{**good, **given_})
        assert raised.value.hint
    for number in (0, 4711, 2**70):
        with pytest.raises(NotFound):
            windows.end(number, "anna")
    assert list(windows.list(active=False)) == []


def test_strange_names_are_kept_as_they_are(windows):
    """Quotes, brackets, control characters, and a reason of 500."""
    names = ["[z-a]", "'; DROP TABLE maintenance; --", "a\x00b", "\U0001f600*", "[!"]
    planned = windows.plan(NOW_US, NOW_US + HOUR_US, names, names, "\U0001f600" * 500, "anna")
    assert list(windows.list()) == [planned]
    assert planned.nodes == tuple(names)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=255), st.text(max_size=60))
def test_no_pattern_breaks_the_watch(pattern, name):
    """Whatever people typed."""
    covers([window(nodes=(pattern,))], ONE, Names({1: name}, {1: name}))
