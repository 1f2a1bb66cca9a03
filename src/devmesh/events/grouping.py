"""Rows of whole numbers added up by their keys: what a batch's counts are made with.

A few thousand rows take numpy a sixth of the time that a query engine takes to plan.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

WIDEST = 2**62


def added_up(keys: Sequence[np.ndarray], n: np.ndarray | None = None) -> tuple[list[np.ndarray], np.ndarray]:
    """The distinct rows of `keys` (int64, one array a column, each of the same length), sorted, and the sum of `n` of
    each; without `n` how many there are.
    """
    if not len(keys[0]):
        return list(keys), np.zeros(0, np.int64)
    order, starts = _runs(keys)
    sums = np.diff(starts, append=len(order)) if n is None else np.add.reduceat(n[order], starts)
    first = order[starts]
    return [key[first] for key in keys], sums


def _runs(keys: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The order that sorts the rows, and where in it another row begins."""
    lows = [int(key.min()) for key in keys]
    widths = [int(key.max()) - low + 1 for key, low in zip(keys, lows, strict=True)]
    if math.prod(widths) < WIDEST:  # one number a row
        number = np.zeros(len(keys[0]), np.int64)
        for key, low, width in zip(keys, lows, widths, strict=True):
            number = number * width + (key - low)
        order = np.argsort(number, kind="stable")
        changes = np.diff(number[order]) != 0
    else:
        order = np.lexsort(keys[::-1])
        changes = np.logical_or.reduce([np.diff(key[order]) != 0 for key in keys])
    return order, np.concatenate(([0], np.flatnonzero(changes) + 1))
