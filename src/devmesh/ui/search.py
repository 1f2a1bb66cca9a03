"""One box: families and lines that answer a question, by words and by meaning, and why each was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nicegui.element import Element
from starlette.requests import Request

from devmesh.catalogue import with_trends
from devmesh.finding import find_events, find_families
from devmesh.ui import frame

if TYPE_CHECKING:
    from devmesh.mesh import Mesh

FAMILIES, EVENTS = 20, 30
QUESTION_CHARS = 1_000


class Search(Element, component="static/search.js"):
    """How it looks."""


def install(mesh: Mesh) -> None:
    """Add the page."""

    @frame.page("/search")
    async def search(request: Request, q: str = "") -> None:
        await frame.show(mesh, request, "Search", Search(), lambda: data(mesh, q[:QUESTION_CHARS]))


def data(mesh: Mesh, question: str) -> dict[str, Any]:
    """The answers; nothing for no question."""
    if not question.strip():
        return {"q": "", "families": [], "events": [], "missing": {}, "searched": len(mesh.search)}
    found = find_families(mesh, question, FAMILIES)
    return {
        "q": question,
        "families": with_trends(mesh, found["results"]),
        "events": find_events(mesh, question, EVENTS)["results"],
        "missing": found["missing"],
        "searched": len(mesh.search),
    }
