"""`/changes`: what is new, gone, louder or quieter."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from devmesh.api.auth import mesh_of, reader
from devmesh.changing import LIMIT_DEFAULT, SINCE, list_changes

router = APIRouter(tags=["changes"], dependencies=[Depends(reader)])

Names = Annotated[list[str], Query(max_length=100)]


@router.get("/changes")
def changes(
    request: Request,
    since: str = SINCE,
    until: str | None = None,
    against: str | None = None,
    node: Names = [],  # noqa: B006 - FastAPI copies it
    service: Names = [],  # noqa: B006
    limit: int = LIMIT_DEFAULT,
    timezone: str = "",
) -> dict[str, Any]:
    """Families that are not as they were, with what would be normal and the chance that it is luck."""
    return list_changes(
        mesh_of(request),
        since=since,
        until=until,
        against=against,
        node=node,
        service=service,
        limit=limit,
        timezone=timezone,
    )
