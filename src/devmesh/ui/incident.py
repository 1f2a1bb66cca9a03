"""One incident: what, since when, who is to blame and why, what was seen, what changed before, what people did."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from nicegui import ui
from nicegui.element import Element
from starlette.requests import Request

from devmesh.api.auth import grant_for
from devmesh.errors import NotFound
from devmesh.incidenting import one_incident
from devmesh.ui import frame
from devmesh.ui.graph_picture import Shapes
from devmesh.ui.incident_graph import around
from devmesh.watched import list_blind

if TYPE_CHECKING:
    from devmesh.mesh import Mesh


class IncidentPage(Element, component="static/incident.js"):
    """How it looks."""


def install(mesh: Mesh) -> None:
    """Add the page."""
    shapes = Shapes(mesh)

    @frame.page("/incidents/{number}")
    async def incident(request: Request, number: str) -> None:
        grant = await grant_for(mesh, request)
        view = IncidentPage()

        def make() -> dict[str, Any]:
            told = data(mesh, number)
            return {**told, "graph": around(mesh, shapes(), told["incident"]), "may": grant.operates}

        await frame.show(mesh, request, "Incidents", view, make, again=True)
        ui.page_title(f"Incident {number} · DevMesh")


def data(mesh: Mesh, number: str) -> dict[str, Any]:
    """Everything about it, and what could not be seen meanwhile (`blind`). Raises NotFound."""
    if not re.fullmatch(r"[0-9]{1,18}", number):
        raise NotFound("There is no such incident.", hint="Incidents have numbers.")
    told = one_incident(mesh, int(number))
    line = told["timeline"]
    until_us = max([line["since_us"], *(bar["t_us"] for bar in line["bars"])]) + line["step_us"]
    blind = list_blind(mesh, since=str(line["since_us"]), until=str(until_us))
    return {"now_us": mesh.clock.now_us(), "incident": told, "blind": blind["blind"]}
