"""`/graph`: the inventory, and who fails when somebody does."""

from __future__ import annotations

from dataclasses import asdict
from threading import Lock
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, Field

from devmesh.accounts import Grant
from devmesh.api.auth import mesh_of, operator, reader
from devmesh.errors import Unavailable
from devmesh.graph import DAYS, MOST_BYTES, MOST_FILE_BYTES, STALE_DAYS
from devmesh.paging import LIMIT_DEFAULT

router = APIRouter(prefix="/graph", tags=["graph"], dependencies=[Depends(reader)])
Name = Annotated[str, Query(max_length=200)]
Id = Annotated[str, Path(pattern="^[0-9a-f]{12}$")]

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


class File(BaseModel):
    """A configuration file of a node: its text, and its name, with a path as far as that tells the form. `service`:
    whose it is, where it does not say itself. `plan`: only say what it would tell.
    """

    text: str = Field(max_length=MOST_FILE_BYTES)
    source: str = Field(max_length=500)
    node: str = Field(max_length=255)
    service: str = Field("", max_length=128)
    format: str = Field("", max_length=20)
    plan: bool = False


@router.post("/read", dependencies=[Depends(operator)])
def read(request: Request, said: File) -> dict[str, Any]:
    """Take what a configuration file says as evidence for edges; nothing of it is kept but the targets."""
    files = mesh_of(request).graph.files
    told = files.read(said.text, said.source, said.node, service=said.service, form=said.format, apply=not said.plan)
    return asdict(told)


class Decision(BaseModel):
    """What somebody decides of an edge: `accept` or `refuse`."""

    start: str = Field(max_length=200)
    end: str = Field(max_length=200)
    decision: Literal["accept", "refuse"]


@router.get("/proposals")
def proposals(
    request: Request,
    limit: int = LIMIT_DEFAULT,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    *,
    everything: bool = False,
) -> dict[str, Any]:
    """Edges that logs and agents show and nobody declared, the surest first; also weak and decided ones."""
    page = mesh_of(request).graph.learning.proposals(limit, cursor, everything=everything)
    return {"proposals": [asdict(one) for one in page.rows], "cursor": page.cursor}


@router.post("/proposals")
def decide(request: Request, said: Decision, grant: Annotated[Grant, Depends(operator)]) -> dict[str, Any]:
    """Accept or refuse an edge by the names of its ends."""
    learning = mesh_of(request).graph.learning
    verb = learning.accept if said.decision == "accept" else learning.refuse
    return asdict(verb(said.start, said.end, grant.by))


@router.post("/proposals/{proposal_id}/accept")
def accept(request: Request, proposal_id: Id, grant: Annotated[Grant, Depends(operator)]) -> dict[str, Any]:
    """Put a proposed edge in force."""
    learning = mesh_of(request).graph.learning
    return asdict(learning.accept(*learning.find(proposal_id), grant.by))


@router.post("/proposals/{proposal_id}/refuse")
def refuse(request: Request, proposal_id: Id, grant: Annotated[Grant, Depends(operator)]) -> dict[str, Any]:
    """Never propose an edge again."""
    learning = mesh_of(request).graph.learning
    return asdict(learning.refuse(*learning.find(proposal_id), grant.by))


@router.get("/unresolved")
def unresolved(request: Request, limit: int = LIMIT_DEFAULT) -> dict[str, Any]:
    """Targets whose service nobody knows, and why; the most often seen first."""
    return {"unresolved": [asdict(one) for one in mesh_of(request).graph.learning.unresolved(limit)]}


@router.get("/stale")
def stale(request: Request, days: float = STALE_DAYS) -> dict[str, Any]:
    """Edges in force that nothing was seen of for `days` days, though whoever would touch was watched."""
    return {"edges": [asdict(one) for one in mesh_of(request).graph.learning.stale(days)]}


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
