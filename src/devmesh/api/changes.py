"""`/changes`: what is new, gone, louder or quieter, in a window or after an event; `/drift`: slowly, over weeks."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from devmesh.api.auth import mesh_of, reader
from devmesh.changing import LIMIT_DEFAULT, SINCE, changes_after, list_changes
from devmesh.drifting import list_drift

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
    after: Annotated[str | None, Query(description="Id of an event: what changed on its node after it.")] = None,
) -> dict[str, Any]:
    """Families that are not as they were, with what would be normal and the chance that it is luck.

    With `after` those of an event's node since it, and what people and programs changed there (`strip`); by an
    inventory also of whom needs it on other nodes (`downstream`).
    """
    if after is not None:
        return changes_after(mesh_of(request), after, until=until, limit=limit, timezone=timezone)
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


@router.get("/drift")
def drift(request: Request, limit: int = LIMIT_DEFAULT) -> dict[str, Any]:
    """Families whose rate rises or falls slowly, over weeks, and families that came to move together; told nobody."""
    return list_drift(mesh_of(request), limit=limit)
