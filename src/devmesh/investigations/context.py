"""The context packer: all that a report is written from, in bounded questions to the rooms.

Counts by minute are read for at most three hours, by hour for a day and a week; events for the first of each family
that was found; everything else is computed from these. Who could not be seen was not silent: nothing is compared there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import polars as pl

from devmesh.detectors import Finding
from devmesh.errors import InvalidInput
from devmesh.events import Events, parse_event_id
from devmesh.investigations.claims import Claim, Metric
from devmesh.investigations.ledger import ERROR, HOUR_US, MINUTE_US, Ledger, Said
from devmesh.investigations.model import Context, Elsewhere, Mover, Onset, Seen, Spoken
from devmesh.investigations.similar import Signature, roles_of, signature
from devmesh.investigations.strip import Cause, Change, Strip, causes
from devmesh.investigations.suspects import Pair, Suspect
from devmesh.memory import BlindInterval, Memory, Span
from devmesh.memory import Change as Shift
from devmesh.nodes import Nodes
from devmesh.templates import Templates

DAY_US = 24 * HOUR_US
BEFORE_US, AROUND_US, LONGEST_US = 2 * MINUTE_US, 30 * MINUTE_US, 2 * HOUR_US
NORMAL_US, CHANGES_US = 7 * DAY_US, 6 * HOUR_US
MOST_UNSEEN_US = NORMAL_US // 10  # beyond which a week says nothing of what is normal
HEARD_H = 48  # who runs where
FOUND, SHIFTED, WORST = 12, 8, 3
STARTS = {"primitive", "new", "correlation"}  # say something new; others may say more of what they say anyway
BEGINNINGS, LOOKED_UP = 8, 24  # families of a service that may hold its first line; services, the earliest

Suspecting = Callable[[Sequence[Finding], Collection[Pair]], list[Suspect]]
Recalling = Callable[[Onset, Signature], Sequence[Seen]]


class Packer:
    """Makes contexts; `suspects` and `recalled` are asked for the suspects (of the fleet of these services and nodes)
    and for what was seen before.
    """

    def __init__(
        self, rooms: tuple[Nodes, Templates, Events, Memory], strip: Strip, suspects: Suspecting, recalled: Recalling
    ) -> None:
        self._nodes, self._templates, self._events, self._memory = rooms
        self._strip, self._suspects, self._recalled = strip, suspects, recalled

    def pack(self, asked: Onset, now_us: int, copies: Mapping[str, Said]) -> Context:
        """The context of an incident as it is now."""
        near, window = spans(asked, now_us)
        findings, ledger = asked.findings, self.ledger(near, copies)
        hour = window.since_us // HOUR_US
        heard = self._events.speakers(hour - HEARD_H, hour + 1) | {(one.service, one.node) for one in findings}
        services = self._nodes.service_names.names({service for service, _node in heard})
        nodes = self._nodes.node_names.names({node for _service, node in heard})
        blind = [one for one in self._memory.blind(window.since_us - NORMAL_US, window.until_us) if not one.filled]
        suspects = self._suspects(findings, heard)
        changes = self._strip.read(window.since_us - CHANGES_US, window.until_us)
        services |= self._nodes.service_names.names({one.service_id for one in changes} - services.keys())
        texts = ledger.families({one.family for one in findings if one.family is not None})
        said = {one: family.text for one, family in texts.items()}
        known = [one for one in findings if one.family is None or one.family in said]
        marked = signature(known or findings[:0], said, services, roles_of(heard, services))
        context = Context(
            asked, window, Span((hour - 24) * HOUR_US, hour * HOUR_US), services, nodes, suspects, (), {}, (), blind,
            changes, (), marked, self._recalled(asked, marked), ledger, heard=heard,
        )  # fmt: skip
        movers = _movers(context)
        context = replace(context, movers=movers, causes=blamed(changes, movers, suspects, services))
        return replace(context, elsewhere=_elsewhere(context), families=self._families(context))

    def ledger(self, near: Span, copies: Mapping[str, Said]) -> Ledger:
        """What claims are held against, read anew."""
        return Ledger(self._nodes, self._templates, self._events, near, copies)

    def _families(self, context: Context) -> list[Spoken]:
        """The families that matter: found, changed, worst; each once."""
        window, ledger = context.window, context.ledger
        concerned = sorted({one.node for one in context.asked.findings})
        here = ledger.rows((), (), window.since_us, window.until_us).filter(pl.col("node_id").is_in(concerned))
        sums = here.group_by("family_id").agg(pl.col("n").sum(), pl.col("priority").min(), pl.col("node_id").unique())
        said = {row[0]: row[1:] for row in sums.sort("family_id").iter_rows() if row[0] is not None}
        weights: dict[int, float] = {}
        for one in context.asked.findings:
            if one.family is not None:
                weights[one.family] = max(weights.get(one.family, 0.0), one.weight)
        shifts = {one.family_id: one for one in self._shifts(context, concerned)}
        worst = sorted((row[1], -row[0], home) for home, row in said.items() if row[1] <= ERROR)
        why = dict.fromkeys(sorted(weights, key=lambda one: -weights[one])[:FOUND], "found")
        for home, shift in shifts.items():
            why.setdefault(home, shift.kind)
        for _priority, _n, home in worst[:WORST]:
            why.setdefault(home, "worst")
        day = context.day_before
        past = dict[int, int]()
        if why:
            earlier = ledger.rows(list(why), (), day.since_us, day.until_us).filter(pl.col("node_id").is_in(concerned))
            past = dict(earlier.group_by("family_id").agg(pl.col("n").sum()).iter_rows())
        seen = not any(unseen_us(context.blind, node, day) for node in concerned)
        out = []
        for number, family in ledger.families(why.keys()).items():
            n, least, spoke = said.get(family.id, (0, 9, []))
            usual = round(shifts[number].expected, 2) if number in shifts else None
            names = sorted(context.nodes.get(node, "?") for node in spoke)
            service, before = context.services.get(family.service_id, "?"), past.get(family.id, 0) if seen else None
            out.append(Spoken(f"f{family.id}", service, family.text, why[number], n, before, usual, least, names))
        return out

    def _shifts(self, context: Context, concerned: Collection[int]) -> list[Shift]:
        """What is new, louder or gone on the nodes that could be seen; nothing where there is no past to compare."""
        window, since_us = context.window, context.window.since_us - NORMAL_US
        week = Span(since_us, window.since_us)
        seen = [
            node
            for node in concerned
            if not unseen_us(context.blind, node, window) and unseen_us(context.blind, node, week) <= MOST_UNSEEN_US
        ]
        try:
            found = self._memory.changes(window, since_us, node_ids=seen).rows if seen else ()
        except InvalidInput:
            return []
        return [one for one in found if one.kind != "quieter"][:SHIFTED]


def spans(asked: Onset, now_us: int) -> tuple[Span, Span]:
    """What is read by minute, and the incident's own window in it; whole minutes, three hours at most."""
    begin = asked.onset_us // MINUTE_US * MINUTE_US
    ends = max(asked.last_us + MINUTE_US, begin + AROUND_US)
    until = max(min(ends, now_us, begin + LONGEST_US) // MINUTE_US * MINUTE_US, begin + MINUTE_US)
    return Span(begin - HOUR_US, until), Span(begin - BEFORE_US, until)


def unseen_us(blind: Sequence[BlindInterval], node: int, span: Span) -> int:
    """How long a node could not be seen within a span."""
    some = [(one.since_us, one.until_us or span.until_us) for one in blind if one.node_id == node]
    return sum(max(0, min(until, span.until_us) - max(since, span.since_us)) for since, until in some)


def _movers(context: Context) -> dict[Pair, Mover]:
    """When each service on each node began, the first mover first."""
    by_pair: dict[Pair, list[Finding]] = defaultdict(list)
    for one in context.asked.findings:
        by_pair[one.service, one.node].append(one)
    ahead = context.ledger.rows((), (), context.ledger.near.since_us, context.window.since_us)
    habits = set(ahead.select("family_id", "node_id").unique().iter_rows())
    early = sorted(by_pair, key=lambda pair: by_pair[pair][0].minute)[:LOOKED_UP]
    begun = {
        pair: _began([one for one in some if _starts(one, habits)] if pair in early else [], some[0], context)
        for pair, some in by_pair.items()
    }
    order = sorted(begun, key=lambda pair: (begun[pair].at_us, pair))
    first = begun[order[0]].at_us
    return {pair: replace(begun[pair], lead_s=round((begun[pair].at_us - first) / 1e6)) for pair in order}


def _starts(one: Finding, habits: Collection[tuple[int, int]]) -> bool:
    """Whether the first line of a finding's family is a beginning: it says something new, or nothing in the hour ahead
    of the incident.
    """
    return one.family is not None and (one.detector in STARTS or (one.family, one.node) not in habits)


def _began(starts: Sequence[Finding], found: Finding, context: Context) -> Mover:
    """When a service on a node began, by the first line of any family that shows it; else when it was found."""
    service, node = context.services.get(found.service, "?"), context.nodes.get(found.node, "?")
    some = dict.fromkeys(one.family for one in starts if one.family is not None)
    families = tuple(some)[:BEGINNINGS]
    first = Claim(Metric.FIRST, "", families, node=node, service=service).within(context.window)
    event = context.ledger.first(first) if families else None
    if event is None:
        return Mover(service, node, found.minute * MINUTE_US, 0, "", ())
    return Mover(service, node, parse_event_id(event)[0], 0, event, families)


def _elsewhere(context: Context) -> list[Elsewhere]:
    """The view of the nodes of which nothing was found, by number."""
    out = dict[int, Elsewhere]()
    concerned = {one.node for one in context.asked.findings}
    others = context.ledger.frame.filter(~pl.col("node_id").is_in(list(concerned)) & pl.col("family_id").is_not_null())
    said = others.group_by("node_id", "family_id").agg(pl.col("n").sum()).sort("n", "family_id")
    most = {node: family for node, family, _n in said.iter_rows()}
    why = {one.node_id: one.reason for one in context.blind if unseen_us([one], one.node_id, context.window)}
    late = (pl.col("minute") * MINUTE_US >= context.window.since_us).alias("late")
    bad = pl.when(pl.col("priority") <= ERROR).then(pl.col("n")).otherwise(0).sum().alias("bad")
    sums = others.group_by("node_id", late).agg(pl.col("n").sum(), bad).sort("node_id")
    for node, is_late, lines, errors in sums.iter_rows():
        one = out.get(node) or Elsewhere(context.nodes.get(node, "?"), most[node], blind=why.get(node, ""))
        now = {"lines": lines, "errors": errors}
        out[node] = replace(one, **(now if is_late else {f"{name}_before": n for name, n in now.items()}))
    return list(out.values())


def blamed(
    changes: Sequence[Change], movers: Mapping[Pair, Mover], suspects: Sequence[Suspect], services: Mapping[int, str]
) -> list[Cause]:
    """Changes that may have caused it: in the first three suspects, from when each began; the accused, who say nothing
    themselves, began with the first.
    """
    first = next(iter(movers.values()))
    pairs = [(one.service, one.node) for one in suspects[:3]]
    return causes(changes, {pair: movers.get(pair, first).at_us for pair in pairs}, pairs, services)
