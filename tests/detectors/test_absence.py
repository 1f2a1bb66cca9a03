"""Who sleeps each night is missed only when he does not come back; whoever was never away is missed at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_jobs import BEGIN_DAY, an_hour, shapes
from made_life import MONDAY_H, SHAPES, Life

from devmesh.detectors import Watch
from devmesh.detectors.absence import Absence
from devmesh.detectors.silence import Silence
from devmesh.memory import Baselines, BlindInterval

START, MINUTE_US = MONDAY_H * 60, 60_000_000
DAYS = 16
DESK = 2


def nights(days: int, *, last_back: float | None = None) -> list[tuple[float, float]]:
    """(gone, back) in hours of life of somebody who from the fourth day on sleeps from about 23:20 to about 7:10; the
    last time to `last_back` (None: to the end).
    """
    random = np.random.default_rng(3)
    some = [
        (day * 24 + 23.3 + random.uniform(-0.7, 0.7), day * 24 + 31.2 + random.uniform(-0.7, 0.7))
        for day in range(3, days - 1)
    ]
    end = days * 24.0 if last_back is None else last_back
    return [*some[:-1], (some[-1][0], end)]


def found(life: Life, off: list[tuple[float, float]], *, agent: bool) -> list[tuple[float, str]]:
    """(hour of life, kind) of what is found of the desktop where it is off in these hours."""
    for gone, back in off:
        life.hush(gone, back, node=DESK)
    watch, out = Watch(SHAPES), []
    for hour in life:
        first, last = hour.hour - 1 - MONDAY_H, hour.hour + 1 - MONDAY_H
        near = [some for some in off if agent and some[0] < last and some[1] > first]
        blind = {DESK: frozenset(one for some in near for one in _minutes(some))} if near else {}
        unseen = [_interval(*some, life.hours) for some in near]
        out += watch.observe(replace(hour, blind=blind, unseen=unseen))
    some = [one for one in out if one.node == DESK and one.detector in ("unheard", "silence")]
    return [((one.minute - START) / 60, one.kind) for one in some]


def _minutes(some: tuple[float, float]) -> range:
    return range(START + round(some[0] * 60), START + round(some[1] * 60))


def _interval(gone: float, back: float, end: int) -> BlindInterval:
    since_us = round((START + gone * 60) * MINUTE_US)
    again_us = None if back >= end else round((START + back * 60) * MINUTE_US)
    return BlindInterval(
        1, DESK, since_us, again_us, "node_down", "", filled=False, unheard_us=since_us, again_us=again_us,
        orderly=False,
    )  # fmt: skip


@pytest.mark.parametrize("agent", [True, False])
def test_who_sleeps_each_night_is_soon_known_for_it(agent):
    """The first nights are told, as nobody can know; once there were five of seven no night is."""
    told = found(Life(DAYS), nights(DAYS, last_back=DAYS * 24 - 16.8), agent=agent)
    assert told
    assert [one for one in told if one[0] > 8 * 24 + 22] == []


@pytest.mark.parametrize("agent", [True, False])
def test_who_does_not_come_back_in_the_morning_is_told_in_the_morning(agent):
    """Some two hours after it usually is back, once."""
    told = found(Life(DAYS), nights(DAYS - 1), agent=agent)
    late = [(hour - (DAYS - 2) * 24, kind) for hour, kind in told if hour > 9 * 24]
    assert {kind for _hour, kind in late} <= {"unheard", "node silent", "silence"}
    assert late
    assert all(8 <= hour <= 12 for hour, _kind in late)
    assert len([kind for _hour, kind in late if kind in ("unheard", "node silent")]) == 1


@pytest.mark.parametrize("agent", [True, False])
def test_who_is_lost_by_day_is_told_at_once(agent):
    """A rhythm of nights excuses no afternoon."""
    off = [*nights(DAYS - 2, last_back=(DAYS - 3) * 24 - 16.8), ((DAYS - 2) * 24 + 14.5, (DAYS - 2) * 24 + 18.0)]
    told = found(Life(DAYS), off, agent=agent)
    assert [hour for hour, _kind in told if 14.5 <= hour - (DAYS - 2) * 24 < 15.5]


@pytest.mark.parametrize("agent", [True, False])
def test_an_outage_of_days_is_no_rhythm(agent):
    """Who was down for five days is missed at once the next time, at any hour."""
    off = [(4 * 24 + 10.2, 9 * 24 + 10.2), (11 * 24 + 3.5, 11 * 24 + 8.0)]
    told = found(Life(DAYS), off, agent=agent)
    assert len([hour for hour, _kind in told if 4 * 24 + 10 < hour < 4 * 24 + 11.5]) >= 1
    assert len([hour for hour, _kind in told if 11 * 24 + 3 < hour < 11 * 24 + 5]) >= 1


def test_weekends_are_a_rhythm_too_and_speaking_seldom_is_none():
    """Off on three of four weekends from Friday evening to Monday morning; who says a line a day is not always off."""
    absence, friday = Absence(), MONDAY_H + 4 * 24 + 18
    for hour in range(MONDAY_H, MONDAY_H + 4 * 168):
        weekend = (hour - MONDAY_H) % 168 >= 4 * 24 + 18
        absence.learn(hour, np.array([weekend, hour % 24 != 5, False]))
    lost = (friday + 4 * 168) * 60 + 20
    for hour in range(MONDAY_H + 4 * 168, friday + 4 * 168):
        absence.learn(hour, np.array([False, hour % 24 != 5, False]))
    assert absence.missed_from(0, lost) == (MONDAY_H + 5 * 168 + 2) * 60
    assert absence.missed_from(1, lost) == absence.missed_from(2, lost) == lost
    assert absence.around(friday + 4 * 168 + 5, 3).tolist() == [True, False, False]


def test_an_absence_is_none_of_its_own_four_weeks():
    """Off in that hour in two of four weeks: missed at once, also when asked three hours into it."""
    absence, lost = Absence(), MONDAY_H + 4 * 168 + 100
    for hour in range(MONDAY_H, lost):
        absence.learn(hour, np.array([(hour - MONDAY_H) // 168 in (1, 3) and 100 <= (hour - MONDAY_H) % 168 < 110]))
    for hour in range(lost, lost + 4):
        assert absence.missed_from(0, lost * 60) == lost * 60
        assert not absence.around(hour, 1)[0]
        absence.learn(hour, np.array([True]))


def test_an_hour_that_this_server_missed_is_none_of_an_absence():
    """Nor does what was five weeks before it stand in its place: away in two of four weeks, and one is not known."""
    silence, runs = Silence(), {0: [], 10: []}  # two nodes
    normal = Baselines(shapes(runs))
    for hour in [*range(20), 100, 268, *range(430, 436), 436, 604, 772, 940]:
        both = hour not in (100, 268, 436, 604)
        rows = [] if hour == 940 else [(hour * 60, 0), (hour * 60, 10)][: 1 + both]
        silence.observe(normal.meet(an_hour(hour, rows)), normal, told=False)
    assert not silence._absence.around(BEGIN_DAY * 24 + 940 + 168, 2).any()
