"""One family or template: its text, its history for years, the values in its places, examples, people's words."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from nicegui import ui
from nicegui.element import Element
from starlette.requests import Request

from devmesh.api.auth import grant_for
from devmesh.asking import make_filter
from devmesh.catalogue import show
from devmesh.ui import frame

if TYPE_CHECKING:
    from devmesh.mesh import Mesh

BARS = 120
SPANS = {"day": "24h", "week": "7d", "month": "30d", "year": "365d"}


class TemplatePage(Element, component="static/template.js"):
    """How it looks."""


def install(mesh: Mesh) -> None:
    """Add the page."""

    @frame.page("/templates/{public_id}")
    async def template(request: Request, public_id: str, span: str = "all") -> None:
        grant = await grant_for(mesh, request)

        def make() -> dict[str, Any]:
            return {**data(mesh, public_id, span), "may": grant.operates}

        await frame.show(mesh, request, "Templates", TemplatePage(), make)
        ui.page_title(f"{public_id} · DevMesh")


def data(mesh: Mesh, public_id: str, span: str) -> dict[str, Any]:
    """Everything about it. Raises InvalidInput, NotFound."""
    told = show(mesh, public_id)
    since = SPANS.get(span) or str(told["first_seen_us"] or mesh.clock.now_us() - 1)
    found = mesh.events.histogram(make_filter(mesh, template=[public_id], since=since), BARS)
    return {
        **told,
        "span": span if span in SPANS else "all",
        "histogram": asdict(found) if found else None,
        "now_us": mesh.clock.now_us(),
    }
