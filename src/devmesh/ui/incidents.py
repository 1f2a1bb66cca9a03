"""The incidents: what is open comes first; narrowed by status, severity, service, node and time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nicegui.element import Element
from starlette.requests import Request

from devmesh.incidenting import Wanted, list_incidents
from devmesh.ui import frame
from devmesh.ui.wrong import open_ones, watched

if TYPE_CHECKING:
    from devmesh.mesh import Mesh

SHOWN = 50
MANY = ("service", "node")
ONE = ("status", "severity", "since", "after")


class Incidents(Element, component="static/incidents.js"):
    """How it looks."""


def install(mesh: Mesh) -> None:
    """Add the page."""

    @frame.page("/incidents")
    async def incidents(request: Request) -> None:
        view, asked = Incidents(), asked_in(request)

        def make() -> dict[str, Any]:
            return data(mesh, asked)

        await frame.show(mesh, request, "Incidents", view, make, again=True)


def asked_in(request: Request) -> dict[str, Any]:
    """The filters in the page's address: `status` is open if left out, closed, or all."""
    said: dict[str, Any] = {name: request.query_params.getlist(name) for name in MANY}
    said |= {name: request.query_params.get(name, "") for name in ONE}
    status = said["status"] if said["status"] in {"closed", "all"} else ""
    return {**said, "status": status, "thin": request.query_params.get("thin") == "true"}


def data(mesh: Mesh, asked: dict[str, Any]) -> dict[str, Any]:
    """What the page shows; raises InvalidInput for a filter that cannot be read."""
    only = {"severity": asked["severity"] or None, "since": asked["since"] or None, "thin": asked["thin"],
            **{name: asked[name] for name in MANY}}  # fmt: skip
    told: dict[str, Any] = {
        "asked": asked,
        "now_us": mesh.clock.now_us(),
        "open": None,
        "closed": None,
        "watched": watched(mesh),
        "nodes": sorted(node.name for node in mesh.nodes.list(1_000).rows),
        "services": sorted(service.name for service in mesh.nodes.services())[:2_000],
    }
    if asked["status"] != "closed" and not asked["after"]:
        told["open"] = open_ones(mesh, SHOWN, **only)
    if asked["status"] in {"closed", "all"}:
        page = list_incidents(mesh, Wanted(status="closed", limit=SHOWN, cursor=asked["after"] or None, **only))
        told |= {"closed": page["incidents"], "cursor": page["cursor"]}
    return told
