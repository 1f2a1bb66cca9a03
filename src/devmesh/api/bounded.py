"""In front of the routes whose JSON FastAPI reads whole before it asks who sends it: nobody fills the memory by it.

Who may not send is told so before a byte of the body is read; of everybody else it is bounded in size and time.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fastapi import Request
from starlette.requests import ClientDisconnect

from devmesh.api.auth import grant_of
from devmesh.api.errors import answer
from devmesh.errors import BadRequest, DevMeshError, TooLarge, TooSlow
from devmesh.graph import MOST_BYTES, MOST_FILE_BYTES

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from devmesh.api.body import Arriving

JSON_BYTES = 1 << 20
LARGER = {
    "/graph/inventory": 3 * MOST_BYTES,
    "/graph/read": 3 * MOST_FILE_BYTES,
}  # JSON makes six bytes of an "é", which has two
WHOLE_S = 30.0
OWN = ("/ingest", "/ui/sign-in")  # these bound what they read by themselves


class Bounded:
    """An ASGI middleware: hands on a request with its body, read whole; counted in `app.state.arriving` meanwhile."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read the body, unless there is none or its route does so; answer what is wrong with it."""
        if scope["type"] != "http" or scope["path"].startswith(OWN) or not _has_body(request := Request(scope)):
            await self._app(scope, receive, send)
            return
        arriving = scope["app"].state.arriving
        try:
            await grant_of(request)
            body = await read_whole(Request(scope, receive), LARGER.get(scope["path"], JSON_BYTES), arriving)
        except DevMeshError as error:
            await answer(request, error)(scope, receive, send)
            return
        told = False

        async def again() -> Message:
            nonlocal told
            if told:
                return await receive()
            told = True
            return {"type": "http.request", "body": body}

        await self._app(scope, again, send)


async def read_whole(request: Request, limit_bytes: int, arriving: Arriving | None = None) -> bytes:
    """The body, counted in `arriving` while it comes. Raises TooLarge, TooSlow, BadRequest or Unavailable."""
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit_bytes:
        raise _too_large(limit_bytes)
    body = bytearray()
    try:
        async with asyncio.timeout(WHOLE_S):
            async for part in request.stream():
                if len(body) + len(part) > limit_bytes:
                    raise _too_large(limit_bytes)
                if arriving:
                    arriving.hold(len(part))
                body += part
    except TimeoutError:
        raise TooSlow("The body arrives too slowly.", hint=f"It must be here within {WHOLE_S:g} s.") from None
    except ClientDisconnect:
        raise BadRequest("The sender went away in the middle of its body.") from None
    finally:
        if arriving:
            arriving.let_go(len(body))
    return bytes(body)


def _has_body(request: Request) -> bool:
    return request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers


def _too_large(limit_bytes: int) -> TooLarge:
    return TooLarge("The body is over the limit.", hint=f"At most {limit_bytes:,} bytes.", limit_bytes=limit_bytes)
