"""How sure the first suspect is, and when nobody is."""

from __future__ import annotations

from collections.abc import Sequence

from devmesh.detectors import Finding
from devmesh.investigations.suspects import Suspect

CLEAR = 1.1  # times the score of the second
ENOUGH = 6.0  # a score beyond which more evidence makes nobody surer
MOST = 0.95


def confidence_of(suspects: Sequence[Suspect], place: int) -> float:
    """0 to 1: how much of the blame that the best two rivals share is its own, and whether there is enough of it."""
    own = suspects[place].score
    rival = max((one.score for other, one in enumerate(suspects) if other != place), default=0.0)
    if own <= 0:
        return 0.0
    return round(min(MOST, own / (own + max(0.0, rival)) * min(1.0, own / ENOUGH)), 2)


def inconclusive(suspects: Sequence[Suspect], findings: Sequence[Finding]) -> bool:
    """Whether nobody is ahead by a clear margin and nothing critical was found: such a report does not page."""
    if any(one.critical for one in findings):
        return False
    return len(suspects) > 1 and suspects[0].score < CLEAR * suspects[1].score
