"""The detectors: what each finds and how well; mutes, maintenance, drift; what another setting would tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nicegui.element import Element
from starlette.requests import Request

from devmesh.api.auth import grant_for
from devmesh.ui import frame
from devmesh.ui.wrong import watched
from devmesh.watched import list_detectors, list_maintenance, list_mutes

if TYPE_CHECKING:
    from devmesh.mesh import Mesh


class Detectors(Element, component="static/detectors.js"):
    """How it looks."""


def install(mesh: Mesh) -> None:
    """Add the page."""

    @frame.page("/detectors")
    async def detectors(request: Request, since: str = "", learn: str = "") -> None:
        grant = await grant_for(mesh, request)
        view = Detectors()

        def make() -> dict[str, Any]:
            return {**data(mesh), "may": grant.operates, "asked": {"since": since, "learn": learn}}

        await frame.show(mesh, request, "Detectors", view, make)


def data(mesh: Mesh) -> dict[str, Any]:
    """What the page shows at first; a look at the past is asked for by the browser."""
    return {
        "now_us": mesh.clock.now_us(),
        **list_detectors(mesh),
        "watched": watched(mesh),
        "mutes": list_mutes(mesh, ended=True)["mutes"],
        "maintenance": list_maintenance(mesh, ended=True)["maintenance"],
    }
