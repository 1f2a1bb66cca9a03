"""Exactly once: the claim that a batch makes on its stream, inside the batch's own transaction.

The guard is the update of the stream's row: two servers of a Galera cluster may both hold its row lock, but only one of
two updates commits (design, section 4).
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select, update

from devmesh.errors import InvalidInput, StreamForked
from devmesh.nodes import coverage
from devmesh.nodes.model import Claim, Claimed, StreamKey, StreamState
from devmesh.nodes.ranges import Mark, Range, around, merged, overlap, thinned
from devmesh.nodes.tables import stream_marks, stream_ranges, streams

MARKS_BEFORE_THINNING = 160
MAX_SEQ = 2**63 - 1


def claim(connection: Connection, node_id: int, asked: Claim) -> Claimed:
    """Cover `asked.ranges` of a stream and say what of them was covered before.

    Raises StreamForked, with nothing changed, where a mark here contradicts the batch's history; InvalidInput for a
    range that is none.
    """
    if any(not 0 <= first <= last <= MAX_SEQ for first, last in asked.ranges) or not asked.ranges:
        raise InvalidInput(
            "The range is none: first must not be above last, and both fit 63 bits.", hint="<first>-<last>;<x>"
        )
    stream_id = _stream_id(connection, node_id, asked.key)
    wanted = merged(asked.ranges)
    held = coverage.near(connection, stream_id, wanted)
    _check_history(connection, stream_id, asked, around(held, wanted))
    repeated = tuple(part for first, last in wanted for part in overlap(held, first, last))
    grown = merged([*held, *wanted])
    coverage.save(connection, stream_id, held, grown)
    if asked.marks:
        _save_marks(connection, stream_id, asked.marks)
    return Claimed(stream_id, repeated, tuple(around(grown, wanted)))


def states(connection: Connection, node_id: int) -> list[StreamState]:
    """What the server knows of each stream of a node."""
    found = connection.execute(select(streams).where(streams.c.node_id == node_id).order_by(streams.c.id)).all()
    return [
        StreamState(
            StreamKey(row.seqnum_id, row.epoch),
            tuple(coverage.whole(connection, row.id)),
            tuple(thinned(_marks(connection, row.id))),
        )
        for row in found
    ]


def newest(connection: Connection, node_id: int) -> dict[str, int]:
    """The highest covered number of each of a node's streams, by the name that requests give it."""
    ranges = stream_ranges.c
    last = select(ranges.last_seq).where(ranges.stream_id == streams.c.id).order_by(ranges.first_seq.desc()).limit(1)
    query = select(streams.c.seqnum_id, streams.c.epoch, last.scalar_subquery().label("last"))
    rows = connection.execute(query.where(streams.c.node_id == node_id))
    return {f"{row.seqnum_id};{row.epoch}": int(row.last) for row in rows if row.last is not None}


def _stream_id(connection: Connection, node_id: int, key: StreamKey) -> int:
    mine = (streams.c.node_id == node_id) & (streams.c.seqnum_id == key.seqnum_id) & (streams.c.epoch == key.epoch)
    guarded = connection.execute(update(streams).where(mine).values(version=streams.c.version + 1))
    if guarded.rowcount == 0:
        row = {"node_id": node_id, "seqnum_id": key.seqnum_id, "epoch": key.epoch, "version": 1}
        return int(connection.execute(insert(streams).values(row).returning(streams.c.id)).scalar_one())
    return int(connection.execute(select(streams.c.id).where(mine)).scalar_one())


def _marks(connection: Connection, stream_id: int) -> list[Mark]:
    rows = connection.execute(select(stream_marks.c.seq, stream_marks.c.x).where(stream_marks.c.stream_id == stream_id))
    return [(row.seq, row.x) for row in rows]


def _check_history(connection: Connection, stream_id: int, asked: Claim, held: list[Range]) -> None:
    said = [*asked.marks, *([asked.prev] if asked.prev is not None else [])]
    if not said:
        return
    known = {
        row.seq: row.x
        for row in connection.execute(
            select(stream_marks.c.seq, stream_marks.c.x).where(
                (stream_marks.c.stream_id == stream_id) & stream_marks.c.seq.in_([seq for seq, _x in said])
            )
        )
    }
    if any(known.get(seq, x) != x for seq, x in said):
        raise StreamForked(
            "This stream has another history here.",
            hint="Open a new epoch after the newest mark that your journal holds too.",
            coverage=[list(part) for part in held],
            marks=[list(mark) for mark in thinned(_marks(connection, stream_id))],
        )


def _save_marks(connection: Connection, stream_id: int, said: Sequence[Mark]) -> None:
    known = dict(_marks(connection, stream_id))
    fresh = {seq: x for seq, x in said if seq not in known}
    if not fresh:
        return
    every = known | fresh
    kept = dict(thinned(every.items())) if len(every) > MARKS_BEFORE_THINNING else every
    rows = [{"stream_id": stream_id, "seq": seq, "x": x} for seq, x in fresh.items() if seq in kept]
    if rows:
        connection.execute(insert(stream_marks), rows)
    gone = [seq for seq in known if seq not in kept]
    if gone:
        connection.execute(
            delete(stream_marks).where((stream_marks.c.stream_id == stream_id) & stream_marks.c.seq.in_(gone))
        )
