"""`/tokens`, `/users`, `/audit`, `/loops`, the retirement of nodes: what changes how the house runs; admins alone."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, Field

from devmesh.accounts import Grant
from devmesh.api.auth import grant_of, mesh_of
from devmesh.errors import Forbidden
from devmesh.paging import LIMIT_DEFAULT


async def admin(grant: Annotated[Grant, Depends(grant_of)]) -> Grant:
    """A caller that may change how the house runs."""
    if not grant.administers:
        raise Forbidden("This token may not administer.", hint="Make one that may: devmesh token create --admin")
    return grant


router = APIRouter(tags=["admin"], dependencies=[Depends(admin)])
Admin = Annotated[Grant, Depends(admin)]


class TokenBody(BaseModel):
    """What a new token may do; `node` names the node of a node token."""

    kind: str = Field(max_length=16)
    node: str | None = Field(None, max_length=255)


@router.post("/tokens")
def create_token(request: Request, said: TokenBody, grant: Admin) -> dict[str, Any]:
    """Make a token (node, relay, read or admin); the secret is told this once."""
    secret = mesh_of(request).accounts.create_token(said.kind, said.node, grant.by)
    return {"token": secret, "kind": said.kind, "node": said.node}


@router.get("/tokens")
def list_tokens(
    request: Request, limit: int = LIMIT_DEFAULT, cursor: Annotated[str | None, Query(max_length=64)] = None
) -> dict[str, Any]:
    """Tokens in the order in which they were made, without secrets."""
    page = mesh_of(request).accounts.list_tokens(limit, cursor)
    return {"tokens": [asdict(one) for one in page.rows], "cursor": page.cursor}


@router.delete("/tokens/{token_id}")
def revoke_token(request: Request, token_id: Annotated[int, Path(ge=0, lt=2**31)], grant: Admin) -> dict[str, Any]:
    """Refuse a token from now on, within 5 seconds."""
    mesh_of(request).accounts.revoke(token_id, grant.by)
    return {"revoked": token_id}


class UserBody(BaseModel):
    """A new user: `kind` is admin, operate or read."""

    name: str = Field(max_length=64)
    password: str = Field(max_length=1024)
    kind: str = Field("admin", max_length=16)


@router.post("/users")
def add_user(request: Request, said: UserBody, grant: Admin) -> dict[str, Any]:
    """Let somebody sign in. From the first one on, the machine itself needs a token or a session, too."""
    mesh_of(request).accounts.people.add(said.name, said.password, said.kind, grant.by)
    return {"name": said.name, "kind": said.kind}


@router.get("/users")
def list_users(request: Request) -> dict[str, Any]:
    """Everyone who may sign in, by name."""
    return {"users": [asdict(one) for one in mesh_of(request).accounts.people.list()]}


@router.delete("/users/{name:path}")
def remove_user(request: Request, name: Annotated[str, Path(max_length=64)], grant: Admin) -> dict[str, Any]:
    """Forget a user and end their sessions, here at once, on other servers within 5 seconds."""
    mesh_of(request).accounts.people.remove(name, grant.by)
    return {"removed": name}


@router.get("/audit")
def audit(
    request: Request, limit: int = LIMIT_DEFAULT, cursor: Annotated[str | None, Query(max_length=64)] = None
) -> dict[str, Any]:
    """Who did what, the newest first: tokens, users, sign-ins, retired nodes, words of people, merges and splits."""
    page = mesh_of(request).accounts.audit.list(limit, cursor)
    return {"audit": [asdict(one) for one in page.rows], "cursor": page.cursor}


@router.post("/nodes/{name:path}/retire")
def retire_node(request: Request, name: Annotated[str, Path(max_length=255)], grant: Admin) -> dict[str, Any]:
    """Leave a node out of health and of the list until it speaks again; its events stay."""
    mesh_of(request).nodes.retire(name, grant.by)
    return {"retired": name}


@router.get("/loops")
def loops(request: Request) -> dict[str, Any]:
    """Every loop: when it ran last, and what ails it."""
    return {"loops": [asdict(state) for state in mesh_of(request).runner.states()]}


@router.post("/loops/{name}/run")
def run_loop(request: Request, name: Annotated[str, Path(max_length=64)]) -> dict[str, Any]:
    """One bounded step of a loop, now; how much it did."""
    return {"loop": name, "done": mesh_of(request).runner.once(name)}
