"""How bad an incident is, by rules as data: the first that holds. What was critical once stays so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from devmesh.detectors import Finding

BAD = {"primitive", "new", "error rate", "correlation", "silence", "unheard"}  # that say of themselves what is wrong
STRONG = 1.0
SERVICES, NODES, WITHIN_MIN = 3, 2, 30


class Judged(Protocol):
    """What the rules ask of an incident."""

    told: int | None
    critical: bool
    wide: bool


@dataclass(frozen=True)
class Rule:
    """A severity, when it is given (for people, too), and when it holds."""

    severity: str
    when: str
    holds: Callable[[Judged], bool]


RULES = (
    Rule("info", "the evidence is thin: it is kept, and told nobody", lambda one: one.told is None),
    Rule(
        "critical", "one of its findings is grave by itself: a full disk, a node that is lost", lambda one: one.critical
    ),
    Rule(
        "critical",
        f"{SERVICES} services on {NODES} nodes were in trouble within {WITHIN_MIN} minutes",
        lambda one: one.wide,
    ),
    Rule("warning", "everything else", lambda _one: True),
)


def severity_of(one: Judged) -> str:
    """critical, warning or info."""
    return next(rule.severity for rule in RULES if rule.holds(one))


def is_bad(one: Finding) -> bool:
    """Whether a finding says that its service is in trouble, and not only that something is different."""
    return one.detector in BAD and one.weight >= STRONG


def is_wide(bad: Mapping[tuple[int, int], int]) -> bool:
    """Whether so many services on so many nodes are in trouble; {(service, node): the last minute of it}."""
    newest = max(bad.values(), default=0)
    some = [pair for pair, minute in bad.items() if minute >= newest - WITHIN_MIN]
    return len({service for service, _node in some}) >= SERVICES and len({node for _service, node in some}) >= NODES
