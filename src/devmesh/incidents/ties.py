"""Who needs whom, as far as an inventory says it: ties between speakers, which are services on nodes.

A service that nobody declared stands for its node: the kernel of a database's machine is that machine. What runs
everywhere ties nobody to every node. In: a graph's snapshot, and how the store numbers services and nodes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import cache

from devmesh.graph import HOST, Graph, Snapshot, Thing
from devmesh.nodes import Nodes

FEW_HOSTS = 2  # on which a service is at home, not everywhere

Pair = tuple[int, int]
NamesOf = Callable[[Iterable[int]], Mapping[int, str]]


class Ties:
    """Immutable; asked while findings are joined, so answers are remembered."""

    def __init__(self, graph: Snapshot, services: NamesOf, nodes: NamesOf) -> None:
        self.graph, self._services, self._nodes = graph, services, nodes
        self._needed = cache(self._needed_by)

    def knows(self, pair: Pair) -> bool:
        """Whether somebody declared this service, or its node."""
        return bool(self._things(pair, whole=True))

    def declares(self, pair: Pair) -> bool:
        """Whether somebody declared this service."""
        return self.graph.service(self._service(pair)) is not None

    def hops(self, pair: Pair, other: Pair) -> int:
        """Steps from a speaker to another one that it needs, 0 if it does not."""
        found = [self._needed(pair).get(one.id, 0) for one in self._things(other, whole=False)]
        return 0 if pair == other else max(found, default=0)

    def need(self, pair: Pair, other: Pair, *, whole: bool) -> str:
        """How one speaker needs another, for people: `shop-api needs mariadb`; empty if it does not. `whole`: also
        whoever needs anything on the node of the other one does.
        """
        found = next((one for one in self._things(other, whole=whole) if one.id in self._needed(pair)), None)
        return "" if found is None or pair == other else f"{self._service(pair)} needs {found.name}"

    def _service(self, pair: Pair) -> str:
        return self._services([pair[0]]).get(pair[0], "")

    def _things(self, pair: Pair, *, whole: bool) -> list[Thing]:
        service = self.graph.service(self._service(pair))
        host = self.graph.ids.get((HOST, self._nodes([pair[1]]).get(pair[1], "")))
        found = [service] if service is not None else []
        return [*found, self.graph.things[host]] if host is not None and (whole or service is None) else found

    def _needed_by(self, pair: Pair) -> dict[int, int]:
        """Services and hosts that a speaker needs, over how many steps; itself is 0, its host one step away."""
        hops = {one.id: place for place, one in enumerate(self._things(pair, whole=True))}
        waiting = deque(hops)
        while waiting:
            here = waiting.popleft()
            needed = self.graph.needs.get(here, ())
            hosts = [one for one in needed if self.graph.things[one].kind == HOST]
            for there in needed:
                if there not in hops and (len(hosts) <= FEW_HOSTS or there not in hosts):
                    hops[there] = hops[here] + 1
                    waiting.append(there)
        return hops


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
