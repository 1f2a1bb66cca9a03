"""Arithmetic of coverage: sorted, disjoint, inclusive ranges of sequence numbers, and the marks that tell histories
apart.

All functions are pure. A stream's coverage is normally one range; a filtered journal that is imported has one for each
entry, so nothing here looks at every range for every other.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from operator import itemgetter

Range = tuple[int, int]
Mark = tuple[int, str]

NEWEST_MARKS = 32
OLDER_MARKS = 32
FIRST_MARKS = 64


def merged(ranges: Iterable[Range]) -> list[Range]:
    """The same numbers as sorted, disjoint ranges; neighbours (1-3, 4-9) become one."""
    out: list[Range] = []
    for first, last in sorted(ranges):
        if out and first <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], last))
        else:
            out.append((first, last))
    return out


def overlap(ranges: Sequence[Range], first: int, last: int) -> list[Range]:
    """The parts of `ranges` (sorted, disjoint) that lie within first..last."""
    start = bisect_left(ranges, first, key=itemgetter(1))
    end = bisect_right(ranges, last, lo=start, key=itemgetter(0))
    return [(max(low, first), min(high, last)) for low, high in ranges[start:end]]


def missing(ranges: Sequence[Range], first: int, last: int) -> list[Range]:
    """What first..last has beyond `ranges` (sorted, disjoint)."""
    out, at = [], first
    for low, high in overlap(ranges, first, last):
        if low > at:
            out.append((at, low - 1))
        at = max(at, high + 1)
    if at <= last:
        out.append((at, last))
    return out


def around(ranges: Sequence[Range], wanted: Sequence[Range]) -> list[Range]:
    """Those of `ranges` that overlap one of `wanted` (both sorted, disjoint; not empty), and the next one below and
    above.
    """
    spans = [
        (bisect_left(ranges, first, key=itemgetter(1)), bisect_right(ranges, last, key=itemgetter(0)))
        for first, last in wanted
    ]
    kept = {spans[0][0] - 1, spans[-1][1], *(at for start, end in spans for at in range(start, end))}
    return [ranges[at] for at in sorted(kept) if 0 <= at < len(ranges)]


def thinned(marks: Iterable[Mark]) -> list[Mark]:
    """The newest 32 marks, the first 64, and of those between the first of each doubling distance, 32 at most; newest
    first.

    The newest say where two histories parted, the first tell files that begin alike from one another.
    """
    ordered = sorted(marks, reverse=True)
    kept, older = ordered[:NEWEST_MARKS], ordered[NEWEST_MARKS:-FIRST_MARKS]
    first = ordered[max(NEWEST_MARKS, len(ordered) - FIRST_MARKS) :]
    if not older:
        return kept + first
    by_distance = {(ordered[0][0] - seq).bit_length(): (seq, x) for seq, x in older}
    return kept + sorted(by_distance.values(), reverse=True)[:OLDER_MARKS] + first
