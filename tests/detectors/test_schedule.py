"""The line that did not come: found in time, with what was normal, and no false alarm, whatever clocks do (C5)."""

from __future__ import annotations

import copy
import itertools
from datetime import date, datetime, time
from statistics import median
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from made_jobs import BEGIN_DAY, DAY_MIN, Job, an_hour, hours, missed, normal, shapes, uniform

from devmesh.detectors import About, Finding, Habit, Watch, told_in
from devmesh.detectors.plans import clocks_changed, plan_of

JOBS, DAYS = 300, 42
WEEK_MIN = 7 * DAY_MIN


def made(seed: int, days: int = DAYS, count: int = JOBS) -> dict[int, list[int]]:
    """The runs of many jobs: most of them daily, some weekly or every six hours, with a delay of each sort."""
    random = np.random.default_rng(seed)
    periods = [DAY_MIN] * 8 + [WEEK_MIN, 6 * 60]
    out = {}
    for number in range(count):
        delay = uniform(random.uniform(0, 40)) if number % 2 else normal(random.uniform(0, 8))
        period = periods[number % 10]
        out[number] = Job(number, period, int(random.integers(0, period)), delay).runs(days, random)
    return out


def daily(days: int, at: int = 190, spread: int = 3) -> list[int]:
    """A job of every day, at 03:10 unless told, up to `spread` minutes sooner or later."""
    return [day * DAY_MIN + at + (day * 5) % (2 * spread + 1) - spread for day in range(days)]


