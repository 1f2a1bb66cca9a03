"""What a report says, as claims that can be recomputed: no number, time, name or order stands in its prose.

A statement's text has a place `{0}`, `{1}` … for each claim; the words around them hold no number, no node and no order
of their own. Whoever writes reports, rules or a model, writes statements; `lock.py` lets pass what the store confirms.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from devmesh.memory import Span

Value = int | str


class Metric(StrEnum):
    """What a claim says of what it cites."""

    EVENTS = "events"  # how many of these families or templates in the window, on `node`, by `service` if said: int
    ERRORS = "errors"  # how many of them are errors or worse; of all families, where none is cited: int
    NODES = "nodes"  # on how many nodes they were said in the window: int
    SERVICES = "services"  # by how many services: int
    TIME = "time"  # when the cited event was, in microseconds: int
    FIRST = "first"  # the id of the first event of these families in the window, on `node`, by `service` if said
    LAST = "last"  # the id of the last one
    LEAD = "lead"  # whole seconds from the first end to the second; ends are two events, or first lines of two families
    ORDER = "order"  # the first end came `before` or `after` the second, or at the `same time`
    NODE = "node"  # who said the event, or the families in the window; with nothing cited: a name that there is
    SERVICE = "service"
    LINE = "line"  # the message of the cited event, or the text of the family
    INCIDENT = "incident"  # what the cited incident is called
    ONSET = "onset"  # when it began, in microseconds: int
    STATE = "state"  # open, investigating or closed
    PARTS = "parts"  # who has a part in it: services, on nodes


EDGES = {Metric.FIRST, Metric.LAST}
BETWEEN = {Metric.LEAD, Metric.ORDER}
OF_INCIDENTS = {Metric.INCIDENT, Metric.ONSET, Metric.STATE, Metric.PARTS}


@dataclass(frozen=True)
class Claim:
    """One value with what it cites. Windows are whole minutes, or whole hours farther back; `until_us` is exclusive."""

    metric: Metric
    value: Value = ""
    families: tuple[int, ...] = ()
    templates: tuple[int, ...] = ()
    events: tuple[str, ...] = ()
    node: str = ""
    service: str = ""
    since_us: int = 0
    until_us: int = 0
    incident: int = 0

    @property
    def cites(self) -> tuple[str, ...]:
        """f12, t345, ids of events, and i7 for an incident."""
        edge = (str(self.value),) if self.metric in EDGES and self.value else ()
        families, templates = (f"f{one}" for one in self.families), (f"t{one}" for one in self.templates)
        incident = (f"i{self.incident}",) if self.incident else ()
        return (*edge, *families, *templates, *self.events, *incident)

    def within(self, window: Span) -> Claim:
        """The same of a window."""
        return replace(self, since_us=window.since_us, until_us=window.until_us)


@dataclass(frozen=True)
class Statement:
    """A sentence; `{n}` in its text is the place of claim n."""

    text: str
    claims: tuple[Claim, ...]

    @property
    def cites(self) -> tuple[str, ...]:
        """All that its claims cite, each once."""
        return tuple(dict.fromkeys(cite for claim in self.claims for cite in claim.cites))
