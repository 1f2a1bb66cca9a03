"""`/incidents` and what belongs to them: detectors, mutes, maintenance, blind times, and a look at the past."""

from __future__ import annotations

from threading import Lock
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, Field

from devmesh.accounts import Grant
from devmesh.acting import act, mute_family, plan_maintenance
from devmesh.api.auth import mesh_of, operator, reader
from devmesh.detecting import SINCE, replay
from devmesh.errors import Unavailable
from devmesh.incidenting import Wanted, list_incidents, one_incident
from devmesh.watched import BLIND_SINCE, list_blind, list_detectors, list_maintenance, list_mutes, list_normal

router = APIRouter(tags=["incidents"], dependencies=[Depends(reader)])
Operator = Annotated[Grant, Depends(operator)]
Names = Annotated[list[str], Query(max_length=100)]
Number = Annotated[int, Path(description="The number of an incident, a mute or a maintenance, as the lists show it.")]

_looking = Lock()  # at the past: each look takes a core for seconds


class Text(BaseModel):
    """A note."""

    text: str


class Verdict(BaseModel):
    """What somebody thinks of an incident: `real` or `noise`."""

    verdict: str = Field(max_length=16)


class IntoIncident(BaseModel):
    """The incident that another one goes into."""

    into: int


class Findings(BaseModel):
    """The findings that go into an incident of their own."""

    findings: list[int] = Field(max_length=10_000)


class Quiet(BaseModel):
    """A family of which nothing is to be told on these nodes (none: on all), for a reason, until then; no `family`: the
    only one that the incident speaks of. More than `most_per_hour` lines end it before.
    """

    family: str = Field("", max_length=16)
    nodes: list[str] = Field([], max_length=1_000)
    until: str = Field(max_length=64)
    reason: str
    most_per_hour: int | None = None
    timezone: str = Field("", max_length=64)


class Window(BaseModel):
    """A time in which what is found of these nodes and services (globs; none: any) is kept and told nobody."""

    since: str = Field("now", max_length=64)
    until: str = Field(max_length=64)
    nodes: list[str] = Field([], max_length=1_000)
    services: list[str] = Field([], max_length=1_000)
    reason: str
    timezone: str = Field("", max_length=64)


# -- incidents --------------------------------------------------------------------------------------------------------


@router.get("/incidents")
def incidents(request: Request, wanted: Annotated[Wanted, Query()]) -> dict[str, Any]:
    """Incidents, the newest onset first; merged ones are left out."""
    return list_incidents(mesh_of(request), wanted)


@router.get("/incidents/{number}")
def incident(request: Request, number: Number, timezone: str = "") -> dict[str, Any]:
    """One incident: report, suspects, findings, timeline, lines, similar ones, notes, changes, what to check next."""
    return one_incident(mesh_of(request), number, timezone=timezone)


@router.post("/incidents/{number}/note")
def note(request: Request, number: Number, said: Text, grant: Operator) -> dict[str, Any]:
    """Write down what you saw or did; it is shown again when the same happens."""
    return act(mesh_of(request), number, "note", said.model_dump(), grant.by)


@router.post("/incidents/{number}/vote")
def vote(request: Request, number: Number, said: Verdict, grant: Operator) -> dict[str, Any]:
    """Say whether an incident was real or noise: detectors are measured by it. Your last word counts."""
    return act(mesh_of(request), number, "vote", said.model_dump(), grant.by)


@router.post("/incidents/{number}/investigate")
def investigate(request: Request, number: Number, grant: Operator) -> dict[str, Any]:
    """Say that you look into an incident."""
    return act(mesh_of(request), number, "investigate", {}, grant.by)


@router.post("/incidents/{number}/close")
def close(request: Request, number: Number, grant: Operator) -> dict[str, Any]:
    """Close an incident; what it knows does not open it again for an hour."""
    return act(mesh_of(request), number, "close", {}, grant.by)


