"""The stored ranges of a stream: all of them, those near a claim, and the change that a claim makes.

An import of a filtered journal leaves a range for each entry, a million in one stream. So a claim reads and writes what
lies beside its own ranges, however many there are elsewhere.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from operator import itemgetter

from sqlalchemy import Connection, bindparam, delete, func, insert, select

from devmesh.nodes.ranges import Range
from devmesh.nodes.tables import stream_ranges

FIRST_PAGE, MAX_PAGE = 8, 4_096

_first, _last = stream_ranges.c.first_seq, stream_ranges.c.last_seq
_mine = stream_ranges.c.stream_id == bindparam("stream")
_second_below = select(_first).where(_mine, _first <= bindparam("start")).order_by(_first.desc()).limit(1).offset(1)
_PAGE = (
    select(_first, _last)
    .where(_mine, _first >= func.coalesce(_second_below.scalar_subquery(), 0))
    .order_by(_first)
    .limit(bindparam("page"))
)


def whole(connection: Connection, stream_id: int) -> list[Range]:
    """Every stored range of a stream, in order."""
    rows = connection.execute(select(_first, _last).where(_mine).order_by(_first), {"stream": stream_id})
    return [(row.first_seq, row.last_seq) for row in rows]


def near(connection: Connection, stream_id: int, wanted: Sequence[Range]) -> list[Range]:
    """The stored ranges, in order, that one of `wanted` (sorted, disjoint) overlaps or adjoins, the next one below the
    first of them and above the last, and a few of those between.

    A merge of two sorted lists that leaps: pages begin at the next wanted range that was not reached, and grow while
    they serve many.
    """
    found: dict[int, int] = {}
    at, start, page = 0, wanted[0][0], FIRST_PAGE
    while at < len(wanted):
        asked = {"stream": stream_id, "start": start, "page": page}
        rows = [(row.first_seq, row.last_seq) for row in connection.execute(_PAGE, asked)]
        found.update(rows)
        if len(rows) < page:
            break
        read_to = rows[-1][0]
        served = bisect_left(wanted, read_to - 1, lo=at, key=itemgetter(1)) - at
        page = min(FIRST_PAGE + 4 * (served or page), MAX_PAGE)
        at += served
        start = max(wanted[at][0], read_to + 1) if at < len(wanted) else 0
    return sorted(found.items())


def save(connection: Connection, stream_id: int, before: Sequence[Range], after: Sequence[Range]) -> None:
    """Put the ranges `after` in the place of `before`; what both have stays untouched."""
    known, kept = set(before), set(after)
    gone = [{"stream": stream_id, "gone": first} for first, _last in known - kept]
    if gone:
        connection.execute(delete(stream_ranges).where(_mine, _first == bindparam("gone")), gone)
    fresh = [{"stream_id": stream_id, "first_seq": first, "last_seq": last} for first, last in sorted(kept - known)]
    if fresh:
        connection.execute(insert(stream_ranges), fresh)
