"""Families that slowly rise or fall: planted ones are found, and what is none is not."""

from __future__ import annotations

import numpy as np
import pytest

from devmesh.detectors.drift import Drift, drifts
from devmesh.detectors.speakers import Speakers

FIRST, WEEKS_8 = 20_400, 55
PLANTED = 7


def life(days: int = WEEKS_8, *, keys: int = 400, seed: int = 1, stray: float = 0.15) -> np.ndarray:
    """Counts by key and day: rates over four decades, a rhythm of the week, days that stray, and bursts."""
    random = np.random.default_rng(seed)
    rate = np.exp(random.uniform(1, 8, keys))[:, None]
    rate[PLANTED] = 30.0
    week = np.where(np.arange(days) % 7 < 5, 1.0, random.uniform(0.2, 1.0, keys)[:, None])
    counts = random.poisson(rate * week * random.gamma(1 / stray**2, stray**2, (keys, days)))
    burst = random.random((keys, days)) < 0.01
    return counts + random.poisson(30 * rate * burst)


def found(counts: np.ndarray, unseen: frozenset[tuple[int, int]] = frozenset()) -> list[Drift]:
    """What drifts; eight families a node."""
    family = np.arange(len(counts))
    return drifts(Speakers(family, family // 8, counts.astype(np.int64), FIRST), unseen)[0]


@pytest.mark.parametrize("seed", range(1, 9))
@pytest.mark.parametrize("days", [28, WEEKS_8])
def test_where_nothing_drifts_nothing_is_shown(seed, days):
    """Rhythms of the week and bursts are no drift, in 400 families each time."""
    assert found(life(days, seed=seed)) == []


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        ("rising", np.linspace(1, 4, WEEKS_8)),
        ("falling", np.linspace(4, 1, WEEKS_8)),
        ("rising", 1.03 ** np.arange(WEEKS_8)),
        ("rising", 1 + np.clip(np.arange(WEEKS_8) - 30, 0, None) / 8),
    ],
)
def test_what_slowly_rises_or_falls_is_found_alone(kind, shape):
    """By its first and last week, among 400 that do not; each day is within what a day may be."""
    counts = life()
    counts[PLANTED] = np.random.default_rng(5).poisson(30 * shape)
    [one] = found(counts)
    assert (one.kind, one.family, one.node) == (kind, PLANTED, 0)
    assert one.before == pytest.approx(counts[PLANTED][1:8].mean())
    assert one.now == pytest.approx(counts[PLANTED][-7:].mean())
    assert one.doubt < 0.01
    assert one.days == (None, *counts[PLANTED][1:].tolist())


def test_since_is_when_it_began():
    """Flat for thirty days, then rising: within a few days."""
    counts = life()
    counts[PLANTED] = np.random.default_rng(5).poisson(60 + 12 * np.clip(np.arange(WEEKS_8) - 30, 0, None))
    assert abs(found(counts)[0].since - (FIRST + 30)) <= 4


@pytest.mark.parametrize("at", [14, 28, 45])
def test_a_step_is_no_drift(at):
    """From one day to the next three times as much: a change, which is shown elsewhere."""
    counts = life()
    counts[PLANTED] = np.random.default_rng(5).poisson(np.where(np.arange(WEEKS_8) >= at, 90, 30))
    assert found(counts) == []


def test_what_is_new_or_gone_is_no_drift():
    """Never said before the fortieth day; never again after it."""
    counts = life()
    counts[PLANTED, :40] = 0
    counts[PLANTED + 1, 40:] = 0
    assert found(counts) == []


def test_a_small_change_is_not_worth_a_word():
    """A third more in eight weeks, however sure."""
    counts = life()
    counts[PLANTED] = np.random.default_rng(5).poisson(5_000 * np.linspace(1, 1.33, WEEKS_8))
    assert found(counts) == []


def test_days_that_could_not_be_seen_say_nothing():
    """A node is cut off for longer each day of the last four weeks: what came of it says nothing."""
    counts = life()
    counts[:8] = np.random.default_rng(5).poisson(500, (8, WEEKS_8))
    counts[:8, -28:] = counts[:8, -28:] * np.linspace(1, 0.2, 28)
    assert {one.node for one in found(counts)} == {0}
    cut = frozenset((0, FIRST + day) for day in range(WEEKS_8 - 28, WEEKS_8))
    assert found(counts, cut) == []


def test_less_than_three_weeks_say_nothing():
    """Whatever rises."""
    counts = life(20)
    counts[PLANTED] = 30 * np.arange(1, 21)
    assert found(counts) == []


def test_days_that_depend_on_the_day_before_are_no_drift():
    """Levels that stray for days and come back, in 2,000 families: three at most, where each in twenty would be
    by a test that takes days for independent.
    """
    random = np.random.default_rng(3)
    level = np.zeros((2_000, WEEKS_8))
    for day in range(1, WEEKS_8):
        level[:, day] = 0.6 * level[:, day - 1] + random.normal(0, 0.25, 2_000)
    assert len(found(random.poisson(100 * np.exp(level)))) <= 3