@router.post("/incidents/{number}/reopen")
def reopen(request: Request, number: Number, grant: Operator) -> dict[str, Any]:
    """Open an incident again."""
    return act(mesh_of(request), number, "reopen", {}, grant.by)


@router.post("/incidents/{number}/merge")
def merge(request: Request, number: Number, said: IntoIncident, grant: Operator) -> dict[str, Any]:
    """Let all of an incident go into another one, which is answered."""
    return act(mesh_of(request), number, "merge", said.model_dump(), grant.by)


@router.post("/incidents/{number}/split")
def split(request: Request, number: Number, said: Findings, grant: Operator) -> dict[str, Any]:
    """Make an incident of its own of some findings; it is answered."""
    return act(mesh_of(request), number, "split", said.model_dump(), grant.by)


@router.post("/incidents/{number}/mute")
def mute(request: Request, number: Number, said: Quiet, grant: Operator) -> dict[str, Any]:
    """Tell nothing of one of its families for a time; anything new about it ends that. Answers the mute."""
    return mute_family(mesh_of(request), number, **said.model_dump(), who=grant.by)


# -- the watch --------------------------------------------------------------------------------------------------------


@router.get("/mutes")
def mutes(request: Request, *, ended: bool = False) -> dict[str, Any]:
    """Families of which nothing is told, and why."""
    return list_mutes(mesh_of(request), ended=ended)


@router.post("/mutes/{number}/end")
def end_mute(request: Request, number: Number, grant: Operator) -> dict[str, Any]:
    """Hear of a muted family again; what it held is told. Answers all mutes that are left."""
    mesh = mesh_of(request)
    mesh.incidents.mutes.end(number, grant.by)
    return list_mutes(mesh)


@router.get("/maintenance")
def maintenance(request: Request, *, ended: bool = False) -> dict[str, Any]:
    """Times in which findings are kept and told nobody."""
    return list_maintenance(mesh_of(request), ended=ended)


@router.post("/maintenance")
def plan(request: Request, said: Window, grant: Operator) -> dict[str, Any]:
    """Plan a maintenance window; it is answered. What still goes on after it is told."""
    return plan_maintenance(mesh_of(request), **said.model_dump(), who=grant.by)


@router.post("/maintenance/{number}/end")
def end_maintenance(request: Request, number: Number, grant: Operator) -> dict[str, Any]:
    """End a maintenance window before its time, or take it back. Answers all that are left."""
    mesh = mesh_of(request)
    mesh.incidents.maintenance.end(number, grant.by)
    return list_maintenance(mesh)


@router.get("/detectors")
def detectors(request: Request) -> dict[str, Any]:
    """What each detector finds, until when it learns, what it found, what people said of it."""
    mesh = mesh_of(request)
    return {**list_detectors(mesh), **list_normal(mesh)}


@router.get("/blind")
def blind(
    request: Request,
    since: str = BLIND_SINCE,
    until: str | None = None,
    node: Names = [],  # noqa: B006
    timezone: str = "",
) -> dict[str, Any]:
    """Times in which nothing could be seen of a node, and why."""
    return list_blind(mesh_of(request), since=since, until=until, node=node, timezone=timezone)


@router.get("/detect")
def detect(
    request: Request,
    since: str = SINCE,
    until: str | None = None,
    learn: int | None = None,
    tell_from: float | None = None,
    off: str | None = None,
    *,
    as_seen: bool = False,
    timezone: str = "",
) -> dict[str, Any]:
    """What would have been told of the past, and what more or less than was told. Takes seconds, one at a time."""
    if not _looking.acquire(blocking=False):
        raise Unavailable("Somebody looks at the past already.", hint="Ask again shortly.", retry_after_s=5)
    try:
        return replay(
            mesh_of(request), since=since, until=until, learn_h=learn, tell_from=tell_from, off=off,
            timezone=timezone, as_seen=as_seen,
        )  # fmt: skip
    finally:
        _looking.release()
