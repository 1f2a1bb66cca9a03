"""The HTTP face: every route opens one door."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from fastapi import Depends, FastAPI
from starlette.datastructures import State

from devmesh import __version__
from devmesh.api import (
    admin,
    analyze,
    changes,
    connections,
    docs,
    document,
    errors,
    graph,
    house,
    incidents,
    ingest,
    logs,
    notifications,
    search,
    templates,
)
from devmesh.api.auth import PathToken
from devmesh.api.body import BODIES_AT_ONCE, Arriving
from devmesh.api.bounded import Bounded
from devmesh.api.parameters import only_known
from devmesh.api.quota import Quotas, Turns
from devmesh.mesh import Mesh

DESCRIPTION = "A memory for a fleet of Linux machines. Errors have one form: `{code, message, hint, batch}`."


def state_of(mesh: Mesh) -> State:
    """What the routes find at `app.state`: the house, and what is counted for it."""
    return State(
        {
            "mesh": mesh,
            "quotas": Quotas(mesh.clock, mesh.settings.node_quota_bytes_per_s),
            "reports": Turns(mesh.clock, connections.EVERY_S),
            "arriving": Arriving(BODIES_AT_ONCE * mesh.settings.max_plain_bytes),
        }
    )


def make_app(mesh: Mesh, *, started: bool = False) -> FastAPI:
    """The ASGI app over an opened house; its lifespan starts intake and loops, unless they are, and stops them."""

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if not started:
            mesh.start()
        try:
            yield
        finally:
            mesh.close()

    app = FastAPI(
        title="DevMesh",
        version=__version__,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # ours is api/docs.py: FastAPI's page needs the internet
        redoc_url=None,
        dependencies=[Depends(only_known)],
    )
    app.state = state_of(mesh)
    errors.install(app)
    document.install(app)
    for part in (
        ingest,
        connections,
        logs,
        templates,
        incidents,
        graph,
        changes,
        search,
        analyze,
        house,
        notifications,
        admin,
        docs,
    ):
        app.include_router(part.router)
    app.add_middleware(Bounded)
    app.add_middleware(PathToken)  # comes before it
    return app
