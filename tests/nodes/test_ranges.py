"""Laws of coverage: ranges are sets of numbers, written short."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from devmesh.intake.commit import fresh
from devmesh.nodes.ranges import FIRST_MARKS, NEWEST_MARKS, OLDER_MARKS, merged, missing, overlap, thinned

quick = settings(max_examples=200, deadline=None, derandomize=True)
a_range = st.tuples(st.integers(0, 60), st.integers(0, 12)).map(lambda pair: (pair[0], pair[0] + pair[1]))
some = st.lists(a_range, max_size=12)


def numbers(ranges):
    return {number for first, last in ranges for number in range(first, last + 1)}


@quick
@given(some)
def test_merged_is_the_same_set_in_its_shortest_form(ranges):
    """Merging keeps every number, sorted, with no two ranges that touch."""
    whole = merged(ranges)
    assert numbers(whole) == numbers(ranges)
    assert all(first <= last for first, last in whole)
    assert all(left[1] + 1 < right[0] for left, right in itertools.pairwise(whole))


@quick
@given(some, a_range)
def test_overlap_and_missing_split_what_is_asked(ranges, asked):
    """What coverage has and what it lacks of a range are disjoint and together the range."""
    whole = merged(ranges)
    has, lacks = numbers(overlap(whole, *asked)), numbers(missing(whole, *asked))
    assert has == numbers(whole) & numbers([asked])
    assert lacks == numbers([asked]) - has


@quick
@given(some, some)
def test_merging_is_order_free_and_idempotent(left, right):
    """Ranges may come in any order, twice or in pieces: the coverage is the same."""
    assert merged([*left, *right]) == merged([*right, *left]) == merged([*merged(left), *merged(right), *right])


@quick
@given(st.lists(st.integers(1, 5_000), min_size=1, max_size=300))
def test_marks_stay_few_and_near(steps):
    """However long a stream is, its newest 32 marks stay, its first 64, and at most 32 between.

    For each distance back there is a mark at most about four times as far: a fork costs at most that much twice.
    """
    seq, kept, every = 0, [], []
    for step in steps:
        seq += step
        every.append(seq)
        kept.append((seq, f"x{seq}"))
        if len(kept) > NEWEST_MARKS + OLDER_MARKS + FIRST_MARKS:
            kept = thinned(kept)
    shown = thinned(kept)
    held = [number for number, _x in shown]
    assert held == sorted(held, reverse=True)
    assert held[:NEWEST_MARKS] == every[::-1][:NEWEST_MARKS]
    assert len(shown) <= NEWEST_MARKS + OLDER_MARKS + FIRST_MARKS
    assert held[::-1][:FIRST_MARKS] == every[:FIRST_MARKS]
    for older in every[:-NEWEST_MARKS]:
        distance = every[-1] - older
        assert any(distance <= every[-1] - number <= 4 * distance + 4 * max(steps) for number in held)


@quick
@given(some, st.lists(st.integers(0, 80), max_size=40))
def test_fresh_is_what_no_range_holds_and_what_came_first(ranges, seqs):
    """Of numbers in any order, those are new that no range holds and that did not stand before."""
    held, seen, expected = numbers(ranges), set(), []
    for seq in seqs:
        expected.append(seq not in held and seq not in seen)
        seen.add(seq)
    assert fresh(np.array(seqs, dtype=np.int64), merged(ranges)).tolist() == expected
