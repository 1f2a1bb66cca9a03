"""The watch as every face shows it: how its detectors stand, what it could not see, what it is told to leave out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from devmesh.errors import InvalidInput
from devmesh.when import parse_when, zone_of

if TYPE_CHECKING:
    from devmesh.incidents.maintenance import Window
    from devmesh.mesh import Mesh

BLIND_SINCE = "24h"
BLIND_MAX = 1_000


def list_detectors(mesh: Mesh) -> dict[str, Any]:
    """Every detector: what it finds, until when it only learns, what it found, what people said of its incidents
    (`precision`: the share of real ones; `at_least`: what it surely is; both None without votes).
    """
    said = mesh.incidents.votes.precision()
    out = []
    for one in mesh.detectors.states(mesh.clock.now_us()):
        votes = said.get(one.name)
        told = {
            "real": votes.real if votes else 0,
            "noise": votes.noise if votes else 0,
            "precision": votes.share if votes else None,
            "at_least": votes.at_least if votes else None,
        }
        out.append({**asdict(one), **told})
    return {"detectors": out}


def list_blind(
    mesh: Mesh, *, since: str = BLIND_SINCE, until: str | None = None, node: Sequence[str] = (), timezone: str = ""
) -> dict[str, Any]:
    """Times in which nothing could be seen of a node, and why; the newest first, 1,000 at most. Raises InvalidInput."""
    zone, now = zone_of(timezone or mesh.settings.timezone), mesh.clock.now_us()
    since_us, until_us = parse_when(since, now, zone), parse_when(until, now, zone) if until else now
    if since_us > until_us:
        raise InvalidInput("since is later than until.", hint="since is where the time begins, until where it ends.")
    wanted = mesh.nodes.node_names.ids(node, create=False).values() if node else None
    found = mesh.memory.blind(since_us, until_us, wanted)[-BLIND_MAX:][::-1]
    names = mesh.nodes.node_names.names({one.node_id for one in found})
    shown = []
    for one in found:
        told = asdict(one)
        shown.append({"node": names.get(told.pop("node_id"), "?"), **told})
    return {"blind": shown}


def list_maintenance(mesh: Mesh, *, ended: bool = False) -> dict[str, Any]:
    """Maintenance windows that last or are to come, the newest first; with `ended` also those that are over."""
    now = mesh.clock.now_us()
    return {"maintenance": [describe_window(one, now) for one in mesh.incidents.maintenance.list(active=not ended)]}


def describe_window(one: Window, now_us: int) -> dict[str, Any]:
    """A maintenance window as plain values; `state`: planned, active or over."""
    state = "over" if one.end_us <= now_us else "planned" if one.since_us > now_us else "active"
    return {**asdict(one), "nodes": list(one.nodes), "services": list(one.services), "state": state}
