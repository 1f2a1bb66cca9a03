"""What an inventory says of suspects: who explains how much of the trouble, and of whom it would have to be seen, too.

Whom the troubled need is a suspect even where it says nothing: a network that is cut has no log. The nearer, the more;
who needs it and is well speaks against it. Who needs somebody who is accused is more likely a victim.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from devmesh.graph import SERVICE
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
    needed = {ill: ties.needed(ill) for ill in troubled}
    upstream = set().union(*needed.values())
    things = {one: thing for one in {*blame, *pairs} if (thing := ties.thing(one)) is not None}
    silent = {one for one, thing in things.items() if thing.id in upstream and thing.kind == SERVICE}
    out, victims = dict[Pair, float](), set[Pair]()
    for one in {*blame, *silent}:
        out[one] = blame.get(one, 0.0)
        if one not in things:
            continue
        number = things[one].id
        ill = [other for other in troubled if other != one and needed[other].get(number, 0)]
        share = sum(FARTHER ** (needed[other][number] - 1) for other in ill) / max(1, len({*troubled} - {one}))
        known = {things[other].id for other in ill if other in things}
        seen = len(known) / max(1, len(ties.users(number) | known))
        out[one] += EXPLAINS * share * (1 + seen) / 2
        if blame.get(one, 0.0) >= ACCUSED:
            victims.update(ill)
    return {one: score * (VICTIM if one in victims and one not in grave else 1.0) for one, score in out.items()}
