"""What the rules have to say of an incident, as statements: every word of it from the context, nothing from a model.

A draft is not yet true: the lock lets pass what the store confirms.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from devmesh.detectors import About, Finding
from devmesh.investigations.advice import KERNEL, advice_for, checks_for
from devmesh.investigations.claims import Claim, Metric, Statement
from devmesh.investigations.course import Course, Telling
from devmesh.investigations.model import Context
from devmesh.investigations.strip import Cause
from devmesh.investigations.suspects import WHOLE, Pair, Suspect, confidence_of, inconclusive, unclear
from devmesh.investigations.telling import Teller, whole
from devmesh.investigations.wording import cut
from devmesh.safe import safe

SUSPECTS, LINES, LINES_EACH, MOVERS, IMPACT, OTHERS, CHECKS = 5, 6, 3, 8, 8, 8, 6
LEAST_CAUSE = 0.3  # of a change that is named as the cause
TITLE_CHARS = 119
COUNTING = {"new": 1, "louder": 2, "error rate": 2}
WRONG = re.compile(
    r"error\b|exception\b|fail|fatal|panic|refused|denied|cannot|could not|unable|not responding|blocked|timed out",
    re.IGNORECASE,
)
FIRST_WORD = re.compile(r"[\W_]")
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
    chain: Statement | None = None  # how it went along the paths of an inventory: in one line, in steps, what is left
    course: Sequence[Statement] = ()
    unexplained: Sequence[Statement] = ()


def draft(context: Context) -> Draft:
    """What the rules say of a context."""
    return _Writer(context).draft()


class _Writer(Teller):
    """Writes the parts of a report."""

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self.cause: Cause | None = next((one for one in context.causes if one.confidence >= LEAST_CAUSE), None)

    def draft(self) -> Draft:
        """All of it."""
        every, suspects = self.c.suspects, self.c.suspects[:SUSPECTS]
        accused = [
            Accused(one, confidence_of(every, place), self._reasons(one), self._doubts(one))
            for place, one in enumerate(suspects)
        ]
        perhaps, first = unclear(every), self.begun[0] if self.begun else None
        course, told = self._course(suspects[0])
        later = [one for pair, one in self.c.movers.items() if one in self.begun[1:] and pair not in told]
        return Draft(
            self._title(suspects[0], perhaps=perhaps),
            self._hypothesis(suspects[0], perhaps=perhaps),
            accused[0].confidence,
            inconclusive(every, self.c.asked.findings),
            self._what(suspects),
            self._where(),
            whole([self.began(first, None)] if first else []),
            accused,
            self._impact(),
            whole(self.began(one, first) for one in later[:MOVERS]),
            whole(self.change(one) for one in self.c.causes[:LINES]),
            whole(self.other(one) for one in self.c.elsewhere[:OTHERS]),
            self._checks(suspects),
            replace(course.chain, text=f"Perhaps {course.chain.text}") if course.chain and perhaps else course.chain,
            course.steps,
            whole([course.rest]),
        )

    def _course(self, one: Suspect) -> tuple[Course, set[Pair]]:
        """How it went along the paths of an inventory that knows the suspect, and of whom that tells."""
        ties, pair = self.c.ties, (one.service, one.node)
        if ties is None or not ties.knows(pair):
            return Course(), set()
        telling = Telling(self, ties, pair)
        return telling.course(), telling.pairs

    def _what(self, suspects: Sequence[Suspect]) -> list[Statement]:
        """What was found: what is blamed before its victims, of each the weightiest; a node that is lost says all of
        the services on it.
        """
        place = {(one.service, one.node): number for number, one in enumerate(self.c.suspects)}
        last = len(place)
        first = [one for some in suspects[:1] for one in self._own(some)]
        others = sorted(self.findings, key=lambda one: (place.get((one.service, one.node), last), *self._telling(one)))
        lost = {one.node for one in self.findings if one.kind in WHOLE}
        each, told, seen = Counter[Pair](), list[Statement](), set[tuple[object, ...]]()
        for one in [*first, *others]:
            sort = (one.family,) if one.family else (one.node, one.service, one.detector)
            whose = (0, 0) if one in first else (one.node, one.service)
            silent = one.detector == "silence" and one.kind not in WHOLE and one.node in lost
            if silent or sort in seen or each[whose] == LINES_EACH or len(told) == LINES:
                continue
            seen.add(sort)
            if (said := self.told(one)) is not None and said not in told:
                told.append(said)
                each[whose] += 1
        return told

    def _where(self) -> list[Statement]:
        families = tuple(sorted(self.texts))
        nodes = {one.node for one in self.findings}  # what is said elsewhere anyway is no trouble there
        node = self.c.nodes.get(next(iter(nodes)), "") if len(nodes) == 1 else ""
        where = Claim(Metric.SERVICES, "", families, node=node).within(self.c.window)
        counts = where, replace(where, metric=Metric.NODES)
        told = self.say("It shows in the lines of {0} on {1}.", *counts) if families else None
        return whole([told if told and told.claims[0].value else None])

    def _impact(self) -> list[Statement]:
        family = {(x.service, x.node): x.family for x in reversed(self.findings) if x.family in self.texts}
        bad = [(pair, one) for pair in self.c.pairs[:IMPACT] if (one := family.get(pair)) and self.errors(pair)]
        return whole(
            self.say("{0} on {1}: {2}.", *self.who(pair, one), self.count(Metric.ERRORS, pair)) for pair, one in bad
        )

    def _own(self, one: Suspect) -> list[Finding]:
        """What was found about a suspect itself; of who was killed for memory, what the kernel said of it."""
        own = [x for x in self.findings if (x.service, x.node) == (one.service, one.node)]
        if self._is_kernel(one.service):
            own += [x for x in self.findings if x.node == one.node and x.about is About.NODE and x not in own]
        elif any("named" in reason for reason in one.reasons) or not own:
            own += [
                x for x in self.findings
                if x.node == one.node and x.critical and x.about is About.SELF and self._is_kernel(x.service)
            ]  # fmt: skip
        return sorted(own, key=self._telling)

    def _is_kernel(self, service: int) -> bool:
        return self.c.services.get(service) == KERNEL

    def _telling(self, x: Finding) -> tuple[bool, bool, int, bool, float]:
        """What says most first: what a rule names, then what is new, then what is louder; of the lines of a stack trace
        the one that says what went wrong.
        """
        text = self.texts[x.family].text if x.family in self.texts else ""
        return x.about is About.PEER, not x.critical, COUNTING.get(x.detector, 0), not WRONG.search(text), -x.weight

    def _reasons(self, one: Suspect) -> list[Statement]:
        """What speaks for it."""
        own = dict[object, Finding]()
        for x in self._own(one):
            if x.about is not About.PEER:
                own.setdefault(x.family or x.kind, x)
        told = [self.told(x) for x in list(own.values())[:LINES_EACH]]
        mover = self.c.movers.get((one.service, one.node))
        if self.begun and mover is self.begun[0]:
            other = self.begun[1] if len(self.begun) > 1 else None
            told.append(self.came(mover, other) if other else None)
        if any(reason.startswith("named by") for reason in one.reasons):
            told += [self.witness(x) for x in self._witnesses(one)]
        if self.cause is not None and self.cause.change.node_id == one.node:
            change = self.cause.change
            if change.service_id == one.service or change.wide or one is self.c.suspects[0]:
                told.append(self.change(self.cause))
        return whole(told)

    def _witnesses(self, one: Suspect) -> list[Finding]:
        """Who accuses it: one finding of each service that could not reach somebody."""
        names = {name for reason in one.reasons if reason.startswith("named by ") for name in reason[9:].split(", ")}
        found = [x for x in self.findings if x.about is About.PEER and self.c.services[x.service] in names]
        service, node = self.names((one.service, one.node))
        said = re.compile("|".join(map(re.escape, (FIRST_WORD.split(service)[0], node, "<ip>"))), re.IGNORECASE)
        found.sort(key=lambda x: x.family in self.texts and bool(said.search(self.texts[x.family].text)))
        best = {(x.service, x.node): x for x in found}  # of each the one that says most of whom it waits for
        return list(best.values())[: -LINES_EACH - 1 : -1]

    def _doubts(self, one: Suspect) -> list[Statement]:
        """What speaks against it."""
        pair = one.service, one.node
        told = [] if pair in self.c.pairs or self._is_kernel(one.service) else [self.healthy(pair)]
        mover = self.c.movers.get(pair)
        messenger = self.begun and (self.begun[0].service, self.begun[0].node) == (KERNEL, self.names(pair)[1])
        if mover is not None and mover.event and mover.lead_s > 0 and mover is not self.begun[0] and not messenger:
            told.append(self.came(mover, self.begun[0]))
        told.append(self._louder(pair))
        if self.cause is not None and self.cause.change.node_id != one.node:
            told.append(self.change(self.cause))
        return whole(told)

    def _louder(self, pair: Pair) -> Statement | None:
        """Somebody else has many more errors."""
        family = {(x.service, x.node): x.family for x in self.findings if x.family in self.texts}
        others = {other: self.errors(other) for other in family if other != pair}
        most = max(others, key=lambda other: others[other], default=None)
        if most is None or others[most] < LOUDER * max(1, self.errors(pair)):
            return None
        counts = self.count(Metric.ERRORS, most), self.count(Metric.ERRORS, pair)
        return self.say(
            "{0} on {1} says more that is bad: {2}, this one {3}.", *self.who(most, family[most] or 0), *counts
        )

    def _kind(self, one: Suspect) -> str:
        """The kind of finding that says most of a suspect."""
        own = [x for x in self._own(one) if x.about is not About.PEER] or self._own(one)
        return own[0].kind if own else ""

    def _title(self, one: Suspect, *, perhaps: bool) -> str:
        kind = self._kind(one)
        says = advice_for(kind).says if kind else "cannot be reached"
        mine = {one.service, *(x.service for x in self._own(one))}
        others = list(dict.fromkeys(self.c.services[x.service] for x in self.findings if x.service not in mine))
        service, node = map(safe, self.names((one.service, one.node)))
        head = f"{node if service == KERNEL else f'{service} on {node}'} {says}"
        if perhaps:
            head = f"Trouble with no clear cause; perhaps {head}"
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        return cut(f"{head}; {safe(others[0])}{more} affected" if others else head, TITLE_CHARS)

    def _hypothesis(self, one: Suspect, *, perhaps: bool) -> Statement:
        """In one sentence what probably happened."""
        kind, pair, own = self._kind(one), (one.service, one.node), self._own(one)
        claims: list[Claim] = list(self.who(pair))
        text = "{0} on {1} "
        if self._is_kernel(one.service):  # it speaks for its node
            claims, text = claims[1:], "{0} "
        text += advice_for(kind).says if kind else "could not be reached"
        shown = next((x.family for x in own or self._witnesses(one) if x.family in self.texts), None)
        gone = bool(own) and own[0].family is None
        last = self.last("" if self._is_kernel(one.service) else self.names(pair)[0], self.names(pair)[1])
        if shown is not None and not gone:
            text += f": {{{len(claims)}}}"
            claims.append(Claim(Metric.LINE, self.texts[shown].text, families=(shown,)))
        elif last is not None:
            claims = [*self.by(str(last.value))[-len(claims) :], last]
            text += f", heard {{{len(claims) - 1}}}"
        if self.cause is not None and self.cause.change.node_id == one.node:
            said, event = self.ledger.event(self.cause.change.event_id), (self.cause.change.event_id,)
            if said is not None:
                text += f"; changed there at {{{len(claims)}}}: {{{len(claims) + 1}}}"
                claims += [Claim(Metric.TIME, said.ts_us, events=event), Claim(Metric.LINE, said.message, events=event)]
        return Statement(("Perhaps " if perhaps else "") + text, tuple(claims))

    def _checks(self, suspects: Sequence[Suspect]) -> list[str]:
        """What a person can look at next, the likeliest first."""
        out = []
        if self.cause is not None:
            change = self.cause.change
            node, text = safe(self.c.nodes.get(change.node_id, "?")), cut(safe(change.text), 120)
            out.append(f"On {node}: was this change meant, can it be undone? {text}")
        for one in suspects[:2]:
            kinds = list(dict.fromkeys(x.kind for x in self._own(one)))[:2] or [""]
            for kind in kinds:
                out += checks_for(kind, *self.names((one.service, one.node)))
        return list(dict.fromkeys(out))[:CHECKS]
