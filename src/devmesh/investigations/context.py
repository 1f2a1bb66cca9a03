"""The context packer: all that a report is written from, in bounded questions to the rooms.

Counts by minute are read for at most three hours, by hour for a day and a week; events for the first of each family
that was found; everything else is computed from these.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence

import polars as pl

from devmesh.detectors import Finding
from devmesh.errors import InvalidInput
from devmesh.events import Events, Filter
from devmesh.investigations.causes import Cause, causes
from devmesh.investigations.ledger import ERROR, HOUR_US, Ledger, Said
from devmesh.investigations.model import Context, Elsewhere, Mark, Mover, Onset, Seen, Spoken, Timeline
from devmesh.investigations.similar import Signature, signature
from devmesh.investigations.strip import Change, Strip
from devmesh.investigations.suspects import Pair, Suspect
from devmesh.memory import Change as Shift
from devmesh.memory import Memory, Span
from devmesh.nodes import Nodes
from devmesh.templates import Templates

MINUTE_US, DAY_US = 60_000_000, 24 * HOUR_US
BEFORE_US, AROUND_US, LONGEST_US = 2 * MINUTE_US, 30 * MINUTE_US, 2 * HOUR_US
NORMAL_US, CHANGES_US = 7 * DAY_US, 6 * HOUR_US
WARNING = 4
FOUND, SHIFTED, WORST, MARKS, SILENT = 12, 8, 3, 40, 8
STARTS = {"primitive", "new", "correlation"}  # whose first line is the beginning; others say more of what they say
BEGINNINGS = 8  # families of a service that may hold its first line
REACH_MIN = 5

Suspecting = Callable[[Sequence[Finding]], list[Suspect]]
Recalling = Callable[[Onset, Signature], Sequence[Seen]]


class Packer:
    """Makes contexts; `suspects` and `recalled` are asked for the suspects and for what was seen before."""

    def __init__(
        self, rooms: tuple[Nodes, Templates, Events, Memory], strip: Strip, suspects: Suspecting, recalled: Recalling
    ) -> None:
        self._nodes, self._templates, self._events, self._memory = rooms
        self._strip, self._suspects, self._recalled = strip, suspects, recalled

    def pack(self, asked: Onset, now_us: int, copies: Mapping[str, Said] | None = None) -> Context:
        """The context of an incident as it is now."""
        near, window = spans(asked, now_us)
        ledger = self.ledger(near, copies)
        findings, concerned = asked.findings, sorted({one.node for one in asked.findings})
        before = Span(window.since_us // HOUR_US * HOUR_US - DAY_US, window.since_us // HOUR_US * HOUR_US)
        movers = self._movers(findings, ledger.frame, window)
        changes = self._strip.read(window.since_us - CHANGES_US, window.until_us)
        suspects = self._suspects(findings)
        families = self._families(findings, ledger, (window, before), concerned)
        ids = ledger.frame["node_id"].to_list(), ledger.frame["service_id"].to_list()
        named = {one.service for one in findings} | {one.service for one in suspects}
        named |= {one.service_id for one in changes}
        services = self._nodes.service_names.names({*ids[1], *named})
        nodes = self._nodes.node_names.names({*ids[0], *concerned, *(one.node_id for one in changes)})
        texts = {one: family.text for one, family in ledger.families(_families_of(findings)).items()}
        marked = signature([one for one in findings if one.family is None or one.family in texts], texts, services)
        view = elsewhere(ledger.frame, window, concerned, self._blind(window))
        return Context(
            asked, window, before, services, nodes, suspects, families, movers,
            self._last_lines(findings, suspects, window),
            view, changes, blamed(changes, movers, suspects, services),
            timeline(asked, ledger.frame, changes, concerned), marked, self._recalled(asked, marked), ledger,
        )  # fmt: skip

    def ledger(self, near: Span, copies: Mapping[str, Said] | None = None) -> Ledger:
        """What claims are held against, read anew."""
        return Ledger(self._nodes, self._templates, self._events, near, copies)

    def _movers(self, findings: Sequence[Finding], frame: pl.DataFrame, window: Span) -> list[Mover]:
        """When each service on each node began, the first mover first."""
        by_pair: dict[Pair, list[Finding]] = defaultdict(list)
        for one in findings:
            by_pair[one.service, one.node].append(one)
        begun = [self._began(pair, some, frame, window) for pair, some in by_pair.items()]
        begun.sort(key=lambda one: (one.at_us, one.service_id, one.node_id))
        first = begun[0].at_us
        return [
            Mover(one.service_id, one.node_id, one.at_us, one.family_id, one.event_id, round((one.at_us - first) / 1e6))
            for one in begun
        ]

    def _began(self, pair: Pair, findings: Sequence[Finding], frame: pl.DataFrame, window: Span) -> Mover:
        firsts: dict[int, Finding] = {}
        for one in findings:
            if one.family is not None and one.detector in STARTS:
                firsts.setdefault(one.family, one)
        shown = list(firsts.values())[:BEGINNINGS]
        events = [found for one in shown if (found := self._first(one, frame, window)) is not None]
        if events:
            at_us, event_id, family = min(events)
            return Mover(*pair, at_us, family, event_id, 0)
        return Mover(*pair, findings[0].minute * MINUTE_US, findings[0].family, "", 0)

    def _first(self, one: Finding, frame: pl.DataFrame, window: Span) -> tuple[int, str, int] | None:
        """The first event of a finding's family on its node: (when, id, family)."""
        least = max(one.minute - REACH_MIN, window.since_us // MINUTE_US)
        said = (pl.col("family_id") == one.family) & (pl.col("node_id") == one.node) & (pl.col("minute") >= least)
        rows = frame.filter(said)
        minute = rows["minute"].min()
        if not isinstance(minute, int) or one.family is None:
            return None
        members = tuple(rows.filter(pl.col("minute") == minute)["template_id"].unique().to_list())
        since = minute * MINUTE_US
        asked = Filter(node_ids=(one.node,), template_ids=members, since_us=since, until_us=since + MINUTE_US)
        found = self._events.query(asked, 1_000).events
        return (found[-1].ts_us, found[-1].id, one.family) if found else None

    def _last_lines(
        self, findings: Sequence[Finding], suspects: Sequence[Suspect], window: Span
    ) -> dict[Pair, tuple[int, str]]:
        """The last event of those who fell silent, and of the accused of whom nothing was found."""
        silent = {(one.service, one.node) for one in findings if one.family is None}
        accused = {(one.service, one.node) for one in suspects[:SILENT]}
        wanted = sorted(silent | (accused - {(one.service, one.node) for one in findings}))[:SILENT]
        out = {}
        for service, node in wanted:
            span = window.until_us - NORMAL_US, window.until_us
            asked = Filter(node_ids=(node,), service_ids=(service,), since_us=span[0], until_us=span[1])
            for last in self._events.query(asked, 1).events:
                out[service, node] = last.ts_us, last.id
        return out

    def _blind(self, window: Span) -> dict[int, str]:
        """Why a node could not be seen in the window."""
        return {one.node_id: one.reason for one in self._memory.blind(window.since_us, window.until_us)}

    def _families(
        self, findings: Sequence[Finding], ledger: Ledger, spans: tuple[Span, Span], concerned: Sequence[int]
    ) -> list[Spoken]:
        """The families that matter: found, changed, worst; each once."""
        window, before = spans
        here = _within(ledger.frame, window).filter(pl.col("node_id").is_in(concerned))
        sums = here.group_by("family_id").agg(pl.col("n").sum(), pl.col("priority").min(), pl.col("node_id").unique())
        said = {row[0]: row[1:] for row in sums.sort("family_id").iter_rows() if row[0] is not None}
        weights: dict[int, float] = {}
        for one in findings:
            if one.family is not None:
                weights[one.family] = max(weights.get(one.family, 0.0), one.weight)
        shifts = {one.family_id: one for one in self._shifts(window, concerned)}
        worst = sorted((row[1], -row[0], home) for home, row in said.items() if row[1] <= ERROR)
        why = dict.fromkeys(sorted(weights, key=lambda one: -weights[one])[:FOUND], "found")
        for home, shift in shifts.items():
            why.setdefault(home, shift.kind)
        for _priority, _n, home in worst[:WORST]:
            why.setdefault(home, "worst")
        known = ledger.families(why.keys())
        earlier = ledger.rows(list(why), (), before.since_us, before.until_us) if why else None
        past = {} if earlier is None else _sums(earlier.filter(pl.col("node_id").is_in(concerned)))
        out = []
        for asked, reason in why.items():
            if asked not in known:
                continue
            family = known[asked]
            n, least, spoke = said.get(family.id, (0, 9, []))
            usual = shifts[asked].expected if asked in shifts else None
            out.append(
                Spoken(
                    family.id, family.service_id, family.text, reason, n, past.get(family.id, 0), usual, least,
                    tuple(sorted(spoke)),
                )
            )  # fmt: skip
        return out

    def _shifts(self, window: Span, concerned: Collection[int]) -> list[Shift]:
        """What is new, louder or gone on these nodes; nothing where there is no past to compare with."""
        try:
            found = self._memory.changes(window, window.since_us - NORMAL_US, node_ids=concerned)
        except InvalidInput:
            return []
        return [one for one in found.rows if one.kind != "quieter"][:SHIFTED]


def spans(asked: Onset, now_us: int) -> tuple[Span, Span]:
    """What is read by minute, and the incident's own window in it; whole minutes, three hours at most."""
    begin = asked.onset_us // MINUTE_US * MINUTE_US
    ends = max(asked.last_us + MINUTE_US, begin + AROUND_US)
    until = min(ends, now_us, begin + LONGEST_US) // MINUTE_US * MINUTE_US
    until = max(until, begin + MINUTE_US)
    return Span(begin - HOUR_US, until), Span(begin - BEFORE_US, until)


def elsewhere(
    frame: pl.DataFrame, window: Span, concerned: Collection[int], blind: Mapping[int, str]
) -> list[Elsewhere]:
    """The view of the nodes of which nothing was found, by number."""
    out: dict[int, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    late = pl.col("minute") * MINUTE_US >= window.since_us
    others = frame.filter(~pl.col("node_id").is_in(list(concerned)) & pl.col("family_id").is_not_null())
    for is_late, node, priority, n in others.select(late.alias("late"), "node_id", "priority", "n").iter_rows():
        place = 0 if is_late else 2
        out[node][place] += n
        out[node][place + 1] += n if priority <= ERROR else 0
    said = others.group_by("node_id", "family_id").agg(pl.col("n").sum()).sort("n", "family_id")
    most = {node: family for node, family, _n in said.iter_rows()}
    return [
        Elsewhere(node, one[0], one[1], one[2], one[3], most[node], blind.get(node, ""))
        for node, one in sorted(out.items())
    ]


def blamed(
    changes: Sequence[Change], movers: Sequence[Mover], suspects: Sequence[Suspect], services: Mapping[int, str]
) -> list[Cause]:
    """Changes that may have caused it: in the first three suspects, from when each began; the accused, who say nothing
    themselves, began with the first.
    """
    begun = {(one.service_id, one.node_id): one.at_us for one in movers}
    pairs = [(one.service, one.node) for one in suspects[:3]]
    return causes(changes, {pair: begun.get(pair, movers[0].at_us) for pair in pairs}, pairs, services)


def timeline(asked: Onset, frame: pl.DataFrame, changes: Sequence[Change], concerned: Collection[int]) -> Timeline:
    """Half an hour on both sides of the onset, as far as it is over, in steps of a minute."""
    begin = asked.onset_us // MINUTE_US
    first, around = begin - AROUND_US // MINUTE_US, AROUND_US // MINUTE_US
    shown = frame.filter(pl.col("node_id").is_in(list(concerned)) & pl.col("minute").is_between(first, begin + around))
    bars = defaultdict[int, list[int]](lambda: [0, 0, 0])
    for minute, priority, n in shown.select("minute", "priority", "n").iter_rows():
        bars[minute][0 if priority <= ERROR else 1 if priority <= WARNING else 2] += n
    last = max(bars, default=begin)
    marks = [
        Mark(one.at_us, one.kind, one.service_id, one.node_id, "change") for one in changes if one.node_id in concerned
    ]
    firsts = {(one.service, one.node, one.kind): one for one in reversed(asked.findings)}
    marks += [Mark(one.minute * MINUTE_US, one.kind, one.service, one.node, "finding") for one in firsts.values()]
    span = (first * MINUTE_US, (begin + around) * MINUTE_US)
    kept = sorted((one for one in marks if span[0] <= one.at_us < span[1]), key=lambda one: one.at_us)[:MARKS]
    rows = tuple((bars[minute][0], bars[minute][1], bars[minute][2]) for minute in range(first, last + 1))
    return Timeline(MINUTE_US, span[0], rows, (*kept, *asked.marks))


def _within(frame: pl.DataFrame, span: Span) -> pl.DataFrame:
    minute = pl.col("minute") * MINUTE_US
    return frame.filter((minute >= span.since_us) & (minute < span.until_us))


def _sums(rows: pl.DataFrame) -> dict[int, int]:
    sums = rows.group_by("family_id").agg(pl.col("n").sum())
    return {family: n for family, n in sums.iter_rows() if family is not None}


def _families_of(findings: Sequence[Finding]) -> set[int]:
    return {one.family for one in findings if one.family is not None}