def test_of_300_jobs_one_in_30_is_missed_before_two_sigma_and_none_that_came():
    """42 days, the last days of ten jobs dropped: each is found within twice its sigma after its time, sigma being how
    far its runs ever strayed from it, and a quarter of an hour at least; at most one other finding a month.
    """
    runs = made(3)
    due = dict[int, tuple[float, float]]()
    for number in range(0, JOBS, JOBS // 10):
        delays = [run - runs[number][0] - place * DAY_MIN for place, run in enumerate(runs[number])]
        sigma = max(15.0, *(abs(delay - median(delays)) for delay in delays[:39]))
        at = runs[number][0] + 39 * DAY_MIN + median(delays)
        due[number] = at, at + 2 * sigma
        del runs[number][39:]
    found = missed(runs, DAYS)
    late = {one.family: one.minute for one in found if one.family in due}
    assert late.keys() == due.keys()
    assert all(due[number][0] <= minute <= due[number][1] + 1 for number, minute in late.items())
    assert len([one for one in found if one.family not in due]) <= 1


@pytest.mark.parametrize(
    ("sunday", "shift"),
    [(date(2025, 10, 26), 60), (date(2026, 3, 29), -60), (date(2026, 4, 5), 60)],
)
def test_summer_time_is_no_false_alarm_and_the_jobs_stay_known(sunday, shift):
    """All jobs come an hour later, or earlier, from a Sunday on; two nights after it a missing one is missed."""
    begin = (sunday - date(1970, 1, 1)).days - 23
    change = 23 * DAY_MIN - 600 * (sunday.month == 4)  # April: in Australia
    runs = {
        number: [run + shift * (run >= change) for run in some]
        for number, some in made(5, 31, 60).items()
        if number % 10 < 9
    }
    assert missed(runs, 30, begin) == []
    runs[0] = [run for run in runs[0] if not 25 * DAY_MIN <= run - min(runs[0]) < 26 * DAY_MIN + 120]
    assert {one.family for one in missed(runs, 30, begin)} == {0}


def test_clocks_are_changed_on_few_sundays():
    """Each date on which a clock of these countries is changed is among them; in a year there are nine at most."""
    days = range(20_454, 20_454 + 365)  # 2026
    some = {day for day in days if clocks_changed(day * DAY_MIN - 720, day * DAY_MIN + 720)}
    for name in ("Europe/Berlin", "America/New_York", "America/Anchorage", "Australia/Sydney", "Pacific/Auckland"):
        zone = ZoneInfo(name)
        offs = [date.fromordinal(719_163 + day) for day in days]
        noons = [zone.utcoffset(datetime.combine(one, time(12))) for one in offs]
        changed = {day + 1 for day, (one, two) in zip(days, itertools.pairwise(noons), strict=False) if one != two}
        assert len(changed) == 2
        assert changed <= some
    assert len(some) <= 9


@pytest.mark.parametrize("shift", [120, -120, 60, -60, 700])
def test_a_job_that_was_moved_is_missed_once_at_most_and_known_from_its_third_run(shift):
    """On any day, by any time; the fourth run by the new time is missed."""
    runs = [run + shift * (run >= 20 * DAY_MIN) for run in daily(24)]
    assert len(missed({0: runs}, 23)) <= 1
    found = missed({0: [run for run in runs if run < 23 * DAY_MIN - 720 + shift]}, 24)
    assert found[-1].minute // DAY_MIN == 23
    assert found[-1].habit.seen >= 3


def test_a_run_by_hand_changes_nothing():
    """At noon, after one that came: the next night it is missed as ever."""
    runs = sorted([*daily(21), 20 * DAY_MIN + 720, 12 * DAY_MIN + 500])
    assert missed({0: runs}, 21) == []
    assert [one.minute for one in missed({0: runs}, 22)] == [21 * DAY_MIN + 190 + 30]


def test_what_was_missed_is_told_once_and_counted():
    """Of 41 nights one was missed before; a backup that is gone for good is no news each night."""
    runs = [run for run in daily(41, spread=6) if run // DAY_MIN != 30]
    found = missed({0: runs}, 45)
    assert [one.minute // DAY_MIN for one in found] == [30, 41]
    habit = found[-1].habit
    assert (habit.seen, habit.expected, habit.spread, habit.at % DAY_MIN) == (40, 41, 6, 190)
    assert found[-1].minute % DAY_MIN == 3 * 60 + 40


def test_what_nobody_could_see_is_not_counted():
    """A night that was blind is neither come nor missed."""
    starts = [run for run in daily(20) if run // DAY_MIN != 10]
    plan = plan_of(starts, [10 * DAY_MIN + 190])
    assert (plan.seen, plan.expected) == (19, 19)
    assert (plan_of(starts).seen, plan_of(starts).expected) == (19, 20)


def test_what_comes_each_hour_was_not_seen_since_it_was_last_heard():
    """And what should have come while nobody could see is none of the times that it came."""
    runs, first = list(range(10, 60 * 60, 60)), BEGIN_DAY * DAY_MIN
    (found,) = missed({0: runs}, 4, blind={1: frozenset(range(first + 60 * 60, first + 66 * 60))})
    assert found.minute >= 66 * 60
    assert found.text.endswith("every hour ±1 min (9 of 9 times); not seen since 11:10 UTC")
    plan = plan_of(runs[:6], [370, 430, 490])
    assert (plan.at, plan.seen, plan.expected) == (550, 6, 6)


def test_a_job_of_each_week_is_known_from_its_fourth_run():
    """A store keeps counts by minute for five weeks."""
    runs = [week * WEEK_MIN + 190 for week in range(4)]
    (found,) = missed({0: runs}, 30)
    assert (found.habit.period, found.habit.seen) == (WEEK_MIN, 4)
    assert missed({0: runs[:3]}, 30) == []


@pytest.mark.parametrize("seed", range(5))
def test_what_agrees_by_luck_has_no_plan(seed):
    """Logins at any time, some forty minutes or a day apart: of a thousand times no plan is made."""
    random = np.random.default_rng(seed)
    for mean in (38, 90, 400, DAY_MIN):
        for _ in range(50):
            starts = np.cumsum(8 + random.exponential(mean - 8, 9)).astype(int).tolist()
            assert plan_of(starts) is None


def test_an_hour_by_minutes_gives_what_it_gives_as_a_whole():
    """Also where the line comes late, in the hour in which it was missed: each minute is asked on a copy."""
    runs = {0: [*daily(20), 20 * DAY_MIN + 190 + 45], 1: daily(20, at=200), 2: daily(21, at=195)}
    rows = [(run, number) for number, some in runs.items() for run in some]
    watch, number = Watch(shapes(runs)), 20 * 24 + 3
    for counts in hours(runs, 20):
        watch.observe(counts)
    for hour in range(20 * 24, number):
        watch.observe(an_hour(hour, []))
    mine = [one for one in rows if number * 60 <= one[0] < number * 60 + 60]
    seen = []
    for until in range(1, 61):
        seen += [one for one in copy.deepcopy(watch).observe(an_hour(number, mine, until)) if one not in seen]
    whole = watch.observe(an_hour(number, mine))
    assert seen == whole
    assert {one.family for one in whole if one.detector == "overdue"} == {0, 1}


AT = (BEGIN_DAY + 2) * DAY_MIN + 190  # Monday, 03:10
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("habit", "text"),
    [
        (
            Habit(DAY_MIN, AT, AT + 30, 6, 41, 42, "Finished borg"),
            "`Finished borg` normally comes at 04:10 ±6 min (41 of 42 days); not seen by 04:40 CET",
        ),
        (
            Habit(WEEK_MIN, AT, AT + 30, 1, 5, 5, "scrub done"),
            "`scrub done` normally comes on Mondays at 04:10 ±1 min (5 of 5 weeks); not seen by 04:40 CET",
        ),
        (
            Habit(3 * DAY_MIN, AT, AT + 30, 1, 9, 10, "trim"),
            "`trim` normally comes every 3 days at 04:10 ±1 min (9 of 10 times); not seen by 04:40 CET",
        ),
        (
            Habit(60, AT, AT + 30, 2, 9, 9, "synced"),
            "`synced` normally comes every hour ±2 min (9 of 9 times); not seen since 03:10 CET",
        ),
        (
            Habit(90, AT, AT + 30, 2, 9, 9, "synced"),
            "`synced` normally comes every 90 minutes ±2 min (9 of 9 times); not seen since 02:40 CET",
        ),
    ],
)
def test_a_habit_is_told_by_the_clock_of_who_reads(habit, text):
    """Days, weeks and hours in their words."""
    one = Finding(AT + 30, "overdue", "overdue", 1, 1, 1, 3.2, False, About.SELF, "told in UTC", habit=habit)
    assert told_in(one, BERLIN) == text


def test_the_text_of_a_finding_is_by_utc():
    """As it is stored, and stands in titles."""
    (found,) = missed({0: daily(20)}, 21)
    assert found.text == (
        "`Finished job-0.service` normally comes at 03:10 ±3 min (20 of 20 days); not seen by 03:40 UTC"
    )
