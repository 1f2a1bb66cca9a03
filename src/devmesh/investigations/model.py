"""What crosses the door of the room investigations, and what its parts hand on."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from devmesh.detectors import Finding
from devmesh.incidents import Ties
from devmesh.investigations.ledger import Ledger
from devmesh.investigations.similar import Signature
from devmesh.investigations.strip import Cause, Change
from devmesh.investigations.suspects import Pair, Suspect
from devmesh.memory import BlindInterval, Span


@dataclass(frozen=True)
class Onset:
    """What is asked about: an incident by its number and version, its findings in order of time (at least one)."""

    incident_id: int
    version: int
    onset_us: int
    last_us: int
    findings: Sequence[Finding]


@dataclass(frozen=True)
class Spoken:
    """A family (f12) that matters. `why`: found, new, louder, gone, worst; `n` in the incident's window on its nodes,
    `day_before` in the 24 whole hours ahead of it; `usual` in such a window by its rhythm. Both are None where nothing
    says so, or one of the nodes could not be seen.
    """

    family: str
    service: str
    line: str
    why: str
    n: int
    day_before: int | None
    usual: float | None
    worst: int
    nodes: Sequence[str]


@dataclass(frozen=True)
class Mover:
    """When a service on a node began, by the event that shows it, the first of these families (empty for who fell
    silent, and for who came late); `lead_s` behind the first.
    """

    service: str
    node: str
    at_us: int
    lead_s: int
    event: str
    families: Sequence[int]


@dataclass(frozen=True)
class Elsewhere:
    """A node of which nothing was found: what it said in the window and in the hour ahead of it, the family that it
    says most; `blind` says why it could not be seen, empty where it could.
    """

    node: str
    family: int
    lines: int = 0
    errors: int = 0
    lines_before: int = 0
    errors_before: int = 0
    blind: str = ""


@dataclass(frozen=True)
class Seen:
    """An earlier incident of the same sort, with what people wrote about it; `same` says what it has in common."""

    id: int
    title: str
    onset_us: int
    alike: float
    same: str
    shared: Sequence[str]
    missing: Sequence[str]
    notes: Sequence[str]


@dataclass(frozen=True)
class Context:
    """All that is known when a report is written."""

    asked: Onset
    window: Span
    day_before: Span  # 24 whole hours
    services: Mapping[int, str]
    nodes: Mapping[int, str]
    suspects: Sequence[Suspect]
    families: Sequence[Spoken]
    movers: Mapping[Pair, Mover]  # the first mover first
    elsewhere: Sequence[Elsewhere]
    blind: Sequence[BlindInterval]  # of a week and the window, those whose lines never came
    changes: Sequence[Change]
    causes: Sequence[Cause]
    signature: Signature
    similar: Sequence[Seen]
    ledger: Ledger
    ties: Ties | None = None  # of an inventory
    heard: Collection[Pair] = ()  # who spoke in the days up to it

    @property
    def pairs(self) -> list[Pair]:
        """(service, node) of its findings, in order of time."""
        return list(dict.fromkeys((one.service, one.node) for one in self.asked.findings))


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
