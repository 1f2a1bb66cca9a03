"""`/templates`: the catalogue of families, and one family or template in full."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from devmesh.accounts import Grant
from devmesh.api.auth import mesh_of, operator, reader
from devmesh.asking import family_id, template_number
from devmesh.catalogue import list_families, show, with_trends

router = APIRouter(tags=["templates"], dependencies=[Depends(reader)])
Operator = Annotated[Grant, Depends(operator)]

TRENDS = 100  # each costs two questions to the store


class Words(BaseModel):
    """What people say of a family; empty takes it away, none leaves it as it is."""

    label: str | None = Field(None, max_length=255)
    note: str | None = Field(None, max_length=10_000)


class Into(BaseModel):
    """The family that another one goes into."""

    into: str = Field(max_length=16)


@router.get("/templates")
def templates(
    request: Request,
    service: Annotated[list[str], Query(max_length=100)] = [],  # noqa: B006 - FastAPI copies it
    sort: str = "count",
    limit: int = 100,
    offset: Annotated[int, Query(ge=0, lt=2**31)] = 0,
    *,
    trend: bool = False,
) -> dict[str, Any]:
    """Families with their totals; sort by count, new, last or rate. `trend` adds the last week of each."""
    mesh = mesh_of(request)
    found = list_families(mesh, service=service, sort=sort, limit=min(limit, TRENDS) if trend else limit, offset=offset)
    return {"templates": with_trends(mesh, found) if trend else found}


@router.get("/templates/{template_id}")
def template(request: Request, template_id: str) -> dict[str, Any]:
    """One family (f12) or template (t345): text, totals, nodes, history, values and examples."""
    return show(mesh_of(request), template_id)


@router.put("/templates/{template_id}/words")
def annotate(request: Request, template_id: str, said: Words, grant: Operator) -> dict[str, Any]:
    """Give a family (f12) a label or a note of people's own."""
    mesh = mesh_of(request)
    mesh.templates.annotate(family_id(template_id), label=said.label, note=said.note, by=grant.by)
    return show(mesh, template_id)


@router.post("/templates/{template_id}/merge")
def merge(request: Request, template_id: str, said: Into, grant: Operator) -> dict[str, Any]:
    """Let a family (f12) go into another one of its service; its id leads there from now on."""
    mesh = mesh_of(request)
    mesh.templates.merge(family_id(template_id), family_id(said.into), grant.by)
    return show(mesh, said.into)


@router.post("/templates/{template_id}/split")
def split(request: Request, template_id: str, grant: Operator) -> dict[str, Any]:
    """Take a template (t345) out of its family: a family of its own from now on, which grows together with no other."""
    mesh = mesh_of(request)
    return show(mesh, f"f{mesh.templates.split(template_number(template_id), grant.by)}")
