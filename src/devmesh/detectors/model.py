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
class Finding:
    """Something that looks wrong in the minute that ends at `minute` + 1 (since 1970, UTC).

    `weight` is evidence, in powers of ten of what luck would do; from 3 on it is worth a message by itself. `text` is
    for people: what was seen, and what was normal. `since`: the minute in which it really began, where that was long
    before it could be found; it is of use while findings are joined, and not stored.
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
