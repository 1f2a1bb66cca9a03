"""What two stretches of time are compared by: calibrated where nothing changed, awake where something did."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from devmesh.memory.chance import false_discoveries
from devmesh.memory.compare import Hours, chances, expect

DAYS = 14
NOISY, CALM = 0.8, 0.02


def fleet(rng, families: int, hours: int, *, spread: float = 0.1):
    """(means, counts) of `families` over `hours`: levels over four decades, a daily rhythm, negative binomial noise."""
    level = 10 ** rng.uniform(-2, 2.5, families)
    rhythm = 1 + 0.8 * np.sin(np.arange(hours) / 24 * 2 * np.pi)
    means = level[:, np.newaxis] * rhythm[np.newaxis, :]
    return means, rng.negative_binomial(1 / spread, 1 / (1 + means * spread))


def frames(counts: np.ndarray) -> tuple[pl.DataFrame, pl.DataFrame]:
    """(before, families): all of one service."""
    family, hour = np.nonzero(counts)
    before = pl.DataFrame(
        {"family_id": family, "service_id": np.ones_like(family), "hour": hour + 1_000, "n": counts[family, hour]}
    )
    ids = np.arange(len(counts))
    return before, pl.DataFrame({"family_id": ids, "service_id": np.ones_like(ids), "first_hour": np.full(len(ids), 0)})


def judged(counts: np.ndarray, window_h: int) -> np.ndarray:
    """The share of luck of each family's count in the last hours against those before."""
    split = counts.shape[1] - window_h
    before, families = frames(counts[:, :split])
    last = 1_000 + split - 1
    hours = Hours(1_000, last, {last + 1 + hour: 1.0 for hour in range(window_h)})
    expected = expect(before, families, hours)
    n = counts[:, split:].sum(axis=1).astype(float)
    return false_discoveries(chances(n, expected["expected"].to_numpy(), expected["variance"].to_numpy()))


@pytest.mark.parametrize("window_h", [1, 6, 24])
@pytest.mark.parametrize("spread", [0.01, 0.1, 0.5])
def test_where_nothing_changed_little_is_found(window_h, spread):
    """Bursts, rare lines and the rhythm of the day make no findings: at most one family in 2,000."""
    rng = np.random.default_rng(window_h * 100 + int(spread * 100))
    found = 0
    for _ in range(10):
        _means, counts = fleet(rng, 400, DAYS * 24, spread=spread)
        found += int((judged(counts, window_h) <= 0.05).sum())
    assert found <= 4_000 / 2_000


@pytest.mark.parametrize("window_h", [1, 24])
def test_what_changed_is_found(window_h):
    """Of families with ten events a window and more, nine of ten are found at ten times their level, and silent ones
    of fifty and more.
    """
    rng = np.random.default_rng(7)
    means, counts = fleet(rng, 400, DAYS * 24)
    normal = means[:, -window_h:].sum(axis=1)
    louder, silent = np.arange(400) % 20 == 3, np.arange(400) % 20 == 7
    counts[louder, -window_h:] = rng.negative_binomial(10, 1 / (1 + means[louder, -window_h:]))
    counts[silent, -window_h:] = 0
    found = judged(counts, window_h) <= 0.05
    assert found[louder & (normal >= 10)].mean() >= 0.9
    assert found[silent & (normal >= 50)].mean() >= 0.9
    assert found[~louder & ~silent].mean() < 0.01


def test_the_hour_of_the_day_matters():
    """A nightly job's lines are no news in the night, and are at noon."""
    counts = np.zeros((2, 24 * 10), dtype=int)
    counts[0, 3::24] = 200
    counts[1] = 5
    night = counts[:, : 24 * 9 + 4]
    noon = counts[:, : 24 * 9 + 13].copy()
    noon[0, -1] = 200
    assert judged(night, 1)[0] > 0.05
    assert judged(noon, 1)[0] < 0.001


def test_a_young_family_is_measured_by_its_own_time():
    """One that began yesterday with 100 an hour is not louder today."""
    counts = np.full((3, 24 * 8), 50)
    counts[0, : 24 * 6] = 0
    split = 24 * 7
    before, families = frames(counts[:, :split])
    first = pl.Series("first_hour", [1_000 + 24 * 6, 1_000, 1_000])
    hours = Hours(1_000, 1_000 + split - 1, {1_000 + split + hour: 1.0 for hour in range(24)})
    expected = expect(before, families.with_columns(first), hours)["expected"]
    assert expected[0] == pytest.approx(1_200, rel=0.35)
    assert expected[1] == pytest.approx(1_200, rel=0.1)


def test_nothing_before_says_nothing():
    """Without hours before every chance is defined and nothing is sure of itself."""
    before = pl.DataFrame(schema={"family_id": pl.Int64, "service_id": pl.Int64, "hour": pl.Int64, "n": pl.Int64})
    families = pl.DataFrame({"family_id": [1], "service_id": [1], "first_hour": [999]})
    expected = expect(before, families, Hours(1_000, 1_000, {1_001: 1.0}))
    assert np.isfinite(expected["expected"][0])
    chance = chances(np.array([1.0]), expected["expected"].to_numpy(), expected["variance"].to_numpy())
    assert 0.05 < chance[0] <= 1.0
