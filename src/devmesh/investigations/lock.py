"""The evidence lock: nothing is printed that the store does not confirm, whoever wrote it.

Each claim is recomputed. What does not hold is struck through, with the true value beside it. A statement is taken out
and counted if it cites nothing, or what does not exist, or something of which nothing can be computed; and if its prose
holds a number, an order, or a name of a node without a claim. What prose cannot hide so: a made-up name that is an
ordinary word.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from devmesh.errors import InvalidInput
from devmesh.investigations.claims import Claim, Metric, Statement, Value
from devmesh.investigations.ledger import ERROR, Count, Said
from devmesh.templates import Family

MOST_CLAIMS = 12
PLACE = re.compile(r"\{(\d{1,3})\}")
NUMBERS = re.compile(
    r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twent\w+|thirt\w+|fort\w+|fift\w+|sixt\w+"
    r"|sevent\w+|eight\w+|ninet\w+|dozens?|hundreds?|thousands?|millions?|twice|thrice|half|percent)\b|%",
    re.IGNORECASE,
)
ORDERS = re.compile(
    r"\b(?:before\w*|after\w*|earlier|later|preced\w+|follow\w+|prior|subsequent\w*|then|caus\w+|led to|due to)\b",
    re.IGNORECASE,
)
HOSTLIKE = re.compile(r"\w\.\w|\w[-_]\w*[-_]\w|://|@")
ORDERING = {Metric.ORDER, Metric.LEAD, Metric.TIME}


class Judge(Protocol):
    """What claims are held against; see `Ledger`."""

    def counts(self, families: Sequence[int], templates: Sequence[int], since_us: int, until_us: int) -> list[Count]:
        """Counts by node, service and priority; raises InvalidInput."""

    def event(self, event_id: str) -> Said | None:
        """A line."""

    def families(self, ids: Collection[int]) -> Mapping[int, Family]:
        """Those that there are."""

    def templates(self, ids: Collection[int]) -> set[int]:
        """Those that there are."""

    def known(self, name: str) -> bool:
        """Whether a node or a service is called so."""

    def speakers(self) -> tuple[set[str], set[str]]:
        """Names of nodes and services."""


@dataclass(frozen=True)
class Checked:
    """A claim with the value that the store has for it."""

    claim: Claim
    truth: Value

    @property
    def holds(self) -> bool:
        """Whether it says the truth."""
        return self.claim.value == self.truth


@dataclass(frozen=True)
class Locked:
    """A statement that may be printed."""

    text: str
    claims: tuple[Checked, ...]

    @property
    def cites(self) -> tuple[str, ...]:
        """All that it cites."""
        return Statement(self.text, tuple(one.claim for one in self.claims)).cites


@dataclass
class Lock:
    """Judges statements one by one; counts what it struck through and took out, by reason."""

    judge: Judge
    trusting: bool = False  # of prose: the rules' own words hold nothing but names of claims
    struck: int = 0
    out: Counter[str] = field(default_factory=Counter)

    def let(self, statement: Statement) -> Locked | None:
        """The statement as it may be printed; None where it was taken out."""
        why = self._unprovable(statement)
        checked = list[Checked]()
        for claim in () if why else statement.claims:
            truth = self._truth(claim)
            if truth is None:
                why = "cites what does not exist, or cannot be computed"
                break
            checked.append(Checked(claim, truth))
        if why:
            self.out[why] += 1
            return None
        self.struck += sum(not one.holds for one in checked)
        return Locked(statement.text, tuple(checked))

    def all(self, some: Sequence[Statement]) -> tuple[Locked, ...]:
        """Those that may be printed."""
        return tuple(locked for one in some if (locked := self.let(one)) is not None)

    def _unprovable(self, statement: Statement) -> str:
        """Why a statement's words alone rule it out."""
        if not statement.cites:
            return "cites nothing"
        places = sorted(int(one) for one in PLACE.findall(statement.text))
        if places != list(range(len(statement.claims))) or len(places) > MOST_CLAIMS:
            return "its claims and its words do not fit"
        if self.trusting:
            return ""
        prose = PLACE.sub(" ", statement.text)
        if NUMBERS.search(prose):
            return "a number without a claim"
        if ORDERS.search(prose) and not any(one.metric in ORDERING for one in statement.claims):
            return "an order without a claim"
        words = set(re.findall(r"[\w.-]+", prose))
        if HOSTLIKE.search(prose) or words & self.judge.speakers()[0]:
            return "a name without a claim"
        return ""

    def _truth(self, claim: Claim) -> Value | None:
        """What the store says; None where something that is cited does not exist, or nothing can be said."""
        if not self._exists(claim):
            return None
        if claim.metric in (Metric.TIME, Metric.LEAD, Metric.ORDER):
            return _of_times(claim.metric, self._events(claim))
        if claim.metric in (Metric.NODE, Metric.SERVICE, Metric.LINE) and claim.events:
            return _of_event(claim.metric, self._events(claim))
        if claim.metric in (Metric.NODE, Metric.SERVICE) and not claim.cites:
            return claim.value if self.judge.known(str(claim.value)) else None
        if claim.metric is Metric.LINE:
            texts = [one.text for one in self.judge.families(claim.families).values()]
            return texts[0] if len(texts) == 1 else None
        try:
            rows = self.judge.counts(claim.families, claim.templates, claim.since_us, claim.until_us)
        except InvalidInput:
            return None
        return _of_counts(claim, rows)

    def _exists(self, claim: Claim) -> bool:
        known = self.judge.families(claim.families), self.judge.templates(claim.templates)
        whole = all(one in known[0] for one in claim.families) and known[1] >= set(claim.templates)
        return whole and all(self.judge.event(one) is not None for one in claim.events)

    def _events(self, claim: Claim) -> list[Said]:
        return [said for one in claim.events if (said := self.judge.event(one)) is not None]


def _of_times(metric: Metric, said: Sequence[Said]) -> Value | None:
    times = [one.ts_us for one in said]
    if metric is Metric.TIME:
        return times[0] if len(times) == 1 else None
    if len(times) != 2:  # noqa: PLR2004 - the one and the other
        return None
    apart = times[1] - times[0]
    if metric is Metric.LEAD:
        return round(apart / 1_000_000)
    return "before" if apart > 0 else "after" if apart < 0 else "same time"


def _of_event(metric: Metric, said: Sequence[Said]) -> Value | None:
    if len(said) != 1:
        return None
    return {Metric.NODE: said[0].node, Metric.SERVICE: said[0].service, Metric.LINE: said[0].message}[metric]


def _of_counts(claim: Claim, rows: Sequence[Count]) -> Value | None:
    """What counts say; a node or service that is claimed and among the speakers is true, else the busiest is."""
    mine = [
        (node, service, priority, n)
        for node, service, priority, n in rows
        if (not claim.node or node == claim.node) and (not claim.service or service == claim.service)
    ]
    if claim.metric is Metric.EVENTS:
        return sum(n for *_who, n in mine)
    if claim.metric is Metric.ERRORS:
        return sum(n for *_who, priority, n in mine if priority <= ERROR)
    place = 0 if claim.metric in (Metric.NODE, Metric.NODES) else 1
    by_name = Counter[str]()
    for row in mine:
        by_name[str(row[place])] += row[3]
    if claim.metric in (Metric.NODES, Metric.SERVICES):
        return len(by_name)
    if claim.value in by_name:
        return claim.value
    return by_name.most_common(1)[0][0] if by_name else None
