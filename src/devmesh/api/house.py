"""`/nodes`, `/services`, `/stats`, `/health`, `/metrics`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST

from devmesh.api.auth import may_read, mesh_of, reader
from devmesh.house import health, overall, stats
from devmesh.metrics import exposition

router = APIRouter(tags=["house"])
guarded = [Depends(reader)]


@router.get("/nodes", dependencies=guarded)
def nodes(request: Request) -> dict[str, Any]:
    """Every node with its state, backlog, clock and losses."""
    return {"nodes": [asdict(node) for node in mesh_of(request).nodes.list()]}


@router.get("/services", dependencies=guarded)
def services(request: Request) -> dict[str, Any]:
    """Every service with its events of all time."""
    mesh = mesh_of(request)
    totals = mesh.events.by_service()
    return {"services": [{**asdict(one), "events": totals.get(one.id, 0)} for one in mesh.nodes.services()]}


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
    """The same figures for Prometheus."""
    return Response(exposition(mesh_of(request)), media_type=CONTENT_TYPE_LATEST)
