"""What crosses the door of what is learned."""

from __future__ import annotations

from dataclasses import dataclass

ADDRESS, LISTENER, MOUNT = "address", "listener", "mount"  # kinds of places


@dataclass(frozen=True)
class Place:
    """Whose an address is, who listens on a port of a node, or whose files a node mounts. `reported` by an agent; else
    a line said so.
    """

    kind: str
    node: str
    address: str
    port: int = 0
    service: str = ""
    reported: bool = False
    last_us: int = 0


@dataclass(frozen=True)
class Touch:
    """What was seen of one (service, node, target, source), added up; `whom` it meant, or `why` nobody knows."""

    service: str
    node: str
    target: str
    source: str
    whom: str
    why: str
    n: int
    failures: int
    days: int
    first_us: int
    last_us: int


@dataclass(frozen=True)
class Told:
    """By what a proposal was seen: `n` times from this source, of which `failures` in vain."""

    source: str
    node: str
    target: str
    n: int
    failures: int
    last_us: int


@dataclass(frozen=True)
class Proposal:
    """`start` needs `end`, as far as was seen. `confidence` 0 to 1; `days`: separate ones; `decision`: accepted,
    refused or empty. `text` says it in a sentence. `id`: twelve hexadecimal digits, the same for the same two names.
    """

    id: str
    start: str
    end: str
    type: str
    confidence: float
    evidence: int
    failures: int
    days: int
    sources: tuple[str, ...]
    first_us: int
    last_us: int
    told: tuple[Told, ...]
    text: str
    decision: str = ""
    decided_by: str = ""
    decided_us: int | None = None


@dataclass(frozen=True)
class Stale:
    """An edge in force that nothing was seen of since `last_us` (None: never), though its start was watched."""

    start: str
    end: str
    type: str
    source: str
    last_us: int | None
    text: str


@dataclass(frozen=True)
class Unresolved:
    """A target whose service nobody knows, and why."""

    service: str
    node: str
    target: str
    source: str
    why: str
    n: int
    failures: int
    last_us: int
