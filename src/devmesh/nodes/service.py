"""The room's verbs: who speaks, how far each stream is known, who has fallen silent."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, delete, insert, select, update

from devmesh.accounts import COMMAND_LINE, record
from devmesh.clock import Clock
from devmesh.db import Database
from devmesh.errors import NodeClone
from devmesh.loops import Lease, Loop
from devmesh.nodes import listing
from devmesh.nodes import streams as stream_claims
from devmesh.nodes.model import FORKED, Beat, Claim, Claimed, Gap, Heartbeat, Node, Service, StreamState
from devmesh.nodes.names import Names
from devmesh.nodes.ranges import missing
from devmesh.nodes.tables import gaps, heartbeats, idempotency_keys, nodes, services
from devmesh.paging import LIMIT_DEFAULT, Page, check_limit, first_of

CLONE_WINDOW_US = 600_000_000
KEY_LIFE_US = 86_400_000_000


class Nodes:
    """Nodes, services, streams and their coverage, heartbeats, gaps."""

    def __init__(self, db: Database, clock: Clock, *, max_nodes: int = 10_000, max_services: int = 10_000) -> None:
        self._db, self._clock = db, clock
        self.node_names = Names(db, clock, nodes, max_nodes)
        self.service_names = Names(db, clock, services, max_services)

    # -- within a batch's transaction ------------------------------------------------------------

    def claim(self, connection: Connection, node_id: int, asked: Claim) -> Claimed:
        """See `streams.claim`."""
        return stream_claims.claim(connection, node_id, asked)

    def remember_key(self, connection: Connection, node_id: int, key: str) -> bool:
        """True the first time a day that this node sends this Idempotency-Key."""
        mine = (idempotency_keys.c.node_id == node_id) & (idempotency_keys.c.key == key)
        if connection.execute(select(idempotency_keys.c.created_us).where(mine)).first() is not None:
            return False
        connection.execute(insert(idempotency_keys).values(node_id=node_id, key=key, created_us=self._clock.now_us()))
        return True

    def heard(self, connection: Connection, node_ids: Iterable[int], at_us: int) -> None:
        """Note that these nodes sent something."""
        connection.execute(update(nodes).where(nodes.c.id.in_(sorted(node_ids))).values(last_received_us=at_us))

    # -- around requests ------------------------------------------------------------

    def check_machine(self, node_id: int, machine_id: str | None) -> None:
        """Raise NodeClone when another machine spoke as this node within the last 10 minutes."""
        if not machine_id:
            return
        now = self._clock.now_us()
        with self._db.read() as connection:
            row = connection.execute(
                select(nodes.c.machine_id, nodes.c.machine_seen_us).where(nodes.c.id == node_id)
            ).one()
        known, seen = row.machine_id, row.machine_seen_us or 0
        if known not in (None, machine_id) and now - seen < CLONE_WINDOW_US:
            raise NodeClone(
                "Two machines speak as this node within 10 minutes.",
                hint="Give each machine a node name and a token of its own.",
            )
        if known != machine_id or now - seen > CLONE_WINDOW_US // 10:
            seen_now = update(nodes).where(nodes.c.id == node_id).values(machine_id=machine_id, machine_seen_us=now)
            self._db.transact(lambda connection: connection.execute(seen_now))

    def stream_states(self, node: str) -> Sequence[StreamState]:
        """Coverage and marks of each stream of a node; empty for a node that never spoke."""
        known = self.node_names.ids([node], create=False)
        if not known:
            return []
        with self._db.read() as connection:
            return stream_claims.states(connection, known[node])

    def heartbeat(self, node: str, said: Heartbeat) -> dict[str, int]:
        """Store what an agent says of itself; its gaps become coverage, each stored once. Answers `streams.newest`."""
        node_id = self.node_names.ids([node])[node]
        self.check_machine(node_id, said.machine_id)
        now = self._clock.now_us()
        arrived = said.clock_us - now if said.clock_us is not None else None
        row = {
            "at_us": now,
            "agent": said.agent[:64],
            "backlog_events": said.backlog_events,
            "oldest_unsent_us": said.oldest_unsent_us,
            "boot_id": (said.boot_id or "")[:64] or None,
            "started_us": said.started_us,
            "unanswered_us": said.unanswered_us,
            "leaving": (said.leaving or "")[:16] or None,
            "skew_us": arrived if said.skew_us is None else said.skew_us,
            "skew_error_us": None if said.skew_us is None else said.skew_error_us,
            "dropped": json.dumps(said.dropped),
            "sources": json.dumps(said.sources),
        }

        def store(connection: Connection) -> dict[str, int]:
            changed = connection.execute(update(heartbeats).where(heartbeats.c.node_id == node_id).values(row))
            if changed.rowcount == 0:
                connection.execute(insert(heartbeats).values(node_id=node_id, **row))
            for gap in said.gaps:
                self._store_gap(connection, node_id, gap, now)
            return stream_claims.newest(connection, node_id)

        return self._db.transact(store)

    def _store_gap(self, connection: Connection, node_id: int, gap: Gap, now: int) -> None:
        if gap.last_seq < gap.first_seq:
            return
        claimed = self.claim(connection, node_id, Claim(gap.key, ((gap.first_seq, gap.last_seq),)))
        fresh = missing(claimed.repeated, gap.first_seq, gap.last_seq)
        if gap.reason == FORKED:  # not a loss: what lies there was taken, and may have been twice
            fresh = [] if self._has_gap(connection, claimed.stream_id, gap) else [(gap.first_seq, gap.last_seq)]
        for first, last in fresh:
            connection.execute(
                insert(gaps).values(
                    stream_id=claimed.stream_id,
                    first_seq=first,
                    last_seq=last,
                    exact=gap.exact,
                    reason=gap.reason[:64],
                    reported_us=now,
                )
            )

    def _has_gap(self, connection: Connection, stream_id: int, gap: Gap) -> bool:
        same = (gaps.c.stream_id == stream_id) & (gaps.c.first_seq == gap.first_seq) & (gaps.c.last_seq == gap.last_seq)
        return connection.execute(select(gaps.c.id).where(same)).first() is not None

    # -- for people ------------------------------------------------------------

    def list(self, limit: int = LIMIT_DEFAULT, cursor: str | None = None, *, retired: bool = False) -> Page[Node]:
        """At most `limit` (1,000) nodes with their states, by name; with `retired`, those that were retired as well.

        Raises InvalidInput for a limit out of bounds.
        """
        check_limit(limit)
        with self._db.read() as connection:
            found = listing.listed(connection, self._clock.now_us(), limit + 1, cursor or "", retired=retired)
        return first_of(found, limit, lambda node: node.name)

    def quiet(self) -> Sequence[Node]:
        """Nodes whose agent has not spoken for 90 s, by name, without those that were retired."""
        with self._db.read() as connection:
            return listing.quiet(connection, self._clock.now_us())

    def beats(self) -> Sequence[Beat]:
        """The last heartbeat of each node that has an agent."""
        with self._db.read() as connection:
            return listing.beats(connection)

    def retire(self, name: str, by: str = COMMAND_LINE) -> None:
        """Leave a node out of health and of lists until it speaks again; its events stay. Raises NotFound."""
        with self._db.write() as connection:
            listing.retire(connection, name, self._clock.now_us())
            record(connection, self._clock, by, "retired node", name)

    def present(self) -> Sequence[str]:
        """The names of all nodes but those that were retired and have not spoken since, in order."""
        with self._db.read() as connection:
            return listing.present(connection)

    def services(self) -> Sequence[Service]:
        """Every service, by name."""
        with self._db.read() as connection:
            rows = connection.execute(select(services).order_by(services.c.name))
            return [Service(row.id, row.name, row.created_us) for row in rows]

    def loops(self) -> Sequence[Loop]:
        """Forget idempotency keys after a day."""
        return [Loop("forget-keys", 3600.0, self._forget_keys, limit=10_000)]

    def _forget_keys(self, limit: int, lease: Lease) -> int:
        before = self._clock.now_us() - KEY_LIFE_US
        old = select(idempotency_keys.c.created_us).where(idempotency_keys.c.created_us < before)
        with self._db.read() as connection:
            border = connection.execute(old.order_by(idempotency_keys.c.created_us).limit(limit)).scalars().all()
        if not border:
            return 0
        with lease.write() as connection:
            gone = connection.execute(delete(idempotency_keys).where(idempotency_keys.c.created_us <= border[-1]))
        return gone.rowcount
