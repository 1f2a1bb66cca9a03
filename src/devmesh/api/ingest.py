"""`/ingest`: events, state and heartbeats of agents, as docs/protocol.md has them."""

from __future__ import annotations

import asyncio
import socket
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool

from devmesh.accounts import Grant
from devmesh.api.auth import is_loopback, mesh_of, sender
from devmesh.api.body import read_body
from devmesh.api.headers import Declared, declared, said_node
from devmesh.api.heartbeat import parse_heartbeat, schema
from devmesh.errors import BadRequest, Forbidden
from devmesh.intake import Request as IntakeRequest
from devmesh.mesh import Mesh

router = APIRouter(tags=["ingest"])

BUSY = 0.5  # of what may wait for the writer: from here on agents are asked to slow down

NDJSON_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/x-ndjson": {"schema": {"type": "string", "example": '{"message": "hello"}\n'}}},
    }
}


def node_of(request: Request, grant: Grant, *, needed: bool) -> str:
    """The node that this request speaks for. Raises Forbidden for another node's name, BadRequest for one that is none
    or is missing where it is needed.
    """
    said = said_node(request.headers)
    if grant.kind == "node":
        if said and said != grant.node:
            raise Forbidden(
                "This token belongs to another node.", hint="Leave DevMesh-Node out, or use that node's token."
            )
        return grant.node or ""
    if said:
        return said
    if needed:
        raise BadRequest("DevMesh-Node is missing.", hint="Say which node speaks.")
    peer = request.client.host if request.client else "unknown"
    return socket.gethostname() if is_loopback(peer) else peer


@router.post("/ingest", openapi_extra=NDJSON_BODY)
async def ingest(request: Request, grant: Annotated[Grant, Depends(sender)]) -> dict[str, Any]:
    """Take events in: NDJSON, one event a line. The answer comes after the commit: 200 means durable."""
    mesh, said = mesh_of(request), declared(request.headers)
    node = node_of(request, grant, needed=said.stream is not None)
    body = await read_body(request, mesh.settings, request.app.state.arriving)
    request.app.state.quotas.check(node, len(body))
    ticket = mesh.intake.submit(_intake_request(mesh, grant, said, node, body))
    answer = await asyncio.wrap_future(ticket.future)
    return {
        "code": "ok",
        "message": "",
        "hint": "",
        "batch": said.batch,
        "stored": answer.stored,
        "repeated": answer.repeated,
        "rejected": answer.rejected,
        "errors": [{"line": one.line, "field": one.field, "reason": one.reason} for one in answer.errors],
        "coverage": [list(part) for part in answer.coverage],
        "pace": _pace(mesh),
        "server_time_us": mesh.clock.now_us(),
    }


@router.get("/ingest/state")
def state(request: Request, grant: Annotated[Grant, Depends(sender)]) -> dict[str, Any]:
    """What the server knows of each stream of a node."""
    mesh = mesh_of(request)
    declared(request.headers)
    node = node_of(request, grant, needed=True)
    settings = mesh.settings
    return {
        "node": node,
        "streams": [
            {
                "stream": one.key.seqnum_id,
                "epoch": one.key.epoch,
                "coverage": [list(part) for part in one.coverage],
                "marks": [list(mark) for mark in one.marks],
            }
            for one in mesh.nodes.stream_states(node)
        ],
        "limits": {
            "body_bytes": settings.max_body_bytes,
            "plain_bytes": settings.max_plain_bytes,
            "events": settings.max_events,
            "line_bytes": settings.max_line_bytes,
            "message_bytes": settings.max_message_bytes,
            "fields": settings.max_fields,
        },
        "batch": request.headers.get("devmesh-batch"),
        "server_time_us": mesh.clock.now_us(),
    }


@router.post("/ingest/heartbeat", openapi_extra=schema())
async def heartbeat(request: Request, grant: Annotated[Grant, Depends(sender)]) -> dict[str, Any]:
    """What an agent says of itself every 30 s, also when there is nothing to send."""
    mesh, head = mesh_of(request), declared(request.headers)
    node = node_of(request, grant, needed=True)
    body = await read_body(request, mesh.settings, request.app.state.arriving)
    beat = parse_heartbeat(body).as_heartbeat(head.machine_id)
    newest = await run_in_threadpool(mesh.nodes.heartbeat, node, beat)
    return {
        "code": "ok",
        "message": "",
        "hint": "",
        "batch": head.batch,
        "pace": _pace(mesh),
        "newest": newest,
        "server_time_us": mesh.clock.now_us(),
    }


def _intake_request(mesh: Mesh, grant: Grant, said: Declared, node: str, body: bytes) -> IntakeRequest:
    return IntakeRequest(
        body=body,
        node=node,
        received_us=mesh.clock.now_us(),
        may_name_nodes=grant.kind in {"relay", "admin"},
        machine_id=said.machine_id,
        stream=said.stream,
        ranges=said.ranges,
        each=said.each,
        marks=said.marks,
        prev=said.prev,
        idempotency_key=said.idempotency_key,
    )


def _pace(mesh: Mesh) -> dict[str, int]:
    """How fast an agent may go: slower while much waits for the writer."""
    settings = mesh.settings
    busy = mesh.intake.waiting_bytes / settings.max_waiting_bytes
    return {
        "max_events": settings.max_events,
        "max_bytes": settings.max_body_bytes,
        "min_interval_ms": 0 if busy < BUSY else int(1000 * busy),
        "max_bytes_per_s": settings.node_quota_bytes_per_s,
    }
