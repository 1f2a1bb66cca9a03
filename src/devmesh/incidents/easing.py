"""Whose trouble outlasts that of whom it needs: it was silenced with a parent, the parent is well again, it is not.

The parents of an incident are those in it whom others in it need, and who need nobody in it. One is well again once
nothing new or bad was said of it for half an hour, or, where it was missing, ten minutes after it spoke again. What
is in trouble then, or is missing still, is what is left: that is told, once, until the incident is opened again.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from devmesh.incidents.ties import Ties

Pair = tuple[int, int]

WELL_MIN, BACK_MIN = 30, 10
NEVER = 1 << 40  # a minute that does not come: who was missing for a day is gone, not well


@dataclass
class Signs:
    """When each (service, node) was last in trouble, and what came of that. Minutes are since 1970, UTC."""

    last: dict[Pair, int] = field(default_factory=dict)
    back: set[Pair] = field(default_factory=set)  # who was missing, and spoke again
    eased: int | None = None  # since when all parents are well, and others are not
    left: set[Pair] = field(default_factory=set)  # those others
    tops: set[Pair] = field(default_factory=set)  # those parents

    def __or__(self, other: Signs) -> Signs:
        """Those of two incidents that became one."""
        last = {one: max(self.last.get(one, 0), other.last.get(one, 0)) for one in self.last | other.last}
        return Signs(last, self.back | other.back)

    def bad(self, pair: Pair, minute: int) -> None:
        """A sign of trouble."""
        self.last[pair] = max(minute, self.last.get(pair, 0))

    def again(self, minute: int) -> None:
        """All of it is in trouble anew."""
        self.last = dict.fromkeys(self.last, minute)
        self.back, self.eased, self.left, self.tops = set(), None, set(), set()

    def well(self, pair: Pair) -> int:
        """From which minute on it counts as well, if it gives no other sign."""
        return self.last.get(pair, 0) + (BACK_MIN if pair in self.back else WELL_MIN)

    def ease(self, minute: int, tops: set[Pair], missing: Mapping[Pair, int]) -> None:
        """Look whether all parents were well by a minute, and who was not."""
        if self.eased is not None or not tops or any(one in missing for one in tops):
            return
        since = max(map(self.well, tops))
        left = {one for one, at in self.last.items() if at >= since} | missing.keys()
        if since <= minute and left:
            self.eased = since if missing else min(self.last[one] for one in left)
            self.left, self.tops = left, tops


def parents(pairs: Collection[Pair], roots: Mapping[Pair, bool], ties: Ties) -> set[Pair]:
    """Those whom others among `pairs` need, and who need none of them; `roots` says whose whole node is meant."""
    places: dict[int, list[Pair]] = {}
    for one in pairs:
        for number in ties.places(one, whole=roots.get(one, False)):
            places.setdefault(number, []).append(one)
    needs = {one: {x for number in ties.needed(one) for x in places.get(number, ()) if x != one} for one in pairs}
    strictly = {one: {x for x in some if one not in needs[x]} for one, some in needs.items()}  # a ring has no parent
    return set().union(*strictly.values()) - {one for one, some in strictly.items() if some}
