"""Where an answer is put together: the tools, the store as the judge, and statements, each held against it.

A sentence is built by `say` from claims whose values the store fills in; what it has nothing for is not said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import polars as pl

from devmesh.analysis.model import Asked, Part
from devmesh.analysis.retelling import Sections
from devmesh.analysis.tools import Result, Toolbox
from devmesh.investigations import Claim, Ledger, Lock, Metric, Statement, stated, truth
from devmesh.memory import Span

MINUTE_US, HOUR_US = 60_000_000, 3_600_000_000
NEAR_US = 48 * HOUR_US  # up to here it is counted by minute
SILENT_US = 30 * MINUTE_US
STEADY = 1.5  # a line that was said less than so many times as often as before is as it was
SPEAKS = 12  # lines an hour from which on silence says something


Reports = Callable[[int], tuple[Ledger, Sections] | None]  # of an incident: its statements, and who judges them


class Desk:
    """One question at work."""

    def __init__(self, asked: Asked, toolbox: Toolbox, ledger: Ledger, reports: Reports) -> None:
        self.asked, self.tools, self.ledger, self._reports = asked, toolbox, ledger, reports
        self.lock = Lock(ledger, trusting=True)
        self.parts: list[Part] = []
        self.notes: list[str] = []

    # -- asking --------------------------------------------------------------------------------------------------------

    def call(self, name: str, /, **more: Any) -> Result:
        """A tool, in the question's window and of what it names."""
        window, named = self.asked.window, self.asked.entities
        told: dict[str, Any] = {
            "since": str(window.since_us), "until": str(window.until_us), "node": list(named.nodes),
            "service": list(named.services), **more,
        }  # fmt: skip
        return self.tools.call(name, **told)

    def call_alone(self, name: str, /, **arguments: Any) -> Result:
        """A tool that takes no window."""
        return self.tools.call(name, **arguments)

    def within(self, claim: Claim, window: Span | None = None) -> Claim:
        """The same of the question's window."""
        return claim.within(window or self.asked.window)

    @property
    def before(self) -> Span:
        """As long a time ahead of the window."""
        window = self.asked.window
        return Span(2 * window.since_us - window.until_us, window.since_us)

    def reported(self, number: int) -> tuple[Ledger, Sections] | None:
        """What the report on an incident says, and who judges it; None where none is written."""
        return self._reports(number)

    # -- saying --------------------------------------------------------------------------------------------------------

    def say(self, text: str, *claims: Claim) -> Statement | None:
        """A statement, if the store has all its values."""
        return None if self.tools.late else stated(self.ledger, text, *claims)

    def add(self, title: str, some: Sequence[Statement | None], judge: Ledger | None = None) -> bool:
        """Statements under a heading, those that hold before `judge` or the question's own; whether there are any."""
        self.lock.judge = judge or self.ledger
        kept = self.lock.all(dict.fromkeys(one for one in some if one is not None))
        if kept:
            self.parts.append(Part(title, kept))
        return bool(kept)

    def speakers(self, family: int) -> list[tuple[str, str, int]]:
        """(service, node, lines) of a family in the window, the busiest first; only of what is named."""
        named, sums = self.asked.entities, Counter[tuple[str, str]]()
        for node, service, _priority, n in self.ledger.counts(self.within(Claim(Metric.EVENTS, families=(family,)))):
            if (not named.nodes or node in named.nodes) and (not named.services or service in named.services):
                sums[service, node] += n
        return [(service, node, n) for (service, node), n in sums.most_common()]

    def family(self, family: int, *, first: bool = False, compared: bool = True) -> Statement | None:
        """Who said a family how often, and how often before; with `first`, when it began."""
        spoke = self.speakers(family)
        if not spoke:
            return None
        service, node, _n = spoke[0]
        who = Claim(Metric.SERVICE, service, (family,)), Claim(Metric.NODE, node, (family,))
        count = Claim(Metric.EVENTS, families=(family,), node=node, service=service)
        text, claims = "{0} on {1}, {2}", [self.within(one) for one in (*who, count)]
        if len(spoke) > 1 and not self.asked.entities.nodes:
            text += " of {3} by all"
            claims.append(self.within(Claim(Metric.EVENTS, families=(family,))))
        if compared:
            text += f" ({{{len(claims)}}} in as long a time before)"
            claims.append(self.within(count, self.before))
        if first and self._near:
            text += f", {{{len(claims)}}}"
            claims.append(self.within(Claim(Metric.FIRST, families=(family,), node=node, service=service)))
        said = self.say(f"{text}: {{{len(claims)}}}", *claims, Claim(Metric.LINE, families=(family,)))
        return said or (self.family(family, first=first, compared=False) if compared else None)

    @property
    def _near(self) -> bool:
        return self.asked.window.until_us - self.asked.window.since_us <= NEAR_US

    def growth(self, family: int) -> float:
        """How many times as often as before a family was said."""
        now = sum(n for _service, _node, n in self.speakers(family))
        was = truth(self.ledger, self.within(Claim(Metric.EVENTS, families=(family,)), self.before))
        return now / (int(was or 0) + 0.5)

    def event(self, row: dict[str, Any]) -> Statement | None:
        """A line, and when who said it."""
        event = (str(row["id"]),)
        kinds = Metric.SERVICE, Metric.NODE, Metric.TIME, Metric.LINE
        return self.say("{2} {0} on {1}: {3}", *(Claim(kind, events=event) for kind in kinds))

    def incident(self, row: dict[str, Any]) -> Statement | None:
        """An incident: what it is called, since when, how it stands, who has a part in it."""
        kinds = Metric.INCIDENT, Metric.ONSET, Metric.STATE, Metric.PARTS
        return self.say("{0}, since {1}, {2}: {3}", *(Claim(kind, incident=int(row["id"])) for kind in kinds))

    def silence(self, node: str) -> Statement | None:
        """The longest time in which a node that speaks all the time said nothing."""
        if not self._near:
            return None
        ids = list(self.ledger.node_ids([node]))
        window = self.asked.window
        rows = self.ledger.frame.filter(pl.col("node_id").is_in(ids))
        inside = rows.filter(
            (pl.col("minute") * MINUTE_US >= window.since_us) & (pl.col("minute") * MINUTE_US < window.until_us)
        )
        hours = (window.until_us - self.ledger.near.since_us) / HOUR_US
        if int(rows["n"].sum()) < SPEAKS * hours / 2:
            return None
        said = sorted(set(inside["minute"].to_list()))
        edges = [window.since_us // MINUTE_US - 1, *said, window.until_us // MINUTE_US]
        gap, at = max(((later - one, one) for one, later in pairwise(edges)), default=(0, 0))
        if gap * MINUTE_US < SILENT_US:
            return None
        begin = Span(self.ledger.near.since_us, (at + 1) * MINUTE_US)
        last = self.within(Claim(Metric.LAST, node=node), begin)
        heard = truth(self.ledger, last)
        if heard is None:
            return None
        who = Claim(Metric.NODE, node, events=(str(heard),))
        ended = (at + gap) * MINUTE_US
        if ended >= window.until_us:
            return self.say("{0} was heard {1}, and said nothing more in this time.", who, last)
        first = self.within(Claim(Metric.FIRST, node=node), Span((at + 1) * MINUTE_US, window.until_us))
        again = truth(self.ledger, first)
        lead = Claim(Metric.LEAD, events=(str(heard), str(again)))
        back = Claim(Metric.NODE, node, events=(str(again),))
        return self.say(
            "{0} was heard {1}, then nothing: that was {2} {3} came back, {4}.", who, last, lead, back, first
        )
