"""Whose errors begin after whose: told where chance does not explain it, in one direction, and never enough alone."""

from __future__ import annotations

import numpy as np
import pytest

from bodies import DAY_US, NOW_US, line, take
from devmesh.clock import FakeClock
from devmesh.graph.learning.order import DAY_MIN, chance, following, onsets
from devmesh.graph.learning.weighing import SHOWN, confidence

SPAN = 14 * DAY_MIN


def by_chance(seed: int, services: int = 30, each: int = 25) -> dict[int, np.ndarray]:
    """Services that err whenever they like."""
    random = np.random.default_rng(seed)
    return {one: np.sort(random.integers(0, SPAN, each)) for one in range(services)}


def test_an_onset_comes_after_an_hour_without():
    """The first, and whatever follows a pause."""
    assert onsets(np.array([5, 6, 30, 91, 160])).tolist() == [5, 91, 160]


def test_errors_that_follow_are_told_in_their_direction():
    """Two minutes later on eight days: who follows needs the other, not the reverse."""
    errors = by_chance(1, services=10)
    errors[100] = np.arange(8) * DAY_MIN + 600
    errors[101] = errors[100] + 2
    [one] = following(errors, SPAN)
    assert (one.who, one.whom, one.n, one.days) == (101, 100, 8, 8)


@pytest.mark.parametrize("days", [1, 2])
def test_one_bad_day_is_no_habit(days):
    """However often within it."""
    start = np.sort(np.concatenate([np.arange(6) * 120 + day * DAY_MIN for day in range(days)]))
    assert following({1: start, 2: start + 1}, SPAN) == []


def test_what_comes_at_once_has_no_order():
    """In the same minute, or as often before as after."""
    start = np.arange(10) * DAY_MIN
    assert following({1: start, 2: start}, SPAN) == []
    assert following({1: start, 2: start + np.tile([2, -2], 5)}, SPAN) == []


def test_chance_is_not_told():
    """Of 40 fleets of 30 services that err apart at most one has a pair: the limit is one of a hundred looks."""
    assert sum(bool(following(by_chance(seed), SPAN)) for seed in range(40)) <= 1


def test_the_chance_is_poissons():
    """Against sums from below."""
    assert chance(1, 0.5) == pytest.approx(1 - np.exp(-0.5))
    assert chance(3, 1.0) == pytest.approx(1 - np.exp(-1) * 2.5)
    assert chance(4, 0.0) == 0


def test_order_alone_is_never_proposed(make_mesh):
    """It stands among all that is known, says what it is, and is replaced by the next look, not added to."""
    assert confidence({"order": (10_000, 400)}) < SHOWN
    mesh = make_mesh(clock=FakeClock(NOW_US))
    for day in range(1, 8):
        for minute, service in ((0, "db"), (2, "api")):
            at = NOW_US - day * DAY_US + minute * 60_000_000
            take(mesh, line("failed", service=service, priority="err", ts_us=at))
    for _look in range(2):
        mesh.runner.once("order-edges")
        [one] = mesh.graph.learning.proposals(everything=True).rows
        assert (one.start, one.end, one.evidence, one.sources) == ("api", "db", 7, ("order",))
    assert one.text == "errors of api followed errors of db 7 times"
    assert mesh.graph.learning.proposals().rows == []
