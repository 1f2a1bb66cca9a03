"""What crosses the door of the room nodes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from devmesh.nodes.ranges import Mark, Range

FORKED = "forked"  # the reason of a gap that is no loss: what lies there may have been stored twice


NAME_CHARS = 255


def is_node_name(text: str) -> bool:
    """Whether `text` can name a node: 1 to 255 printable characters, no space around them."""
    return 0 < len(text) <= NAME_CHARS and text.isprintable() and text == text.strip()


@dataclass(frozen=True)
class StreamKey:
    """Names a stream of a node: journald's seqnum id or a file's identity, and the epoch."""

    seqnum_id: str
    epoch: int = 0


@dataclass(frozen=True)
class Claim:
    """What a batch asks to cover: ranges (normally one), marks of some entries in them, the last one's among them, and
    the entry before the first.
    """

    key: StreamKey
    ranges: tuple[Range, ...]
    marks: tuple[Mark, ...] = ()
    prev: Mark | None = None


@dataclass(frozen=True)
class Claimed:
    """The answer to a claim: the stream's id, what of the claim was known before, and the coverage around it from now
    on: the ranges that the claim lies in, and the next one below and above. Both are sorted and disjoint.
    """

    stream_id: int
    repeated: tuple[Range, ...]
    coverage: tuple[Range, ...]


@dataclass(frozen=True)
class StreamState:
    """How far the server knows one stream."""

    key: StreamKey
    coverage: tuple[Range, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class Gap:
    """Entries that nobody can send any more."""

    key: StreamKey
    first_seq: int
    last_seq: int
    exact: bool
    reason: str


@dataclass(frozen=True)
class Heartbeat:
    """What an agent says of itself every 30 s. `skew_us` is its clock minus the server's by its own estimate, wrong by
    `skew_error_us` at most; for an agent that makes none, `clock_us` is compared on arrival. `started_us` tells one
    run of the agent from another, `unanswered_us` is how long it had asked in vain before, `leaving` its last word:
    `once` (it was to run once) or `stopped`.
    """

    agent: str
    backlog_events: int | None = None
    oldest_unsent_us: int | None = None
    clock_us: int | None = None
    skew_us: int | None = None
    skew_error_us: int | None = None
    boot_id: str | None = None
    started_us: int | None = None
    unanswered_us: int | None = None
    leaving: str | None = None
    machine_id: str | None = None
    dropped: dict[str, int] = field(default_factory=dict)
    sources: list[Any] = field(default_factory=list)
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True)
class Beat:
    """The last heartbeat of a node, when it came and what it said; times are the server's."""

    node_id: int
    at_us: int
    complete_us: int  # until when its lines are surely here
    boot_id: str | None
    started_us: int | None
    unanswered_us: int | None
    leaving: str | None
    retired: bool


@dataclass(frozen=True)
class Node:
    """A node as people see it; `state` is pending, running, late, silent or retired."""

    name: str
    state: str
    last_received_us: int | None
    heartbeat_us: int | None
    agent: str | None
    backlog_events: int | None
    oldest_unsent_us: int | None
    skew_us: int | None
    skew_error_us: int | None
    lost_entries: int
    dropped: dict[str, int]
    sources: list[Any]


@dataclass(frozen=True)
class Service:
    """A service that some node speaks for."""

    id: int
    name: str
    created_us: int
