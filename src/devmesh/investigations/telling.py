"""Statements about one incident, by the rules: what was said, when, by whom, how often; each value with its claim."""

from __future__ import annotations

from collections.abc import Sequence

from devmesh.detectors import Finding
from devmesh.errors import InvalidInput
from devmesh.investigations.causes import Cause
from devmesh.investigations.claims import Claim, Metric, Statement
from devmesh.investigations.ledger import ERROR
from devmesh.investigations.model import Context, Mover

MINUTE_US = 60_000_000


class Teller:
    """Tells of one context."""

    def __init__(self, context: Context) -> None:
        self.c, self.window = context, context.window
        near = [one for one in context.asked.findings if one.minute * MINUTE_US < self.window.until_us]
        self.findings = sorted(near, key=lambda one: -one.weight)  # of what is counted
        self.movers = {(one.service_id, one.node_id): one for one in context.movers}
        self.texts = context.ledger.families({one.family for one in self.findings if one.family is not None})

    def service(self, number: int) -> str:
        """The name of a service."""
        return self.c.services.get(number, "?")

    def node(self, number: int) -> str:
        """The name of a node."""
        return self.c.nodes.get(number, "?")

    def who(self, service: int, node: int, *families: int) -> tuple[Claim, Claim]:
        """The claims that these families were said by a service, on a node; with no family: that they exist."""
        span = (self.window.since_us, self.window.until_us) if families else (0, 0)
        return (
            Claim(Metric.SERVICE, self.service(service), families, (), (), "", "", *span),
            Claim(Metric.NODE, self.node(node), families, (), (), "", "", *span),
        )

    def count(self, metric: Metric, families: Sequence[int], service: int | None, node: int | None) -> Claim:
        """How many in the incident's window."""
        names = "" if service is None else self.service(service), "" if node is None else self.node(node)
        span = self.window.since_us, self.window.until_us
        rows = self.c.ledger.counts(families if metric is not Metric.ERRORS else (), (), *span)
        kept = [row for row in rows if names[0] in ("", row[1]) and names[1] in ("", row[0])]
        value = {
            Metric.EVENTS: sum(row[3] for row in kept),
            Metric.ERRORS: sum(row[3] for row in kept if row[2] <= ERROR),
            Metric.NODES: len({row[0] for row in kept}),
            Metric.SERVICES: len({row[1] for row in kept}),
        }[metric]
        cited = () if metric is Metric.ERRORS else tuple(families)
        return Claim(metric, value, cited, (), (), names[1], names[0], *span)

    def line(self, family: int) -> Claim:
        """What a family says."""
        return Claim(Metric.LINE, self.texts[family].text, families=(family,))

    def said(self, one: Finding) -> Statement | None:
        """What a family said in the incident, and in the day ahead of it."""
        if one.family not in self.texts or one.family is None:
            return None
        service, node = self.who(one.service, one.node, one.family)
        now = self.count(Metric.EVENTS, (one.family,), None, one.node)
        if not now.value:
            return None
        claims = [service, node, self.line(one.family), now]
        span = self.c.hours_before.since_us, self.c.hours_before.until_us
        try:
            rows = self.c.ledger.counts((one.family,), (), *span)
        except InvalidInput:
            return Statement("{0} on {1} said {2}; count {3}.", tuple(claims))
        earlier = sum(row[3] for row in rows if row[0] == self.node(one.node))
        claims.append(Claim(Metric.EVENTS, earlier, (one.family,), (), (), self.node(one.node), "", *span))
        return Statement("{0} on {1} said {2}; count {3}, in the day ahead of it {4}.", tuple(claims))

    def last_of(self, one: Finding) -> Statement | None:
        """When somebody who fell silent spoke last."""
        last = self.c.last_lines.get((one.service, one.node))
        if last is None:
            return None
        names = self.who(one.service, one.node)
        event = Claim(Metric.TIME, last[0], events=(last[1],))
        return Statement("{0} on {1} is silent; its last line came at {2}.", (*names, event))

    def overdue(self, one: Finding) -> Statement | None:
        """A line that did not come when it was due."""
        if one.family is None or one.family not in self.texts:
            return None
        return Statement(
            "{0} on {1} did not say {2} when it was due.", (*self.who(one.service, one.node), self.line(one.family))
        )

    def message(self, one: Mover) -> Claim:
        """The line with which somebody began."""
        said = self.c.ledger.event(one.event_id)
        return Claim(Metric.LINE, said.message if said else "", events=(one.event_id,))

    def lead(self, first: str, second: str) -> Claim:
        """How long one event was ahead of another."""
        said = self.c.ledger.event(first), self.c.ledger.event(second)
        apart = said[1].ts_us - said[0].ts_us if said[0] and said[1] else 0
        return Claim(Metric.LEAD, round(apart / 1_000_000), events=(first, second))

    def change(self, one: Cause) -> Statement:
        """A change, and how long it was ahead of the first line."""
        event = (one.change.event_id,)
        said = self.c.ledger.event(one.change.event_id)
        claims = [
            Claim(Metric.NODE, self.node(one.change.node_id), events=event),
            Claim(Metric.TIME, one.change.at_us, events=event),
            Claim(Metric.LINE, said.message if said else one.change.text, events=event),
        ]
        first = next((mover.event_id for mover in self.c.movers if mover.event_id), "")
        if not first:
            return Statement("On {0} at {1}: {2}", tuple(claims))
        return Statement("On {0} at {1}, {3} ahead of the first line: {2}", (*claims, self.lead(event[0], first)))

    def witness(self, one: Finding) -> Statement | None:
        """Who could not reach somebody, in its own words."""
        if one.family is None or one.family not in self.texts:
            return None
        return Statement(
            "{0} on {1} names it: {2}", (*self.who(one.service, one.node, one.family), self.line(one.family))
        )
