"""Times in which nothing could be seen of a node: looked for every 15 s in the heartbeats, kept, and asked for.

A node without an agent is never blind: nothing says when it should have spoken.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from devmesh.clock import Clock
from devmesh.db import Database
from devmesh.events import Events
from devmesh.loops import Lease, Loop
from devmesh.memory import queries
from devmesh.memory.model import HOUR_US, BlindInterval
from devmesh.memory.sight import ONCE, PATIENCE_US, Known, Lines, Unseen, begun, ended, followed, is_over, together
from devmesh.nodes import Beat, Nodes

MINUTE_US = 60_000_000
LOOK_S = 15.0
ASLEEP_US = 60_000_000  # without a look: the server did not run
SERVER = 0
EDGE_US = 30_000_000  # between two heartbeats: lines there say nothing of the time between
MOST_US = 2 * HOUR_US  # of an interval's lines that are looked at
CLOSED_AT_ONCE = 50
KEPT_US, FORGET_LIMIT = 35 * 24 * HOUR_US, 1_000  # as long as the counts by minute, which they explain


class Blind:
    """When nodes could not be seen, and why."""

    def __init__(self, db: Database, clock: Clock, nodes: Nodes, events: Events) -> None:
        self._db, self._clock, self._nodes, self._events = db, clock, nodes, events

    def between(self, since_us: int, until_us: int, node_ids: Collection[int] | None = None) -> list[BlindInterval]:
        """The intervals that have a part in a span, the oldest first; of these nodes, or of all."""
        with self._db.read() as connection:
            return queries.between(connection, since_us, until_us, node_ids)

    def minutes(self, first: int, last: int) -> dict[int, frozenset[int]]:
        """By node the minutes from `first` to `last`, both counted in, of which lines may be missing: blind ones whose
        lines did not come, and those after the instant until which the node's lines are surely here.
        """
        some = self.between(first * MINUTE_US, (last + 1) * MINUTE_US)
        spans = [(one.node_id, one.since_us, one.until_us) for one in some if not one.filled]
        spans += [(node, complete_us, None) for node, complete_us in self.complete_until().items()]
        now_us, out = self._clock.now_us(), dict[int, set[int]]()
        for node, since_us, until_us in spans:
            end = -(-(now_us if until_us is None else until_us) // MINUTE_US)
            found = range(max(first, since_us // MINUTE_US), min(last + 1, end))
            if found:
                out.setdefault(node, set()).update(found)
        return {node: frozenset(found) for node, found in out.items()}

    def complete_until(self) -> dict[int, int]:
        """By node that has an agent: until when (the server's time) all that it said is surely stored."""
        with self._db.read() as connection:
            known = queries.last_look(connection)
        return {
            one.node_id: max(one.complete_us, known[one.node_id].complete_us if one.node_id in known else 0)
            for one in self._nodes.beats()
            if not one.retired and one.leaving != ONCE
        }

    def loops(self) -> Sequence[Loop]:
        """Look for nodes that cannot be seen."""
        return [Loop("look-for-blind", LOOK_S, self._look, limit=CLOSED_AT_ONCE)]

    # -- looking ------------------------------------------------------------------------------------------------------

    def _look(self, limit: int, lease: Lease) -> int:
        now_us, beats = self._clock.now_us(), self._nodes.beats()
        with self._db.read() as connection:
            known, lasting = queries.last_look(connection), queries.lasting(connection)
        server = known.get(SERVER)
        slept = server is None or now_us - server.beat_us > ASLEEP_US
        woke_us = now_us if server is None or slept else server.complete_us
        look = _Look(now_us, woke_us, known, lasting)
        look.judge(beats)
        closing = look.over[:limit]
        for one, _beat in closing:
            del look.lasts[one.told.node_id]
        over = [replace(one, told=ended(one, beat, self._lines(one))) for one, beat in closing]
        seen = {SERVER: Known(now_us, woke_us)} | look.seen(beats, over)
        lasts = [one for one in look.lasts.values() if one != lasting.get(one.told.node_id)]
        with lease.write() as connection:
            for one in (*lasts, *over):
                queries.save(connection, one)
            queries.remember(connection, {node: one for node, one in seen.items() if known.get(node) != one}, known)
            queries.forget(connection, now_us - KEPT_US, FORGET_LIMIT)
        return len(over)

    def _lines(self, one: Unseen) -> Lines:
        """What came of an interval, by the minutes between the last heartbeat before it and the first one after."""
        told = one.told
        since_us = max(told.since_us, one.before.beat_us) + EDGE_US
        until_us = min(told.again_us or 0, since_us + MOST_US) - EDGE_US
        first, last = -(-since_us // MINUTE_US), until_us // MINUTE_US
        if first >= last:
            return Lines(0, 0.0)
        before = self._spoken(told.node_id, told.since_us // MINUTE_US - 60, told.since_us // MINUTE_US)
        return Lines(self._spoken(told.node_id, first, last), before / 60 * (last - first))

    def _spoken(self, node_id: int, first: int, last: int) -> int:
        """In how many of the minutes from `first` to before `last` a node spoke."""
        counts = self._events.by_minute(first * MINUTE_US, last * MINUTE_US, ("node_id",))
        return int(counts.filter(node_id=node_id)["minute"].n_unique())


@dataclass
class _Look:
    """One look at all heartbeats: which intervals last, and which are over."""

    now_us: int
    woke_us: int
    known: dict[int, Known]
    lasting: dict[int, Unseen]

    def judge(self, beats: Sequence[Beat]) -> None:
        """Begin, follow and end intervals."""
        self.lasts: dict[int, Unseen] = {}
        self.over: list[tuple[Unseen, Beat]] = []
        by_node = {beat.node_id: beat for beat in beats}
        for node, beat in by_node.items():
            one = self.lasting.get(node)
            if one is None and node in self.known:
                one = begun(beat, self.known[node], self.now_us, self.woke_us)
            if one is not None:
                self.lasts[node] = followed(one, beat, self.now_us, self.woke_us)
        for node in together(self.lasts.values(), beats):
            one = self.lasts[node]
            marked = replace(one, before=replace(one.before, together=True))
            self.lasts[node] = followed(marked, by_node[node], self.now_us, self.woke_us)
        for node, one in self.lasts.items():
            if is_over(one, by_node[node], self.now_us, self.woke_us):
                self.over.append((one, by_node[node]))

    def seen(self, beats: Iterable[Beat], over: Iterable[Unseen]) -> dict[int, Known]:
        """What the look saw of each node. What lies before an end was judged; before the first sight of a node that is
        behind lies history, and no blindness.
        """
        ends = {one.told.node_id: one.told.until_us or 0 for one in over}
        out = {}
        for beat in beats:
            known = self.known.get(beat.node_id)
            late = known is None and beat.at_us - beat.complete_us > PATIENCE_US
            complete_us = beat.at_us if late else beat.complete_us
            complete_us = max(complete_us, ends.get(beat.node_id, 0), known.complete_us if known else 0)
            out[beat.node_id] = Known(beat.at_us, complete_us, beat.boot_id, beat.started_us, beat.leaving)
        return out
