"""The detectors over made days: what is found, when, and that ordinary days are quiet."""

from __future__ import annotations

import copy

import pytest
from made_life import MONDAY_H, SHAPES, Life

from devmesh.detectors import Finding, Watch
from devmesh.detectors.tuning import TELL_FROM
from devmesh.memory import fork

START = MONDAY_H * 60


def watched(life: Life) -> list[Finding]:
    """All findings of a life."""
    watch = Watch(SHAPES)
    return [one for hour in life for one in watch.observe(hour)]


def kinds(life: Life, least: float = 1.0) -> set[str]:
    """The kinds of findings that weigh something."""
    return {one.kind for one in watched(life) if one.weight >= least}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_ordinary_days_are_quiet(seed):
    """Nine days with a rhythm, by luck alone: nothing of weight."""
    assert kinds(Life(9, seed)) == set()


def test_nothing_is_found_while_all_is_learned():
    """In the first two days a grave line is no finding; on the third it is."""
    life = Life(3)
    life.say(20, 6)
    assert watched(life) == []
    life.say(60, 6)
    assert [(one.minute - START, one.kind, one.critical) for one in watched(life)][:1] == [
        (3600, "out of memory", True)
    ]


def test_a_rule_that_is_a_habit_is_no_news():
    """Who is refused every day is refused today."""
    life = Life(8)
    for day in range(8):
        life.say(day * 24 + 9, 7)
    assert "connection refused" not in {one.kind for one in watched(life) if one.minute > START + 4 * 1440}


def test_an_error_that_was_never_seen_weighs_more_when_it_comes_again():
    """Once is little; three minutes in a row are enough for a message."""
    life = Life(4)
    for minute in range(3):
        life.say(80 + minute / 60, 5)
    weights = [one.weight for one in watched(life) if one.kind == "new"]
    assert weights[0] < 3.0 <= weights[-1]


def test_a_family_that_says_far_less_is_shown_once_and_weighs_little():
    """Nine in ten requests are missing for four hours, the service speaks on: one finding, too light to be told."""
    life = Life(7)
    first, last = (round(hour * 60) for hour in (130, 134))
    life.rows = [one for n, one in enumerate(life.rows) if one[1] != 1 or not first <= one[0] < last or n % 10 == 0]
    found = [one for one in watched(life) if one.detector == "quieter"]
    assert [(one.minute - START, one.family, one.weight < 1.0) for one in found] == [(131 * 60 - 1, 1, True)]


def test_an_error_that_goes_on_for_hours_is_not_found_each_minute():
    """Three minutes of a burst say all; after a pause it is found again."""
    life = Life(4)
    for minute in [*range(300), 400]:
        life.say(80 + minute / 60, 5)
    found = [one.minute - START - 80 * 60 for one in watched(life) if one.kind == "new"]
    assert found == [0, 1, 2, 400]


def test_what_a_program_itself_calls_debugging_is_no_error():
    """Whatever priority its standard error was given."""
    life = Life(4)
    for minute in range(30):
        life.say(80 + minute / 60, 10, n=3)
    assert kinds(life) == set()


def test_a_warning_ten_times_as_loud_is_found_and_traffic_is_not_told():
    """Slow requests count; more visitors alone weigh less than a message."""
    life = Life(6)
    for minute in range(10):
        life.say(130 + minute / 60, 2, priority=4, n=4)
    assert "louder in 5 min" in kinds(life)
    busy = Life(6)
    for minute in range(30):
        busy.say(130 + minute / 60, 1, priority=6, n=40)
    assert kinds(busy) == set()
    assert any(one.detector == "louder" for one in watched(busy))


def test_a_service_that_fell_silent_is_missed_and_only_once():
    """Heartbeats of one node stop for three hours: one finding, after some twenty were due."""
    life = Life(5)
    life.hush(100, 103, 3, node=2)
    life.hush(99.5, 99.6, 3, node=1)  # a pause that is nothing
    found = [one for one in watched(life) if one.detector == "silence" and one.kind == "silence"]
    assert [(one.service, one.node) for one in found] == [(2, 2)]
    assert 100 * 60 + 12 <= found[0].minute - START <= 100 * 60 + 50


