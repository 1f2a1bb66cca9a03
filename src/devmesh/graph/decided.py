"""What people decided about learned edges, in the store: each with what was known of it then.

An accepted edge is in force until it is refused, or until an inventory declares it and takes it over. A refused one
stays refused.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from devmesh.graph.kinds import KNOWN, SERVICE, Fails
from devmesh.graph.model import LEARNED, Edge, Inventory
from devmesh.graph.naming import type_of
from devmesh.graph.tables import graph_edges, graph_nodes, graph_state
from devmesh.intake import clean_name

ACCEPTED, REFUSED = "accepted", "refused"
Pair = tuple[str, str]


@dataclass(frozen=True)
class Decision:
    """What somebody decided of an edge, `by` whom and when; the rest is what was known of it then."""

    edge: Edge
    decision: str
    by: str
    at_us: int
    evidence: int
    failures: int
    confidence: float
    first_us: int | None
    last_us: int | None


def decisions(connection: Connection) -> list[Decision]:
    """All of them, by name."""
    start, end, table = graph_nodes.alias(), graph_nodes.alias(), graph_edges.c
    named = select(start.c.name.label("start"), end.c.name.label("end"), graph_edges)
    query = named.join(start, start.c.id == table.start_id).join(end, end.c.id == table.end_id)
    rows = connection.execute(query.where(table.source == LEARNED).order_by(start.c.name, end.c.name))
    return [
        Decision(
            Edge(row.start, row.end, row.type), row.decision, row.decided_by, int(row.decided_us),
            int(row.evidence), int(row.failures), float(row.confidence), row.first_seen_us, row.last_seen_us,
        )
        for row in rows
    ]  # fmt: skip


def accepted(connection: Connection) -> tuple[Edge, ...]:
    """The learned edges in force."""
    return tuple(one.edge for one in decisions(connection) if one.decision == ACCEPTED)


def decide(connection: Connection, edge: Edge, said: Mapping[str, Any], version: int) -> None:
    """Store a decision (`said`: columns of graph_edges) and the graph's new version."""
    table = graph_edges.c
    start, end = _node(connection, edge.start), _node(connection, edge.end)
    mine = (table.start_id == start) & (table.end_id == end) & (table.type == edge.type) & (table.source == LEARNED)
    if connection.execute(update(graph_edges).where(mine).values(said)).rowcount == 0:
        row = {"start_id": start, "end_id": end, "type": edge.type, "source": LEARNED}
        connection.execute(insert(graph_edges).values(**row, **said))
    now = {"version": version, "loaded_us": said["decided_us"], "loaded_by": said["decided_by"]}
    if connection.execute(update(graph_state).values(version=version)).rowcount == 0:
        connection.execute(insert(graph_state).values(id=1, **now))


def _node(connection: Connection, name: str) -> int:
    table = graph_nodes.c
    known = select(table.id).where(table.kind == SERVICE, table.name == name)
    found = connection.execute(known).scalar()
    if found is None:
        row = {"kind": SERVICE, "name": name, "type": type_of(name), "aliases": "[]", "declared": False}
        connection.execute(insert(graph_nodes).values(row))
        found = connection.execute(known).scalar_one()
    return int(found)


def drop_declared(connection: Connection, new: Inventory) -> None:
    """An inventory that declares an edge takes it over, whatever was decided."""
    declared, today = declared_pairs(new), names_of(new)
    for one in decisions(connection):
        if (today(one.edge.start), today(one.edge.end)) in declared:
            start, end = _node(connection, one.edge.start), _node(connection, one.edge.end)
            table = graph_edges.c
            mine = (table.start_id == start) & (table.end_id == end) & (table.source == LEARNED)
            connection.execute(delete(graph_edges).where(mine))


def declared_pairs(inventory: Inventory) -> set[Pair]:
    """(who needs, what is needed) of every declared edge between services; of types that end nobody both ways."""
    pairs: set[Pair] = set()
    for edge in inventory.edges:
        fails = KNOWN.get(edge.type) or inventory.types[edge.type]
        if fails is not Fails.TO:
            pairs.add((edge.start, edge.end))
        if fails is not Fails.FROM:
            pairs.add((edge.end, edge.start))
    return pairs


def names_of(inventory: Inventory) -> Callable[[str], str]:
    """What this inventory calls a service that had another name; the same name where nobody declared it."""
    names = {clean_name(word): one.name for one in inventory.services.values() for word in one.aliases}
    names |= {clean_name(name): name for name in inventory.services}
    return lambda name: names.get(clean_name(name), name)


def with_learned(inventory: Inventory, edges: tuple[Edge, ...]) -> tuple[dict[str, str], set[Pair]]:
    """What accepted edges add to an inventory: {service that nobody declared: its type}, and (who needs, what)."""
    today, declared = names_of(inventory), declared_pairs(inventory)
    pairs = {(today(edge.start), today(edge.end)) for edge in edges} - declared
    pairs = {pair for pair in pairs if pair[0] != pair[1]}
    fresh = {name: type_of(name) for pair in pairs for name in pair if name not in inventory.services}
    return fresh, pairs
