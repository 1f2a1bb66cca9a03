"""In front of every page: who is not signed in goes to the sign-in, and each answer carries the security headers.

The content security policy lets nothing in from another origin. NiceGUI needs two relaxations: 'unsafe-eval' for
scripts (Vue compiles templates in the browser, NiceGUI evaluates the handlers that the server names) and
'unsafe-inline' for styles (Quasar and Vue set them while they run). Scripts within a page carry a nonce, so that text
that slipped into it could not run.
"""

from __future__ import annotations

import secrets
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response

from devmesh.api.auth import grant_for, same_origin
from devmesh.errors import DevMeshError, Unavailable
from devmesh.ui import plain

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from devmesh.mesh import Mesh

POLICY = (
    "default-src 'none'; script-src 'self' 'nonce-{nonce}' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'"
)
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
CODE = ("/ui/own/", "/ui/_nicegui/", "/ui/favicon.ico")  # and pictures, the same for everybody
SIGN_IN = "/ui/sign-in"
FORMS = (SIGN_IN, "/ui/sign-out")


class Guard:
    """An ASGI middleware; what is not of the pages passes through."""

    def __init__(self, app: ASGIApp, mesh: Mesh) -> None:
        self._app, self._mesh = app, mesh
        self._packed = GZipMiddleware(self._page, minimum_size=1_000, compresslevel=5)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Judge a request or websocket of the pages, hand on every other."""
        path = scope.get("path", "")
        if scope["type"] == "http" and path in {"/", "/ui"} and scope["method"] in {"GET", "HEAD"}:
            await RedirectResponse("/ui/")(scope, receive, send)
        elif not path.startswith("/ui/") or scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
        elif refused := await self._refused(scope, path):
            await self._stamped(refused, scope, receive, send)
        else:
            await (self._packed if scope["type"] == "http" else self._app)(scope, receive, send)

    async def _refused(self, scope: Scope, path: str) -> Response | None:
        """The answer for who may not see this; None for who may."""
        asked = HTTPConnection(scope)
        if scope["type"] == "websocket" or path.startswith("/ui/_nicegui_ws"):
            # A websocket always names the origin of its page, and brings the cookie whoever opened it.
            named = "origin" in asked.headers or scope["type"] == "http"
            if not (named and same_origin(asked)):
                return Response("Pages of another origin may not connect here.", 403)
            return None if await self._reads(asked) else Response("Sign in again.", 401)
        if path.startswith(CODE):
            return None
        try:
            await run_in_threadpool(self._mesh.accounts.people.any)
        except Unavailable as error:  # nobody can be asked who this is
            why = f"<p>{escape(error.message)} {escape(error.hint)}</p>"
            told = f"{why}<p>This page works again once the store answers.</p>"
            return plain.page("The store is away", told, 503)
        if path in FORMS or await self._reads(asked):
            return None
        query = scope.get("query_string", b"").decode("latin-1")
        return RedirectResponse(f"{SIGN_IN}?next={quote(path + ('?' + query if query else ''), safe='')}", 303)

    async def _reads(self, asked: HTTPConnection) -> bool:
        try:
            return (await grant_for(self._mesh, asked)).reads
        except DevMeshError:
            return False

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._stamped(self._app, scope, receive, send)

    async def _stamped(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """The answer of an app with our headers; scripts of a page get its nonce."""
        nonce = secrets.token_urlsafe(16)
        held: list[Message] = []

        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers["Content-Security-Policy"] = POLICY.format(nonce=nonce)
                if headers.get("content-type", "").startswith("text/html"):
                    held.append(message)
                    return
            elif held:
                held.append(message)
                if not message.get("more_body"):
                    await _send_page(held, nonce, send)
                return
            await send(message)

        await app(scope, receive, stamped)


async def _send_page(held: list[Message], nonce: str, send: Send) -> None:
    """NiceGUI escapes every `<` of what a page shows, so whatever stands there as `<script` is its own, or ours."""
    start, *parts = held
    body = b"".join(part.get("body", b"") for part in parts)
    body = body.replace(b"<script", b'<script nonce="' + nonce.encode() + b'"')
    MutableHeaders(scope=start)["Content-Length"] = str(len(body))
    await send(start)
    await send({"type": "http.response.body", "body": body})
