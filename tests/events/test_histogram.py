"""How often, over time and by priority: the bars equal a recount, whichever way they are counted."""

from __future__ import annotations

from collections import Counter

import pytest

from bodies import DAY_US, HOUR_US, NOW_US, line, rows, run_whole, take
from devmesh.errors import InvalidInput
from devmesh.events import Filter

MINUTE_US = 60_000_000


@pytest.fixture
def said(mesh):
    """Lines of two services over some hours, of several priorities."""
    lines = [
        line(f"entry {n} of {what}", ts_us=NOW_US - n * 7 * MINUTE_US, service=f"s{n % 2}", priority=n % 8)
        for n in range(80)
        for what in ("disk" if n % 3 else "net",)
    ]  # fmt: skip
    take(mesh, b"".join(lines[:50]), node="n1")
    take(mesh, b"".join(lines[50:]), node="n2")
    return mesh


def recount(mesh, found, where="1 = 1"):
    """{(bar, priority): events} from the stored rows, as the bars lie."""
    sql = f"SELECT ts_us, priority FROM log_events WHERE {where}"  # noqa: S608 - ours
    counted = Counter()
    for ts, priority in rows(mesh, sql):
        counted[(ts - found.from_us) // found.step_us, priority] += 1
    return counted


def as_counts(found):
    """The bars in the same form."""
    return Counter({(n, level): count for n, bar in enumerate(found.bars) for level, count in enumerate(bar) if count})


@pytest.mark.parametrize("bars", [10, 60, 200])
def test_bars_equal_a_recount(said, bars):
    """By minutes and by hours alike; no more bars than were asked for."""
    found = said.events.histogram(Filter(), bars)
    assert as_counts(found) == recount(said, found)
    assert len(found.bars) <= bars
    assert found.total == 80
    assert found.counted_from_us is None


QUESTIONS = [
    ({"node_ids": ("n1",)}, "node_id = (SELECT id FROM nodes WHERE name = 'n1')"),
    ({"priority": 3}, "priority <= 3"),
    ({"contains": "DISK"}, "message LIKE '%disk%'"),
    ({"regex": "of n[e]t$"}, "message LIKE '%of net'"),
    ({"contains": "disk", "priority": 3}, "message LIKE '%disk%' AND priority <= 3"),
]


@pytest.mark.parametrize(("asked", "where"), QUESTIONS)
def test_what_is_asked_for_is_what_is_counted(said, asked, where):
    """By names, by priority, by words and by expressions."""
    if "node_ids" in asked:
        asked = {"node_ids": tuple(said.nodes.node_names.ids(asked["node_ids"], create=False).values())}
    found = said.events.histogram(Filter(**asked))
    assert as_counts(found) == recount(said, found, where)
    assert found.total > 0


def test_templates_can_be_left_out(said):
    """Of the bars and of the list, both the same."""
    [(template,)] = rows(said, "SELECT template_id FROM log_events WHERE message LIKE '%net' LIMIT 1")
    asked = Filter(without_template_ids=(template,))
    found = said.events.histogram(asked)
    assert found.total == len(said.events.query(asked, 1_000).events) == said.events.count(asked)
    assert 0 < found.total < 80
    assert said.events.histogram(Filter(without_template_ids=(template,), contains="entry")).total == found.total


def test_times_bound_the_bars(said):
    """From the bar that holds `since` to the one before `until`."""
    found = said.events.histogram(Filter(since_us=NOW_US - HOUR_US, until_us=NOW_US + 1), 30)
    assert found.from_us <= NOW_US - HOUR_US < found.from_us + found.step_us
    assert found.total == 9  # every 7 minutes of an hour


def test_folded_days_are_spread_over_their_hours(mesh, clock):
    """A day whose hours are no longer known has its events in all of its bars, none lost."""
    take(mesh, b"".join(line(f"old {n}", ts_us=NOW_US + n * MINUTE_US) for n in range(50)))
    clock.advance(70 * 86_400)
    run_whole(mesh, "fold-days")
    since = NOW_US - NOW_US % DAY_US
    found = mesh.events.histogram(Filter(since_us=since, until_us=since + DAY_US), 25)
    assert found.step_us == HOUR_US
    assert found.total == 50
    assert max(map(sum, found.bars)) <= 3


def test_an_empty_store_has_no_bars(mesh):
    """And a name that nobody has gives empty ones."""
    assert mesh.events.histogram(Filter()) is None
    take(mesh, line("x", ts_us=NOW_US))
    assert mesh.events.histogram(Filter(node_ids=())).total == 0
    with pytest.raises(InvalidInput):
        mesh.events.histogram(Filter(), 1)


def test_sums_by_template_node_and_service_equal_a_recount(said):
    """Each with its priorities; a filter holds."""
    asked = Filter(priority=4)
    sql = "SELECT template_id, COUNT(*), MIN(priority) FROM log_events WHERE priority <= 4 GROUP BY template_id"
    assert said.events.by_template(asked) == {template: (n, worst) for template, n, worst in rows(said, sql)}
    for by in ("node_id", "service_id"):
        counted = Counter()
        for number, _hour, priority, n in said.events.volumes(asked, by).rows():
            counted[number, priority] += n
        truth = f"SELECT {by}, priority, COUNT(*) FROM log_events WHERE priority <= 4 GROUP BY {by}, priority"  # noqa: S608
        assert counted == {(number, priority): n for number, priority, n in rows(said, truth)}


def test_sums_keep_to_the_hours_of_the_question(said):
    """From the hour that holds `since` to the one that holds `until`."""
    since, until = NOW_US - 3 * HOUR_US, NOW_US - HOUR_US
    hours = {
        hour
        for _id, hour, _priority, _n in said.events.volumes(Filter(since_us=since, until_us=until), "node_id").rows()
    }
    assert hours <= set(range(since // HOUR_US, until // HOUR_US + 1))
    assert hours
