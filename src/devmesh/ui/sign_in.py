"""The sign-in: a form of plain HTML, so that it works before anything else does."""

from __future__ import annotations

from html import escape
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from devmesh.api.auth import COOKIE, mesh_of, same_origin
from devmesh.api.bounded import read_whole
from devmesh.errors import DevMeshError, Forbidden, Unauthorized
from devmesh.ui import plain

router = APIRouter(include_in_schema=False)

MAX_BODY = 8_192
SESSION_S = 30 * 86_400
NOBODY = (
    "Nobody can sign in yet. On the server: <code>devmesh user add NAME</code>. Until then only a browser on that "
    "machine itself may look, at its own address, e.g. <code>ssh -L 8000:127.0.0.1:8000 SERVER</code>."
)


@router.get("/ui/sign-in")
def form(request: Request, following: Annotated[str, Query(alias="next", max_length=4_000)] = "/ui/") -> HTMLResponse:
    """The form; where nobody can sign in yet, what to do about it."""
    if not mesh_of(request).accounts.people.any():
        return plain.page("Sign in", f'<p class="told">{NOBODY}</p>')
    return _page(following, "")


@router.post("/ui/sign-in")
async def sign_in(request: Request) -> Response:
    """Give who knows the password a session's cookie, and show what they wanted to see."""
    said = await _fields(request)
    following = local_path(said.get("next", ""))
    people = mesh_of(request).accounts.people
    address = request.client.host if request.client else ""
    try:
        cookie = await run_in_threadpool(people.sign_in, said.get("name", ""), said.get("password", ""), address)
    except DevMeshError as error:
        return _page(following, escape(f"{error.message} {error.hint if error.status != Unauthorized.status else ''}"),
                     name=said.get("name", ""), status=error.status)  # fmt: skip
    answer = RedirectResponse(following, 303)
    secure = request.url.scheme == "https"
    answer.set_cookie(COOKIE, cookie, max_age=SESSION_S, path="/", secure=secure, httponly=True, samesite="lax")
    return answer


@router.post("/ui/sign-out")
async def sign_out(request: Request) -> Response:
    """End the session."""
    if not same_origin(request):
        raise Forbidden("Pages of another origin may not post here.")
    await run_in_threadpool(mesh_of(request).accounts.people.sign_out, request.cookies.get(COOKIE, ""))
    answer = RedirectResponse("/ui/sign-in", 303)
    answer.delete_cookie(COOKIE, path="/")
    return answer


def local_path(text: str) -> str:
    """`text` where it leads to a page of ours, else the first page: a link must not lead elsewhere after sign-in."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return "/ui/"
    ours = not parts.scheme and not parts.netloc and text.startswith("/ui/") and text.isprintable()
    return text if ours and "\\" not in text else "/ui/"


async def _fields(request: Request) -> dict[str, str]:
    if not same_origin(request):
        raise Forbidden("Pages of another origin may not post here.", hint="Use the address that the page came from.")
    body = await read_whole(request, MAX_BODY)
    fields = parse_qs(body.decode("latin-1"), encoding="utf-8", errors="replace", keep_blank_values=True)
    return {name: values[0] for name, values in fields.items()}


def _page(following: str, told: str, *, name: str = "", status: int = 200) -> HTMLResponse:
    """`told` is HTML; everything else is escaped here."""
    said = f'<p class="told" role="alert">{told}</p>' if told else ""
    form = f"""<form method="post" action="/ui/sign-in">
<input type="hidden" name="next" value="{escape(local_path(following))}">
<label>Name <input name="name" value="{escape(name)}" autocomplete="username" required autofocus maxlength="64"></label>
<label>Password <input name="password" type="password" autocomplete="current-password" required></label>
<button class="primary">Sign in</button></form>"""
    return plain.page("Sign in", said + form, status)
