"""The graph part of an incident: who has trouble, whom they need of those who are suspected, and who is well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from devmesh.graph import Thing
from devmesh.incidents import Ties
from devmesh.ui.graph_picture import Shape

if TYPE_CHECKING:
    from devmesh.mesh import Mesh

SHOWN = 40  # who has trouble, in one picture
WELL_SHOWN = 6
SUSPECTS_SHOWN = 3
SUSPECT, SUSPECTED, AFFECTED, BETWEEN, WELL = "suspect", "suspected", "affected", "between", "well"


def around(mesh: Mesh, shape: Shape, incident: Mapping[str, Any]) -> dict[str, Any] | None:
    """{things, edges, rows, well, well_more, left_out} of one incident as every face shows it (`one_incident`); None
    without an inventory. A thing's `role` is suspect (the first), suspected, affected, between or well. `rows` say the
    same in words: of each in trouble the `way` of names to the suspect (empty: none), and whether it is told `with` it.
    """
    ties = mesh.incidents.ties()
    if ties is None or ties.graph is not shape.graph:
        return None
    parts = mesh.incidents.parts([incident["id"]])[incident["id"]]
    found = (ties.thing((one.service_id, one.node_id)) for one in parts)
    ill = list(dict.fromkeys(one for one in found if one is not None))
    suspects = _things(mesh, ties, incident["suspects"][:SUSPECTS_SHOWN])
    roles = {one.id: AFFECTED for one in ill[:SHOWN]} | {one.id: SUSPECTED for one in suspects}
    first = suspects[0] if suspects else None
    rows: list[dict[str, Any]] = []
    well: list[str] = []
    if first is not None:
        roles[first.id] = SUSPECT
        explained = {one.id for one in _things(mesh, ties, (incident["ledger"] or {}).get("explained", ()))}
        for one in ill[:SHOWN]:
            way = next(iter(shape.graph.ways(one.id, first.id, 1)), [one.id]) if one != first else [one.id]
            for between in way[1:-1]:
                roles.setdefault(between, BETWEEN)
            names = [shape.graph.things[step].name for step in way][1:]
            rows.append({"name": one.name, "kind": one.kind, "way": names, "with": one.id in explained, "id": one.id})
        healthy = [one for one in shape.users.get(first.id, ()) if one not in roles]
        roles |= dict.fromkeys(healthy[:WELL_SHOWN], WELL)
        well = [shape.graph.things[one].name for one in healthy]
    troubled = {one.id for one in ill}
    pairs = ((one, other) for one in roles for other in shape.graph.needs.get(one, ()) if other in roles)
    return {
        "things": [_told(shape, shape.graph.things[one], role, ill=one in troubled) for one, role in roles.items()],
        "edges": [shape.edge(*pair) for pair in pairs],
        "rows": rows, "well": well[:WELL_SHOWN], "well_more": max(0, len(well) - WELL_SHOWN),
        "left_out": max(0, len(ill) - SHOWN),
    }  # fmt: skip


def _things(mesh: Mesh, ties: Ties, named: Sequence[Mapping[str, Any]]) -> list[Thing]:
    """Of names of services on nodes, each once; who is in no inventory is left out."""
    services = mesh.nodes.service_names.ids([one["service"] for one in named], create=False)
    nodes = mesh.nodes.node_names.ids([one["node"] for one in named], create=False)
    pairs = ((services.get(one["service"]), nodes.get(one["node"])) for one in named)
    found = (ties.thing((service, node)) for service, node in pairs if service is not None and node is not None)
    return list(dict.fromkeys(one for one in found if one is not None))


def _told(shape: Shape, one: Thing, role: str, *, ill: bool) -> dict[str, Any]:
    place = shape.place.get(one.id, "")
    return {
        "id": one.id,
        "kind": one.kind,
        "name": one.name,
        "type": one.type,
        "place": place,
        "role": role,
        "ill": ill,
    }
