"""The evidence lock: nothing is printed that the store does not confirm, whoever wrote it.

Each claim is recomputed. What does not hold is struck through, with the true value beside it. A statement is taken out
and counted if it cites nothing, or what does not exist, or something of which nothing can be computed; if its prose
holds a number, an order, or a name of a node without a claim; and if an order stands between others than those whom it
speaks of. What prose cannot hide so: a made-up name that is an ordinary word.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from devmesh.errors import InvalidInput
from devmesh.investigations.claims import BETWEEN, EDGES, OF_INCIDENTS, Claim, Metric, Statement, Value
from devmesh.investigations.ledger import ERROR, Ledger, Said

MOST_CLAIMS = 12
PLACE = re.compile(r"\{(\d{1,3})\}")
NUMBERS = re.compile(
    r"\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twent\w+|thirt\w+|fort\w+|fift\w+|sixt\w+"
    r"|sevent\w+|eight\w+|ninet\w+|dozens?|hundreds?|thousands?|millions?|once|twice|thrice|half|percent|seconds?"
    r"|minutes?|hours?)\b|%",
    re.IGNORECASE,
)
# Stands in claims alone, each between those of whom it speaks.
ORDERS = re.compile(
    r"\b(?:before\w*|after\w*|ahead|earli\w+|later|latest|preced\w+|follow\w+|prior|previous\w*|subsequent\w*|then|next"
    r"|first\w*|last|began|begin\w*|begun|start\w*|initial\w*|origin\w*|simultaneous\w*)\b",
    re.IGNORECASE,
)
CAUSES = re.compile(r"\b(?:caus\w+|led to|leads to|due to|trigger\w*)\b", re.IGNORECASE)
HOSTLIKE = re.compile(r"\w\.\w|\w[-_]\w*[-_]\w|://|@")
NAMES = {Metric.SERVICE, Metric.NODE}
UNKNOWN = "cites what does not exist, or cannot be computed"


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

    judge: Ledger
    trusting: bool = False  # of prose: the rules' own words hold nothing but names of claims
    struck: int = 0
    out: Counter[str] = field(default_factory=Counter)

    def let(self, statement: Statement) -> Locked | None:
        """The statement as it may be printed; None where it was taken out."""
        why = self._unprovable(statement)
        truths = [truth(self.judge, claim) for claim in statement.claims] if not why else []
        checked = [Checked(one, true) for one, true in zip(statement.claims, truths, strict=False) if true is not None]
        if why or len(checked) < len(truths):
            self.out[why or UNKNOWN] += 1
            return None
        self.struck += sum(not one.holds for one in checked)
        return Locked(statement.text, tuple(checked))

    def all(self, some: Iterable[Statement]) -> tuple[Locked, ...]:
        """Those that may be printed."""
        return tuple(locked for one in some if (locked := self.let(one)) is not None)

    def _unprovable(self, statement: Statement) -> str:
        """Why a statement's words alone rule it out."""
        if not statement.cites:
            return "cites nothing"
        places = [int(one) for one in PLACE.findall(statement.text)]
        if sorted(places) != list(range(len(statement.claims))) or len(places) > MOST_CLAIMS:
            return "its claims and its words do not fit"
        if self.trusting:
            return ""
        prose, ordered = PLACE.sub(" ", statement.text), {one.metric for one in statement.claims} & BETWEEN
        if NUMBERS.search(prose):
            return "a number without a claim"
        if ORDERS.search(prose) or (CAUSES.search(prose) and not ordered):
            return "an order without a claim"
        if not _between([statement.claims[one] for one in places]):
            return "an order between others"
        if HOSTLIKE.search(prose) or set(re.findall(r"[\w.-]+", prose)) & self.judge.nodes:
            return "a name without a claim"
        return ""


def truth(judge: Ledger, claim: Claim) -> Value | None:
    """What the store says; None where something that is cited does not exist, or nothing can be said."""
    if claim.metric in OF_INCIDENTS or claim.incident:
        return _of_incident(judge, claim)
    said = [one for one in map(judge.event, claim.events) if one is not None]
    known = judge.families(claim.families)
    exist = len(said) == len(claim.events) and len(known) == len(set(claim.families))
    if not exist or not judge.templates(claim.templates) >= set(claim.templates):
        return None
    try:
        if claim.metric in EDGES:
            return _edge(judge, claim)
        if claim.metric in BETWEEN:
            return _apart(claim.metric, [*said, *_firsts(judge, claim)])
        if claim.metric is Metric.TIME or claim.events:
            return _of_event(claim.metric, said)
        if claim.metric is Metric.LINE:
            return known[claim.families[0]].text if len(known) == 1 else None
        if claim.metric in (Metric.NODE, Metric.SERVICE) and not claim.cites:
            return claim.value if judge.known(str(claim.value)) else None
        return _of_counts(judge, claim)
    except InvalidInput:
        return None


