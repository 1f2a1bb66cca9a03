"""Which change may have broken it: each with a confidence, and why.

A change explains trouble that began after it, soon, in the service that was changed, or on its node if it concerns the
node as a whole. Several that could be it share the confidence: none is sure where another is as near.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from devmesh.investigations.strip import Change

SOON_US = 45 * 60_000_000  # after which a change explains a third
SAME_TIME_US = 60_000_000  # a fault that begins in the minute of the change may be counted before it
NODE_SHARE, NAMED_SHARE = 0.5, 0.9
LEAST = 0.02

Pair = tuple[int, int]


@dataclass(frozen=True)
class Cause:
    """A change, and how likely it is to have brought the trouble about (0 to 1)."""

    change: Change
    confidence: float
    reason: str


def causes(
    changes: Sequence[Change], begun: Mapping[Pair, int], suspects: Collection[Pair], services: Mapping[int, str]
) -> list[Cause]:
    """The changes that may have caused it, the likeliest first.

    `begun`: when each (service, node) in trouble began, in microseconds; `suspects`: those among them who are blamed,
    best first; nobody else's trouble is explained by a change of its own.
    """
    scored = []
    for one in changes:
        best = max((_explains(one, pair, begun.get(pair), services) for pair in suspects), default=(0.0, ""))
        if best[0] >= LEAST:
            scored.append((best[0], one, best[1]))
    total = sum(score for score, _one, _why in scored)
    found = [Cause(one, round(score * score / total, 3), why) for score, one, why in scored]
    return sorted(found, key=lambda one: (-one.confidence, -one.change.at_us))


def _explains(change: Change, pair: Pair, begun_us: int | None, services: Mapping[int, str]) -> tuple[float, str]:
    if begun_us is None or change.since_us > begun_us + SAME_TIME_US or change.node_id != pair[1]:
        return 0.0, ""
    name = services.get(pair[0], "")
    # Of several of a sort within minutes, those after the trouble began explain nothing.
    pause = max(0, begun_us - min(change.at_us, begun_us))
    soon = math.exp(-pause / SOON_US)
    if change.service_id == pair[0]:
        return change.explains * soon, "the same service on the same node"
    if name and re.search(rf"(?<![\w-]){re.escape(name)}(?!\w)", change.text, re.IGNORECASE):
        return max(change.explains, 0.5) * NAMED_SHARE * soon, "names the service, on its node"
    return (change.explains * NODE_SHARE * soon, "concerns the whole node") if change.wide else (0.0, "")
