"""What the rules have to say of an incident, as statements: every word of it from the context, nothing from a model.

A draft is not yet true: the lock lets pass what the store confirms.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from devmesh.detectors import About, Finding
from devmesh.investigations.advice import advice_for, checks_for
from devmesh.investigations.causes import Cause
from devmesh.investigations.claims import Claim, Metric, Statement
from devmesh.investigations.judging import confidence_of, inconclusive, unclear
from devmesh.investigations.model import Context
from devmesh.investigations.suspects import KERNEL, Suspect
from devmesh.investigations.telling import Teller
from devmesh.investigations.wording import cut
from devmesh.safe import safe

SUSPECTS, LINES, MOVERS, IMPACT, OTHERS, CHECKS = 5, 5, 8, 8, 8, 6
LEAST_CAUSE = 0.3  # of a change that is named as the cause
TITLE_CHARS = 119
COUNTING = {"new": 1, "louder": 2, "error rate": 2}
WRONG = re.compile(r"error\b|exception\b|fail|fatal|panic|refused|denied|cannot|could not|unable", re.IGNORECASE)
LOUDER = 3  # times as many errors as the suspect


@dataclass(frozen=True)
class Accused:
    """A suspect with what speaks for it and against it."""

    suspect: Suspect
    confidence: float
    reasons: Sequence[Statement]
    doubts: Sequence[Statement]


@dataclass(frozen=True)
class Draft:
    """A report before it is locked."""

    title: str
    hypothesis: Statement
    confidence: float
    inconclusive: bool
    what: Sequence[Statement]
    where: Sequence[Statement]
    since: Sequence[Statement]
    suspects: Sequence[Accused]
    impact: Sequence[Statement]
    order: Sequence[Statement]
    changed: Sequence[Statement]
    others: Sequence[Statement]
    next_checks: Sequence[str]


def draft(context: Context) -> Draft:
    """What the rules say of a context."""
    return _Writer(context).draft()


class _Writer(Teller):
    """Writes the parts of a report."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        causes = [one for one in context.causes if one.confidence >= LEAST_CAUSE]
        self.cause: Cause | None = causes[0] if causes else None

    def draft(self) -> Draft:
        """All of it."""
        suspects = self.c.suspects[:SUSPECTS]
        tied = unclear(self.c.suspects)
        accused = [
            Accused(one, confidence_of(self.c.suspects, place), self._reasons(one), self._doubts(one))
            for place, one in enumerate(suspects)
        ]
        return Draft(
            self._title(suspects[0], tied=tied), self._hypothesis(suspects[0], tied=tied),
            accused[0].confidence, inconclusive(self.c.suspects, self.c.asked.findings), self._what(), self._where(),
            self._since(), accused, self._impact(), self._order(), self._changed(), self._others(),
            self._checks(suspects),
        )  # fmt: skip

    def _what(self) -> list[Statement]:
        best = {(one.family, one.node): one for one in reversed(self.findings) if one.family is not None}
        told = [self.said(one) for one in sorted(best.values(), key=lambda one: -one.weight)[:LINES]]
        missing = [one for one in self.findings if one.family is None and "silent" in one.kind + one.detector]
        silent = {(one.service, one.node): one for one in missing} or {
            (one.service, one.node): one for one in self.findings if one.detector == "silence"
        }
        told += [self.last_of(one) for one in list(silent.values())[:LINES]]
        told += [self.overdue(one) for one in self.findings if one.detector == "overdue"][:LINES]
        return [one for one in told if one is not None]

    def _where(self) -> list[Statement]:
        families = tuple(sorted(self.texts))
        if not families:
            return []
        span = self.window.since_us, self.window.until_us
        rows = self.c.ledger.counts(families, (), *span)
        services, nodes = len({row[1] for row in rows}), len({row[0] for row in rows})
        said = (
            Claim(Metric.SERVICES, services, families, (), (), "", "", *span),
            Claim(Metric.NODES, nodes, families, (), (), "", "", *span),
        )
        return [Statement("Services in whose lines it shows: {0}; nodes: {1}.", said)] if rows else []

    def _since(self) -> list[Statement]:
        first = next((one for one in self.c.movers if one.event_id), None)
        if first is None:
            return []
        event = (first.event_id,)
        return [
            Statement(
                "Its first line came at {0}, from {1} on {2}: {3}",
                (
                    Claim(Metric.TIME, first.at_us, events=event),
                    Claim(Metric.SERVICE, self.service(first.service_id), events=event),
                    Claim(Metric.NODE, self.node(first.node_id), events=event),
                    self.message(first),
                ),
            )
        ]

    def _order(self) -> list[Statement]:
        """Who began when, the first mover first; each with its lead."""
        shown = [one for one in self.c.movers if one.event_id][: MOVERS + 1]
        out = []
        for one in shown[1:]:
            event = (one.event_id,)
            out.append(
                Statement(
                    "{0} on {1} began {2} later: {3}",
                    (
                        Claim(Metric.SERVICE, self.service(one.service_id), events=event),
                        Claim(Metric.NODE, self.node(one.node_id), events=event),
                        self.lead(shown[0].event_id, one.event_id),
                        self.message(one),
                    ),
                )
            )
        return out

    def _impact(self) -> list[Statement]:
        pairs = dict.fromkeys((one.service, one.node) for one in self.findings)
        out = []
        for service, node in list(pairs)[:IMPACT]:
            family = next(
                (
                    one.family
                    for one in self.findings
                    if (one.service, one.node) == (service, node) and one.family in self.texts
                ),
                None,
            )
            errors = self.count(Metric.ERRORS, (), service, node)
            if family is not None and errors.value:
                names = self.who(service, node, family)
                out.append(Statement("{0} on {1}: errors {2}.", (*names, errors)))
        return out

    def _changed(self) -> list[Statement]:
        """The changes that may have brought it about, and those just ahead of it."""
        near = sorted(self.c.causes, key=lambda one: -one.confidence)[:LINES]
        return [self.change(one) for one in near]

    def _others(self) -> list[Statement]:
        out = []
        for one in self.c.elsewhere[:OTHERS]:
            node = self.node(one.node_id)
            known = Claim(
                Metric.NODE,
                node,
                families=(one.family_id,),
                since_us=self.c.ledger.near.since_us,
                until_us=self.window.until_us,
            )
            said = self.count(Metric.EVENTS, (), None, one.node_id)
            errors = self.count(Metric.ERRORS, (), None, one.node_id)
            if one.blind:  # no data is not the same as no errors
                out.append(
                    Statement("{0} could not be seen for a part of this time: no data. Lines {1}.", (known, said))
                )
            elif said.value:
                out.append(Statement("On {0} nothing was found: lines {1}, errors {2}.", (known, said, errors)))
            else:
                out.append(Statement("{0} said nothing in this time: lines {1}.", (known, said)))
        return out

    def _own(self, one: Suspect) -> list[Finding]:
        """What was found about a suspect itself; of who was killed for memory, what the kernel said of it."""
        own = [x for x in self.findings if (x.service, x.node) == (one.service, one.node)]
        if self.service(one.service) == KERNEL:
            own += [x for x in self.findings if x.node == one.node and x.about is About.NODE and x not in own]
        elif any("named" in reason for reason in one.reasons) or not own:
            own += [
                x for x in self.findings
                if x.node == one.node and x.critical and x.about is About.SELF and self.service(x.service) == KERNEL
            ]  # fmt: skip
        return sorted(own, key=self._telling)

    def _telling(self, x: Finding) -> tuple[bool, bool, int, bool, float]:
        """What says most first: what a rule names, then what is new, then what is louder; of the lines of a stack trace
        the one that says what went wrong.
        """
        text = self.texts[x.family].text if x.family in self.texts else ""
        return x.about is About.PEER, not x.critical, COUNTING.get(x.detector, 0), not WRONG.search(text), -x.weight

    def _reasons(self, one: Suspect) -> list[Statement]:
        """What speaks for it."""
        own = {x.family: x for x in reversed(self._own(one)) if x.about is not About.PEER}
        told = [self.said(x) for x in list(own.values())[::-1][:3]]
        told += [self.last_of(x) for x in own.values() if x.detector == "silence"][:1]
        mover = self.movers.get((one.service, one.node))
        if mover is not None and mover.event_id and mover is self.c.movers[0]:
            told.append(
                Statement("It was the first: {0}.", (Claim(Metric.TIME, mover.at_us, events=(mover.event_id,)),))
            )
        if any(reason.startswith("named by") for reason in one.reasons):
            told += [self.witness(x) for x in self._witnesses(one)]
        if self.cause is not None and self.cause.change.node_id == one.node and self._changes(self.cause, one):
            told.append(self.change(self.cause))
        return [x for x in told if x is not None]

    def _changes(self, cause: Cause, one: Suspect) -> bool:
        """Whether a change concerns a suspect more than others on its node."""
        return cause.change.service_id == one.service or cause.change.wide or one is self.c.suspects[0]

    def _witnesses(self, one: Suspect) -> list[Finding]:
        """Who accuses it: one finding of each service that could not reach somebody."""
        names = {name for reason in one.reasons if reason.startswith("named by ") for name in reason[9:].split(", ")}
        found = [x for x in reversed(self.findings) if x.about is About.PEER and self.service(x.service) in names]
        return list({(x.service, x.node): x for x in found}.values())[:3]

    def _doubts(self, one: Suspect) -> list[Statement]:
        """What speaks against it."""
        own = [x for x in self.findings if (x.service, x.node) == (one.service, one.node)]
        told: list[Statement | None] = [self._healthy(one)] if not own and self.service(one.service) != KERNEL else []
        mover, first = self.movers.get((one.service, one.node)), self.c.movers[0]
        if mover is not None and mover.event_id and first.event_id and mover.lead_s > 0:
            names = self.who(first.service_id, first.node_id)
            told.append(
                Statement("It began {0} later than {1} on {2}.", (self.lead(first.event_id, mover.event_id), *names))
            )
        told.append(self._louder(one))
        if self.cause is not None and self.cause.change.node_id != one.node:
            told.append(self.change(self.cause))
        return [x for x in told if x is not None]

    def _healthy(self, one: Suspect) -> Statement | None:
        """It is accused, and says nothing of trouble itself."""
        last = self.c.last_lines.get((one.service, one.node))
        if last is None:
            return None
        said = self.count(Metric.EVENTS, (), one.service, one.node)
        names = self.who(one.service, one.node)
        event = Claim(Metric.TIME, last[0], events=(last[1],))
        return Statement(
            "Nothing was found in what {0} on {1} says itself (lines {2}, the last at {3}).", (*names, said, event)
        )

    def _louder(self, one: Suspect) -> Statement | None:
        """Somebody else has many more errors."""
        mine = self.count(Metric.ERRORS, (), one.service, one.node)
        others = [
            (self.count(Metric.ERRORS, (), x.service, x.node), x)
            for x in {(x.service, x.node): x for x in self.findings if x.family in self.texts}.values()
            if (x.service, x.node) != (one.service, one.node)
        ]
        most = max(others, key=lambda other: int(other[0].value), default=None)
        if most is None or int(most[0].value) < LOUDER * max(1, int(mine.value)) or most[1].family is None:
            return None
        names = self.who(most[1].service, most[1].node, most[1].family)
        return Statement("{0} on {1} has more errors: {2} beside its {3}.", (*names, most[0], mine))

    def _kind(self, one: Suspect) -> str:
        """The kind of finding that says most of a suspect."""
        own = [x for x in self._own(one) if x.about is not About.PEER] or self._own(one)
        return own[0].kind if own else ""

    def _subject(self, one: Suspect) -> str:
        service, node = safe(self.service(one.service)), safe(self.node(one.node))
        return node if service == KERNEL else f"{service} on {node}"

    def _title(self, one: Suspect, *, tied: bool) -> str:
        kind = self._kind(one)
        says = advice_for(kind).says if kind else "cannot be reached"
        mine = {one.service, *(x.service for x in self._own(one))}
        others = list(dict.fromkeys(self.service(x.service) for x in self.findings if x.service not in mine))
        head = f"{self._subject(one)} {says}"
        if tied:
            head = f"Trouble with no clear cause; perhaps {head}"
        if not others:
            return cut(head, TITLE_CHARS)
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        return cut(f"{head}; {safe(others[0])}{more} affected", TITLE_CHARS)

    def _hypothesis(self, one: Suspect, *, tied: bool) -> Statement:
        """In one sentence what probably happened."""
        kind = self._kind(one)
        says = advice_for(kind).says if kind else "could not be reached"
        claims: list[Claim] = list(self.who(one.service, one.node))
        text = "{0} on {1} " + says
        shown = next(
            (x for x in (*self._own(one), *self._witnesses(one), *self.findings) if x.family in self.texts), None
        )
        if shown is not None and shown.family is not None:
            claims.append(self.line(shown.family))
            text += ": {2}"
        elif (last := self.c.last_lines.get((one.service, one.node))) is not None:
            claims.append(Claim(Metric.TIME, last[0], events=(last[1],)))
            text += ", its last line was at {2}"
        if self.cause is not None and self.cause.change.node_id == one.node:
            event = (self.cause.change.event_id,)
            said = self.c.ledger.event(event[0])
            text += f"; just ahead of it something was changed there: {{{len(claims)}}}"
            claims.append(Claim(Metric.LINE, said.message if said else "", events=event))
        return Statement(("Perhaps " if tied else "") + text, tuple(claims))

    def _checks(self, suspects: Sequence[Suspect]) -> list[str]:
        """What a person can look at next, the likeliest first."""
        out = []
        if self.cause is not None:
            change = self.cause.change
            node, text = safe(self.node(change.node_id)), cut(safe(change.text), 120)
            out.append(f"On {node}: was this change meant, can it be undone? {text}")
        for one in suspects[:2]:
            kinds = list(dict.fromkeys(x.kind for x in self._own(one)))[:2] or [""]
            for kind in kinds:
                out += checks_for(kind, self.service(one.service), self.node(one.node))
        return list(dict.fromkeys(out))[:CHECKS]
