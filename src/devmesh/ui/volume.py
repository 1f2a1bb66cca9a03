"""How much a node or a service says, and what: what the pages of both share."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from devmesh.asking import make_filter
from devmesh.catalogue import DAY_US, HOUR_US, busiest, list_families, with_trends
from devmesh.events import Filter

if TYPE_CHECKING:
    from devmesh.mesh import Mesh

ERR, WARNING = 3, 4
HOURS = 24
BARS = 98
SHOWN = 12


def hourly(mesh: Mesh, by: str) -> dict[int, dict[str, Any]]:
    """{id: the last day of a node (`by` node_id) or service (service_id)}: `trend` by hour, `day`, `errors`,
    `warnings`.
    """
    now = mesh.clock.now_us()
    first = now // HOUR_US - HOURS + 1
    counts = mesh.events.volumes(Filter(since_us=first * HOUR_US, until_us=now), by)
    told: dict[int, dict[str, Any]] = {}
    summed = counts.group_by("id", "hour").agg(
        pl.col("n").sum(),
        pl.col("n").filter(pl.col("priority") <= ERR).sum().alias("errors"),
        pl.col("n").filter(pl.col("priority") == WARNING).sum().alias("warnings"),
    )
    for number, hour, n, errors, warnings in summed.iter_rows():
        one = told.setdefault(number, {"trend": [0] * HOURS, "day": 0, "errors": 0, "warnings": 0})
        one["trend"][max(0, min(hour - first, HOURS - 1))] += n
        one["day"] += n
        one["errors"] += errors
        one["warnings"] += warnings
    return told


def one(mesh: Mesh, **named: Any) -> dict[str, Any]:
    """The last day of one node (`node=[…]`) or service: its bars, its busiest and its worst families, what is new."""
    now = mesh.clock.now_us()
    only = replace(make_filter(mesh, since="24h", **named), until_us=now)
    found = mesh.events.histogram(only, BARS)
    severe = busiest(mesh, replace(only, priority=WARNING), SHOWN)
    new = list_families(mesh, service=named.get("service", ()), sort="new", limit=SHOWN)
    said = mesh.events.by_template(only)
    fresh = [family for family in new if family["created_us"] >= now - DAY_US]
    if "node" in named:  # a new family is new on this node, where this node said it
        homes = mesh.templates.families_of_members(int(family["id"][1:]) for family in fresh)
        here = {f"f{homes[template]}" for template in said.keys() & homes.keys()}
        fresh = [family for family in fresh if family["id"] in here]
    return {
        "histogram": asdict(found) if found else None,
        "busiest": busiest(mesh, only, SHOWN),
        "severe": severe,
        "new": with_trends(mesh, fresh),
        "templates": len(said),
    }
