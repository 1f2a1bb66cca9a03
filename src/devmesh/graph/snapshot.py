"""The graph in memory, as it was at one version: who fails when somebody does.

Each edge is turned by its type into *needs*: a needs b when a fails once b does. A service on one host fails with it;
one on several hosts is weakened, which ends nobody. So `needs` holds all, `breaks` (turned round) what surely ends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import sha256

from devmesh.errors import InvalidInput, NotFound
from devmesh.graph.decided import with_learned
from devmesh.graph.kinds import DEPENDS_ON, HOST, KNOWN, RUNS_ON, SERVICE, Fails
from devmesh.graph.marks import meant, short
from devmesh.graph.model import Edge, Inventory, Service
from devmesh.graph.stored import Key
from devmesh.intake import clean_name

Adjacent = Mapping[int, Sequence[int]]
SEE = "See: devmesh graph show"
LEARNED_EDGE = f"{DEPENDS_ON} (learned)"  # the type of an edge that was accepted, not declared


@dataclass(frozen=True)
class Thing:
    """A service or a host; `id` numbers it within one snapshot. `alone`: it has no second place to run."""

    id: int
    kind: str
    name: str
    type: str = ""
    alone: bool = True


@dataclass(frozen=True)
class Snapshot:
    """One version of the graph. Immutable; whoever holds it may ask it from any thread."""

    version: int
    things: tuple[Thing, ...]
    needs: Adjacent  # all that may be the cause
    breaks: Adjacent  # what surely fails with it
    types: Mapping[tuple[int, int], tuple[str, ...]]  # of (who needs, what is needed)
    names: Mapping[str, int] = field(repr=False)  # as logs call services, cleaned
    ids: Mapping[Key, int] = field(repr=False)
    learned: frozenset[tuple[int, int]] = frozenset()  # of those in `types`: nobody declared them, somebody accepted

    @cached_property
    def fingerprint(self) -> str:
        """The same for the same content, in whichever process: 16 hexadecimal digits."""
        lines = [f"{one.kind}\0{one.name}\0{one.type}" for one in self.things]
        lines += [f"{a} {b} {a in self.breaks.get(b, ())}" for a, some in sorted(self.needs.items()) for b in some]
        return sha256("\n".join(lines).encode()).hexdigest()[:16]

    @cached_property
    def surely_needs(self) -> Adjacent:
        """`breaks`, turned round: whose failure alone ends one."""
        turned: dict[int, list[int]] = {}
        for needed, some in self.breaks.items():
            for one in some:
                turned.setdefault(one, []).append(needed)
        return turned

    # -- names ---------------------------------------------------------------------------------------------------------

    def service(self, name: str) -> Thing | None:
        """The service that logs call `name`, by its own name or an alias; None where nobody declared it."""
        number = self.names.get(clean_name(name))
        return None if number is None else self.things[number]

    def find(self, said: str) -> Thing:
        """What people mean: a service, by name or alias, else a host; `host:NAME` and `service:NAME` say which.
        Raises NotFound, InvalidInput.
        """
        if not said or len(said) > 200:  # noqa: PLR2004 - longer than any name
            raise InvalidInput("The name of a service or a host is wanted.", hint=SEE)
        kind, colon, rest = said.partition(":")
        if not colon or kind not in (SERVICE, HOST):
            kind, rest = "", said
        found = self.service(rest) if kind != HOST else None
        if found is None and kind != SERVICE and (HOST, rest) in self.ids:
            found = self.things[self.ids[HOST, rest]]
        if found is None:
            near = meant(rest, [one.name for one in self.things])
            raise NotFound(f"There is no service and no host {short(rest)} in the inventory.", hint=f"{near}{SEE}")
        return found

    # -- ways ----------------------------------------------------------------------------------------------------------

    def tree(self, number: int, *, breaks: bool) -> dict[int, int]:
        """{who is reached: over whom}, the nearest first, by a shortest way from `number`, which is left out."""
        return _tree(self.breaks if breaks else self.needs, number)

    def upstream(self, number: int, *, surely: bool = False) -> set[int]:
        """Everything whose failure may be the cause of its failure; `surely`: whose failure alone is enough."""
        return set(_tree(self.surely_needs if surely else self.needs, number))

    def downstream(self, number: int) -> set[int]:
        """Everything that surely fails when it does."""
        return set(self.tree(number, breaks=True))

    def ways(self, start: int, end: int, most: int) -> list[list[int]]:
        """At most `most` shortest ways from who needs to what is needed, both ends included; none: an empty list."""
        hops, queue, before = {start: 0}, deque([start]), dict[int, list[int]]()
        while queue and hops[queue[0]] < hops.get(end, len(self.things)):
            here = queue.popleft()
            for there in self.needs.get(here, ()):
                if there not in hops:
                    hops[there] = hops[here] + 1
                    queue.append(there)
                if hops[there] == hops[here] + 1:
                    before.setdefault(there, []).append(here)
        return _unrolled(before, start, end, most)


def _tree(adjacent: Adjacent, number: int) -> dict[int, int]:
    over, queue = {number: number}, deque([number])
    while queue:
        here = queue.popleft()
        for there in adjacent.get(here, ()):
            if there not in over:
                over[there] = here
                queue.append(there)
    del over[number]
    return over


def _unrolled(before: Mapping[int, Sequence[int]], start: int, end: int, most: int) -> list[list[int]]:
    ways, open_ways = list[list[int]](), [[end]]
    while open_ways and len(ways) < most:
        way = open_ways.pop()
        if way[-1] == start:
            ways.append(way[::-1])
        else:
            open_ways += [[*way, one] for one in reversed(before.get(way[-1], ()))]
    return ways


def snapshot_of(
    inventory: Inventory, hosts: Iterable[str], version: int = 0, accepted: tuple[Edge, ...] = ()
) -> Snapshot:
    """The graph of an inventory and of learned edges that were accepted; what runs on `all` runs on these hosts and on
    those that it names.
    """
    fresh, pairs = with_learned(inventory, accepted)
    services = {**inventory.services, **{name: Service(name, kind) for name, kind in fresh.items()}}
    edges = (*inventory.edges, *(Edge(start, end, LEARNED_EDGE) for start, end in sorted(pairs)))
    whole = replace(inventory, services=services, edges=edges, types={**inventory.types, LEARNED_EDGE: Fails.FROM})
    made = _of_whole(whole, hosts, version)
    ids = made.ids
    return replace(made, learned=frozenset((ids[SERVICE, start], ids[SERVICE, end]) for start, end in pairs))


def _of_whole(inventory: Inventory, hosts: Iterable[str], version: int) -> Snapshot:
    declared = {host for one in inventory.services.values() for host in one.hosts}
    everywhere = sorted({*hosts, *declared}) if any(one.everywhere for one in inventory.services.values()) else ()
    keys = [(SERVICE, name) for name in sorted(inventory.services)]
    keys += [(HOST, name) for name in sorted({*everywhere, *declared})]
    ids = {key: number for number, key in enumerate(keys)}
    needs: dict[int, dict[int, list[str]]] = {}
    places = {one.name: everywhere if one.everywhere else one.hosts for one in inventory.services.values()}
    for name, some in places.items():
        needs[ids[SERVICE, name]] = {ids[HOST, host]: [RUNS_ON] for host in sorted(set(some))}
    for edge in inventory.edges:
        fails = KNOWN.get(edge.type) or inventory.types[edge.type]
        start, end = ids[SERVICE, edge.start], ids[SERVICE, edge.end]
        if fails is not Fails.NONE:
            one, other = (start, end) if fails is Fails.FROM else (end, start)
            needs[one].setdefault(other, []).append(edge.type)
    breaks: dict[int, list[int]] = {}
    for one, needed in needs.items():
        for other, types in needed.items():
            if types != [RUNS_ON] or len(places[keys[one][1]]) == 1:
                breaks.setdefault(other, []).append(one)
    named = {
        clean_name(word): ids[SERVICE, one.name]
        for one in inventory.services.values()
        for word in (one.name, *one.aliases)
    }
    things = tuple(_thing(number, key, inventory, places) for key, number in ids.items())
    ways = {(one, other): tuple(said) for one, needed in needs.items() for other, said in needed.items()}
    return Snapshot(version, things, {one: tuple(some) for one, some in needs.items()}, breaks, ways, named, ids)


def _thing(number: int, key: Key, inventory: Inventory, places: Mapping[str, Sequence[str]]) -> Thing:
    if key[0] == HOST:
        return Thing(number, HOST, key[1])
    return Thing(number, SERVICE, key[1], inventory.services[key[1]].type, len(places[key[1]]) <= 1)
