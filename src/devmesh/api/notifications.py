"""`/notifications`: what was told to people, what waits, and a test of a channel."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from devmesh.api.admin import admin
from devmesh.api.auth import mesh_of, reader
from devmesh.paging import LIMIT_DEFAULT

router = APIRouter(tags=["notifications"])


@router.get("/notifications", dependencies=[Depends(reader)])
def notifications(
    request: Request, limit: int = LIMIT_DEFAULT, cursor: Annotated[str | None, Query(max_length=64)] = None
) -> dict[str, Any]:
    """The outbox, the newest incident first: waiting, held, failing (with the reason) or sent."""
    page = mesh_of(request).notifications.deliveries(limit, cursor)
    return {"notifications": [asdict(one) for one in page.rows], "cursor": page.cursor}


class ChannelBody(BaseModel):
    """Which channel."""

    channel: str = Field(max_length=64)


@router.post("/notifications/test", dependencies=[Depends(admin)])
def try_channel(request: Request, said: ChannelBody) -> dict[str, Any]:
    """Send a test message by a channel now; what the other side answered."""
    sent = mesh_of(request).notifications.test(said.channel)
    return {"channel": said.channel, "answer": sent.answer}
