"""What the error rate calls normal, and that a finding begins exactly where it says."""

from __future__ import annotations

import copy

import pytest
from made_life import SHAPES, Life

from devmesh.detectors import Watch
from devmesh.detectors.error_rate import Usual

DAYS_H = 80


@pytest.fixture(scope="module")
def watch():
    """Eighty hours of a service that cannot parse two documents in most five minutes."""
    life, watch = Life(DAYS_H / 24), Watch(SHAPES)
    for number in range(DAYS_H * 12):
        if number % 7:
            life.say(number / 12, 5, n=1 + number % 3)
    for hour in life:
        watch.observe(hour)
    return watch


def usual(watch):
    """Of the service that errs."""
    state, pair = watch.error_rate.state, int(watch.error_rate.state["mean"].argmax())
    mean = float(state["mean"][pair])
    return Usual(1, 1, mean, float((state["variance"][pair] + mean) ** 0.5), int(state["bins"][pair]), 0)


@pytest.mark.parametrize(("more", "is_found"), [(0, True), (-1, False)])
def test_a_finding_begins_where_it_is_said_to(watch, more, is_found):
    """As many errors as it says in one bin of the next hour are found; one less is not."""
    one = usual(watch)
    life = Life((DAYS_H + 1) / 24)
    life.say(DAYS_H + 0.01, 5, n=one.found_from + more)
    found = copy.deepcopy(watch).observe(life.hour(DAYS_H))
    assert any(it.detector == "error rate" for it in found) is is_found


def test_mean_deviation_and_how_long_are_those_of_the_errors(watch):
    """Six in seven times one to three: 1.7 in the mean."""
    one = usual(watch)
    assert one.mean == pytest.approx(12 / 7, abs=0.3)
    assert 1.0 < one.deviation < 2.5
    assert one.hours == DAYS_H
