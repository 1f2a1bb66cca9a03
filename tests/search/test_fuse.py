"""Ranks and their fusion."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devmesh.search.fuse import K, Ranking, fuse, rank


def test_fusion_is_the_sum_of_weighted_reciprocal_ranks():
    """As the paper's formula, with a weight for each ranking; equal scores in order of id."""
    joined = fuse([Ranking("a", [5, 7], [9.0, 1.0]), Ranking("b", [7, 4], [0.5, 0.4], weight=2.0)])
    assert joined == [
        (7, pytest.approx(1 / (K + 2) + 2 / (K + 1))),
        (4, pytest.approx(2 / (K + 2))),
        (5, pytest.approx(1 / (K + 1))),
    ]
    assert fuse([Ranking("a", [2], [1.0]), Ranking("b", [1], [1.0])]) == [(1, 1 / (K + 1)), (2, 1 / (K + 1))]
    assert fuse([]) == []


@settings(derandomize=True, max_examples=200)
@given(st.lists(st.sampled_from([0.0, 0.5, 1.0, 2.0, 3.0]), max_size=40), st.integers(1, 10))
def test_rank_is_a_stable_sort_of_what_scored(scores, depth):
    """The same as sorting everything: best first, ties by id, nothing without a score, never more than the depth."""
    families = np.arange(len(scores), dtype=np.int64)[::-1] * 3
    found = rank("any", families, np.array(scores, dtype=np.float32), depth=depth)
    right = sorted((-score, int(family)) for score, family in zip(scores, families, strict=True) if score > 0)[:depth]
    assert list(zip(found.families, found.scores, strict=True)) == [(family, -score) for score, family in right]
