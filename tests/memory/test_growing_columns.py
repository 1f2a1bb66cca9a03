"""Columns that grow: what was written stays, new rows hold what they should, and little room is kept free."""

from __future__ import annotations

import numpy as np

from devmesh.memory import Columns


def test_rows_stay_as_they_were_written_while_columns_grow():
    """Ten thousand rows, each with a number of its own; what was left out is the column's own beginning."""
    some = Columns(number=(int, 0), rate=(float, 0.5))
    for number in range(10_000):
        assert some.add(number=number) == number
    assert len(some) == 10_000
    assert np.array_equal(some["number"], np.arange(10_000))
    assert (some["rate"] == 0.5).all()


def test_little_is_kept_free():
    """A copy of the watch copies what is free, too: an eighth at most."""
    some = Columns(number=(int, 0))
    for number in range(10_000):
        some.add(number=number)
    assert len(some["number"].base) <= 10_000 * 9 / 8 + 1
