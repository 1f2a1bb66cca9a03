"""What is asked of the graph: who fails with somebody, what may be behind it, ways, rings, what hangs on one thing.

Results are names, steps and counts; from which engine they come makes no difference but for the order of equals.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, pairwise

from devmesh.graph.kinds import HOST, SERVICE
from devmesh.graph.snapshot import Snapshot, Thing


@dataclass(frozen=True)
class Named:
    """A service or a host."""

    kind: str
    name: str
    type: str = ""


@dataclass(frozen=True, order=True)
class Step:
    """One step of a way: who needs, by which types of edges, what is needed."""

    who: str
    types: tuple[str, ...]
    what: str


@dataclass(frozen=True)
class Reached:
    """Somebody at a distance of `hops`; `way` are the steps, from who fails to what fails first. `sure`: it fails for
    certain; else a step leads to one of several hosts, without which the service goes on.
    """

    kind: str
    name: str
    type: str
    hops: int
    sure: bool
    way: tuple[Step, ...]


@dataclass(frozen=True)
class Reach:
    """Everything within reach of `of`: how many, by hops (first: one), and the nearest of them. `weakened`: services
    that lose a host with it and have others. `engine`: falkordb, or memory with the reason.
    """

    of: Named
    total: int
    by_hops: tuple[int, ...]
    rows: tuple[Reached, ...]
    weakened: tuple[str, ...]
    engine: str


@dataclass(frozen=True)
class Ways:
    """Shortest ways between two: `start` needs `end`, over `hops` steps; none if it does not."""

    start: Named
    end: Named
    ways: tuple[tuple[Step, ...], ...]
    engine: str


@dataclass(frozen=True)
class Weak:
    """One thing that runs only once, and the services that surely fail with it."""

    kind: str
    name: str
    type: str
    ends: int


@dataclass(frozen=True)
class Risks:
    """Rings of services that need each other, and single points of failure, the worst first."""

    rings: tuple[tuple[str, ...], ...]
    points: tuple[Weak, ...]


def named(one: Thing) -> Named:
    """Without what only the snapshot knows."""
    return Named(one.kind, one.name, one.type)


def reach(graph: Snapshot, of: Thing, over: Mapping[int, int], *, breaks: bool, limit: int, engine: str) -> Reach:
    """The answer that a tree makes (`over`: who is reached, over whom, in any order); `limit` rows, nearest first."""
    hops = _hops(over, of.id)
    rings: list[list[int]] = [[] for _ in range(max(hops.values()))]
    for one in over:
        rings[hops[one] - 1].append(one)
    sure = over.keys() if breaks else graph.upstream(of.id, surely=True)
    nearest = list(islice(_in_order(graph, rings), limit))
    rows = tuple(_reached(graph, one, over, of.id, hops[one], sure=one in sure, breaks=breaks) for one in nearest)
    weakened: tuple[str, ...] = ()
    if breaks and of.kind == HOST:
        needs = (one for one, needed in graph.needs.items() if of.id in needed and one not in over)
        weakened = tuple(sorted(graph.things[one].name for one in needs))
    return Reach(named(of), len(over), tuple(map(len, rings)), rows, weakened, engine)


def _in_order(graph: Snapshot, rings: Iterable[list[int]]) -> Iterator[int]:
    """The nearest first, services before hosts, by name; a ring that nobody looks at is not sorted."""
    for ring in rings:
        yield from sorted(ring, key=lambda one: (graph.things[one].kind == HOST, graph.things[one].name))


def _hops(over: Mapping[int, int], root: int) -> dict[int, int]:
    hops = {root: 0}
    for one in over:
        trail = []
        while one not in hops:
            trail.append(one)
            one = over[one]  # noqa: PLW2901 - climbs to what is known
        for step in reversed(trail):
            hops[step] = hops[over[step]] + 1
    return hops


def _reached(
    graph: Snapshot, one: int, over: Mapping[int, int], root: int, hops: int, *, sure: bool, breaks: bool
) -> Reached:
    trail = [one]
    while trail[-1] != root:
        trail.append(over[trail[-1]])
    way = steps(graph, trail if breaks else trail[::-1])
    thing = graph.things[one]
    return Reached(thing.kind, thing.name, thing.type, hops, sure, way)


def steps(graph: Snapshot, trail: list[int]) -> tuple[Step, ...]:
    """The steps between the things of a way, each of which needs the next."""
    return tuple(Step(graph.things[a].name, graph.types[a, b], graph.things[b].name) for a, b in pairwise(trail))


# -- the shape as a whole ----------------------------------------------------------------------------------------------


def risks(graph: Snapshot, limit: int) -> Risks:
    """Rings, the largest first, and single points of failure that end two services or more; `limit` of each."""
    parts = _components(graph)
    rings = sorted((sorted(graph.things[one].name for one in part) for part in parts if len(part) > 1), key=_by_size)
    ends = _ends(graph, parts)
    points = [
        Weak(one.kind, one.name, one.type, ends[one.id]) for one in graph.things if one.alone and ends[one.id] > 1
    ]
    points.sort(key=lambda one: (-one.ends, one.kind, one.name))
    return Risks(tuple(tuple(ring) for ring in rings[:limit]), tuple(points[:limit]))


def _by_size(names: list[str]) -> tuple[int, list[str]]:
    return -len(names), names


def _components(graph: Snapshot) -> list[list[int]]:
    """Strongly connected components along `breaks`, each after those that it leads to (Tarjan, SIAM J. Comput. 1972),
    without recursion: ways are longer than Python's stack.
    """
    index, low, parts = dict[int, int](), dict[int, int](), list[list[int]]()
    stack, on_stack = list[int](), set[int]()
    for root in range(len(graph.things)):
        work = [] if root in index else [(root, iter(graph.breaks.get(root, ())))]
        if work:
            index[root] = low[root] = len(index)
            stack.append(root)
            on_stack.add(root)
        while work:
            here, rest = work[-1]
            there = next(rest, None)
            if there is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[here])
                if low[here] == index[here]:
                    parts.append([])
                    while here in on_stack:
                        parts[-1].append(stack.pop())
                        on_stack.discard(parts[-1][-1])
            elif there not in index:
                index[there] = low[there] = len(index)
                stack.append(there)
                on_stack.add(there)
                work.append((there, iter(graph.breaks.get(there, ()))))
            elif there in on_stack:
                low[here] = min(low[here], index[there])
    return parts


def _ends(graph: Snapshot, parts: list[list[int]]) -> list[int]:
    """How many services surely fail with each thing, itself left out: sets of services as the bits of one number."""
    reach_of, ends = dict[int, int](), [0] * len(graph.things)
    services = {one.id for one in graph.things if one.kind == SERVICE}
    for part in parts:
        bits = 0
        for one in part:
            bits |= (1 << one) if one in services else 0
            for there in graph.breaks.get(one, ()):
                bits |= reach_of.get(there, 0)
        for one in part:
            reach_of[one] = bits
            ends[one] = (bits & ~(1 << one)).bit_count()
    return ends
