"""What is wrong now, and what is watched at all: what the overview, the list of incidents and the bar share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from devmesh.incidenting import Wanted, list_incidents
from devmesh.watched import list_detectors

if TYPE_CHECKING:
    from devmesh.mesh import Mesh

SHOWN = 100
SEVERITIES = ("critical", "warning", "info")


def open_ones(mesh: Mesh, limit: int, **only: Any) -> list[dict[str, Any]]:
    """Incidents that are not over (of SHOWN), the most severe first, of those the newest. Raises InvalidInput."""
    found = list_incidents(mesh, Wanted(status="active", limit=SHOWN, **only))["incidents"]
    return sorted(found, key=lambda one: (SEVERITIES.index(one["severity"]), -one["onset_us"]))[:limit]


def watched(mesh: Mesh) -> dict[str, Any]:
    """How much is watched; which detectors only learn so far (`learning`), and until when (`learned_us`)."""
    learning = [one for one in list_detectors(mesh)["detectors"] if one["learning"]]
    return {
        "services": len(mesh.nodes.services()),
        "nodes": len(mesh.nodes.list(1_000).rows),
        "learning": [one["name"] for one in learning],
        "learned_us": max((one["learned_us"] or 0 for one in learning), default=0) or None,
    }


def count_open(mesh: Mesh) -> dict[str, int]:
    """How many incidents are open and told (`open`, at most SHOWN), and how many of those are critical (`critical`)."""
    told = mesh.incidents.list(status="active", limit=SHOWN).rows
    return {"open": len(told), "critical": sum(one.severity == SEVERITIES[0] for one in told)}
