"""What detectors make of time that could not be seen: nothing is learned from it, nothing is missed in it (C4)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from made_life import MONDAY_H, SHAPES, Life

from devmesh.detectors import Watch
from devmesh.memory import BlindInterval

START = MONDAY_H * 60
MINUTE_US = 60_000_000


def watched(life: Life, blind=None, unseen=()):
    """The watch after a life of which some minutes were blind, and what it found."""
    watch = Watch(SHAPES)
    found = [one for hour in life for one in watch.observe(replace(hour, blind=blind or {}, unseen=unseen))]
    return watch, found


def cut(life: Life, from_h: float, to_h: float, node: int) -> dict[int, frozenset[int]]:
    """Take all lines of a node away, and say that it was blind."""
    life.hush(from_h, to_h, node=node)
    return {node: frozenset(range(START + round(from_h * 60), START + round(to_h * 60)))}


def levels(watch: Watch) -> np.ndarray:
    """What is normal of each service that speaks hourly: its level, slow and quick, and the mean of its errors."""
    pairs, errors = watch.normal.pairs, watch.error_rate.state
    hourly = pairs["slow_n"] / pairs["slow_h"] >= 1.0
    some = pairs["slow_n"] / pairs["slow_h"], pairs["quick_n"] / pairs["quick_h"], errors["mean"]
    return np.concatenate([one[hourly] for one in some])


def with_errors(days: float) -> Life:
    """Ordinary days with two errors of known wording in each five minutes."""
    life = Life(days)
    for minute in range(0, life.hours * 60, 5):
        life.rows.append((minute, 7, 2, 3, 2))
    return life


def test_half_a_day_of_blindness_teaches_nothing():
    """Levels and the moving mean of errors stay within 5 %; without the knowledge of it they are far off."""
    whole, _found = watched(with_errors(6))
    life = with_errors(6)
    blind = cut(life, 120.5, 132.5, node=2)
    knowing, _found = watched(life, blind)
    unknowing, _found = watched(life)
    assert levels(knowing) == pytest.approx(levels(whole), rel=0.05)
    assert abs(levels(unknowing) / np.maximum(levels(whole), 1e-9) - (levels(whole) > 0)).max() > 0.2


@pytest.mark.parametrize(("from_h", "to_h"), [(130.2, 131.0), (130.2, 130.9), (130.0, 137.4)])
def test_no_silence_is_found_in_blind_time_nor_after_it(from_h, to_h):
    """The same hours unknown are a silence."""
    life = Life(6)
    blind = cut(life, from_h, to_h, node=1)
    assert [one for one in watched(life, blind)[1] if one.weight >= 1] == []
    if to_h > 132:
        assert [one for one in watched(life)[1] if one.detector == "silence"]


def test_a_silence_that_goes_on_where_it_is_seen_is_found():
    """Blind for an hour, then the agent is back and the node says nothing: that counts from its return."""
    life = Life(7)
    blind = cut(life, 130.5, 131.5, node=1)
    life.hush(131.5, 137, node=1)
    found = [one for one in watched(life, blind)[1] if one.detector == "silence"]
    assert found
    assert min(one.minute for one in found) >= START + 131.5 * 60


def test_a_backup_that_nobody_could_see_is_not_overdue():
    """That night it is taken as come; the next one that does not come is missed."""
    life = Life(14)
    blind = cut(life, 10 * 24 + 2.5, 10 * 24 + 4.5, node=2)
    assert "overdue" not in {one.kind for one in watched(life, blind)[1]}
    assert "overdue" in {one.kind for one in watched(life)[1]}
    life.hush(11 * 24 + 2.5, 11 * 24 + 4.5, 4)
    overdue = [one.minute - START for one in watched(life, blind)[1] if one.kind == "overdue"]
    assert [minute // 1440 for minute in overdue] == [11]


def test_a_backup_that_came_unseen_after_all_keeps_its_plan():
    """Its line arrives in a minute of which others may be missing."""
    life = Life(14)
    night = frozenset(range(START + round((10 * 24 + 2.5) * 60), START + round((10 * 24 + 4.5) * 60)))
    life.hush(12 * 24 + 2.5, 12 * 24 + 4.5, 4)
    overdue = [one.minute - START for one in watched(life, {2: night})[1] if one.kind == "overdue"]
    assert [minute // 1440 for minute in overdue] == [12]


def interval(node: int, at_h: float, again_min: float | None, *, orderly: bool = False, heard: bool = False):
    """A node whose agent was last heard at an hour, and again some minutes later."""
    us = (START + round(at_h * 60)) * MINUTE_US
    again_us = None if again_min is None else us + round(again_min * MINUTE_US)
    return BlindInterval(
        node, node, us, again_us, "unheard", "", filled=False, unheard_us=None if heard else us, again_us=again_us,
        orderly=orderly,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("some", "kinds"),
    [
        ([interval(1, 100, None)], [("unheard", 6003)]),
        ([interval(1, 100, 31)], [("unheard", 6003)]),
        ([interval(1, 100, 2)], []),
        ([interval(1, 100, 4, orderly=True)], []),
        ([interval(1, 100, 12, orderly=True)], [("unheard", 6010)]),
        ([interval(1, 100, None, heard=True)], []),
        ([interval(1, 100, 31), interval(2, 100, 31)], [("cut off", 6003)]),
        ([interval(1, 100, 31), interval(2, 102, 31)], [("unheard", 6003), ("unheard", 6123)]),
        ([interval(1, 100, 31), interval(2, 100, 1.9)], [("unheard", 6003)]),
        ([interval(1, 20, None)], []),
        ([interval(77, 100, None)], []),
    ],
)
def test_an_agent_that_is_not_heard_is_one_finding(some, kinds):
    """After three minutes, ten for one that said it goes; several at once are the server; none while all is learned,
    none of a node that never said a line.
    """
    life = Life(4.4)
    found = [one for one in watched(life, unseen=some)[1] if one.detector == "unheard"]
    assert [(one.kind, one.minute - START) for one in found] == kinds
    assert all(one.weight >= 3 and one.about == "node" for one in found)
