"""The catalogue: every family with its text, how often, its last week, who says it; found by words and meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nicegui.element import Element
from starlette.requests import Request

from devmesh.catalogue import list_families, with_trends
from devmesh.finding import find_families
from devmesh.ui import frame

if TYPE_CHECKING:
    from devmesh.mesh import Mesh

SHOWN = 30


class Templates(Element, component="static/templates.js"):
    """How it looks."""


def install(mesh: Mesh) -> None:
    """Add the page."""

    @frame.page("/templates")
    async def templates(request: Request, q: str = "", sort: str = "count") -> None:
        services = request.query_params.getlist("service")
        await frame.show(mesh, request, "Templates", Templates(), lambda: data(mesh, q, sort, services))


def data(mesh: Mesh, question: str, sort: str, services: list[str]) -> dict[str, Any]:
    """The first families of what is asked for; raises InvalidInput."""
    if question:
        found = find_families(mesh, question, SHOWN)["results"]
        listed = [one for one in found if not services or one["service"] in services]
    else:
        listed = list_families(mesh, service=services, sort=sort, limit=SHOWN)
    return {
        "q": question,
        "sort": sort,
        "service": services,
        "families": with_trends(mesh, listed),
        "services": sorted(service.name for service in mesh.nodes.services())[:2_000],
        "page": SHOWN,
        "now_us": mesh.clock.now_us(),
    }
