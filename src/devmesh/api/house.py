"""`/nodes`, `/services`, `/stats`, `/health`, `/metrics`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import JSONResponse, Response

from devmesh.api.auth import may_read, mesh_of, reader
from devmesh.catalogue import list_services
from devmesh.house import health, overall, stats
from devmesh.paging import LIMIT_DEFAULT

router = APIRouter(tags=["house"])
guarded = [Depends(reader)]


Cursor = Annotated[str | None, Query(max_length=300)]


@router.get("/nodes", dependencies=guarded)
def nodes(
    request: Request, limit: int = LIMIT_DEFAULT, cursor: Cursor = None, *, retired: bool = False
) -> dict[str, Any]:
    """Nodes with their state, backlog, clock and losses; those that were retired only where asked for."""
    page = mesh_of(request).nodes.list(limit, cursor, retired=retired)
    return {"nodes": [asdict(node) for node in page.rows], "cursor": page.cursor}


@router.get("/services", dependencies=guarded)
def services(request: Request, limit: int = LIMIT_DEFAULT, cursor: Cursor = None) -> dict[str, Any]:
    """Services with their events of all time, the busiest first."""
    page = list_services(mesh_of(request), limit=limit, cursor=cursor)
    return {"services": page.rows, "cursor": page.cursor}


@router.get("/stats", dependencies=guarded)
def sums(request: Request) -> dict[str, Any]:
    """Events, templates, families, compression, bytes an event, rate."""
    return stats(mesh_of(request))


@router.get("/health")
def state(request: Request, reads: Annotated[bool, Depends(may_read)]) -> JSONResponse:
    """Each part: ok, degraded with the reason, off with the reason. Strangers learn the overall state alone."""
    parts = health(mesh_of(request))
    body: dict[str, Any] = {"status": overall(parts)}
    if reads:
        body["parts"] = [asdict(part) for part in parts]
    return JSONResponse(body)


@router.get("/metrics", dependencies=guarded)
def metrics(request: Request) -> Response:
    """The figures of /stats and of each part, in Prometheus's text form."""
    from prometheus_client import CONTENT_TYPE_LATEST  # 0.1 s of CPU that only those who scrape pay

    from devmesh.metrics import exposition

    return Response(exposition(mesh_of(request)), media_type=CONTENT_TYPE_LATEST)
