"""The tools of an answer: typed, bounded, recorded; what is wrong with a call is said, never raised."""

from __future__ import annotations

import json

import pytest

from broken_fleet import BROKE_US, MINUTE_US
from devmesh.analysis import Found, Toolbox
from devmesh.analysis.tools import MOST_CALLS, MOST_CHARS, TAKES, bounded
from devmesh.answering import runs_of
from devmesh.clock import FakeClock

HOUR = {"since": str(BROKE_US - 30 * MINUTE_US), "until": str(BROKE_US + 30 * MINUTE_US)}


def box(runs, clock=None, deadline_s=1e12):
    """A toolbox over some functions."""
    return Toolbox(runs, clock or FakeClock(), deadline_s)


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("search_templates", {"query": "core-dump", **HOUR}),
        ("query_logs", {"priority": "err", **HOUR}),
        ("get_template_stats", {"template": "f1", **HOUR}),
        ("get_service_overview", {"node": ["apps"], **HOUR}),
        ("what_changed", HOUR),
        ("list_incidents", HOUR),
        ("get_incident", {"number": 1}),
    ],
)
def test_each_tool_answers_with_its_window(troubled, tool, arguments):
    """Rows that JSON can hold, and the time that they are of."""
    found = box(runs_of(troubled, "UTC")).call(tool, **arguments)
    assert not found.error
    assert found.rows
    assert found.since_us < found.until_us
    json.dumps(found.rows)


def test_lines_around_an_event(troubled):
    """Of its node, with it among them."""
    tools = box(runs_of(troubled))
    event = tools.call("query_logs", contains="core-dump", **HOUR).rows[0]["id"]
    around = tools.call("get_log_context", event=event, before=2, after=2)
    assert event in [row["id"] for row in around.rows]


def test_neighbours_of_what_no_inventory_knows(troubled):
    """A reason, no exception."""
    assert "no service" in box(runs_of(troubled)).call("graph_neighbours", name="api").error


@pytest.mark.parametrize(
    ("tool", "arguments", "says"),
    [
        ("delete_logs", {}, "There is no tool 'delete_logs'"),
        ("query_logs", {}, "since"),
        ("query_logs", {"since": "1h", "colour": "red"}, "colour"),
        ("query_logs", {"since": "1h", "limit": 10_000}, "limit"),
        ("query_logs", {"since": "whenever"}, "is no time"),
        ("query_logs", {"since": "1h", "node": ["n"] * 9}, "node"),
        ("get_incident", {"number": 999}, "999"),
        ("get_incident", {"number": "one"}, "number"),
    ],
)
def test_a_wrong_call_says_what_is_wrong(troubled, tool, arguments, says):
    """In its result, which is recorded like any other."""
    tools = box(runs_of(troubled))
    assert says in tools.call(tool, **arguments).error
    assert len(tools.results) == 1


def test_no_more_calls_than_an_answer_may_make():
    """Whoever loops is stopped."""
    tools = box({name: lambda _asked: Found([{"x": 1}], 0, 1) for name in TAKES})
    results = [tools.call("list_incidents", since="1h") for _ in range(MOST_CALLS + 5)]
    assert [one.error for one in results[:MOST_CALLS]] == [""] * MOST_CALLS
    assert all("used up" in one.error for one in results[MOST_CALLS:])


def test_no_call_once_time_is_up():
    """A tool that took long was the last."""
    clock = FakeClock()

    def slow(_asked):
        clock.advance(11)
        return Found([], 0, 1)

    tools = box(dict.fromkeys(TAKES, slow), clock, clock.monotonic_s() + 10)
    assert not tools.call("list_incidents", since="1h").error
    assert tools.late
    assert "used up" in tools.call("list_incidents", since="1h").error


def test_results_are_cut_to_size():
    """Rows and characters, with a word that there was more."""
    rows, cut = bounded([{"message": "x" * 10_000, "some": ["y" * 1_000] * 50}] * 30)
    assert cut
    assert len(json.dumps(rows)) < MOST_CHARS + 100
    assert bounded([{"n": 1}] * 5) == (({"n": 1},) * 5, False)
