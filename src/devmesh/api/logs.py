"""`/logs`: events, their neighbours, and the live tail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from dataclasses import asdict, replace
from functools import partial
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from devmesh.api.auth import may_read, mesh_of, reader
from devmesh.api.export import download
from devmesh.asking import make_filter
from devmesh.events import Event, Filter, Followed, Position, Resumed
from devmesh.mesh import Mesh

router = APIRouter(tags=["logs"], dependencies=[Depends(reader)])

POLL_S = 0.5
PING_S = 15.0
NOTHING_MISSED = Resumed([], 0, at_least=False)

Names = Annotated[list[str], Query(max_length=100)]


def asking(
    request: Request,
    node: Names = [],  # noqa: B006 - FastAPI copies it
    service: Names = [],  # noqa: B006
    priority: str | None = None,
    since: str | None = None,
    until: str | None = None,
    template: Names = [],  # noqa: B006
    contains: Annotated[str | None, Query(max_length=1_000)] = None,
    regex: Annotated[str | None, Query(max_length=1_000)] = None,
    without: Names = [],  # noqa: B006
    timezone: str = "",
) -> Callable[..., Filter]:
    """Says, each time that it is called, which filter a request's parameters mean by now."""
    return partial(
        make_filter,
        mesh_of(request),
        node=node,
        service=service,
        priority=priority,
        since=since,
        until=until,
        template=template,
        contains=contains,
        regex=regex,
        without=without,
        timezone=timezone,
    )


Asking = Annotated[Callable[..., Filter], Depends(asking)]


def asked(ask: Asking) -> Filter:
    """The filter that a request's parameters mean."""
    return ask()


Asked = Annotated[Filter, Depends(asked)]


@router.get("/logs")
def logs(
    request: Request, only: Asked, limit: int = 100, cursor: Annotated[str | None, Query(max_length=64)] = None
) -> dict[str, Any]:
    """Events that match, newest first; looks for at most 2 s and says how far back it came."""
    page = mesh_of(request).events.query(only, limit, cursor)
    return {
        "events": [asdict(event) for event in page.events],
        "cursor": page.cursor,
        "searched_to_us": page.searched_to_us,
    }


@router.get("/logs/histogram")
def histogram(request: Request, only: Asked, bars: int = 60) -> dict[str, Any]:
    """How many events match, over time and by priority: `bars` bars at most, each with 8 counts, emerg first."""
    found = mesh_of(request).events.histogram(only, bars)
    return {"histogram": asdict(found) if found else None, "total": found.total if found else 0}


@router.get("/logs/export")
def export(request: Request, only: Asked, form: Annotated[str, Query(alias="format")] = "ndjson") -> StreamingResponse:
    """Every event that matches, newest first, as NDJSON or CSV; ends early only where the store goes away."""
    return download(mesh_of(request), only, form)


@router.get("/logs/tail")
async def tail(request: Request, ask: Asking, only: Asked) -> StreamingResponse:
    """New events as they are stored, as server-sent events; `Last-Event-ID` resumes. One named `missed` tells how many
    that match are left out.
    """
    mesh = mesh_of(request)
    last = request.headers.get("last-event-id")
    # The position first: what is stored between the two is in both, and sent once.
    here = await run_in_threadpool(mesh.events.here)
    resumed = await run_in_threadpool(mesh.events.resume, only, last) if last else NOTHING_MISSED
    stream = _stream(request, mesh, _renewed(ask, only), here, resumed)
    return StreamingResponse(stream, media_type="text/event-stream")


@router.get("/logs/{event_id}/context")
def context(request: Request, event_id: str, before: int = 20, after: int = 20) -> dict[str, Any]:
    """The lines of the same node around an event, in order of time; looks for at most 2 s and says how far it came."""
    return {"id": event_id, **asdict(mesh_of(request).events.context(event_id, before, after))}


def _renewed(ask: Callable[..., Filter], first: Filter) -> Callable[[], Filter]:
    """The question asked again, between the same times: a new name, or a new member of a family, may have come."""
    return lambda: replace(ask(since=None, until=None), since_us=first.since_us, until_us=first.until_us)


async def _stream(
    request: Request, mesh: Mesh, ask: Callable[[], Filter], at: Position, resumed: Resumed
) -> AsyncIterator[bytes]:
    quiet, sent = 0.0, {event.id for event in resumed.events}
    for part in _messages(resumed.events, resumed.missed, at_least=resumed.at_least):
        yield part
    while not (_stopping(request) or await request.is_disconnected()):
        if not await may_read(request):  # a token may be revoked meanwhile
            return
        followed = await run_in_threadpool(_follow, mesh, ask, at)
        at = followed.position
        for part in _messages((one for one in followed.events if one.id not in sent), followed.missed):
            yield part
        quiet = 0.0 if followed.events else quiet + POLL_S
        if quiet >= PING_S:
            quiet = 0.0
            yield b": still here\n\n"
        await asyncio.sleep(POLL_S)


def _stopping(request: Request) -> bool:
    """Whether the server is about to end, which what streams for ever must not hold up."""
    return bool(getattr(request.app.state, "stopping", False))


def _follow(mesh: Mesh, ask: Callable[[], Filter], at: Position) -> Followed:
    return mesh.events.follow(ask(), at)


def _messages(events: Iterable[Event], missed: int, *, at_least: bool = False) -> Iterator[bytes]:
    """Events as messages of the stream; before them, without an id, how many that match are left out."""
    if missed or at_least:
        yield b"event: missed\ndata: " + msgspec.json.encode({"events": missed, "at_least": at_least}) + b"\n\n"
    for event in events:
        yield b"id: " + event.id.encode() + b"\ndata: " + msgspec.json.encode(event) + b"\n\n"
