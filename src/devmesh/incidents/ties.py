"""Who needs whom, as far as an inventory says it: ties between speakers, which are services on nodes.

A service that nobody declared stands for its node: the kernel of a database's machine is that machine. What runs
everywhere ties nobody to every node. In: a graph's snapshot, and how the store numbers services and nodes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

from devmesh.graph import HOST, Graph, Snapshot, Thing
from devmesh.nodes import Nodes

FEW_HOSTS = 2  # on which a service is at home, not everywhere
REMEMBERED = 10_000  # speakers

Pair = tuple[int, int]
NamesOf = Callable[[Iterable[int]], Mapping[int, str]]


class Ties:
    """Immutable; asked while findings are joined and suspects weighed, so answers are remembered."""

    def __init__(self, graph: Snapshot, services: NamesOf, nodes: NamesOf) -> None:
        self.graph, self._services, self._nodes = graph, services, nodes
        self._needs = {one: self._carrying(some) for one, some in graph.needs.items()}
        self._users: dict[int, list[int]] = {}
        for one, some in self._needs.items():
            for needed in some:
                self._users.setdefault(needed, []).append(one)
        self.thing, self.needed = lru_cache(REMEMBERED)(self._thing), lru_cache(REMEMBERED)(self._needed)

    def knows(self, pair: Pair) -> bool:
        """Whether somebody declared this service, or its node."""
        return self.thing(pair) is not None

    def need(self, pair: Pair, other: Pair, *, whole: bool) -> str:
        """How one speaker needs another, for people: `shop-api needs mariadb`; empty if it does not. `whole`: also
        whoever needs anything on the node of the other one does.
        """
        needed, things = self.needed(pair), [self.thing(other), self._host(other) if whole else None]
        found = next((one for one in things if one is not None and one.id in needed), None)
        return "" if found is None or pair == other else f"{self._service(pair)} needs {found.name}"

    def places(self, pair: Pair, *, whole: bool) -> list[int]:
        """What a speaker is in the graph: its service, or its host; `whole`: both."""
        found = [self.thing(pair), self._host(pair) if whole else None]
        return list(dict.fromkeys(one.id for one in found if one is not None))

    def hops(self, pair: Pair, other: Pair) -> int:
        """Over how many steps one speaker needs another, at least one; 0: it does not."""
        thing = self.thing(other)
        return 0 if thing is None or pair == other else self.needed(pair).get(thing.id, 0)

    def between(self, pair: Pair, other: Pair) -> str:
        """The first on a shortest way from who needs to whom it needs; empty where nothing lies between."""
        one, needed, hops = self.thing(pair), self.thing(other), self.hops(pair, other)
        if one is None or needed is None or hops < 2:  # noqa: PLR2004 - of one step nothing lies between
            return ""
        near = self._needs.get(one.id, ())
        found = (there for there in near if _steps(self._needs, {there: 0}).get(needed.id) == hops - 1)
        return next((self.graph.things[there].name for there in found), "")

    def users(self, number: int) -> set[int]:
        """The services and hosts that need one, over any number of steps."""
        return set(_steps(self._users, {number: 0})) - {number}

    def _carrying(self, needed: Sequence[int]) -> tuple[int, ...]:
        hosts = {one for one in needed if self.graph.things[one].kind == HOST}
        return tuple(one for one in needed if len(hosts) <= FEW_HOSTS or one not in hosts)

    def _service(self, pair: Pair) -> str:
        return self._services([pair[0]]).get(pair[0], "")

    def _host(self, pair: Pair) -> Thing | None:
        number = self.graph.ids.get((HOST, self._nodes([pair[1]]).get(pair[1], "")))
        return None if number is None else self.graph.things[number]

    def _thing(self, pair: Pair) -> Thing | None:
        """What a speaker is in the inventory: its service, or its host."""
        return self.graph.service(self._service(pair)) or self._host(pair)

    def _needed(self, pair: Pair) -> dict[int, int]:
        """{what a speaker needs: over how many steps}; itself is 0, its host one step away."""
        found = [one.id for one in (self.thing(pair), self._host(pair)) if one is not None]
        return _steps(self._needs, {one: place for place, one in enumerate(dict.fromkeys(found))})


def _steps(adjacent: Mapping[int, Sequence[int]], reached: dict[int, int]) -> dict[int, int]:
    """{all that is reached: over how many steps}, those that are reached from the start included."""
    waiting = deque(reached)
    while waiting:
        here = waiting.popleft()
        for there in adjacent.get(here, ()):
            if there not in reached:
                reached[there] = reached[here] + 1
                waiting.append(there)
    return reached


class TiesNow:
    """Call it: the ties of the inventory that is loaded now, None where none is. Thread-safe: each call reads."""

    def __init__(self, graph: Graph, nodes: Nodes) -> None:
        self._graph, self._names = graph, (nodes.service_names.names, nodes.node_names.names)
        self._ties: Ties | None = None

    def __call__(self) -> Ties | None:
        """One store read; the same object while nothing changes."""
        now, ties = self._graph.snapshot(), self._ties
        if ties is None or ties.graph is not now:
            ties = self._ties = Ties(now, *self._names)
        return ties if now.things else None
