"""What crosses the door of the room incidents."""

from __future__ import annotations

from dataclasses import dataclass

from devmesh.detectors import Finding

OPEN, INVESTIGATING, CLOSED = "open", "investigating", "closed"
STATUSES = (OPEN, INVESTIGATING, CLOSED)
SEVERITIES = ("critical", "warning", "info")


@dataclass(frozen=True)
class Case:
    """An incident as it is stored. `enough_us` is the minute whose evidence was enough, `detected_us` when a look saw
    that (both None while it is thin), `told_us` when the first message was handed on; `closed_by` is empty where it
    ended by itself; `eased_us`: since when those whom others need are well again, and others are not; `version` grows
    with each change that is worth telling, the last of them at `changed_us`.
    """

    id: int
    version: int
    status: str
    severity: str
    trigger: str
    service_id: int
    node_id: int
    title: str
    created_us: int
    onset_us: int
    enough_us: int | None
    detected_us: int | None
    told_us: int | None
    changed_us: int
    last_us: int
    closed_us: int | None
    closed_by: str
    reopened: int
    merged_into: int | None
    eased_us: int | None


@dataclass(frozen=True)
class Joined:
    """What was found of one sort in an incident, once or again and again, and why it is there: the weightiest of it in
    the minute of the first, which has this number and this reason; `last` is the last minute.
    """

    id: int
    finding: Finding
    found_us: int
    last: int
    times: int
    reason: str
    by_hand: bool


@dataclass(frozen=True)
class Part:
    """Who has a part in an incident, by which detector."""

    service_id: int
    node_id: int
    detector: str


@dataclass(frozen=True)
class Note:
    """What was written or done. `kind`: note, muted, told, worse, left, closed, reopened, merged, split, investigating;
    `who` is empty for DevMesh itself.
    """

    id: int
    at_us: int
    who: str
    kind: str
    text: str


@dataclass(frozen=True)
class Cited:
    """A line that an incident cites, copied when it was found."""

    event_id: str
    ts_us: int
    node_id: int
    service_id: int
    family_id: int
    template_id: int
    priority: int
    message: str
