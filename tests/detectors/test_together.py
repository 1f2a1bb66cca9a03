"""Families that come to move together: planted ones are found, rhythms, faults and old friends are not."""

from __future__ import annotations

import numpy as np
import pytest

from devmesh.detectors.speakers import Speakers
from devmesh.detectors.together import BEFORE_H, NOW_H, Together, together

UNTIL = 20_440 * 24
SPAN = BEFORE_H + NOW_H
WEEK = slice(BEFORE_H, SPAN)


def rates(keys: int = 120, seed: int = 1) -> np.ndarray:
    """Events an hour by key and hour: busy by day, and on days of work; each has hours of its own."""
    random, at = np.random.default_rng(seed), np.arange(SPAN)
    rate = np.exp(random.uniform(1, 6, keys))[:, None]
    day = 1 + 0.9 * np.sin(2 * np.pi * (at - 8) / 24) * random.random((keys, 1))
    week = np.where(at // 24 % 7 < 5, 1.0, random.uniform(0.3, 1.0, (keys, 1)))
    return rate * day * week * np.exp(random.normal(0, 0.3, (keys, SPAN)))


def found(rate: np.ndarray, unseen: frozenset[tuple[int, int]] = frozenset()) -> list[Together]:
    """Counts by these rates, three families a service, ten a node."""
    counts, family = np.random.default_rng(9).poisson(rate), np.arange(len(rate))
    service_of = {one: one // 3 for one in family.tolist()}
    return together(Speakers(family, family // 10, counts, UNTIL - SPAN), service_of, unseen)[0]


def test_who_was_merged_meanwhile_is_left_out():
    """A family without a service today; all others are compared."""
    counts, family = np.random.default_rng(9).poisson(rates(6)), np.arange(6)
    _groups, pairs = together(Speakers(family, family, counts, UNTIL - SPAN), {one: one for one in range(5)})
    assert pairs == 10


def shocks(hours: int, seed: int = 4) -> np.ndarray:
    """Hours that are louder and quieter than usual."""
    return np.exp(np.random.default_rng(seed).normal(0, 0.8, hours))


@pytest.mark.parametrize("seed", range(1, 7))
def test_where_nothing_joins_nothing_is_shown(seed):
    """All have the rhythm of day and week: 7,000 pairs."""
    assert found(rates(seed=seed)) == []


def test_those_that_rise_and_fall_alike_since_a_week_are_one_group():
    """Three of three services, with what their hours had in common before and now."""
    rate = rates()
    rate[[0, 6, 9], WEEK] *= shocks(NOW_H)
    [one] = found(rate)
    assert sorted(family for family, _node in one.members) == [0, 6, 9]
    assert abs(one.before) <= 0.25
    assert one.now >= 0.6
    assert one.doubt < 0.01


def test_who_always_moved_together_is_no_news():
    """Four weeks long."""
    rate = rates()
    rate[[0, 6, 9]] *= shocks(SPAN)
    assert found(rate) == []


def test_families_of_one_service_are_not_compared():
    """They speak of the same requests."""
    rate = rates()
    rate[[0, 1, 2], WEEK] *= shocks(NOW_H)
    assert found(rate) == []


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_fault_of_some_hours_is_no_friendship(seed):
    """Everybody is ten times as loud for four hours: the watch tells that."""
    rate = rates(seed=seed)
    rate[:, BEFORE_H + 50 : BEFORE_H + 54] *= 10
    assert found(rate) == []


def test_hours_that_could_not_be_seen_say_nothing():
    """Two nodes that are cut off in the same hours fall silent alike; those hours do not count."""
    rate = rates()
    cut = np.random.default_rng(2).random(NOW_H) < 0.3
    rate[:20, WEEK] *= 1 - 0.98 * cut
    blind = {(node, UNTIL - NOW_H + hour) for node in (0, 1) for hour in np.flatnonzero(cut).tolist()}
    assert found(rate)
    assert found(rate, frozenset(blind)) == []


def test_one_alone_has_nobody_to_move_with():
    """And an empty store has nobody."""
    assert found(rates(1)) == []
    assert found(np.zeros((4, SPAN))) == []
