"""Second half of the way in: one transaction that holds coverage, rows and counts of all the requests that it joins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from sqlalchemy import Connection

from devmesh.clock import Clock
from devmesh.crash import crash_point
from devmesh.db import Database
from devmesh.db.refused import Refused
from devmesh.errors import DevMeshError
from devmesh.events import Events
from devmesh.intake.model import Rejected
from devmesh.intake.prepare import Part, Prepared
from devmesh.intake.request import Answer
from devmesh.nodes import Claimed, Nodes, Range


@dataclass
class Outcome:
    """What the transaction decided for one part."""

    part: Part
    answer: Answer | None = None
    error: DevMeshError | None = None


class Committer:
    """Stores a `Prepared` and says what became of each part."""

    def __init__(self, db: Database, clock: Clock, nodes: Nodes, events: Events) -> None:
        self._db, self._clock, self._nodes, self._events = db, clock, nodes, events

    def commit(self, prepared: Prepared) -> list[Outcome]:
        """All parts in one transaction, durable when this returns. A part whose claim fails stores nothing and has its
        error.

        Raises what the store raises; then nothing of any part was stored.
        """
        first_id = self._events.take_ids(len(prepared.frame)) if len(prepared.frame) else 0
        crash_point("before_transaction")
        outcomes = self._db.transact(lambda connection: self._store(connection, prepared, first_id))
        crash_point("after_commit")
        return outcomes

    def _store(self, connection: Connection, prepared: Prepared, first_id: int) -> list[Outcome]:
        """What one try does; it leaves `prepared` as it is, for another try may follow."""
        kept = np.ones(len(prepared.frame), dtype=bool)
        streams = np.zeros(len(prepared.frame), dtype=np.int64)
        outcomes = [
            self._take(connection, part, prepared.frame, kept, streams)
            for part in sorted(prepared.parts, key=_lock_order)
        ]
        crash_point("after_claim")
        if kept.any():
            ids = pl.Series("stream_id", streams)
            frame = prepared.frame.with_columns(pl.when(ids > 0).then(ids).alias("stream_id"))
            frame = frame if kept.all() else frame.filter(pl.Series(kept))
            refused = self._events.append(connection, frame, first_id).refused
            _reject(outcomes, np.flatnonzero(kept), refused)
            self._nodes.heard(connection, frame["node_id"].unique().to_list(), self._clock.now_us())
        crash_point("before_commit")
        return outcomes

    def _take(
        self, connection: Connection, part: Part, frame: pl.DataFrame, kept: np.ndarray, streams: np.ndarray
    ) -> Outcome:
        """Claim a part's range and clear `kept` where its rows are repeats."""
        rows = slice(part.start, part.start + part.rows)
        key = part.ticket.request.idempotency_key
        claimed: Claimed | None = None
        try:
            if part.claim is not None:
                claimed = self._nodes.claim(connection, part.node_id, part.claim)
            # Where a stream counts, its numbers decide alone: a key that repeats must not cover what it does not store.
            if claimed is None and key is not None and not self._nodes.remember_key(connection, part.node_id, key):
                kept[rows] = False
        except DevMeshError as error:
            kept[rows] = False
            return Outcome(part, error=error)
        if claimed is not None:
            streams[rows] = claimed.stream_id
            if part.rows:
                kept[rows] &= fresh(frame["seq"][rows].to_numpy(), claimed.repeated)
        stored = int(kept[rows].sum())
        answer = Answer(
            stored=stored,
            repeated=part.rows - stored,
            rejected=len(part.rejected),
            errors=tuple(sorted(part.rejected, key=lambda one: one.line)),
            coverage=claimed.coverage if claimed is not None else (),
        )
        return Outcome(part, answer=answer)


def _reject(outcomes: Sequence[Outcome], rows: np.ndarray, refused: Sequence[Refused]) -> None:
    """Tell the senders of rows that the store did not take; `rows` are the places, in the whole, of those it got."""
    for one in refused:
        row = int(rows[one.row])
        outcome = next(each for each in outcomes if 0 <= row - each.part.start < each.part.rows)
        part, answer = outcome.part, outcome.answer
        assert answer is not None  # noqa: S101 - a part with an error has no row that was given
        named = Rejected(int(part.lines[row - part.start]), one.column, one.reason)
        outcome.answer = replace(
            answer,
            stored=answer.stored - 1,
            rejected=answer.rejected + 1,
            errors=tuple(sorted((*answer.errors, named), key=lambda each: each.line)),
        )


def _lock_order(part: Part) -> tuple[int, str, int]:
    """Servers that take the same streams take them in one order: else each may hold what the other waits for."""
    key = part.claim.key if part.claim is not None else None
    return (part.node_id, key.seqnum_id, key.epoch) if key is not None else (part.node_id, "", 0)


def fresh(seqs: np.ndarray, repeated: Sequence[Range]) -> np.ndarray:
    """Which of these sequence numbers are new: not in `repeated` (sorted, disjoint), and the first of their number
    here.
    """
    new = np.ones(len(seqs), dtype=bool)
    if repeated:
        firsts, lasts = np.array(repeated, dtype=np.int64).T
        before = np.searchsorted(firsts, seqs, side="right") - 1  # the last range that begins at or below
        new = (before < 0) | (seqs > lasts[before])
    if len(seqs) > 1 and not (np.diff(seqs) > 0).all():
        _values, firsts = np.unique(seqs, return_index=True)
        once = np.zeros(len(seqs), dtype=bool)
        once[firsts] = True
        new &= once
    return new
