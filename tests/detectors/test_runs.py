"""Runs of many keys at once are what they are one by one; a dictionary in columns is a dictionary."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from devmesh.detectors.plans import LEAST_WEEKS, STARTS, may_have_plan, plan_of
from devmesh.detectors.runs import Runs, Times
from devmesh.memory.columns import UNKNOWN, Index

DAY_MIN = 24 * 60
steps = st.one_of(st.integers(0, 20), st.sampled_from([30, 60, 61, DAY_MIN, DAY_MIN + 5, 7 * DAY_MIN]))


@settings(max_examples=150, deadline=None)
@given(lives=st.lists(st.lists(steps, min_size=1, max_size=40), min_size=1, max_size=5), cuts=st.integers(1, 5))
def test_many_keys_at_once_have_the_runs_and_plans_of_each_alone(lives: list[list[int]], cuts: int):
    """Whatever the lines and however they are cut into pieces: the same plan, the same last line."""
    said = sorted((int(minute), key) for key, life in enumerate(lives) for minute in np.cumsum(life) + 1_000)
    runs, alone = Runs(), [Times() for _ in lives]
    runs.grow(len(lives))
    for piece in np.array_split(np.array(said), cuts):
        runs.hear(piece[:, 1], piece[:, 0])
    for minute, key in said:
        alone[key].heard(minute)
    assert [runs.last(key) for key in range(len(lives))] == [one.last for one in alone]
    plans = [one.planned() for one in alone]
    assert [runs.plan(key) for key in range(len(lives))] == plans
    runs.settle()
    assert [runs.plan(key) for key in range(len(lives))] == plans
    assert set(runs.planned) == {key for key, plan in enumerate(plans) if plan is not None}
    assert [runs.last(key) for key in range(len(lives))] == [one.last for one in alone]


@settings(max_examples=300, deadline=None)
@given(
    period=st.sampled_from([8, 29, 30, 45, 60, 360, 1_199, 1_200, DAY_MIN]),
    strays=st.lists(st.integers(0, 90), min_size=LEAST_WEEKS, max_size=STARTS),
)
def test_no_plan_is_overlooked(period: int, strays: list[int]):
    """Who is sorted out before it is looked at closely has no plan."""
    starts = sorted({1_000 + place * period + stray for place, stray in enumerate(strays)})
    if len(starts) < LEAST_WEEKS:
        return
    table = np.zeros((1, STARTS), np.int32)
    table[0, : len(starts)] = starts
    assert may_have_plan(table, np.array([len(starts)]))[0] or plan_of(starts) is None


@given(st.lists(st.sets(st.integers(-(1 << 62), 1 << 62), max_size=6), max_size=6), st.integers(-5, 5))
def test_an_index_is_a_dictionary(some: list[set[int]], stranger: int):
    """What was put in comes out, and nothing else."""
    index, known = Index(), dict[int, int]()
    for numbers in some:
        fresh = sorted(numbers - known.keys())
        rows = range(len(known), len(known) + len(fresh))
        index.add(np.array(fresh, np.int64), np.array(rows, np.intp))
        known.update(zip(fresh, rows, strict=True))
    asked = [*known, stranger]
    assert index.of(np.array(asked, np.int64)).tolist() == [known.get(one, UNKNOWN) for one in asked]
