"""The watch as every face shows it: how its detectors stand, what it could not see, what it is told to leave out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from devmesh.errors import InvalidInput
from devmesh.when import parse_when, zone_of

if TYPE_CHECKING:
    from devmesh.incidents import Mute, Window
    from devmesh.mesh import Mesh

BLIND_SINCE = "24h"
BLIND_MAX, NORMAL_MAX = 1_000, 1_000
LEAST_SHOWN = 0.005  # below it rounds to none
DAY_US = 86_400_000_000


def list_detectors(mesh: Mesh) -> dict[str, Any]:
    """Every detector: what it finds, whether it is `off`, until when it only learns, what it found, in how many
    incidents of 30 days it has a part (`incidents_30d`), what people said of its incidents (`precision`: the share of
    real ones; `at_least`: what it surely is; both None without votes).
    """
    now = mesh.clock.now_us()
    said, parts = mesh.incidents.votes.precision(), mesh.incidents.by_detector(now - 30 * DAY_US)
    out = []
    for one in mesh.detectors.states(now):
        votes = said.get(one.name)
        told = {
            "off": one.name in mesh.incidents.tuning.off,
            "incidents_30d": parts.get(one.name, 0),
            "real": votes.real if votes else 0,
            "noise": votes.noise if votes else 0,
            "precision": votes.share if votes else None,
            "at_least": votes.at_least if votes else None,
        }
        out.append({**asdict(one), **told})
    return {"detectors": out}


def list_normal(mesh: Mesh) -> dict[str, Any]:
    """How many errors in five minutes are normal (`mean`, `deviation`) of each service on a node that has some, the
    most first, 1,000 at most; from how many on they are a finding (`found_from`), and how many `hours` taught that.
    """
    some = [one for one in mesh.detectors.normal() if one.mean >= LEAST_SHOWN][:NORMAL_MAX]
    services = mesh.nodes.service_names.names({one.service for one in some})
    nodes = mesh.nodes.node_names.names({one.node for one in some})
    return {
        "normal": [
            {
                "service": services.get(one.service, "?"),
                "node": nodes.get(one.node, "?"),
                "mean": round(one.mean, 2),
                "deviation": round(one.deviation, 2),
                "found_from": one.found_from,
                "hours": one.hours,
                "at_us": one.at_us,
            }
            for one in some
        ]
    }


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


def list_mutes(mesh: Mesh, *, ended: bool = False) -> dict[str, Any]:
    """Families of which people want to hear nothing for a time, the newest first; with `ended` also what is over."""
    return {"mutes": describe_mutes(mesh, mesh.incidents.mutes.list(active=not ended))}


def describe_mutes(mesh: Mesh, some: Sequence[Mute]) -> list[dict[str, Any]]:
    """Mutes as plain values, with what their families say; `nodes` empty is all of them."""
    families = mesh.templates.families({one.family_id for one in some})
    services = mesh.nodes.service_names.names({one.service_id for one in families.values()})
    nodes = mesh.nodes.node_names.names({node for one in some for node in one.node_ids})
    now, out = mesh.clock.now_us(), []
    for one in some:
        family = families.get(one.family_id)
        out.append(
            {
                "id": one.id,
                "family": f"f{one.family_id}",
                "line": one.guard.text,
                "service": services.get(family.service_id, "?") if family else "?",
                "nodes": [nodes.get(node, "?") for node in one.node_ids],
                "reason": one.reason,
                "who": one.who,
                "created_us": one.created_us,
                "until_us": one.until_us,
                "most_per_hour": one.most_per_hour,
                "active": one.ended_us is None and one.until_us > now,
                "ended_us": one.ended_us,
                "ended_why": one.ended_why,
            }
        )
    return out


def list_maintenance(mesh: Mesh, *, ended: bool = False) -> dict[str, Any]:
    """Maintenance windows that last or are to come, the newest first; with `ended` also those that are over."""
    now = mesh.clock.now_us()
    return {"maintenance": [describe_window(one, now) for one in mesh.incidents.maintenance.list(active=not ended)]}


def describe_window(one: Window, now_us: int) -> dict[str, Any]:
    """A maintenance window as plain values; `state`: planned, active or over."""
    state = "over" if one.end_us <= now_us else "planned" if one.since_us > now_us else "active"
    return {**asdict(one), "nodes": list(one.nodes), "services": list(one.services), "state": state}
