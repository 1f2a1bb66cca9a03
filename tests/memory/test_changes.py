"""What changed, asked of a house: new, gone, louder and quieter families, silent nodes, and questions that are none."""

from __future__ import annotations

import pytest

from bodies import DAY_US, HOUR_US, NOW_US, line, run_whole, take
from devmesh.changing import list_changes
from devmesh.clock import FakeClock
from devmesh.errors import InvalidInput
from devmesh.memory import Span

START_US = NOW_US // DAY_US * DAY_US - 6 * DAY_US
NOON_US = START_US + 5 * DAY_US + 12 * HOUR_US


def say(mesh, text: str, hours, n: int, *, service: str = "app", node: str = "n1"):
    """`n` events in each of these hours since START_US."""
    times = [START_US + hour * HOUR_US + k * 1_000_000 for hour in hours for k in range(n)]
    body = b"".join(line(text, service=service, ts_us=ts_us) for ts_us in times)
    take(mesh, body, node, received_us=NOON_US)


@pytest.fixture
def fleet(make_mesh):
    """Five days and a half of three services on two nodes; in the last two hours some things changed."""
    mesh = make_mesh(clock=FakeClock(NOON_US))
    before, now = range(132), (130, 131)
    say(mesh, "request took 12 ms", before, 6)
    say(mesh, "cache is warm", range(130), 5)
    say(mesh, "slow query took 7 s", range(130), 1)
    say(mesh, "slow query took 7 s", now, 40)
    say(mesh, "cannot reach the database", now, 2)
    say(mesh, "heartbeat", range(130), 4, service="agent", node="nas")
    for loop in (*mesh.templates.loops(), *mesh.events.loops()):
        run_whole(mesh, loop.name)
    return mesh


def kinds(found) -> dict[str, str]:
    """{text: kind}."""
    return {one["text"]: one["kind"] for one in found["changes"]}


def test_what_changed_is_told_and_nothing_else(fleet):
    """A new line, one that stopped, one that is forty times as frequent; what goes on as ever is no change."""
    found = list_changes(fleet, since="2h")
    assert kinds(found) == {
        "cannot reach the database": "new",
        "cache is warm": "gone",
        "slow query took <dur>": "louder",
    }
    louder = next(one for one in found["changes"] if one["kind"] == "louder")
    assert (louder["n"], louder["service"]) == (80, "app")
    assert 1 < louder["expected"] < 4
    assert louder["doubt"] < 0.001


def test_a_silent_node_is_named_once(fleet):
    """What a node does not say because it says nothing at all is no change of its families."""
    found = list_changes(fleet, since="2h")
    assert found["quiet_nodes"] == ["nas"]
    assert "heartbeat" not in kinds(found)


def test_only_some_nodes_and_services(fleet):
    """A filter leaves the others out, silent ones too."""
    assert kinds(list_changes(fleet, since="2h", service=["agent"])) == {}
    of_one = list_changes(fleet, since="2h", node=["n1"])
    assert len(of_one["changes"]) == 3
    assert of_one["quiet_nodes"] == []
    assert list_changes(fleet, since="2h", node=["nobody"])["changes"] == []


def test_a_window_of_days_and_one_of_minutes(fleet):
    """Long windows are counted by hours, short ones by minutes; the change is seen by both."""
    by_hours = list_changes(fleet, since="50h", against=str(START_US))
    assert "cannot reach the database" in kinds(by_hours)
    by_minutes = list_changes(fleet, since="119m")
    assert kinds(by_minutes)["slow query took <dur>"] == "louder"
    assert by_minutes["window"]["until_us"] - by_minutes["window"]["since_us"] == 119 * 60_000_000


def test_a_list_that_is_cut_says_so(fleet):
    """`found` counts all of them."""
    found = list_changes(fleet, since="2h", limit=1)
    assert (len(found["changes"]), found["found"]) == (1, 3)


def test_questions_that_are_none(fleet):
    """Each names what is wrong."""
    for asked in ({"since": "2h", "against": "1h"}, {"since": "2h", "until": "3h"}, {"since": "100d"}, {"limit": 0}):
        with pytest.raises(InvalidInput):
            list_changes(fleet, **asked)


def test_an_empty_store_says_that_there_is_nothing_before(make_mesh, tmp_path):
    """No change is claimed without a time to compare with."""
    empty = make_mesh(tmp_path / "empty")
    now = empty.clock.now_us()
    with pytest.raises(InvalidInput, match="Nothing was counted"):
        empty.memory.changes(Span(now - HOUR_US, now), now - DAY_US)
