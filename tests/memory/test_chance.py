"""Tails of counts, against sums of their terms; and the bound on false findings."""

from __future__ import annotations

import math

import numpy as np
import pytest

from devmesh.memory.chance import at_least, at_most, false_discoveries


def summed_tail(count: int, mean: float, variance: float) -> float:
    """P(X >= count) by adding up the terms below."""
    size = mean**2 / (variance - mean)
    success = size / (size + mean)
    below = 0.0
    for k in range(count):
        log_term = math.lgamma(k + size) - math.lgamma(size) - math.lgamma(k + 1)
        below += math.exp(log_term + size * math.log(success) + k * math.log1p(-success))
    return 1.0 - below


@pytest.mark.parametrize("mean", [0.01, 0.5, 3.0, 40.0, 900.0])
@pytest.mark.parametrize("spread", [1.001, 1.5, 4.0, 30.0])
def test_tails_are_the_sums_of_their_terms(mean, spread):
    """Both tails, from the middle far out."""
    deviation = math.sqrt(mean * spread)
    for count in {0, 1, 2, round(mean), round(mean + deviation), round(mean + 3 * deviation)}:
        asked = np.array([float(count)]), np.array([mean]), np.array([mean * spread])
        expected = summed_tail(count, mean, mean * spread)
        assert at_least(*asked)[0] == pytest.approx(expected, rel=1e-4, abs=1e-9)
        beyond = summed_tail(count + 1, mean, mean * spread)
        assert at_most(*asked)[0] == pytest.approx(1 - beyond, rel=1e-4, abs=1e-9)


def test_without_more_spread_it_is_the_poisson():
    """A variance equal to the mean: P(X >= 3) of a mean of 1."""
    three, one = np.array([3.0]), np.array([1.0])
    assert at_least(three, one, one)[0] == pytest.approx(1 - 2.5 * math.exp(-1), rel=1e-4)


def test_large_counts_keep_their_tails():
    """A million events an hour: three deviations off is one in 740."""
    count, mean = np.array([1_003_000.5]), np.array([1_000_000.0])
    assert at_least(count, mean, mean)[0] == pytest.approx(0.00135, rel=0.02)


def test_a_hopeless_count_has_a_chance_near_0_and_no_warning():
    """Nothing overflows, however far out."""
    chance = at_least(np.array([1e9, 50.0]), np.array([1e-3, 1e-9]), np.array([1e-3, 1e-9]))
    assert (chance >= 0).all()
    assert (chance < 1e-100).all()


def test_findings_by_luck_stay_few():
    """Of 1,000 families that changed nothing, 0.05 of the windows have a finding, not 50 families in each."""
    rng = np.random.default_rng(4)
    windows = 200
    alarmed = sum((false_discoveries(rng.random(1_000)) <= 0.05).any() for _ in range(windows))
    assert alarmed / windows < 0.12


def test_real_findings_are_found_among_many():
    """Ten families that truly changed among 10,000."""
    rng = np.random.default_rng(5)
    chances = np.concatenate([rng.random(9_990), np.full(10, 1e-8)])
    found = np.flatnonzero(false_discoveries(chances) <= 0.05)
    assert set(range(9_990, 10_000)) <= set(found.tolist())
    assert len(found) < 20
