"""Sentences about one incident, by the rules: what was said, when, by whom, how often.

The rules choose what is said; each value is what the store has for its claim. What it has nothing for is not said.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from devmesh.detectors import Finding
from devmesh.investigations.claims import Claim, Metric, Statement
from devmesh.investigations.context import DAY_US, unseen_us
from devmesh.investigations.lock import stated, truth
from devmesh.investigations.model import Context, Elsewhere, Mover
from devmesh.investigations.strip import Cause
from devmesh.investigations.suspects import WHOLE, Pair
from devmesh.memory import Span

MINUTE_US = 60_000_000
HEARD_US = 7 * DAY_US  # in which a last line is looked for


class Teller:
    """Tells of one context."""

    def __init__(self, context: Context) -> None:
        self.c, self.ledger = context, context.ledger
        near = [one for one in context.asked.findings if one.minute * MINUTE_US < context.window.until_us]
        self.findings = sorted(near, key=lambda one: -one.weight)  # of what is counted
        self.texts = self.ledger.families({one.family for one in self.findings if one.family is not None})
        self.begun = [one for one in context.movers.values() if one.event]

    def say(self, text: str, *claims: Claim) -> Statement | None:
        """A statement with the values that the store has; None where it has none, or another name."""
        return stated(self.ledger, text, *claims)

    def names(self, pair: Pair) -> tuple[str, str]:
        """What a service and its node are called."""
        return self.c.services.get(pair[0], "?"), self.c.nodes.get(pair[1], "?")

    def who(self, pair: Pair, *families: int) -> tuple[Claim, Claim]:
        """The claims that these families were said by a service, on a node; with no family: that they exist."""
        service, node = self.names(pair)
        claims = Claim(Metric.SERVICE, service, families), Claim(Metric.NODE, node, families)
        return (claims[0].within(self.c.window), claims[1].within(self.c.window)) if families else claims

    def by(self, event: str) -> tuple[Claim, Claim]:
        """Who said an event."""
        said = self.ledger.event(event)
        names = (said.service, said.node) if said else ("?", "?")
        return Claim(Metric.SERVICE, names[0], events=(event,)), Claim(Metric.NODE, names[1], events=(event,))

    def count(self, metric: Metric, pair: Pair, *families: int) -> Claim:
        """How many in the incident's window."""
        service, node = self.names(pair)
        return Claim(metric, "", families, node=node, service=service).within(self.c.window)

    def errors(self, pair: Pair) -> int:
        """How many errors a service on a node has in the incident's window."""
        return int(truth(self.ledger, self.count(Metric.ERRORS, pair)) or 0)

    def said(self, one: Finding) -> Statement | None:
        """What a family said in the incident, and in the day up to it."""
        if one.family is None or one.family not in self.texts:
            return None
        pair, day = (one.service, one.node), self.c.day_before
        now = self.count(Metric.EVENTS, pair, one.family)
        told = "{0} on {1} said {2}: {3}"
        claims = (*self.who(pair, one.family), Claim(Metric.LINE, families=(one.family,)), now)
        if not truth(self.ledger, now):
            return None
        if unseen_us(self.c.blind, one.node, day):
            return self.say(f"{told}; of the day up to it a part was not seen: no data.", *claims)
        more = now.within(day)
        return self.say(f"{told}; in the day up to it {{4}}.", *claims, more) or self.say(f"{told}.", *claims)

    def told(self, one: Finding) -> Statement | None:
        """What was found, whatever it is: a line, one that did not come, somebody who is missing."""
        if one.detector == "overdue" and one.family in self.texts and one.family is not None:
            line = Claim(Metric.LINE, families=(one.family,))
            return self.say("{0} on {1} did not say {2} when it was due.", *self.who((one.service, one.node)), line)
        if one.kind in WHOLE:
            last = self.last("", self.c.nodes.get(one.node, "?"))
            told = "{0} was heard {1}; no data from then on."
            return self.say(told, self.by(str(last.value))[1], last) if last else None
        if one.detector == "silence":
            last = self.last(*self.names((one.service, one.node)))
            return self.say("{0} on {1} is silent; it spoke {2}.", *self.by(str(last.value)), last) if last else None
        return self.said(one)

    def last(self, service: str, node: str) -> Claim | None:
        """The last line of a service on a node, or of a node."""
        week = Span(self.c.window.until_us - HEARD_US, self.c.window.until_us)
        claim = Claim(Metric.LAST, "", node=node, service=service).within(week)
        found = truth(self.ledger, claim)
        return None if found is None else replace(claim, value=found)

    def first(self, one: Mover) -> Claim:
        """That somebody began with its event."""
        return Claim(Metric.FIRST, one.event, tuple(one.families), node=one.node, service=one.service).within(
            self.c.window
        )

    def began(self, one: Mover, other: Mover | None) -> Statement | None:
        """With which line somebody began, and how far from another one."""
        claims = [*self.by(one.event), Claim(Metric.LINE, events=(one.event,)), self.first(one)]
        if other is None:
            return self.say("{0} on {1} said {2} {3}.", *claims)
        lead = Claim(Metric.LEAD, events=(one.event, other.event))
        return self.say("{0} on {1} said {2} {3}, {4} {5} on {6}.", *claims, lead, *self.by(other.event))

    def came(self, one: Mover, other: Mover) -> Statement | None:
        """How far somebody began from another one."""
        lead = Claim(Metric.LEAD, events=(one.event, other.event))
        return self.say("{0} on {1} came {2} {3} on {4}.", *self.by(one.event), lead, *self.by(other.event))

    def change(self, one: Cause) -> Statement | None:
        """A change, and how far it was from the first line."""
        event = (one.change.event_id,)
        claims = [Claim(metric, events=event) for metric in (Metric.TIME, Metric.LINE)]
        claims.insert(0, self.by(event[0])[1])
        if not self.begun:
            return self.say("On {0} at {1}: {2}", *claims)
        lead, first = Claim(Metric.LEAD, events=(*event, self.begun[0].event)), self.by(self.begun[0].event)
        return self.say("On {0} at {1}: {2}, {3} the trouble of {4} on {5}.", *claims, lead, *first)

    def witness(self, one: Finding) -> Statement | None:
        """Who could not reach somebody, in its own words."""
        if one.family is None or one.family not in self.texts:
            return None
        names = self.who((one.service, one.node), one.family)
        return self.say("{0} on {1} names it, or who needs it: {2}", *names, Claim(Metric.LINE, families=(one.family,)))

    def healthy(self, pair: Pair) -> Statement | None:
        """It is accused, and says nothing of trouble itself; or it could not be seen."""
        last = self.last(*self.names(pair))
        if last is None:
            return None
        names = self.by(str(last.value))
        if unseen_us(self.c.blind, pair[1], self.c.window):
            return self.say("Of {0} on {1}, heard {2}, a part of this time was not seen: no data.", *names, last)
        count = self.count(Metric.EVENTS, pair)
        return self.say("Nothing was found in what {0} on {1}, heard {2}, says itself: {3}.", *names, last, count)

    def other(self, one: Elsewhere) -> Statement | None:
        """What a node said of which nothing was found."""
        known = Claim(Metric.NODE, one.node, (one.family,)).within(self.ledger.near)
        counts = (Claim(metric, node=one.node).within(self.c.window) for metric in (Metric.EVENTS, Metric.ERRORS))
        lines, errors = counts
        if one.blind:  # no data is not the same as no errors
            return self.say("{0} could not be seen for a part of this time: no data. What came: {1}.", known, lines)
        if not one.lines:
            return self.say("{0} said nothing in this time: {1}.", known, lines)
        return self.say("On {0} nothing out of the ordinary: {1}, {2}.", known, lines, errors)


def whole(some: Iterable[Statement | None]) -> list[Statement]:
    """Those that can be said, each once."""
    return list(dict.fromkeys(one for one in some if one is not None))
