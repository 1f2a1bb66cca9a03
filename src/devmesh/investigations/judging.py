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


def unclear(suspects: Sequence[Suspect]) -> bool:
    """Whether nobody is ahead by a clear margin."""
    return len(suspects) > 1 and suspects[0].score < CLEAR * suspects[1].score


def inconclusive(suspects: Sequence[Suspect], findings: Sequence[Finding]) -> bool:
    """Whether nobody is ahead, and neither something critical nor the view of a second node says that it is real
    nonetheless: such a report does not page. Two that cannot reach each other are both to blame, and right.
    """
    real = any(one.critical for one in findings) or len({one.node for one in findings}) > 1
    return unclear(suspects) and not real
