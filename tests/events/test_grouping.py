"""Adding up by keys: as a dictionary would, sorted."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from devmesh.events.grouping import added_up

near = st.integers(0, 3)
far = st.integers(-(2**62), 2**62) | near


@given(st.lists(st.tuples(far, near, far, st.integers(0, 2**40)), max_size=60))
def test_sums_are_those_of_a_dictionary(rows):
    """Each distinct row of keys once, in order, with the sum of its numbers, however far the keys lie apart."""
    columns = [np.array([row[place] for row in rows], np.int64) for place in range(4)]
    keys, sums = added_up(columns[:3], columns[3])
    truth: Counter[tuple[int, ...]] = Counter()
    for *key, n in rows:
        truth[tuple(key)] += n
    expected = [(*key, n) for key, n in sorted(truth.items())] if rows else []
    assert list(zip(*(key.tolist() for key in keys), sums.tolist(), strict=True)) == expected
    keys, counts = added_up(columns[:3])
    assert counts.tolist() == [n for _key, n in sorted(Counter(row[:3] for row in rows).items())]
