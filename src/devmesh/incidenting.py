"""Incidents as every face shows them: names for numbers, times in microseconds, suspects best first, all bounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import tzinfo
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from devmesh.charting import bars, span_of
from devmesh.detectors import Habit, told_in
from devmesh.errors import InvalidInput
from devmesh.explaining import ledger
from devmesh.incidents import Case, Joined, Names, Part
from devmesh.paging import LIMIT_DEFAULT
from devmesh.when import parse_when, zone_of

if TYPE_CHECKING:
    from devmesh.investigations import Summary
    from devmesh.mesh import Mesh

MINUTE_US = 60_000_000
NAMES_MAX = 100  # of services, and of nodes, that are asked for at once
CHIEF = 8
FINDINGS_SHOWN, LINES_SHOWN, MARKS_SHOWN, STORY_SHOWN = 500, 200, 100, 40
STORY = {"told", "worse", "left", "muted", "closed", "reopened", "merged", "split", "investigating"}


class Wanted(BaseModel):
    """Which incidents: `status` may be `active` (open or looked into), services and nodes are any that have a part in
    it, `thin` ones have too little evidence to be told. Times as people write them, in `timezone` or the server's.
    """

    status: str | None = None
    severity: str | None = None
    service: list[str] = []
    node: list[str] = []
    since: str | None = None
    until: str | None = None
    thin: bool = False
    limit: int = LIMIT_DEFAULT
    cursor: str | None = None
    timezone: str = ""


def list_incidents(mesh: Mesh, wanted: Wanted) -> dict[str, Any]:
    """{incidents, cursor}: at most `limit` (1,000) of them, the newest onset first; names that nobody has match
    nothing. Raises InvalidInput.
    """
    for name, asked in (("service", wanted.service), ("node", wanted.node)):
        if len(asked) > NAMES_MAX:
            raise InvalidInput(f"{name}: {len(asked)} names are too many.", hint=f"Ask for {NAMES_MAX} at most.")
    zone, now = zone_of(wanted.timezone or mesh.settings.timezone), mesh.clock.now_us()
    page = mesh.incidents.list(
        status=wanted.status,
        severity=wanted.severity,
        service_ids=mesh.nodes.service_names.ids(wanted.service, create=False).values() if wanted.service else None,
        node_ids=mesh.nodes.node_names.ids(wanted.node, create=False).values() if wanted.node else None,
        since_us=parse_when(wanted.since, now, zone) if wanted.since else None,
        until_us=parse_when(wanted.until, now, zone) if wanted.until else None,
        thin=wanted.thin,
        limit=wanted.limit,
        cursor=wanted.cursor,
    )
    return {"incidents": rows(mesh, page.rows), "cursor": page.cursor}


def rows(mesh: Mesh, cases: Sequence[Case]) -> list[dict[str, Any]]:
    """Incidents as rows of a list."""
    ids = [one.id for one in cases]
    parts, votes, told = mesh.incidents.parts(ids), mesh.incidents.votes.of(ids), mesh.investigations.summaries(ids)
    named = _names(mesh, (part for some in parts.values() for part in some))
    return [{**_row(one, parts[one.id], votes.get(one.id, {}), named), **_sum(told.get(one.id))} for one in cases]


def row_of(mesh: Mesh, number: int) -> dict[str, Any]:
    """One incident as a row of the list. Raises NotFound."""
    return rows(mesh, [mesh.incidents.get(number)])[0]


def one_incident(mesh: Mesh, number: int, *, timezone: str = "") -> dict[str, Any]:
    """All about one incident; what comes by plan is told by the clock of `timezone`. Raises NotFound, InvalidInput."""
    zone = zone_of(timezone or mesh.settings.timezone)
    case = mesh.incidents.get(number)
    parts = mesh.incidents.parts([case.id])[case.id]
    joined, lines = mesh.incidents.findings(case.id), mesh.incidents.cited(case.id)
    pairs = {(one.finding.service, one.finding.node) for one in joined} | {(x.service_id, x.node_id) for x in lines}
    named = _names(mesh, [*parts, *(Part(service, node, "") for service, node in pairs)])
    votes = mesh.incidents.votes.of([case.id]).get(case.id, {})
    shown = _gravest(joined, FINDINGS_SHOWN)
    families = mesh.templates.families({one.finding.family for one in shown if one.finding.family is not None})
    texts = {family: one.text for family, one in families.items()}
    notes = [
        {"at_us": one.at_us, "who": one.who, "kind": one.kind, "text": one.text}
        for one in mesh.incidents.notes(case.id)
    ]
    report = mesh.investigations.report(case.id)
    facts: Mapping[str, Any] = report.facts if report else {}
    span = span_of(case.onset_us, case.last_us, mesh.clock.now_us())
    chart = bars(mesh, *span, {one.service_id for one in parts}, {one.node_id for one in parts})
    row = rows(mesh, [case])[0]
    return {
        **row,
        "ledger": ledger(facts, case, joined, named),
        "report": facts or None,
        "report_md": report.markdown if report else "",
        "findings": [_finding(one, named, texts, zone) for one in shown],
        "findings_in_all": len(joined),
        "chief": chief(shown),
        "timeline": {**chart, "marks": _marks(shown, notes, facts.get("changes", []), named)},
        "evidence": [
            {
                "id": one.event_id,
                "ts_us": one.ts_us,
                **named.pair(one.service_id, one.node_id),
                "priority": one.priority,
                "message": one.message,
                "family": f"f{one.family_id}" if one.family_id else None,
            }
            for one in lines[:LINES_SHOWN]
        ],
        "similar": facts.get("similar", []),
        "notes": notes,
        "verdicts": votes,
        "changes": facts.get("changes", []),
        "next_checks": facts.get("next_checks", []),
    }


def _names(mesh: Mesh, parts: Iterable[Part]) -> Names:
    listed = list(parts)
    return Names(
        nodes=mesh.nodes.node_names.names({one.node_id for one in listed}),
        services=mesh.nodes.service_names.names({one.service_id for one in listed}),
    )


def _row(case: Case, parts: Sequence[Part], votes: Mapping[str, str], named: Names) -> dict[str, Any]:
    said = list(votes.values())
    return {
        "id": case.id,
        "version": case.version,
        "status": case.status,
        "severity": case.severity,
        "title": case.title,
        "onset_us": case.onset_us,
        "detected_us": case.detected_us,
        "told_us": case.told_us,
        "last_us": case.last_us,
        "closed_us": case.closed_us,
        "closed_by": case.closed_by,
        "reopened": case.reopened,
        "merged_into": case.merged_into,
        "eased_us": case.eased_us,
        "detectors": sorted({one.detector for one in parts}),
        "services": sorted({named.services.get(one.service_id, "?") for one in parts}),
        "nodes": sorted({named.nodes.get(one.node_id, "?") for one in parts}),
        "votes": {"real": said.count("real"), "noise": said.count("noise")},
    }


def _sum(told: Summary | None) -> dict[str, Any]:
    """What its report comes to, with a title that says more; nothing until one is written."""
    if told is None:
        return {"suspects": [], "confidence": None, "inconclusive": False}
    suspects = [{key: one[key] for key in ("service", "node", "score", "reasons")} for one in told.suspects]
    out = {"suspects": suspects, "confidence": told.confidence, "inconclusive": told.inconclusive}
    return out if told.inconclusive else {"title": told.title, **out}


def _gravest(joined: Sequence[Joined], limit: int) -> list[Joined]:
    """The weightiest, in order of time."""
    best = sorted(joined, key=lambda one: (-one.finding.weight, one.finding.minute, one.id))
    return sorted(best[:limit], key=lambda one: (one.finding.minute, one.id))


def chief(some: Sequence[Joined]) -> list[int]:
    """The few findings that say most, in order of time: of each service on each node the gravest first, and no line
    twice. What is bad news by itself goes ahead of what is only loud.
    """

    def gravity(one: Joined) -> tuple[bool, bool, float]:
        return one.finding.critical, one.finding.detector == "primitive", one.finding.weight

    rounds, lines = Counter[tuple[int, int]](), set[tuple[int, int, int | str]]()
    ranked = list[tuple[int, Joined]]()
    for one in sorted(some, key=gravity, reverse=True):
        found = one.finding
        line = found.service, found.node, found.family or found.kind
        if line not in lines:
            lines.add(line)
            ranked.append((rounds[line[:2]], one))
            rounds[line[:2]] += 1
    first = sorted(ranked, key=lambda pair: (pair[0], *(-float(part) for part in gravity(pair[1]))))[:CHIEF]
    return [one.id for _round, one in sorted(first, key=lambda pair: (pair[1].finding.minute, pair[1].id))]


def _finding(one: Joined, named: Names, texts: Mapping[int, str], zone: tzinfo) -> dict[str, Any]:
    found = one.finding
    return {
        "id": one.id,
        "at_us": found.minute * MINUTE_US,
        "last_us": one.last * MINUTE_US,
        "times": one.times,
        "detector": found.detector,
        "kind": found.kind,
        **named.pair(found.service, found.node),
        "family": None if found.family is None else f"f{found.family}",
        "line": None if found.family is None else texts.get(found.family),
        "weight": round(found.weight, 2),
        "critical": found.critical,
        "text": told_in(found, zone),
        "habit": found.habit and _habit(found.habit),
        "reason": one.reason,
        "by_hand": one.by_hand,
    }


def _habit(known: Habit) -> dict[str, int | str]:
    return {
        "line": known.line,
        "period_min": known.period,
        "at_us": known.at * MINUTE_US,
        "until_us": known.due * MINUTE_US,
        "spread_min": known.spread,
        "seen": known.seen,
        "expected": known.expected,
    }


def _marks(
    shown: Sequence[Joined], notes: Sequence[Mapping[str, Any]], changes: Sequence[Mapping[str, Any]], named: Names
) -> list[dict[str, Any]]:
    """What stands on the timeline, in order of time: the first finding of each service on each node and of each kind,
    what was told and done, what was changed.
    """
    out = [
        {"at_us": one["at_us"], "what": one["text"] or one["kind"], "service": "", "node": "", "kind": one["kind"]}
        for one in notes
        if one["kind"] in STORY
    ][:STORY_SHOWN]
    out += [
        {"at_us": one["at_us"], "what": one["text"], "service": one["service"], "node": one["node"], "kind": "change"}
        for one in changes
    ]
    seen = set[tuple[int, int, str]]()
    for one in shown:
        found = one.finding
        key = found.service, found.node, found.kind
        if key not in seen:
            seen.add(key)
            who = named.pair(found.service, found.node)
            out.append({"at_us": found.minute * MINUTE_US, "what": found.kind, **who, "kind": "finding"})
    return sorted(out[:MARKS_SHOWN], key=lambda one: (one["at_us"], one["kind"]))
