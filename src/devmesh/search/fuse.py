"""Several rankings become one: reciprocal rank fusion.

Source: Cormack, Clarke and Büttcher, SIGIR 2009. Only ranks count, so scores of different kinds need no common scale.
What a ranking does not hold gets nothing from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devmesh.search.table import Floats, Ints

K = 10  # the paper's 60 is for lists of a thousand; people look at ten
DEPTH = 200  # ranks that count


@dataclass(frozen=True)
class Ranking:
    """Family ids, best first, with their scores; `weight` is how far this ranking is trusted beside the others."""

    name: str
    families: Sequence[int]
    scores: Sequence[float]
    weight: float = 1.0


def rank(name: str, families: Ints, scores: Floats, weight: float = 1.0, depth: int = DEPTH) -> Ranking:
    """The best `depth` families with a score above zero; equal scores in order of family id."""
    above = np.flatnonzero(scores > 0)
    if len(above) > depth:
        least = np.partition(scores[above], -depth)[-depth]
        above = above[scores[above] >= least]
    order = above[np.lexsort((families[above], -scores[above]))][:depth]
    return Ranking(name, families[order].tolist(), scores[order].tolist(), weight)


def fuse(rankings: Sequence[Ranking]) -> list[tuple[int, float]]:
    """(family id, joined score), best first; equal scores in order of family id."""
    joined: dict[int, float] = {}
    for ranking in rankings:
        for place, family in enumerate(ranking.families, start=1):
            joined[family] = joined.get(family, 0.0) + ranking.weight / (K + place)
    return sorted(joined.items(), key=lambda item: (-item[1], item[0]))
