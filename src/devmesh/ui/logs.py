"""The lines: filter bar, bars over time, an endless list, one line in full with its neighbours, the live tail.

The page brings the first lines and the bars along; everything after that is asked of the HTTP API by the browser.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from nicegui.element import Element
from starlette.requests import Request

from devmesh.asking import make_filter
from devmesh.ui import frame

if TYPE_CHECKING:
    from devmesh.mesh import Mesh

FIRST = 200
MANY = ("node", "service", "template", "without")
ONE = ("priority", "since", "until", "contains", "regex")
SINCE = "24h"


class Logs(Element, component="static/logs.js"):
    """How it looks."""


def install(mesh: Mesh) -> None:
    """Add the page."""

    @frame.page("/logs")
    async def logs(request: Request) -> None:
        asked = asked_in(request)
        await frame.show(mesh, request, "Logs", Logs(), lambda: data(mesh, asked))


def asked_in(request: Request) -> dict[str, Any]:
    """The filters in a page's address; without a time it is the last day. `since=all` is since ever."""
    said: dict[str, Any] = {name: request.query_params.getlist(name) for name in MANY}
    said |= {name: request.query_params.get(name, "") for name in ONE}
    return {**said, "since": said["since"] or SINCE, "line": request.query_params.get("line", "")}


def data(mesh: Mesh, asked: dict[str, Any]) -> dict[str, Any]:
    """The first lines and the bars; raises InvalidInput for a filter that cannot be read."""
    said: dict[str, Any] = {name: asked[name] for name in (*MANY, *ONE)}
    only = make_filter(mesh, **{**said, "since": None if asked["since"] == "all" else asked["since"]})
    page = mesh.events.query(only, FIRST)
    return {
        "asked": asked,
        "first": {"events": [asdict(one) for one in page.events], "cursor": page.cursor,
                  "searched_to_us": page.searched_to_us},
        "nodes": sorted(node.name for node in mesh.nodes.list(1_000).rows),
        "services": sorted(service.name for service in mesh.nodes.services())[:2_000],
    }  # fmt: skip
