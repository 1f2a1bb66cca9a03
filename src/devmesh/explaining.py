"""What the first suspect of an incident explains, by the inventory, and what it does not: the ledger of one message."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from devmesh.incidents import Names, Part
from devmesh.mesh import Mesh


def ledger(
    mesh: Mesh, suspects: Collection[Mapping[str, Any]], parts: Collection[Part], named: Names
) -> dict[str, Any] | None:
    """`explained` (each with how) and `unexplained`, of all who have a part in it; None without an inventory that
    knows the first suspect.
    """
    ties, first = mesh.incidents.ties(), next(iter(suspects), None)
    if ties is None or first is None:
        return None
    services = mesh.nodes.service_names.ids([first["service"]], create=False)
    nodes = mesh.nodes.node_names.ids([first["node"]], create=False)
    if not services or not nodes:
        return None
    suspect = services[first["service"]], nodes[first["node"]]
    if not ties.knows(suspect):
        return None
    others = sorted({(one.service_id, one.node_id) for one in parts} - {suspect})
    how = {pair: ties.need(pair, suspect, whole=False) for pair in others}
    return {
        "explained": [{**named.pair(*pair), "how": said} for pair, said in how.items() if said],
        "unexplained": [named.pair(*pair) for pair, said in how.items() if not said],
    }
