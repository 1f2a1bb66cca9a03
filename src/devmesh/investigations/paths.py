"""What an inventory says of suspects: who explains how much of the trouble, and of whom it would have to be seen, too.

Whom the troubled need is a suspect even where it says nothing: a network that is cut has no log. The nearer, the more;
who needs it and is well speaks against it. Who needs somebody who is accused is more likely a victim.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from devmesh.incidents import Ties

Pair = tuple[int, int]

EXPLAINS = 3.0  # of all the trouble, with nobody well who would have to be in it
FARTHER = 0.6  # with each step
ACCUSED = 2.0  # blame that somebody bears without the inventory
VICTIM = 0.5  # of the blame of somebody whose trouble an accused one explains


def weighed(
    blame: Mapping[Pair, float],
    troubled: Collection[Pair],
    grave: Collection[Pair],
    pairs: Collection[Pair],
    ties: Ties,
) -> dict[Pair, float]:
    """The blame with what the inventory adds and takes away; `grave` are those whose trouble is nobody else's doing,
    `pairs` all services on nodes that there are.
    """
    upstream = {one for one in pairs if ties.declares(one) and any(ties.hops(ill, one) for ill in troubled)}
    out, victims = dict[Pair, float](), set[Pair]()
    for one in {*blame, *upstream}:
        needy = {other for other in pairs if ties.hops(other, one)}
        ill = needy & set(troubled)
        share = sum(FARTHER ** (ties.hops(other, one) - 1) for other in ill) / max(1, len({*troubled} - {one}))
        seen = len(ill) / max(1, len(needy | ill))
        out[one] = blame.get(one, 0.0) + EXPLAINS * share * (1 + seen) / 2
        if blame.get(one, 0.0) >= ACCUSED:
            victims |= ill
    return {one: score * (VICTIM if one in victims and one not in grave else 1.0) for one, score in out.items()}
