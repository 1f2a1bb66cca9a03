"""Back-off as arithmetic."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from devmesh.backoff import BASE_S, MOST_S, Breaker, failed


@settings(derandomize=True, max_examples=200)
@given(st.integers(0, 10_000), st.floats(0, 1e9), st.floats(0, 1, exclude_max=True), st.floats(0, 1e6))
def test_the_pause_has_a_floor_and_a_ceiling(failures, now_s, chance, asked_s):
    """At most the ceiling that doubles up to five minutes, at least Retry-After (up to the same)."""
    after = failed(Breaker(failures), now_s, chance, asked_s)
    ceiling_s = max(min(MOST_S, BASE_S * 2.0 ** min(failures, 20)), min(asked_s, MOST_S))
    assert after.failures == failures + 1
    assert min(asked_s, MOST_S) - 1e-6 <= after.wait_s(now_s) <= ceiling_s + 1e-6


def test_the_wait_runs_out():
    """It may ask again once the time is reached, and the wait is never negative."""
    after = failed(Breaker(), 100.0, 1.0)
    assert (after.wait_s(100.0), after.wait_s(100.5), after.wait_s(200.0)) == (1.0, 0.5, 0.0)


def test_chance_spreads_the_pauses():
    """Full jitter: from nothing to the ceiling."""
    assert [failed(Breaker(4), 0.0, chance).closed_at_s for chance in (0.0, 0.5, 1.0)] == [0.0, 8.0, 16.0]
