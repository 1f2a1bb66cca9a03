"""The clock of a node against the server's: estimated from each answer, with how wrong it can be (F19)."""

from __future__ import annotations

import json
import time

import pytest
import ship_server
from hypothesis import given
from hypothesis import strategies as st

from devmesh.ship.skew import Estimate, Skew

MINUTES_US = 60_000_000
REQUESTS = st.lists(
    st.tuples(st.integers(0, 20_000_000), st.integers(0, 30_000_000), st.integers(0, 30_000_000)), min_size=1
)


@given(st.integers(-(10**15), 10**15), REQUESTS)
def test_the_truth_lies_within_the_error(true_skew_us, requests):
    """Whatever the ways there and back took, as long as nobody sets a clock."""
    skew, server_us = Skew(), 1_800_000_000_000_000
    for pause_us, there_us, back_us in requests:
        server_us += pause_us
        asked_us = server_us + true_skew_us
        skew.heard(server_us + there_us, asked_us, asked_us + there_us + back_us)
        server_us += there_us + back_us
        assert abs(skew.best.skew_us - true_skew_us) <= skew.best.error_us
    assert skew.best.error_us <= (sum(requests[-1][1:]) + 1) // 2


def test_the_surest_answer_counts_until_it_is_old():
    """A slow request does not spoil what a quick one told; after five minutes it is better than nothing."""
    skew = Skew()
    skew.heard(1_000, 1_000, 1_200)
    skew.heard(60_000_000, 60_000_000, 64_000_000)
    assert skew.best == Estimate(100, 100)
    skew.heard(400_000_000, 400_000_000, 404_000_000)
    assert skew.best == Estimate(2_000_000, 2_000_000)


def test_a_clock_that_was_set_is_noticed_at_once():
    """Two estimates that cannot both be right: the newer one is."""
    skew = Skew()
    skew.heard(1_000, 1_000, 1_200)
    skew.heard(2_000, 3_600_002_000, 3_600_004_000)
    assert skew.best == Estimate(3_600_001_000, 1_000)


@pytest.mark.parametrize("server_us", [None, "1", True, 1.0])
def test_no_time_is_no_estimate(server_us):
    """Of an answer without a number, or while our own clock was set back, nothing is believed."""
    skew = Skew()
    skew.heard(server_us, 0, 10)
    skew.heard(5, 10, 0)
    assert skew.best is None


@pytest.mark.parametrize("off_us", [5 * MINUTES_US, -5 * MINUTES_US])
def test_the_heartbeat_tells_it(fake, ship_once, clock, tmp_path, monkeypatch, off_us):
    """Two nodes five minutes ahead and behind: each says so, within what its requests took."""
    real = clock.now_us

    def answer(handler, **body: object) -> bytes:
        said = {"batch": handler.headers["DevMesh-Batch"], "server_time_us": time.time_ns() // 1_000}
        return json.dumps({**said, **body}).encode()

    monkeypatch.setattr(ship_server, "_json", answer)
    monkeypatch.setattr(clock, "now_us", lambda: real() + off_us)
    log = tmp_path / "app.log"
    log.write_text("2026-11-20T10:00:00Z one line of the test\n")
    assert ship_once(files=(str(log),)) == 0
    said = fake.heartbeats[-1]
    assert abs(said["skew_us"] - off_us) <= said["skew_error_us"] + 1
    assert said["skew_error_us"] < 30_000_000
