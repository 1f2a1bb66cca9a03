"""The inventory in the store: read as a whole, replaced in one transaction, with what differs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from sqlalchemy import Connection, delete, insert, select, update

from devmesh.db.lists import one_of
from devmesh.graph.decided import drop_declared
from devmesh.graph.kinds import HOST, RUNS_ON, SERVICE, Fails
from devmesh.graph.model import INVENTORY, Change, Edge, Inventory, Service
from devmesh.graph.tables import graph_edge_types, graph_edges, graph_nodes, graph_state

STATE = 1
ADDED, REMOVED, CHANGED = "added", "removed", "changed"
Key = tuple[str, str]  # kind, name


def version_of(connection: Connection) -> int:
    """How often the graph was changed; 0 while there is none."""
    return int(connection.execute(select(graph_state.c.version)).scalar() or 0)


def read(connection: Connection) -> Inventory:
    """What people declared."""
    keys, services, hosts, edges = dict[int, Key](), dict[str, Service](), dict[str, list[str]](), list[Edge]()
    declared = select(graph_nodes).where(graph_nodes.c.declared).order_by(graph_nodes.c.kind, graph_nodes.c.name)
    for row in connection.execute(declared):
        keys[row.id] = (row.kind, row.name)
        if row.kind == SERVICE:
            aliases = tuple(json.loads(row.aliases))
            services[row.name] = Service(row.name, row.type, (), bool(row.everywhere), aliases)
    lines = select(graph_edges.c.start_id, graph_edges.c.end_id, graph_edges.c.type)
    for row in connection.execute(lines.where(graph_edges.c.source == INVENTORY).order_by(graph_edges.c.id)):
        start, end = keys[row.start_id][1], keys[row.end_id][1]
        if row.type == RUNS_ON:
            hosts.setdefault(start, []).append(end)
        else:
            edges.append(Edge(start, end, row.type))
    placed = {
        name: Service(name, one.type, tuple(hosts.get(name, ())), one.everywhere, one.aliases)
        for name, one in services.items()
    }
    types = {row.name: Fails(row.fails) for row in connection.execute(select(graph_edge_types))}
    return Inventory(placed, tuple(edges), types)


def differences(old: Inventory, new: Inventory) -> Iterator[Change]:
    """What of `new` differs from `old`, in order of kind and name; the order of hosts and edges makes no difference."""
    yield from _of(
        "type", {k: f"fails: {v}" for k, v in old.types.items()}, {k: f"fails: {v}" for k, v in new.types.items()}
    )
    yield from _of("service", _told(old), _told(new))
    yield from _of("edge", dict.fromkeys(map(_name, old.edges), ""), dict.fromkeys(map(_name, new.edges), ""))


def _of(what: str, old: dict[str, str], new: dict[str, str]) -> Iterator[Change]:
    for name in sorted(old.keys() | new.keys()):
        if name not in old:
            yield Change(ADDED, what, name, new[name])
        elif name not in new:
            yield Change(REMOVED, what, name, old[name])
        elif old[name] != new[name]:
            yield Change(CHANGED, what, name, f"{old[name]} -> {new[name]}")


def _told(inventory: Inventory) -> dict[str, str]:
    return {name: told(one) for name, one in inventory.services.items()}


def told(one: Service) -> str:
    """A service's type, hosts and aliases on one line."""
    hosts = [*sorted(one.hosts), *(["all"] if one.everywhere else [])]
    also = f", also {', '.join(sorted(one.aliases))}" if one.aliases else ""
    return f"{one.type or 'no type'} on {', '.join(hosts)}{also}"


def _name(edge: Edge) -> str:
    return f"{edge.start} {edge.type} {edge.end}"


def replace(connection: Connection, new: Inventory, at_us: int, by: str) -> int:
    """Make `new` what is declared; answers the new version. The state's row comes first: it lets one at a time."""
    version = version_of(connection) + 1
    row = {"version": version, "loaded_us": at_us, "loaded_by": by}
    if connection.execute(update(graph_state).values(row)).rowcount == 0:
        connection.execute(insert(graph_state).values(id=STATE, **row))
    connection.execute(delete(graph_edge_types))
    if new.types:
        types = [{"name": name, "fails": str(fails)} for name, fails in sorted(new.types.items())]
        connection.execute(insert(graph_edge_types), types)
    ids = _nodes(connection, new)
    _edges(connection, new, ids)
    drop_declared(connection, new)
    used = select(graph_edges.c.start_id).union(select(graph_edges.c.end_id))
    unused = ~graph_nodes.c.declared & graph_nodes.c.id.not_in(used)
    connection.execute(delete(graph_nodes).where(unused))
    return version


def _nodes(connection: Connection, new: Inventory) -> dict[Key, int]:
    wanted: dict[Key, dict[str, object]] = {
        (SERVICE, one.name): {"type": one.type, "everywhere": one.everywhere, "aliases": json.dumps(one.aliases)}
        for one in new.services.values()
    }
    wanted |= {
        (HOST, host): {"type": "", "everywhere": False, "aliases": "[]"}
        for one in new.services.values()
        for host in one.hosts
    }
    table = graph_nodes.c
    known = {(row.kind, row.name): row for row in connection.execute(select(graph_nodes))}
    gone = [row.id for key, row in known.items() if row.declared and key not in wanted]
    connection.execute(update(graph_nodes).where(one_of(table.id, gone)).values(declared=False))
    fresh = []
    for key, said in wanted.items():
        row = known.get(key)
        if row is None:
            fresh.append({"kind": key[0], "name": key[1], "declared": True, **said})
        elif {**said, "declared": True} != {name: getattr(row, name) for name in (*said, "declared")}:
            connection.execute(update(graph_nodes).where(table.id == row.id).values(declared=True, **said))
    if fresh:
        connection.execute(insert(graph_nodes), fresh)
    return {(row.kind, row.name): row.id for row in connection.execute(select(table.id, table.kind, table.name))}


def _edges(connection: Connection, new: Inventory, ids: dict[Key, int]) -> None:
    table = graph_edges.c
    wanted = dict.fromkeys(_lines(new, ids))
    rows = connection.execute(
        select(table.id, table.start_id, table.end_id, table.type).where(table.source == INVENTORY)
    )
    known = {(row.start_id, row.end_id, row.type): row.id for row in rows}
    gone = [number for line, number in known.items() if line not in wanted]
    connection.execute(delete(graph_edges).where(one_of(table.id, gone)))
    fresh = [
        {"start_id": start, "end_id": end, "type": kind, "source": INVENTORY}
        for start, end, kind in wanted
        if (start, end, kind) not in known
    ]
    if fresh:
        connection.execute(insert(graph_edges), fresh)


def _lines(new: Inventory, ids: dict[Key, int]) -> Iterable[tuple[int, int, str]]:
    for one in new.services.values():
        for host in one.hosts:
            yield ids[SERVICE, one.name], ids[HOST, host], RUNS_ON
    for edge in new.edges:
        yield ids[SERVICE, edge.start], ids[SERVICE, edge.end], edge.type
