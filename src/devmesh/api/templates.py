"""`/templates`: the catalogue of families, and one family or template in full."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from devmesh.api.auth import mesh_of, reader
from devmesh.catalogue import list_families, show

router = APIRouter(tags=["templates"], dependencies=[Depends(reader)])


@router.get("/templates")
def templates(
    request: Request,
    service: Annotated[list[str], Query(max_length=100)] = [],  # noqa: B006 - FastAPI copies it
    sort: str = "count",
    limit: int = 100,
    offset: Annotated[int, Query(ge=0, lt=2**31)] = 0,
) -> dict[str, Any]:
    """Families with their totals; sort by count, new, last or rate."""
    return {"templates": list_families(mesh_of(request), service=service, sort=sort, limit=limit, offset=offset)}


@router.get("/templates/{template_id}")
def template(request: Request, template_id: str) -> dict[str, Any]:
    """One family (f12) or template (t345): text, totals, nodes, history, values and examples."""
    return show(mesh_of(request), template_id)
