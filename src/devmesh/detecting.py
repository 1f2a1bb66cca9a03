"""A look at the past as every face shows it: what would have been told, with suspects, beside what was told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from devmesh.backtest import beside
from devmesh.detectors import Tuning, names_in
from devmesh.errors import InvalidInput
from devmesh.investigations import Recall, Signature, recall, roles_of, signature
from devmesh.when import parse_when, zone_of

if TYPE_CHECKING:
    from devmesh.incidents import Incident, Replayed
    from devmesh.investigations import Suspect
    from devmesh.mesh import Mesh

MINUTE_US, HOUR_H = 60_000_000, 3_600_000_000
SINCE = "35d"  # counts by minute are kept so long
SUSPECTS = 5
LEARN_MOST_H, TELL_LEAST, TELL_MOST = 24 * 28, 2.0, 6.0  # as the settings have it


def replay(
    mesh: Mesh, *, since: str = SINCE, until: str | None = None, learn_h: int | None = None,
    tell_from: float | None = None, off: str | None = None, timezone: str = "", as_seen: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """What would have been told between two times, learning from their first hours, and what more and less than was
    told then (`beside`); `as_seen`: by when lines arrived, as the watch saw them. `learn_h`, `tell_from` and `off`
    (detectors, with commas) are as the server has them where they are None. Raises InvalidInput.
    """
    tuning = _tuned(mesh.incidents.tuning, learn_h, tell_from, off)
    zone, now = zone_of(timezone or mesh.settings.timezone), mesh.clock.now_us()
    since_us, until_us = parse_when(since, now, zone), parse_when(until, now, zone) if until else now
    if since_us >= until_us:
        raise InvalidInput("The time to look at must begin before it ends.", hint="devmesh detect --replay --since 7d")
    until_us = min(until_us, now)
    found = mesh.incidents.replay(since_us, until_us, tuning, as_seen=as_seen)
    shown = [one for one in found.incidents if one.told is not None]
    rows = _described(mesh, found, shown)
    learned_us = None if found.first_hour is None else (found.first_hour + tuning.learn_h) * HOUR_H
    return {
        "since_us": since_us if found.first_hour is None else max(since_us, found.first_hour * HOUR_H),
        "until_us": until_us,
        "learned_us": learned_us,
        "learn": tuning.learn_h,
        "tell_from": tuning.tell_from,
        "off": sorted(tuning.off),
        "to_set": _to_set(tuning, mesh.incidents.tuning),
        "findings": len(found.findings),
        "held": found.held,
        "untold": len(found.incidents) - len(shown),
        "incidents": rows,
        **beside(mesh, shown, rows, (until_us if learned_us is None else max(learned_us, since_us), until_us)),
    }


def _tuned(own: Tuning, learn_h: int | None, tell_from: float | None, off: str | None) -> Tuning:
    """The server's settings, but for what is asked. Raises InvalidInput."""
    if learn_h is not None and not 1 <= learn_h <= LEARN_MOST_H:
        raise InvalidInput("The hours to learn from must be between 1 and 672.", hint="48 is the default.")
    if tell_from is not None and not TELL_LEAST <= tell_from <= TELL_MOST:
        raise InvalidInput("The evidence to tell from must be between 2 and 6.", hint="3 is the default.")
    return Tuning(
        own.learn_h if learn_h is None else learn_h,
        own.tell_from if tell_from is None else tell_from,
        own.off if off is None else names_in(off),
    )


def _to_set(tuning: Tuning, own: Tuning) -> dict[str, str]:
    """The settings that would make the server watch so, by name: those that it has otherwise."""
    values = {
        "DEVMESH_LEARN_HOURS": (str(tuning.learn_h), str(own.learn_h)),
        "DEVMESH_TELL_FROM": (f"{tuning.tell_from:g}", f"{own.tell_from:g}"),
        "DEVMESH_DETECTORS_OFF": (", ".join(sorted(tuning.off)), ", ".join(sorted(own.off))),
    }
    return {name: wanted for name, (wanted, is_now) in values.items() if wanted != is_now}


def _described(mesh: Mesh, found: Replayed, shown: list[Incident]) -> list[dict[str, Any]]:
    services = mesh.nodes.service_names.names({service for service, _node in found.pairs})
    nodes = mesh.nodes.node_names.names({node for _service, node in found.pairs})
    ranking = mesh.investigations.ranking(found.pairs)
    families = mesh.templates.families({family for one in shown for family, _node in one.cited})
    texts = {asked: family.text for asked, family in families.items()}
    out, earlier, roles = list[dict[str, Any]](), list[Signature](), roles_of(found.pairs, services)
    for one in shown:
        mark = signature(one.findings, texts, services, roles)
        before = recall(mark, earlier)
        earlier.append(mark)
        suspects = mesh.investigations.suspects(one.findings, ranking)[:SUSPECTS]
        best = sorted({(x.service, x.node, x.family): x for x in one.findings}.values(), key=lambda x: -x.weight)
        out.append(
            {
                "onset_us": one.onset * MINUTE_US,
                "detected_us": ((one.told or one.onset) + 1) * MINUTE_US,
                "closed_us": None if one.closed is None else (one.closed + 1) * MINUTE_US,
                "severity": one.severity,
                "told": True,
                "reopened": one.reopened,
                "detectors": sorted({x.detector for x in one.findings}),
                "services": sorted({services[service] for service, _node in one.pairs}),
                "nodes": sorted({nodes[node] for _service, node in one.pairs}),
                "suspects": [_suspect(x, services, nodes) for x in suspects],
                "seen_before": None if before is None else _recalled(before, shown[before.place]),
                "evidence": [
                    {
                        "at_us": (x.minute + 1) * MINUTE_US,
                        "detector": x.detector,
                        "service": services[x.service],
                        "node": nodes[x.node],
                        "id": None if x.family is None else f"f{x.family}",
                        "text": x.text,
                        "line": families[x.family].text if x.family in families else None,
                    }
                    for x in best[:SUSPECTS]
                ],
            }
        )
    return out


def _recalled(before: Recall, then: Incident) -> dict[str, Any]:
    return {
        "onset_us": then.onset * MINUTE_US,
        "alike": round(before.alike, 2),
        "same": before.same,
        "shared": list(before.shared),
        "missing": list(before.missing),
    }


def _suspect(one: Suspect, services: dict[int, str], nodes: dict[int, str]) -> dict[str, Any]:
    return {
        "service": services[one.service],
        "node": nodes[one.node],
        "score": round(one.score, 2),
        "reasons": one.reasons,
    }
