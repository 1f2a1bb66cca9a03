"""A report from a context: written by the rules, locked by the store, set in Markdown and as plain facts.

The same words, with what was struck through and taken out, whoever wrote the draft: where all prose is rejected the
title, the suspects by name, the changes and the next checks are still there.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import tzinfo
from typing import Any

from devmesh.investigations import wording
from devmesh.investigations.advice import KERNEL
from devmesh.investigations.draft import Accused, Draft
from devmesh.investigations.impact import Impact, impact_of
from devmesh.investigations.ledger import Ledger
from devmesh.investigations.lock import Lock, Locked
from devmesh.investigations.model import Context, Report, Seen
from devmesh.investigations.silenced import silenced

RULES = "rules"
EVIDENCE = 60
SHOWN_CHANGES = 20
NAMED = 16  # services of each sort, in a line
SURELY, LIKELY = 2, 0.05  # suspects on the page: the first two, others with at least so much confidence
NO_NOTES = "\n  - nobody wrote what helped"
SECTIONS = (
    ("what", "What was found"), ("where", "Where"), ("since", "Since when"), ("course", "How it went on"),
    ("unexplained", "What that does not explain"), ("order", "Who came next"),
    ("impact", "Impact"), ("changed", "What was changed"), ("others", "Other nodes"),
)  # fmt: skip

Judged = tuple[Accused, Sequence[Locked], Sequence[Locked]]  # with what may be printed for and against it


def write(context: Context, made: Draft, judge: Ledger, zone: tzinfo, created_us: int, author: str = RULES) -> Report:
    """The report of a draft, each claim held against `judge` first; only the rules' own prose is trusted."""
    lock = Lock(judge, trusting=author == RULES)
    parts = {name: lock.all(getattr(made, name)) for name, _title in SECTIONS}
    judged = [(one, lock.all(one.reasons), lock.all(one.doubts)) for one in made.suspects]
    hypothesis = lock.let(made.hypothesis)
    chain = lock.let(made.chain) if made.chain else None
    statements = [
        *([hypothesis] if hypothesis else []),
        *([chain] if chain else []),
        *(one for some in parts.values() for one in some),
        *(one for _accused, reasons, doubts in judged for one in (*reasons, *doubts)),
    ]
    facts = {
        "title": made.title,
        "author": author,
        "hypothesis": wording.as_fact(hypothesis, zone) if hypothesis else None,
        "chain": wording.as_fact(chain, zone) if chain else None,
        "confidence": made.confidence,
        "inconclusive": made.inconclusive,
        **{name: [wording.as_fact(one, zone) for one in some] for name, some in parts.items()},
        "suspects": [_suspect(one, context, zone) for one in judged],
        **_of_context(context),
        "next_checks": list(made.next_checks),
        "struck": lock.struck,
        "taken_out": dict(lock.out),
    }
    return Report(
        context.asked.incident_id, context.asked.version, created_us, author, made.title,
        _page(context, made, ((hypothesis, chain), parts, judged), lock, zone), facts,
        wording.plain(hypothesis, zone) if hypothesis else f"{made.title}.", made.confidence, made.inconclusive,
        tuple(dict.fromkeys(cite for one in statements for cite in one.cites))[:EVIDENCE], tuple(made.next_checks),
    )  # fmt: skip


def _impact(context: Context) -> Impact:
    """Who is affected, and who may be next."""
    first, kernel = context.suspects[0], next((n for n, name in context.services.items() if name == KERNEL), None)
    pair = first.service, first.node
    return impact_of(context.asked.findings, pair, context.heard, context.ties, kernel)


def _concerned(context: Context) -> list[str]:
    """The same as lines of the page: names, no claims."""
    found, out = _impact(context), []
    for head, pairs in (("Affected", found.affected), ("May be next, nothing was found of them yet", found.next)):
        names = [" on ".join(wording.escaped(x) for x in _names(context, *one).values()) for one in pairs[:NAMED]]
        more = f" and {len(pairs) - NAMED} more" if len(pairs) > NAMED else ""
        out += [f"- {head}: {', '.join(names)}{more}"] if names else []
    return out


def _names(context: Context, service: int, node: int) -> dict[str, str]:
    return {"service": context.services.get(service, "?"), "node": context.nodes.get(node, "?")}