def stated(judge: Ledger, text: str, *claims: Claim) -> Statement | None:
    """A statement with the values that the store has; None where it has none, or another name than a claim gives."""
    truths = [truth(judge, claim) for claim in claims]
    filled = [replace(one, value=true) for one, true in zip(claims, truths, strict=True) if true is not None]
    known = all(
        one.value == was.value or not was.value for one, was in zip(filled, claims, strict=False) if was.metric in NAMES
    )
    return Statement(text, tuple(filled)) if known and len(filled) == len(claims) else None


def _of_incident(judge: Ledger, claim: Claim) -> Value | None:
    one = judge.incident(claim.incident)
    if one is None:
        return None
    of: dict[Metric, Value] = {
        Metric.INCIDENT: one.title,
        Metric.ONSET: one.onset_us,
        Metric.STATE: one.status,
        Metric.PARTS: one.parts,
    }
    return of.get(claim.metric)


def _between(placed: Sequence[Claim]) -> bool:
    """Whether the neighbours of each order in a sentence are the two of whom it speaks, in that order, and of each
    first or last line there is one that says whose it is.
    """
    cites = [set(one.cites) for one in placed]
    for at, one in enumerate(placed):
        left, right = (cites[at - 1] if at else set[str]()), (cites[at + 1] if at + 1 < len(placed) else set[str]())
        if one.metric in BETWEEN:
            ends = one.cites
            if len(ends) > 1 and not (ends[0] in left and ends[1] in right):
                return False
        if one.metric in EDGES and len(placed) > 1 and one.value not in left | right:
            return False
    return True


def _edge(judge: Ledger, claim: Claim) -> Value | None:
    """The id of the first or the last line; the one that is claimed, where both were at the same time."""
    claimed = judge.event(str(claim.value)) if claim.value else None
    if claim.value and claimed is None:
        return None
    found = judge.first(claim) if claim.metric is Metric.FIRST else judge.last(claim)
    said = judge.event(found) if found else None
    return claim.value if claimed is not None and claimed == said else found


def _firsts(judge: Ledger, claim: Claim) -> list[Said]:
    """The first line of each family of a claim in its window."""
    ids = (judge.first(replace(claim, families=(one,))) for one in claim.families)
    return [said for one in ids if one and (said := judge.event(one)) is not None]


def _apart(metric: Metric, said: Sequence[Said]) -> Value | None:
    if len(said) != 2:  # noqa: PLR2004 - the one and the other
        return None
    apart = said[1].ts_us - said[0].ts_us
    if metric is Metric.LEAD:
        return round(apart / 1_000_000)
    return "before" if apart > 0 else "after" if apart < 0 else "same time"


def _of_event(metric: Metric, said: Sequence[Said]) -> Value | None:
    if len(said) != 1:
        return None
    one = said[0]
    of: dict[Metric, Value] = {
        Metric.TIME: one.ts_us,
        Metric.NODE: one.node,
        Metric.SERVICE: one.service,
        Metric.LINE: one.message,
    }
    return of.get(metric)


def _of_counts(judge: Ledger, claim: Claim) -> Value | None:
    """What counts say; a node or service that is claimed and among the speakers is true, else the busiest is."""
    rows = judge.counts(claim)
    if claim.metric in (Metric.EVENTS, Metric.ERRORS):
        return sum(n for *_who, priority, n in rows if priority <= ERROR or claim.metric is Metric.EVENTS)
    place, by_name = (0 if claim.metric in (Metric.NODE, Metric.NODES) else 1), Counter[str]()
    for row in rows:
        by_name[str(row[place])] += row[3]
    if claim.metric in (Metric.NODES, Metric.SERVICES):
        return len(by_name)
    if claim.value in by_name:
        return claim.value
    return by_name.most_common(1)[0][0] if by_name else None
