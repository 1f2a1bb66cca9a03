"""How every part stands and why, the loops, the store, what was masked, who may and did what, the settings in force."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from nicegui.element import Element
from starlette.requests import Request

from devmesh.api.auth import grant_for
from devmesh.house import configured, health, stats
from devmesh.ui import frame

if TYPE_CHECKING:
    from devmesh.accounts import Grant
    from devmesh.mesh import Mesh

TOKENS_SHOWN = 200
DEEDS_SHOWN = 20


class Health(Element, component="static/health.js"):
    """How it looks."""


def install(mesh: Mesh) -> None:
    """Add the page."""

    @frame.page("/health")
    async def page(request: Request) -> None:
        grant = await grant_for(mesh, request)
        await frame.show(mesh, request, "Health", Health(), lambda: data(mesh, grant))


def data(mesh: Mesh, grant: Grant) -> dict[str, Any]:
    """What everybody who reads may see; tokens, users and the audit log for admins alone."""
    parts = [asdict(part) for part in health(mesh)]
    told: dict[str, Any] = {
        "now_us": mesh.clock.now_us(),
        "admin": grant.administers,
        "parts": [part for part in parts if not part["name"].startswith("loop ")],
        "loops": [asdict(state) for state in mesh.runner.states()],
        "stats": stats(mesh),
        "retention_days": mesh.settings.retention_days,
        "settings": list(configured(mesh.settings, everything=True)),
    }
    if grant.administers:
        told["tokens"] = [asdict(token) for token in mesh.accounts.list_tokens(TOKENS_SHOWN).rows]
        told["users"] = [asdict(user) for user in mesh.accounts.people.list()]
        deeds = mesh.accounts.audit.list(DEEDS_SHOWN)
        told["audit"] = {"deeds": [asdict(one) for one in deeds.rows], "cursor": deeds.cursor}
    return told
