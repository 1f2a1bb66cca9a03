"""What an inventory says of suspects: who explains how much of the trouble, and of whom it would have to be seen, too.

Whom the troubled need is a suspect even where it says nothing: a network that is cut has no log. The nearer, the more;
who needs it and is well speaks against it, and so does who was in trouble before it. Who needs somebody who is accused
is more likely a victim. An edge is no evidence: what lines say outweighs what is only declared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

from devmesh.graph import HOST, SERVICE, Thing
from devmesh.incidents import Ties

Pair = tuple[int, int]

EXPLAINS = 3.0  # of all the trouble, with nobody well who would have to be in it
FARTHER = 0.6  # with each step
ACCUSED = 2.0  # blame that somebody bears without the inventory
VICTIM = 0.5  # of the blame of somebody whose trouble an accused one explains
SLACK_MIN = 1  # by which who began later may be found earlier


@dataclass(frozen=True)
class Trouble:
    """Who is in trouble since which minute; whose trouble is strong enough to ask for a cause, and whose is grave: that
    is nobody else's doing. `named` is whom a witness's lines name.
    """

    begun: Mapping[Pair, int]
    strong: Collection[Pair]
    grave: Collection[Pair]
    named: Mapping[Pair, Collection[Pair]] = field(default_factory=dict)


class Paths:
    """The ways of one inventory between the services on nodes that there are; the kernel stands for its node."""

    def __init__(self, ties: Ties, pairs: Collection[Pair], kernel: int | None) -> None:
        self._ties, self._pairs, self._kernel = ties, pairs, kernel

    def weighed(self, blame: Mapping[Pair, float], trouble: Trouble) -> dict[Pair, float]:
        """The blame with what the inventory adds and takes away."""
        needed = {ill: self._ties.needed(ill) for ill in trouble.strong}
        upstream = set().union(*needed.values())
        things = {one: thing for one in {*blame, *self._pairs} if (thing := self._stands(one)) is not None}
        places = Counter(thing.id for thing in things.values())
        seen = {things[one].id for one, score in blame.items() if score > 0 and one in things}
        silent = {one for one, thing in things.items() if thing.kind == SERVICE and thing.id in upstream - seen}
        out, victims = dict[Pair, float](), set[Pair]()
        for one in {*blame, *silent}:
            out[one] = blame.get(one, 0.0)
            if one not in things:
                continue
            ill = set(self._explained(one, things[one].id, needed, trouble))
            share = sum(FARTHER ** (needed[other][things[one].id] - 1) for other in ill)
            share /= max(1, len({*trouble.strong} - {one})) * (places[things[one].id] if one in silent else 1)
            known = {things[other].id for other in ill if other in things}
            users = len(known) / max(1, len(self._ties.users(things[one].id) | known))
            out[one] += EXPLAINS * share * (1 + users) / 2
            if blame.get(one, 0.0) >= ACCUSED:
                victims |= ill
        return {one: score * (VICTIM if one in victims else 1.0) for one, score in out.items()}

    def _stands(self, one: Pair) -> Thing | None:
        """What a speaker is: its service; its host, if it is the kernel there."""
        thing = self._ties.thing(one)
        return None if thing is None or (thing.kind == HOST and one[0] != self._kernel) else thing

    def _explained(
        self, one: Pair, number: int, needed: Mapping[Pair, Mapping[int, int]], trouble: Trouble
    ) -> Iterator[Pair]:
        """Who needs it and was not in trouble before it. Whose trouble is grave has it from nobody, and who names whom
        it waits for has it from that one, or from whom that one needs.
        """
        since = trouble.begun.get(one)
        for ill, some in needed.items():
            later = since is None or trouble.begun[ill] >= since - SLACK_MIN
            named = trouble.named.get(ill, ())
            meant = not named or any(target == one or number in self._ties.needed(target) for target in named)
            if ill != one and ill not in trouble.grave and later and meant and some.get(number, 0):
                yield ill
