"""The first page: how much was said and how bad it was, who speaks, what is new and what is loud, what is degraded."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from nicegui import ui
from nicegui.element import Element
from starlette.requests import Request

from devmesh.asking import make_filter
from devmesh.catalogue import DAY_US, describe
from devmesh.house import health, stats
from devmesh.ui import frame

if TYPE_CHECKING:
    from devmesh.mesh import Mesh

SHOWN = 8
NODES_SHOWN = 50
BARS = 98  # a day in quarters of an hour


class Overview(Element, component="static/overview.js"):
    """How it looks."""


def install(mesh: Mesh) -> None:
    """Add the page."""

    @ui.page("/")
    async def overview(request: Request, since: str = "24h", until: str = "") -> None:
        view = Overview()

        def make() -> dict[str, Any]:
            return data(mesh, since, until)

        await frame.show(mesh, request, "Overview", view, make)
        frame.refreshing(mesh, request, view, make)


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
        "loud": loud(mesh),
        "ill": [asdict(part) for part in health(mesh) if part.state == "degraded"],
    }


def fresh(mesh: Mesh) -> list[dict[str, Any]]:
    """Families that the server made within the last day, the newest first."""
    since = mesh.clock.now_us() - DAY_US
    newest = mesh.templates.list_families(sort="new", limit=SHOWN)
    return describe(mesh, [family for family in newest if family.created_us >= since])


def loud(mesh: Mesh) -> list[dict[str, Any]]:
    """Families with the most events of the last 24 hours: how many, and how many times their usual day that is."""
    now = mesh.clock.now_us()
    by_template = mesh.events.by_template(now - DAY_US, now)
    busiest = sorted(by_template, key=lambda template: -by_template[template][0])[: SHOWN * 25]
    sums: dict[int, int] = {}
    worst: dict[int, int] = {}
    for template in mesh.templates.templates(busiest):
        if template.family_id is not None:
            n, priority = by_template[template.id]
            sums[template.family_id] = sums.get(template.family_id, 0) + n
            worst[template.family_id] = min(worst.get(template.family_id, 7), priority)
    families = mesh.templates.families(sums)
    roots: dict[int, int] = {}
    for asked, family in families.items():
        roots[family.id] = roots.get(family.id, 0) + sums[asked]
    by_id = {family.id: family for family in families.values()}
    top = sorted(roots, key=lambda root: -roots[root])[:SHOWN]
    told = describe(mesh, [by_id[root] for root in top])
    return [
        {**one, "day": roots[root], "worst": worst.get(root, one["level"])} for root, one in zip(top, told, strict=True)
    ]
