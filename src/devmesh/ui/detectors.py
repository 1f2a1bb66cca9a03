"""The detectors: what each finds and how well; mutes, maintenance, drift; what another setting would tell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nicegui.element import Element
from starlette.requests import Request

from devmesh.api.auth import grant_for
from devmesh.ui import frame
from devmesh.ui.wrong import watched
from devmesh.watched import list_detectors, list_maintenance, list_mutes, list_normal

if TYPE_CHECKING:
    from devmesh.mesh import Mesh


ASKED = ("since", "learn", "tell_from", "off")  # of the past, in the page's address


class Detectors(Element, component="static/detectors.js"):
    """How it looks."""


def install(mesh: Mesh) -> None:
    """Add the page."""

    @frame.page("/detectors")
    async def detectors(request: Request) -> None:
        grant = await grant_for(mesh, request)
        view, asked = Detectors(), {name: request.query_params.get(name) for name in ASKED}

        def make() -> dict[str, Any]:
            return {**data(mesh), "may": grant.operates, "asked": asked}

        await frame.show(mesh, request, "Detectors", view, make)


def data(mesh: Mesh) -> dict[str, Any]:
    """What the page shows at first; a look at the past is asked for by the browser."""
    tuning = mesh.incidents.tuning
    return {
        "now_us": mesh.clock.now_us(),
        "tuned": {"learn": tuning.learn_h, "tell_from": tuning.tell_from, "off": sorted(tuning.off)},
        **list_detectors(mesh),
        **list_normal(mesh),
        "watched": watched(mesh),
        "mutes": list_mutes(mesh, ended=True)["mutes"],
        "maintenance": list_maintenance(mesh, ended=True)["maintenance"],
    }
