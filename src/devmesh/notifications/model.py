"""What crosses the door of the room notifications."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from devmesh.channels import SEVERITIES, Severity

Status = Literal["open", "eased", "closed"]  # eased: those whom others need are well again, others are not


@dataclass(frozen=True)
class Notice:
    """An incident as it is to be told now; `version` grows with each change that is worth telling.

    `lines` explain it in short plain sentences, `quotes` are lines from logs; all texts may hold what an attacker
    wrote. `path` is its page. A summary has incident_id 0.
    """

    incident_id: int
    version: int
    severity: Severity
    status: Status
    title: str
    onset_us: int
    services: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()
    closed_us: int | None = None
    path: str = ""

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return SEVERITIES.index(self.severity)


@dataclass(frozen=True)
class Told:
    """What a channel was told of an incident before; `ref` is what the channel then answered (its message's id)."""

    ref: str
    severity: Severity
    status: Status


@dataclass(frozen=True)
class Sent:
    """A message arrived: how to refer to it later, and what the other side answered, for people."""

    ref: str
    answer: str


class NotSent(Exception):
    """A message that did not arrive, and why, without secrets.

    `retry_after_s`: the peer asked to wait that long. `gone`: the address or the password is wrong, trying again soon
    helps nothing. `refused`: the peer takes messages, but not this one.
    """

    def __init__(self, reason: str, *, retry_after_s: float = 0.0, gone: bool = False, refused: bool = False) -> None:
        super().__init__(reason)
        self.reason, self.retry_after_s, self.gone, self.refused = reason, retry_after_s, gone, refused


class Way(Protocol):
    """A way to people: one file for each kind."""

    kind: str
    edits: bool  # a message can be changed later, without a sound

    def send(self, notice: Notice, before: Told | None) -> Sent:
        """Say it, or change what was said before. Raises NotSent."""
        ...

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not stand in any error."""
        ...


@dataclass(frozen=True)
class Delivery:
    """A row of the outbox, for people. `state`: waiting, held (quiet hours), failing or sent."""

    id: int
    channel: str
    incident_id: int
    version: int
    severity: str
    status: str
    title: str
    state: str
    changed_us: int
    sent_us: int | None
    tries: int
    reason: str


@dataclass(frozen=True)
class Trouble:
    """How a channel stands: ok, or degraded with the reason."""

    channel: str
    state: str
    reason: str
    waiting: int


def calls(notice: Notice, before: Told | None) -> bool:
    """Whether people must notice: a new incident, one that became worse, was closed, or came back."""
    if before is None:
        return True
    return notice.status != before.status or notice.rank < SEVERITIES.index(before.severity)
