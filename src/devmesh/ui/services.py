"""The services: how much each says and how bad it is; one service with what it says and who runs it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nicegui.element import Element
from starlette.requests import Request

from devmesh.catalogue import list_services
from devmesh.errors import NotFound
from devmesh.ui import frame, volume

if TYPE_CHECKING:
    from devmesh.mesh import Mesh

SHOWN = 200


class Services(Element, component="static/services.js"):
    """How it looks."""


def install(mesh: Mesh) -> None:
    """Add the page."""

    @frame.page("/services")
    async def services(request: Request, service: str = "", after: str = "") -> None:
        await frame.show(mesh, request, "Services", Services(), lambda: data(mesh, service, after))


def data(mesh: Mesh, name: str, after: str) -> dict[str, Any]:
    """All services, the busiest first, or one with what it says. Raises NotFound."""
    told: dict[str, Any] = {"now_us": mesh.clock.now_us(), "service": None, "services": [], "cursor": None}
    if name:
        if not mesh.nodes.service_names.ids([name], create=False):
            raise NotFound("There is no service of that name.", hint="It is spelled as in the list of services.")
        return {**told, "service": name, **volume.one(mesh, service=[name])}
    page = list_services(mesh, limit=SHOWN, cursor=after or None)
    days = volume.hourly(mesh, "service_id")
    return {**told, "services": [{**one, **days.get(one["id"], {})} for one in page.rows], "cursor": page.cursor}