def _suspect(judged: Judged, context: Context, zone: tzinfo) -> dict[str, Any]:
    accused, reasons, doubts = judged
    return {
        **_names(context, accused.suspect.service, accused.suspect.node),
        "score": round(accused.suspect.score, 2),
        "confidence": accused.confidence,
        "reasons": list(accused.suspect.reasons),
        "for": [wording.as_fact(one, zone) for one in reasons],
        "against": [wording.as_fact(one, zone) for one in doubts],
    }


def _of_context(context: Context) -> dict[str, Any]:
    """What pages draw: families, who began when, changes, other nodes, earlier incidents, who was silenced."""
    names = [_names(context, *pair) for pair in context.pairs]
    blame, concerned = {one.change.event_id: one for one in context.causes}, _impact(context)
    return {
        "onset_us": context.asked.onset_us,
        "window": asdict(context.window),
        "services": sorted({one["service"] for one in names}),
        "nodes": sorted({one["node"] for one in names}),
        "families": [asdict(one) for one in context.families],
        "movers": [asdict(one) for one in context.movers.values()],
        "elsewhere": [asdict(one) for one in context.elsewhere],
        "changes": [
            {
                "at_us": one.at_us, "kind": one.kind, **_names(context, one.service_id, one.node_id), "text": one.text,
                "event": one.event_id, "n": one.n,
                "confidence": blame[one.event_id].confidence if one.event_id in blame else 0.0,
                "why": blame[one.event_id].reason if one.event_id in blame else "",
            }
            for one in context.changes[:SHOWN_CHANGES]
        ],
        "similar": [asdict(one) for one in context.similar],
        "ledger": silenced(context),
        "affected": [_names(context, *one) for one in concerned.affected],
        "next": [_names(context, *one) for one in concerned.next],
    }  # fmt: skip


def _page(
    context: Context, made: Draft,
    locked: tuple[Sequence[Locked | None], dict[str, tuple[Locked, ...]], Sequence[Judged]],
    lock: Lock, zone: tzinfo,
) -> str:  # fmt: skip
    """The report as Markdown."""
    heads, parts, judged = locked
    sure = "inconclusive" if made.inconclusive else f"confidence {made.confidence:.0%}"
    by = "Written without a model" if lock.trusting else "Written by a model, each claim checked"
    out = [f"# {wording.escaped(made.title)}", "", f"*{by}; {sure}.*", ""]
    for head in heads:
        out += [wording.markdown(head, zone), ""] if head is not None else []
    for name, title in SECTIONS:
        told = _concerned(context) if name == "impact" else []
        told += [f"- {wording.markdown(one, zone)}" for one in parts[name]]
        out += [f"## {title}", "", *told, ""] if told else []
        if name == "since":
            said = set(parts["what"])  # stands there already
            likely = [one for place, one in enumerate(judged) if place < SURELY or one[0].confidence >= LIKELY]
            accused = [line for place, one in enumerate(likely, 1) for line in _about(place, one, said, context, zone)]
            out += ["## Suspects", "", *accused, ""]
    if context.similar:
        out += ["## Seen before", "", *(_seen(one, zone) for one in context.similar), ""]
    checks = (f"{place}. {wording.code(one)}" for place, one in enumerate(made.next_checks, 1))
    out += ["## Next checks", "", *checks]
    if lock.struck or lock.out:
        why = "; ".join(f"{reason} ({n})" for reason, n in sorted(lock.out.items())) or "none"
        out += ["", f"*Values that did not hold: {lock.struck}. Statements taken out: {why}.*"]
    return "\n".join(out) + "\n"


def _about(place: int, judged: Judged, said: Collection[Locked], context: Context, zone: tzinfo) -> list[str]:
    accused, reasons, doubts = judged
    names = _names(context, accused.suspect.service, accused.suspect.node).values()
    who = " on ".join(wording.escaped(name, wording.NAME_CHARS) for name in names)
    told = [("for", one) for one in reasons if one not in said] + [("against", one) for one in doubts]
    return [
        f"{place}. **{who}** ({accused.confidence:.0%})",
        *(f"   - {side}: {wording.markdown(one, zone)}" for side, one in told),
    ]


def _seen(one: Seen, zone: tzinfo) -> str:
    head = f"incident {one.id} of {wording.clock(one.onset_us, zone)}, {one.alike:.0%} alike"
    same = f" ({one.same})" if one.same else ""
    missing = f"\n  - not now: {wording.escaped('; '.join(one.missing[:4]))}" if one.missing else ""
    notes = "".join(f"\n  - noted then: {wording.escaped(note)}" for note in one.notes)
    return f"- {head}{same}: {wording.escaped(one.title)}{notes or NO_NOTES}{missing}"
