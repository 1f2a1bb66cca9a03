"""A report from a context: written by the rules, locked by the store, set in Markdown and as plain facts.

The same words, with what was struck through and taken out, whoever wrote the draft: where all prose is rejected the
title, the suspects by name, the changes and the next checks are still there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from devmesh.investigations import wording
from devmesh.investigations.draft import Accused, Draft
from devmesh.investigations.lock import Judge, Lock, Locked
from devmesh.investigations.model import Context, Report, Seen
from devmesh.investigations.suspects import Suspect

RULES = "rules"
EVIDENCE = 60
SHOWN_CHANGES = 20
SECTIONS = (
    ("what", "What"), ("where", "Where"), ("since", "Since when"), ("order", "Who came next"), ("impact", "Impact"),
    ("changed", "Changed just ahead of it"), ("others", "Other nodes"),
)  # fmt: skip


@dataclass(frozen=True)
class _Judged:
    """A suspect with what may be printed for and against it."""

    accused: Accused
    reasons: Sequence[Locked]
    doubts: Sequence[Locked]


def write(context: Context, made: Draft, judge: Judge, zone: tzinfo, created_us: int, author: str = RULES) -> Report:
    """The report of a draft, each claim held against `judge` first; only the rules' own prose is trusted."""
    lock = Lock(judge, trusting=author == RULES)
    parts = {name: lock.all(getattr(made, name)) for name, _title in SECTIONS}
    judged = [_Judged(one, lock.all(one.reasons), lock.all(one.doubts)) for one in made.suspects]
    hypothesis = lock.let(made.hypothesis)
    said = wording.plain(hypothesis, zone) if hypothesis else f"{made.title}."
    everything = [
        *(x for some in parts.values() for x in some),
        *(x for one in judged for x in (*one.reasons, *one.doubts)),
    ]
    cites = list(
        dict.fromkeys(cite for one in (*([hypothesis] if hypothesis else []), *everything) for cite in one.cites)
    )
    facts = {
        "title": made.title,
        "author": author,
        "hypothesis": wording.as_fact(hypothesis, zone) if hypothesis else None,
        "confidence": made.confidence,
        "inconclusive": made.inconclusive,
        **{name: [wording.as_fact(one, zone) for one in some] for name, some in parts.items()},
        "suspects": [_suspect(one, context, zone) for one in judged],
        **_of_context(context),
        "next_checks": list(made.next_checks),
        "struck": lock.struck,
        "taken_out": dict(lock.out),
    }
    page = _page(context, made, (hypothesis, parts, judged), lock, zone)
    asked = context.asked
    return Report(
        asked.incident_id, asked.version, created_us, author, made.title, page, facts, said, made.confidence,
        made.inconclusive, tuple(cites[:EVIDENCE]), tuple(made.next_checks),
    )  # fmt: skip


def _suspect(one: _Judged, context: Context, zone: tzinfo) -> dict[str, Any]:
    suspect = one.accused.suspect
    return {
        "service": context.services.get(suspect.service, "?"),
        "node": context.nodes.get(suspect.node, "?"),
        "score": round(suspect.score, 2),
        "confidence": one.accused.confidence,
        "reasons": list(suspect.reasons),
        "for": [wording.as_fact(x, zone) for x in one.reasons],
        "against": [wording.as_fact(x, zone) for x in one.doubts],
    }


