"""Who asks: a bearer token, a token in the path, a session's cookie, or the machine itself over loopback.

Until the first user exists, a caller on loopback counts as admin: its address and the Host it asked for are both
loopback and no proxy forwarded it. A page of another origin may not post, whoever's browser it is in. The pages follow
the same rule.
"""

from __future__ import annotations

import contextlib
import ipaddress
from typing import TYPE_CHECKING, Annotated
from urllib.parse import SplitResult, urlsplit

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from devmesh.accounts import Grant
from devmesh.errors import Forbidden, Unauthorized, Unavailable

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

    from devmesh.mesh import Mesh

FORWARDED = ("forwarded", "x-forwarded", "x-real-ip", "via")  # how the names of such headers begin
COOKIE = "devmesh_session"
HINT = "Send 'Authorization: Bearer TOKEN'; make one with: devmesh token create"


def mesh_of(request: Request) -> Mesh:
    """The house that this app opens doors of."""
    mesh: Mesh = request.app.state.mesh
    return mesh


def is_loopback(host: str) -> bool:
    """Whether a host name or address is this machine itself."""
    bare = host.strip("[]").rstrip(".").lower()
    if bare == "localhost":
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False


def from_itself(request: HTTPConnection) -> bool:
    """Loopback in the strict sense: peer and Host, with no proxy between.

    nginx, unless told otherwise, names no caller and asks for loopback itself, but in HTTP/1.0, as nobody else does.
    """
    if request.scope["http_version"] == "1.0":
        return False
    peer = request.client.host if request.client else ""
    host = _split(f"//{request.headers.get('host', '')}").hostname or ""
    return is_loopback(peer) and is_loopback(host) and not any(name.startswith(FORWARDED) for name in request.headers)


def _split(url: str) -> SplitResult:
    """The parts of a URL; none for what is no URL, such as a Host that opens a bracket."""
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")


# Declares to the OpenAPI document that calls may carry a bearer token; judging it is ours.
_bearer = HTTPBearer(auto_error=False, description="A token of `devmesh token create`.")


async def grant_of(request: Request, _said: Annotated[object, Depends(_bearer)] = None) -> Grant:
    """What this caller may do. Raises Unauthorized or, for a foreign page's post, Forbidden.

    Async, and asking the store only for what it has not seen for 5 s: a full thread pool must not hold up agents.
    """
    _check_origin(request)
    return await grant_for(mesh_of(request), request)


async def grant_for(mesh: Mesh, asked: HTTPConnection) -> Grant:
    """What the caller of a request or a websocket may do. Raises Unauthorized."""
    scheme, _space, secret = asked.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and secret:
        known = mesh.accounts.cached(secret.strip())
        return known if known is not None else await run_in_threadpool(mesh.accounts.check, secret.strip())
    if scheme:
        raise Unauthorized("This kind of Authorization is not known here.", hint=HINT)
    people = mesh.accounts.people
    if cookie := asked.cookies.get(COOKIE, ""):
        with contextlib.suppress(Unauthorized):
            signed_in = people.cached(cookie)
            return signed_in if signed_in is not None else await run_in_threadpool(people.check, cookie)
    if from_itself(asked):
        known_any = people.any_known()
        if not (known_any if known_any is not None else await run_in_threadpool(people.any)):
            return Grant("admin")
    raise Unauthorized("This needs a token.", hint=HINT)


def same_origin(asked: HTTPConnection) -> bool:
    """Whether the page that asks came from here; True for callers that are no pages and name no origin."""
    origin = asked.headers.get("origin")
    return origin is None or _split(origin).netloc.lower() == asked.headers.get("host", "").lower()


def _check_origin(request: Request) -> None:
    if request.method not in {"GET", "HEAD", "OPTIONS"} and not same_origin(request):
        raise Forbidden("Pages of another origin may not post here.", hint="Use the address that the page came from.")


async def reader(grant: Annotated[Grant, Depends(grant_of)]) -> Grant:
    """A caller that may look at what is stored."""
    if not grant.reads:
        raise Forbidden("This token may not read.", hint="Make one that may: devmesh token create --read")
    return grant


async def operator(grant: Annotated[Grant, Depends(grant_of)]) -> Grant:
    """A caller that may change what people say of the logs."""
    if not grant.operates:
        raise Forbidden("You may look here, but change nothing.", hint="An admin adds users who may: --operate.")
    return grant


async def may_read(request: Request) -> bool:
    """Whether this caller may look at what is stored; for answers that tell others less. While the store is away, who
    shows a token is one of the others: nobody can say whose it is. The machine itself is not, unless users were seen.
    """
    try:
        return (await grant_of(request)).reads
    except Unavailable:
        shown = "authorization" in request.headers or COOKIE in request.cookies
        return not shown and from_itself(request) and not mesh_of(request).accounts.people.any_seen
    except (Unauthorized, Forbidden):
        return False


async def sender(grant: Annotated[Grant, Depends(grant_of)]) -> Grant:
    """A caller that may send events."""
    if not grant.ingests:
        raise Forbidden("This token may not send events.", hint="Make one that may: devmesh token create --node NAME")
    return grant


class PathToken:
    """Clients that cannot send headers may put their token into the path: `/t/TOKEN/ingest`."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Move the token from the path to where every other client has it."""
        token, _slash, rest = scope.get("path", "")[3:].partition("/")
        pages = rest.partition("/")[0] == "ui"  # their guard stands before this, and has judged the path as it came
        if scope["type"] == "http" and scope["path"].startswith("/t/") and not pages:
            headers = [pair for pair in scope["headers"] if pair[0] != b"authorization"]
            secret = token.encode("latin-1", "replace")
            scope = {**scope, "path": f"/{rest}", "headers": [*headers, (b"authorization", b"Bearer " + secret)]}
        await self._app(scope, receive, send)
