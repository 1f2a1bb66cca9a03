"""Mounts the pages on the API's app. NiceGUI is imported here and below only: a server without pages pays nothing."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from nicegui import app as nicegui
from nicegui import dependencies, ui
from starlette.requests import Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from devmesh.ui import (
    detectors,
    frame,
    graph,
    health,
    incident,
    incidents,
    logs,
    nodes,
    overview,
    plain,
    search,
    services,
    sign_in,
    template,
    templates,
)
from devmesh.ui.guard import Guard

if TYPE_CHECKING:
    from fastapi import FastAPI

    from devmesh.mesh import Mesh

STATIC = Path(__file__).parent / "static"
PAGES = (overview, incidents, incident, logs, templates, template, search, nodes, services, graph, detectors, health)


def install(app: FastAPI, mesh: Mesh) -> None:
    """Add the pages at `/ui`, and the guard in front of them."""
    own = f"/own/{_version()}"
    # Own files have their hash in their address, so that browsers may keep them for ever.
    app.mount(f"/ui{own}", StaticFiles(directory=STATIC), name="ui-own")
    dependencies.importmap_overrides["devmesh/"] = f"/ui{own}/"
    frame.place = f"/ui{own}"
    for page in PAGES:
        page.install(mesh)
    app.include_router(sign_in.router)
    ui.run_with(
        app,
        mount_path="/ui",
        title="DevMesh",
        dark=None,
        language="en-US",
        favicon=STATIC / "icon.svg",
        tailwind=False,
        binding_refresh_interval=None,
        reconnect_timeout=30.0,
        message_history_length=20,
        gzip_middleware_factory=None,
        show_welcome_message=False,
    )
    nicegui.exception_handler(404)(nothing_here)
    app.add_middleware(Guard, mesh=mesh)


async def nothing_here(_request: Request, _error: Exception) -> Response:
    """What is asked for where there is nothing."""
    told = '<p>There is no page at this address.</p><p><a class="linked" href="/ui/">To the first page</a></p>'
    return plain.page("Nothing here", told, 404)


def _version() -> str:
    """Changes whenever one of our own files does."""
    digest = hashlib.sha256()
    for path in sorted(STATIC.rglob("*")):
        if path.is_file():
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]
