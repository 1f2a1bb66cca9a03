"""Nodes as people see them: what state each is in, what its agent said last, what was lost."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, literal, not_, or_, select, update

from devmesh.errors import NotFound
from devmesh.nodes.model import FORKED, Beat, Node
from devmesh.nodes.names import OVERFLOW
from devmesh.nodes.tables import gaps, heartbeats, nodes, streams

LATE_US = 90_000_000
SILENT_US = 300_000_000

_heard, _beat = func.coalesce(nodes.c.last_received_us, 0), func.coalesce(heartbeats.c.at_us, 0)
_last_word = case((_beat > _heard, _beat), else_=_heard)
# A word after it ends retirement: nothing has to be written when a node comes back.
_retired = and_(nodes.c.retired_us.is_not(None), func.coalesce(nodes.c.retired_us, 0) >= _last_word)


def listed(connection: Connection, now_us: int, limit: int, after: str, *, retired: bool) -> list[Node]:
    """At most `limit` nodes by name, from the first above `after`; with `retired`, those that were retired as well."""
    wanted = and_(nodes.c.name > after, or_(literal(retired), not_(_retired)))
    return _nodes(connection, now_us, _query(wanted).limit(limit))


def quiet(connection: Connection, now_us: int) -> list[Node]:
    """Nodes with an agent that have not spoken for 90 s and were not retired."""
    wanted = and_(heartbeats.c.at_us.is_not(None), _last_word <= now_us - LATE_US, not_(_retired))
    return _nodes(connection, now_us, _query(wanted))


def beats(connection: Connection) -> list[Beat]:
    """The last heartbeat of each node that has an agent."""
    query = select(heartbeats, _retired.label("retired")).join(nodes, nodes.c.id == heartbeats.c.node_id)
    return [_as_beat(row) for row in connection.execute(query)]


def _as_beat(row: Any) -> Beat:
    waits = row.oldest_unsent_us
    # The oldest line bears the node's time.
    complete_us = row.at_us if waits is None else min(row.at_us, waits - (row.skew_us or 0))
    said = row.boot_id, row.started_us, row.unanswered_us, row.leaving
    return Beat(row.node_id, row.at_us, complete_us, *said, bool(row.retired))


def present(connection: Connection) -> list[str]:
    """The names of nodes that were not retired, in order."""
    query = select(nodes.c.name).outerjoin(heartbeats, heartbeats.c.node_id == nodes.c.id)
    wanted = not_(_retired) & (nodes.c.name != OVERFLOW)
    return list(connection.execute(query.where(wanted).order_by(nodes.c.name)).scalars())


def retire(connection: Connection, name: str, now_us: int) -> None:
    """Leave a node out of health and lists until it speaks again. Raises NotFound."""
    done = connection.execute(update(nodes).where(nodes.c.name == name).values(retired_us=now_us))
    if done.rowcount == 0:
        raise NotFound("There is no node of that name.", hint="See: devmesh nodes")


def _query(wanted: ColumnElement[bool]) -> Select[Any]:
    # In floating point: an agent may claim any numbers, and a sum of integers that overflows is an error.
    numbers = (gaps.c.last_seq - gaps.c.first_seq + 1) * literal(1.0)
    lost = (
        select(streams.c.node_id, func.sum(numbers).label("lost"))
        .join(gaps, gaps.c.stream_id == streams.c.id)
        .where(gaps.c.reason != FORKED)
        .group_by(streams.c.node_id)
        .subquery()
    )
    return (
        select(nodes, heartbeats, lost.c.lost, _retired.label("retired"))
        .outerjoin(heartbeats, heartbeats.c.node_id == nodes.c.id)
        .outerjoin(lost, lost.c.node_id == nodes.c.id)
        .where(wanted)
        .order_by(nodes.c.name)
    )


def _nodes(connection: Connection, now_us: int, query: Select[Any]) -> list[Node]:
    return [_node(row, now_us) for row in connection.execute(query)]


def _node(row: Any, now_us: int) -> Node:
    return Node(
        name=row.name,
        state="retired" if row.retired else state_of(now_us, row.at_us, row.last_received_us),
        last_received_us=row.last_received_us,
        heartbeat_us=row.at_us,
        agent=row.agent,
        backlog_events=row.backlog_events,
        oldest_unsent_us=row.oldest_unsent_us,
        skew_us=row.skew_us,
        skew_error_us=row.skew_error_us,
        lost_entries=int(row.lost or 0),
        dropped=json.loads(row.dropped or "{}"),
        sources=json.loads(row.sources or "[]"),
    )


def state_of(now_us: int, heartbeat_us: int | None, received_us: int | None) -> str:
    """Pending (never spoke), running, late (90 s without a word) or silent (5 minutes)."""
    last = max(heartbeat_us or 0, received_us or 0)
    if not last:
        return "pending"
    silence = now_us - last
    if silence < LATE_US:
        return "running"
    return "late" if silence < SILENT_US else "silent"
