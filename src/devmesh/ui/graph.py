"""The graph: who needs whom, on which hosts, what is wrong with it; who fails with somebody, and what ends many."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import nicegui.elements.echart  # noqa: F401 - lets pages import its bundle of ECharts, from this server
from nicegui.element import Element
from starlette.requests import Request

from devmesh.api.auth import grant_for
from devmesh.errors import DevMeshError
from devmesh.ui import frame
from devmesh.ui.graph_picture import Picture, Shape, Shapes

if TYPE_CHECKING:
    from devmesh.mesh import Mesh

NAMES_SHOWN = 2_000
ASKED_CHARS = 200
FILES = ("graph_chart", "graph_layout", "graph_shapes", "graph_panel", "graph_proposals", "incident_rows")
ASKED = ("of", "to", "q", "by", "show")  # in the page's address


class GraphPage(Element, component="static/graph.js"):
    """How it looks."""


def install(mesh: Mesh) -> None:
    """Add the page."""
    shapes = Shapes(mesh)

    @frame.page("/graph")
    async def graph(request: Request) -> None:
        grant = await grant_for(mesh, request)
        asked = {name: request.query_params.get(name, "")[:ASKED_CHARS] for name in ASKED}

        def make() -> dict[str, Any]:
            return {**data(mesh, shapes(), asked["of"], asked["q"]), "asked": asked, "may": grant.operates}

        frame.preload(*FILES)
        await frame.show(mesh, request, "Graph", GraphPage(), make, again=True)


def data(mesh: Mesh, shape: Shape, of: str, asked: str) -> dict[str, Any]:
    """What the page shows; `chosen` is who `of` names, `missing` says why nobody is."""
    state, reason = mesh.graph.health()
    told: dict[str, Any] = {"now_us": mesh.clock.now_us(), "engine": {"state": state, "reason": reason}}
    if not shape.graph.things:
        return {**told, "picture": None}
    picture, chosen = Picture(mesh, shape), None
    if of:
        try:
            chosen = shape.graph.find(of)
            told["chosen"] = picture.told(chosen)
        except DevMeshError as error:
            told["missing"] = error.message
    return {
        **told,
        "picture": picture.draw(chosen, asked),
        "incidents": picture.incidents,
        "services": len(shape.services),
        "hosts": len(shape.hosts),
        "names": [one.name for one in (*shape.services, *shape.hosts)[:NAMES_SHOWN]],
    }
