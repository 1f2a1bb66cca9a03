"""The nodes: state, agent, backlog, clock, losses, filters; one node with what it says."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from nicegui.element import Element
from starlette.requests import Request

from devmesh.errors import NotFound
from devmesh.ui import frame, volume

if TYPE_CHECKING:
    from devmesh.mesh import Mesh

SHOWN = 200


class Nodes(Element, component="static/nodes.js"):
    """How it looks."""


def install(mesh: Mesh) -> None:
    """Add the page."""

    @frame.page("/nodes")
    async def nodes(request: Request, node: str = "", after: str = "") -> None:
        view = Nodes()

        def make() -> dict[str, Any]:
            return data(mesh, node, after)

        await frame.show(mesh, request, "Nodes", view, make, again=True)


def data(mesh: Mesh, name: str, after: str) -> dict[str, Any]:
    """All nodes, or one with what it says. Raises NotFound."""
    told: dict[str, Any] = {"now_us": mesh.clock.now_us(), "node": None, "nodes": [], "cursor": None}
    if name:
        found = [node for node in mesh.nodes.list(1_000, retired=True).rows if node.name == name]
        if not found:
            raise NotFound("There is no node of that name.", hint="It is spelled as in the list of nodes.")
        return {**told, "node": asdict(found[0]), **volume.one(mesh, node=[name])}
    page = mesh.nodes.list(SHOWN, after or None, retired=True)
    days = volume.hourly(mesh, "node_id")
    ids = mesh.nodes.node_names.ids([node.name for node in page.rows], create=False)
    listed = [{**asdict(node), **days.get(ids.get(node.name, -1), {})} for node in page.rows]
    return {**told, "nodes": listed, "cursor": page.cursor}
