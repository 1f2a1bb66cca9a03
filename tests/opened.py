"""A house with incidents in it, put there as the watch would have: in an instant, with any text."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from devmesh.detectors import About, Finding
from devmesh.incidents import Cited, Incident, Part, queries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devmesh.mesh import Mesh

MINUTE_US = 60_000_000


def found(mesh: Mesh, minute: int, service: str, node: str, **more: Any) -> Finding:
    """A finding about a service on a node, both made where they are new."""
    told = {
        "detector": "primitive", "kind": "unit failed", "family": None, "weight": 4.0, "critical": False,
        "about": About.SELF, "text": "unit failed, never before",
    } | more  # fmt: skip
    service_id = mesh.nodes.service_names.ids([service])[service]
    return Finding(minute, service=service_id, node=mesh.nodes.node_names.ids([node])[node], **told)


def open_incident(
    mesh: Mesh,
    findings: Sequence[Finding],
    *,
    title: str = "mariadb on store: unit failed",
    lines: Sequence[Cited] = (),
) -> int:
    """Store an incident of these findings; its number."""
    first, now_us = findings[0].minute, mesh.clock.now_us()
    one = Incident(first, first, first)
    for finding in findings:
        one.add(finding, "opened it" if finding is findings[0] else "the same service")
    with mesh.db.write() as connection:
        ids = mesh.detectors.note(connection, [(finding, "") for finding in findings], now_us)
        number = queries.open_new(connection, one, title, queries.key_of(findings[0]), now_us)
        queries.join(connection, number, zip(ids, one.joins, strict=True))
        queries.take_part(connection, number, {Part(x.service, x.node, x.detector) for x in findings})
        queries.cite(connection, number, lines)
        if one.told is not None:
            queries.write(connection, number, one.told * MINUTE_US, "", "told", title)
    return number
