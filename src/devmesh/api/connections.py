"""`/ingest/connections`: whom a node's services hold connections to, as its agent sees it; see docs/protocol.md."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool

from devmesh.accounts import Grant
from devmesh.api.auth import mesh_of, sender
from devmesh.api.bounded import read_whole
from devmesh.api.headers import declared
from devmesh.api.ingest import node_of
from devmesh.api.report import parse_report, schema

router = APIRouter(tags=["ingest"])
MOST_BYTES = 1 << 20
EVERY_S = 5.0  # an agent tells it each five minutes; this bounds what a wild one costs


@router.post("/ingest/connections", openapi_extra=schema())
async def connections(request: Request, grant: Annotated[Grant, Depends(sender)]) -> dict[str, Any]:
    """Whom a node's services hold connections to. What was taken before counts nothing, so it may be sent again."""
    mesh, head = mesh_of(request), declared(request.headers)
    node = node_of(request, grant, needed=True)
    request.app.state.reports.take(node)
    body = await read_whole(request, MOST_BYTES, request.app.state.arriving)
    now_us = mesh.clock.now_us()
    report = parse_report(body, now_us)
    learned = await run_in_threadpool(mesh.graph.learn, report.seen(node), report.own(node), report.heard(node))
    return {
        "code": "ok",
        "message": "",
        "hint": "",
        "batch": head.batch,
        "taken": learned.taken,
        "unresolved": learned.unresolved,
        "ignored": learned.ignored,
        "server_time_us": now_us,
    }
