"""`/search`: families by words and meaning, or their events."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from devmesh.api.auth import mesh_of, reader
from devmesh.api.templates import TRENDS
from devmesh.catalogue import with_trends
from devmesh.finding import find_events, find_families

router = APIRouter(tags=["search"], dependencies=[Depends(reader)])

Question = Annotated[str, Query(min_length=1, max_length=1_000)]
Limit = Annotated[int, Query(ge=1, le=200)]


@router.get("/search/templates")
def search_templates(request: Request, query: Question, limit: Limit = 10, *, trend: bool = False) -> dict[str, Any]:
    """Families that answer the question, best first, each with why it was found; `trend` adds their last week."""
    mesh = mesh_of(request)
    found = find_families(mesh, query, min(limit, TRENDS) if trend else limit)
    return {**found, "results": with_trends(mesh, found["results"])} if trend else found


@router.get("/search/logs")
def search_logs(request: Request, query: Question, limit: Limit = 10) -> dict[str, Any]:
    """The newest events of the families that answer the question."""
    return find_events(mesh_of(request), query, limit)
