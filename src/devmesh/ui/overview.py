"""The first page: how much was said and how bad it was, who speaks, what is new and what is loud, what is degraded."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from nicegui.element import Element
from starlette.requests import Request

from devmesh.asking import make_filter
from devmesh.catalogue import DAY_US, busiest, describe, with_trends
from devmesh.events import Filter
from devmesh.house import health, stats
from devmesh.ui import frame
from devmesh.ui.wrong import open_ones, watched

if TYPE_CHECKING:
    from devmesh.mesh import Mesh

SHOWN = 8
NODES_SHOWN = 50
NEWEST, ORDINARY = 100, 5  # new families that are looked at; a priority that is no warning
BARS = 98  # a day in quarters of an hour


class Overview(Element, component="static/overview.js"):
    """How it looks."""


def install(mesh: Mesh) -> None:
    """Add the page."""
    recent = frame.Recent(mesh.clock)

    @frame.page("/")
    async def overview(request: Request, since: str = "24h", until: str = "") -> None:
        view = Overview()

        def make() -> dict[str, Any]:
            return recent(f"{since} {until}", lambda: data(mesh, since, until))

        await frame.show(mesh, request, "Overview", view, make, again=True)


def data(mesh: Mesh, since: str, until: str) -> dict[str, Any]:
    """What the page shows. Raises InvalidInput for times that are none."""
    only = make_filter(mesh, since=since or "24h", until=until or None)
    only = replace(only, until_us=only.until_us or mesh.clock.now_us())
    found = mesh.events.histogram(only, BARS)
    nodes = mesh.nodes.list(NODES_SHOWN)
    return {
        "now_us": mesh.clock.now_us(),
        "since": since,
        "until": until,
        "histogram": asdict(found) if found else None,
        "stats": stats(mesh),
        "nodes": [asdict(node) for node in nodes.rows],
        "more_nodes": nodes.cursor is not None,
        "new": fresh(mesh),
        "incidents": open_ones(mesh, SHOWN),
        "watched": watched(mesh),
        "loud": busiest(mesh, Filter(since_us=mesh.clock.now_us() - DAY_US), SHOWN),
        "ill": [asdict(part) for part in health(mesh) if part.state == "degraded"],
    }


def fresh(mesh: Mesh) -> list[dict[str, Any]]:
    """Families that the server made within the last day (of the newest hundred), errors and warnings first, of those
    the newest.
    """
    since = mesh.clock.now_us() - DAY_US
    newest = [one for one in mesh.templates.list_families(sort="new", limit=NEWEST) if one.created_us >= since]
    told = with_trends(mesh, describe(mesh, newest))
    return sorted(told, key=lambda one: min(ORDINARY, ORDINARY if one["worst"] is None else one["worst"]))[:SHOWN]
