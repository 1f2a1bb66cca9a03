"""Search as every face shows it: hits joined with their families, counts, examples and events."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from devmesh.catalogue import describe
from devmesh.events import Filter

if TYPE_CHECKING:
    from devmesh.mesh import Mesh

FAMILIES_FOR_EVENTS = 10
EVENTS_PER_FAMILY = 5


def find_families(mesh: Mesh, question: str, limit: int) -> dict[str, Any]:
    """{"results": families with score, why and examples, "missing": rankings that could not be made, with the
    reason}.
    """
    found = mesh.search.templates(question, limit)
    families = mesh.templates.families([hit.family_id for hit in found.hits])
    results = []
    for hit in found.hits:
        family = families.get(hit.family_id)
        if family is None:
            continue
        samples = mesh.templates.samples(mesh.templates.member_ids([family.id]), limit=2)
        results.append(
            {
                **describe(mesh, [family])[0],
                "score": round(hit.score, 5),
                "why": asdict(hit.why),
                "examples": [sample.message for sample in samples],
            }
        )
    return {"query": question, "results": results, "missing": found.missing}


def find_events(mesh: Mesh, question: str, limit: int) -> dict[str, Any]:
    """{"results": events with the score and why of their family, best family first, "missing": …}."""
    found = mesh.search.templates(question, min(limit, FAMILIES_FOR_EVENTS))
    results: list[dict[str, Any]] = []
    share = max(1, min(EVENTS_PER_FAMILY, limit))
    for hit in found.hits:
        members = tuple(mesh.templates.member_ids([hit.family_id]))
        page = mesh.events.query(Filter(template_ids=members), share)
        results += [
            {**asdict(event), "family": f"f{hit.family_id}", "score": round(hit.score, 5), "why": asdict(hit.why)}
            for event in page.events
        ]
        if len(results) >= limit:
            break
    return {"query": question, "results": results[:limit], "missing": found.missing}
