"""What crosses the door of the room investigations, and what its parts hand on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from devmesh.detectors import Finding
from devmesh.investigations.causes import Cause
from devmesh.investigations.ledger import Ledger
from devmesh.investigations.similar import Signature
from devmesh.investigations.strip import Change
from devmesh.investigations.suspects import Pair, Suspect
from devmesh.memory import Span


@dataclass(frozen=True)
class Onset:
    """What is asked about: an incident by its number and version, its findings in order of time (at least one)."""

    incident_id: int
    version: int
    onset_us: int
    last_us: int
    findings: Sequence[Finding]
    marks: Sequence[Mark] = ()


@dataclass(frozen=True)
class Mark:
    """A moment in the timeline. `kind`: finding, change, told, closed, reopened."""

    at_us: int
    what: str
    service_id: int
    node_id: int
    kind: str


@dataclass(frozen=True)
class Timeline:
    """Lines of the incident's nodes by step: (errors, warnings, others) from `since_us` on."""

    step_us: int
    since_us: int
    bars: tuple[tuple[int, int, int], ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Spoken:
    """A family that matters. `why`: found, new, louder, gone, worst; `n` in the incident's window on its nodes,
    `before` in the 24 whole hours ahead of it; `usual` in such a window by its rhythm, None where nothing says so.
    """

    family_id: int
    service_id: int
    text: str
    why: str
    n: int
    before: int
    usual: float | None
    worst: int
    node_ids: tuple[int, ...]


@dataclass(frozen=True)
class Mover:
    """When a service on a node began, by the event that shows it (empty for who fell silent)."""

    service_id: int
    node_id: int
    at_us: int
    family_id: int | None
    event_id: str
    lead_s: int  # behind the first


@dataclass(frozen=True)
class Elsewhere:
    """A node of which nothing was found: what it said in the window and in the hour ahead of it; `blind` says why it
    could not be seen, empty where it could.
    """

    node_id: int
    lines: int
    errors: int
    lines_before: int
    errors_before: int
    family_id: int  # what it says most
    blind: str = ""


@dataclass(frozen=True)
class Seen:
    """An earlier incident of the same sort, with what people wrote about it."""

    incident_id: int
    title: str
    onset_us: int
    alike: float
    shared: tuple[str, ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Context:
    """All that is known when a report is written."""

    asked: Onset
    window: Span
    hours_before: Span  # 24 whole hours
    services: Mapping[int, str]
    nodes: Mapping[int, str]
    suspects: Sequence[Suspect]
    families: Sequence[Spoken]
    movers: Sequence[Mover]
    last_lines: Mapping[Pair, tuple[int, str]]  # when who is silent or accused spoke last, and by which event
    elsewhere: Sequence[Elsewhere]
    changes: Sequence[Change]
    causes: Sequence[Cause]
    timeline: Timeline
    signature: Signature
    similar: Sequence[Seen]
    ledger: Ledger

    @property
    def pairs(self) -> set[Pair]:
        """(service, node) of its findings."""
        return {(one.service, one.node) for one in self.asked.findings}


@dataclass(frozen=True)
class Summary:
    """What a report comes to; `suspects` as in its facts, best first."""

    title: str
    confidence: float
    inconclusive: bool
    suspects: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Report:
    """What was found out about an incident in one of its versions. `facts` is what the Markdown was made from: plain
    values with names, times in microseconds (docs/rooms/investigations.md has its shape).
    """

    incident_id: int
    version: int
    created_us: int
    author: str
    title: str
    markdown: str
    facts: Mapping[str, Any]
    hypothesis: str
    confidence: float
    inconclusive: bool
    evidence: tuple[str, ...]  # f12, t345, ids of events
    next_checks: tuple[str, ...]