def test_a_quiet_saturday_is_no_silence_once_there_was_one():
    """A line each five minutes on the first day of rest and each hour on the second, and 300 an hour between them."""
    life = Life(9)
    for rest_h, pause_min in ((24, 5), (24 + 7 * 24, 60)):
        life.hush(rest_h, rest_h + 24, 1, 2)
        for minute in range(0, 1440, pause_min):
            life.say(rest_h + minute / 60, 1, priority=6)
    found = [one for one in watched(life) if one.kind == "silence" and one.service == 1]
    assert [one.minute - START for one in found if one.minute - START > 7 * 1440] == []


@pytest.mark.parametrize(("errors", "is_enough"), [(6, False), (40, True)])
def test_a_handful_of_errors_is_no_message(errors, is_enough):
    """Of a line that is known, once a day: six in five minutes may be a phone that left; forty are told."""
    life = Life(5)
    for day in range(5):
        life.say(day * 24 + 9, 5)
    life.say(4 * 24 + 12, 5, n=errors)
    weights = [one.weight for one in watched(life) if one.kind == "error rate"]
    assert [one >= TELL_FROM for one in weights] == [is_enough]


def test_a_node_that_fell_silent_is_missed_within_minutes():
    """All of node 1 at once: the node is named, and it is grave."""
    life = Life(5)
    life.hush(100, 101, node=1)
    first = next(one for one in watched(life) if one.kind == "node silent")
    assert first.node == 1
    assert first.critical
    assert first.minute - START <= 100 * 60 + 15


def test_a_line_that_did_not_come_is_missed_half_an_hour_late():
    """The backup of the ninth day; the days before came at 03:10 to 03:13."""
    life = Life(9)
    life.hush(8 * 24, 8 * 24 + 12, 4)
    found = [one for one in watched(life) if one.kind == "overdue"]
    assert [one.family for one in found] == [4]
    assert 30 <= found[0].minute - START - (8 * 24 + 3) * 60 - 10 <= 60


def test_a_job_that_was_moved_is_known_again_from_its_third_run_on():
    """Two hours later from the ninth day on: missed once, and again when its fourth run by the new time fails."""
    life = Life(12)
    life.rows = [(one[0] + 120 * (one[1] == 4 and one[0] >= 8 * 1440), *one[1:]) for one in life.rows]
    life.hush(11 * 24, 12 * 24, 4)
    found = [(one.minute - START) // 60 for one in watched(life) if one.kind == "overdue"]
    assert found == [8 * 24 + 3, 11 * 24 + 5]


def test_a_unit_that_failed_after_memory_ran_out_is_said_to_be_killed():
    """The kernel's line and the unit's make more together."""
    life = Life(4)
    life.say(80, 6)
    life.say(80 + 1 / 60, 11, priority=4)
    assert [one.service for one in watched(life) if one.kind == "killed"] == [5]


@pytest.mark.parametrize("shutdown", [None, 79.99, 80.05])
def test_a_boot_is_news_only_where_no_shutdown_went_before(shutdown):
    """A node that was told to reboot said so, a quick one in the very minute of its boot."""
    life = Life(4)
    life.hush(80, 80.1, node=1)
    if shutdown is not None:
        life.say(shutdown, 9, priority=6)
    life.say(80.05, 8, priority=5)
    assert ("no shutdown" in kinds(life)) is (shutdown is None)


def test_an_hour_seen_minute_by_minute_gives_what_it_gives_as_a_whole():
    """What was told at the time is what a look at the past tells: each minute is asked on a copy."""
    life = Life(4)
    for minute in range(7, 40, 3):
        life.say(80 + minute / 60, 5, n=2)
    life.say(80.2, 6)
    life.hush(80.1, 81, 3, node=2)
    watch = Watch(SHAPES)
    for number in range(80):
        watch.observe(life.hour(number))
    begun, seen = copy.deepcopy(watch), []
    for until in range(1, 61):
        found = copy.deepcopy(begun).observe(life.hour(80, until))
        assert fork(begun, [SHAPES]).observe(life.hour(80, until)) == found
        seen += [one for one in found if one not in seen]
    whole = watch.observe(life.hour(80))
    assert {(one.minute, one.kind, one.family) for one in seen} == {(one.minute, one.kind, one.family) for one in whole}
    assert whole
