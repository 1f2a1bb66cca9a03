"""`/graph`: the inventory, and who fails when somebody does."""

from __future__ import annotations

from dataclasses import asdict
from threading import Lock
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from devmesh.accounts import Grant
from devmesh.api.auth import mesh_of, operator, reader
from devmesh.errors import Unavailable
from devmesh.graph import DAYS, MOST_BYTES
from devmesh.paging import LIMIT_DEFAULT

router = APIRouter(prefix="/graph", tags=["graph"], dependencies=[Depends(reader)])
Name = Annotated[str, Query(max_length=200)]

_proposing = Lock()  # each proposal reads lines of every service


class Inventory(BaseModel):
    """The text of an `inventory.yaml`, and whether only to say what it would change. `source`: its name in errors."""

    text: str = Field(max_length=MOST_BYTES)
    source: str = Field("inventory.yaml", max_length=200)
    dry_run: bool = False


@router.get("")
def graph(
    request: Request, limit: int = LIMIT_DEFAULT, cursor: Annotated[str | None, Query(max_length=200)] = None
) -> dict[str, Any]:
    """The declared services by name, with their hosts and edges."""
    page = mesh_of(request).graph.list(limit, cursor)
    return {"services": [asdict(one) for one in page.rows], "cursor": page.cursor}


@router.post("/inventory")
def load(request: Request, said: Inventory, grant: Annotated[Grant, Depends(operator)]) -> dict[str, Any]:
    """Make this inventory the one in force, whole or not at all; answers what changed. Errors stand in `faults`."""
    loaded = mesh_of(request).graph.load(said.text, grant.by, source=said.source, apply=not said.dry_run)
    return asdict(loaded)


@router.get("/proposal")
def proposal(request: Request, days: float = DAYS) -> dict[str, Any]:
    """A first inventory from what the logs of some days show; one at a time."""
    if not _proposing.acquire(blocking=False):
        raise Unavailable("Somebody has an inventory proposed already.", hint="Ask again shortly.", retry_after_s=5)
    try:
        return {"text": mesh_of(request).graph.propose(days)}
    finally:
        _proposing.release()


@router.get("/blast")
def blast(request: Request, of: Name, limit: int = LIMIT_DEFAULT) -> dict[str, Any]:
    """Everything that surely fails when a service or a host does, the nearest first."""
    return asdict(mesh_of(request).graph.blast(of, limit))


@router.get("/causes")
def causes(request: Request, of: Name, limit: int = LIMIT_DEFAULT) -> dict[str, Any]:
    """Everything whose failure may be why a service fails, the nearest first."""
    return asdict(mesh_of(request).graph.causes(of, limit))


@router.get("/path")
def path(request: Request, start: Name, end: Name) -> dict[str, Any]:
    """The shortest ways by which one needs the other, ten at most."""
    return asdict(mesh_of(request).graph.path(start, end))


@router.get("/risks")
def risks(request: Request, limit: int = LIMIT_DEFAULT) -> dict[str, Any]:
    """Rings of services that need each other, and single points of failure, the worst first."""
    return asdict(mesh_of(request).graph.risks(limit))
