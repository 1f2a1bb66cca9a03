"""What crosses the door of the room detectors."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class About(StrEnum):
    """Whom a finding speaks of: the service that said it, its node as a whole, or somebody whom it could not reach."""

    SELF = "self"
    NODE = "node"
    PEER = "peer"


@dataclass(frozen=True)
class Plan:
    """When something comes, in minutes: every `period` of them, and the next time at `at` (since 1970, UTC), `spread`
    sooner or later at most; by `due` it is missing. It came `seen` of `expected` times that are remembered.
    """

    period: int
    at: int
    due: int
    spread: int
    seen: int
    expected: int


@dataclass(frozen=True)
class Habit(Plan):
    """A plan, and the head of what comes by it."""

    line: str


@dataclass(frozen=True)
class Finding:
    """Something that looks wrong in the minute that ends at `minute` + 1 (since 1970, UTC).

    `weight` is evidence, in powers of ten of what luck would do; from 3 on it is worth a message by itself. `text` is
    for people: what was seen, and what was normal. `since`: the minute in which it really began, where that was long
    before it could be found; it is of use while findings are joined, and not stored. `habit`: of a line that did not
    come, so that a face can say it by the clock of who reads it (`told_in`).
    """

    minute: int
    detector: str
    kind: str
    service: int
    node: int
    family: int | None
    weight: float
    critical: bool
    about: About
    text: str
    since: int | None = None
    habit: Habit | None = None


def by_time(one: Finding) -> tuple[int, float, int, int, int]:
    """The order in which findings are told: by time, the weightiest first."""
    return one.minute, -one.weight, one.service, one.node, one.family or 0