def _of_context(context: Context) -> dict[str, Any]:
    """What pages draw: the timeline, families, changes, other nodes, earlier incidents."""
    services, nodes, lines = context.services, context.nodes, context.timeline
    blame = {one.change.event_id: one for one in context.causes}
    return {
        "onset_us": context.asked.onset_us,
        "window": {"since_us": context.window.since_us, "until_us": context.window.until_us},
        "services": sorted({services.get(service, "?") for service, _node in context.pairs}),
        "nodes": sorted({nodes.get(node, "?") for _service, node in context.pairs}),
        "timeline": {
            "step_us": lines.step_us,
            "since_us": lines.since_us,
            "bars": [
                {"t_us": lines.since_us + place * lines.step_us, "errors": a, "warnings": b, "others": c}
                for place, (a, b, c) in enumerate(lines.bars)
            ],
            "marks": [
                {
                    "at_us": one.at_us, "what": one.what, "service": services.get(one.service_id, ""),
                    "node": nodes.get(one.node_id, ""), "kind": one.kind,
                }
                for one in lines.marks
            ],
        },
        "families": [
            {
                "family": f"f{one.family_id}", "service": services.get(one.service_id, "?"), "line": one.text,
                "why": one.why, "n": one.n, "day_before": one.before,
                "usual": None if one.usual is None else round(one.usual, 2), "worst": one.worst,
                "nodes": [nodes.get(node, "?") for node in one.node_ids],
            }
            for one in context.families
        ],
        "movers": [
            {
                "service": services.get(one.service_id, "?"), "node": nodes.get(one.node_id, "?"), "at_us": one.at_us,
                "lead_s": one.lead_s, "event": one.event_id or None,
            }
            for one in context.movers
        ],
        "elsewhere": [
            {
                "node": nodes.get(one.node_id, "?"), "lines": one.lines, "errors": one.errors,
                "lines_before": one.lines_before, "errors_before": one.errors_before, "blind": one.blind,
            }
            for one in context.elsewhere
        ],
        "changes": [
            {
                "at_us": one.at_us, "kind": one.kind, "node": nodes.get(one.node_id, "?"),
                "service": services.get(one.service_id, "?"), "text": one.text, "event": one.event_id, "n": one.n,
                "confidence": blame[one.event_id].confidence if one.event_id in blame else 0.0,
                "why": blame[one.event_id].reason if one.event_id in blame else "",
            }
            for one in context.changes[:SHOWN_CHANGES]
        ],
        "similar": [seen_fact(one) for one in context.similar],
    }  # fmt: skip


def seen_fact(one: Seen) -> dict[str, Any]:
    """An earlier incident as plain values."""
    return {
        "id": one.incident_id, "title": one.title, "onset_us": one.onset_us, "alike": round(one.alike, 2),
        "shared": list(one.shared), "missing": list(one.missing), "notes": list(one.notes),
    }  # fmt: skip


def _page(
    context: Context, made: Draft, locked: tuple[Locked | None, dict[str, tuple[Locked, ...]], list[_Judged]],
    lock: Lock, zone: tzinfo,
) -> str:  # fmt: skip
    """The report as Markdown."""
    hypothesis, parts, judged = locked
    sure = "inconclusive" if made.inconclusive else f"confidence {made.confidence:.0%}"
    by = "Written without a model" if lock.trusting else "Written by a model, each claim checked"
    out = [f"# {wording.escaped(made.title)}", "", f"*{by}; {sure}.*", ""]
    if hypothesis is not None:
        out += [wording.markdown(hypothesis, zone), ""]
    for name, title in SECTIONS:
        if parts[name]:
            out += [f"## {title}", "", *(f"- {wording.markdown(one, zone)}" for one in parts[name]), ""]
        if name == "since":
            out += ["## Suspects", ""]
            for place, one in enumerate(judged, 1):
                out += _about(place, one, context, zone)
            out.append("")
    if context.similar:
        out += ["## Seen before", "", *(_seen(one, zone) for one in context.similar), ""]
    out += [
        "## Next checks",
        "",
        *(f"{place}. {wording.code(one)}" for place, one in enumerate(made.next_checks, 1)),
    ]
    if lock.struck or lock.out:
        why = "; ".join(f"{reason} ({n})" for reason, n in sorted(lock.out.items())) or "none"
        out += ["", f"*Values that did not hold: {lock.struck}. Statements taken out: {why}.*"]
    return "\n".join(out) + "\n"


def _about(place: int, one: _Judged, context: Context, zone: tzinfo) -> list[str]:
    who = _name(one.accused.suspect, context)
    return [
        f"{place}. **{who}** ({one.accused.confidence:.0%})",
        *(f"   - for: {wording.markdown(x, zone)}" for x in one.reasons),
        *(f"   - against: {wording.markdown(x, zone)}" for x in one.doubts),
    ]


def _name(one: Suspect, context: Context) -> str:
    service, node = context.services.get(one.service, "?"), context.nodes.get(one.node, "?")
    return f"{wording.escaped(service, wording.NAME_CHARS)} on {wording.escaped(node, wording.NAME_CHARS)}"


def _seen(one: Seen, zone: tzinfo) -> str:
    notes = "".join(f"\n  - {wording.escaped(note)}" for note in one.notes) or "\n  - nobody wrote what helped"
    missing = f"; not now: {wording.escaped(', '.join(one.missing[:4]))}" if one.missing else ""
    title = wording.escaped(one.title)
    head = f"incident {one.incident_id} of {wording.clock(one.onset_us, zone)}, {one.alike:.0%} alike"
    return f"- {head}: {title}{missing}{notes}"
