"""What the page of the graph draws: all of it while it is small; else hosts, who was found, or who is near somebody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from devmesh.graph import HOST, SERVICE, Snapshot, Thing
from devmesh.intake import clean_name
from devmesh.ui.wrong import SEVERITIES, open_ones

if TYPE_CHECKING:
    from devmesh.mesh import Mesh

SHOWN = 300  # in one picture, and in a list
EDGES_SHOWN = 1_500
FEW_SHOWN = 120  # where it is a part of a large fleet: places, or who is near somebody
NEAR = 2  # steps from who was chosen
OPEN = 100
SAID_SHOWN, HOSTS_SHOWN = 5, 100  # of one service
DECLARED, LEARNED = "declared", "learned"
EVERY = "every node"  # where who runs everywhere stands
NOWHERE = "no host"


class Shape:
    """What follows from one snapshot alone, worked out once for everybody who looks while it lasts."""

    def __init__(self, graph: Snapshot) -> None:
        self.graph = graph
        self.services = [one for one in graph.things if one.kind == SERVICE]
        self.hosts = [one for one in graph.things if one.kind == HOST]

    @cached_property
    def users(self) -> dict[int, list[int]]:
        """Who needs each service, or runs on each host."""
        turned: dict[int, list[int]] = {}
        for one, other in self.graph.types:
            turned.setdefault(other, []).append(one)
        return turned

    @cached_property
    def place(self) -> dict[int, str]:
        """Where each service runs, in words."""
        return {one.id: self._place(self.places(one.id)) for one in self.services}

    @cached_property
    def also(self) -> dict[int, list[str]]:
        """The other names of services, as logs are compared with them."""
        words: dict[int, list[str]] = {}
        for word, number in self.graph.names.items():
            if word != clean_name(self.graph.things[number].name):
                words.setdefault(number, []).append(word)
        return words

    def places(self, number: int) -> list[str]:
        """The hosts of a service."""
        things = (self.graph.things[one] for one in self.graph.needs.get(number, ()))
        return [one.name for one in things if one.kind == HOST]

    def needs(self, number: int) -> list[int]:
        """The services that one needs."""
        return [one for one in self.graph.needs.get(number, ()) if self.graph.things[one].kind == SERVICE]

    def edge(self, who: int, what: int) -> list[Any]:
        """[who needs, what is needed, types, declared or learned]."""
        pair = who, what
        return [*pair, self.graph.types[pair], LEARNED if pair in self.graph.learned else DECLARED]

    def near(self, of: Thing) -> list[Thing]:
        """Services within NEAR steps of this one either way, the nearest first; of a host, from whom it runs on."""
        reached = {of.id: 0} if of.kind == SERVICE else dict.fromkeys(self.users.get(of.id, ()), 1)
        queue = list(reached)
        for here in queue:
            if reached[here] < NEAR:
                around = dict.fromkeys((*self.needs(here), *self.users.get(here, ())))
                fresh = [one for one in around if one not in reached]
                reached |= dict.fromkeys(fresh, reached[here] + 1)
                queue.extend(fresh)
        return [self.graph.things[one] for one in queue]

    def found(self, asked: str) -> list[Thing]:
        """Services that have this in their name, type or a host's name."""
        low = asked.lower()
        return [one for one in self.services if any(low in word.lower() for word in self._words(one))]

    def _words(self, one: Thing) -> tuple[str, ...]:
        return one.name, one.type, *self.places(one.id)

    def _place(self, hosts: Sequence[str]) -> str:
        if len(hosts) > 1 and len(hosts) == len(self.hosts):
            return EVERY
        return " + ".join(hosts[:2]) + (f" + {len(hosts) - 2} more" if len(hosts) > 2 else "") or NOWHERE  # noqa: PLR2004


class Shapes:
    """Call it: the shape of the graph as it is now; the same one while nothing changes."""

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh
        self._known: Shape | None = None

    def __call__(self) -> Shape:
        """One store read."""
        graph, known = self._mesh.graph.snapshot(), self._known
        if known is None or known.graph is not graph:
            known = self._known = Shape(graph)
        return known


class Picture:
    """A shape for the page, with what is wrong at this moment."""

    def __init__(self, mesh: Mesh, shape: Shape) -> None:
        self._shape = shape
        self.incidents = troubles(mesh)
        self._worst: dict[int, str] = {}
        for incident in self.incidents:  # the most severe first
            for thing in incident["things"]:
                self._worst.setdefault(thing, incident["severity"])
        self._said: dict[int, list[str]] = {}
        for spoken in mesh.nodes.services():
            if (known := shape.graph.service(spoken.name)) is not None:
                self._said.setdefault(known.id, []).append(spoken.name)

    def draw(self, of: Thing | None, asked: str) -> dict[str, Any]:
        """{scope, things, edges, hosts, left_out, edges_left_out}. `scope`: whole, found (by `asked`), near (to `of`),
        or hosts, where `things` are places. `hosts`: those of the things; the last two say what there was no room for.
        """
        if len(self._shape.services) <= SHOWN:
            return self._drawn("whole", self._shape.services)
        if asked:
            return self._drawn("found", self._shape.found(asked))
        return self._places() if of is None else self._drawn("near", self._shape.near(of))

    def _drawn(self, scope: str, some: Sequence[Thing]) -> dict[str, Any]:
        shown = some[: FEW_SHOWN if scope == "near" else SHOWN]
        ids = {one.id for one in shown}
        pairs = ((one.id, other) for one in shown for other in self._shape.needs(one.id) if other in ids)
        names = {host for one in shown for host in self._shape.places(one.id)}
        hosts = [self.told(one) for one in self._shape.hosts if one.name in names][:SHOWN]
        edges = [self._shape.edge(*pair) for pair in pairs]
        return _bounded(scope, [self.told(one) for one in shown], len(some), edges) | {"hosts": hosts}

    def told(self, one: Thing) -> dict[str, Any]:
        """A service or a host. `said`: how logs call it; `needs`, `users`: how many services, in one step."""
        shape = self._shape
        return {
            "id": one.id, "kind": one.kind, "name": one.name, "type": one.type, "place": shape.place.get(one.id, ""),
            "hosts": shape.places(one.id)[:HOSTS_SHOWN], "said": self._said.get(one.id, [])[:SAID_SHOWN],
            "severity": self._worst.get(one.id, ""), "needs": len(shape.needs(one.id)),
            "users": len(shape.users.get(one.id, ())), "also": shape.also.get(one.id, []),
        }  # fmt: skip

    def _places(self) -> dict[str, Any]:
        """Places instead of services, with how many each has: where something is wrong first, then the fullest."""
        place, sizes = self._shape.place, Counter(self._shape.place.values())
        worst = {one.name: self._worst[one.id] for one in self._shape.hosts if one.id in self._worst}
        for one in self._worst.keys() & place.keys():
            worst[place[one]] = min(worst.get(place[one], SEVERITIES[-1]), self._worst[one], key=SEVERITIES.index)
        ranked = sorted(sizes, key=lambda name: (_rank(worst.get(name, "")), -sizes[name], name))
        ids = {name: number for number, name in enumerate(ranked[:FEW_SHOWN])}
        first = {place[one.id]: self._shape.places(one.id) for one in self._shape.services}
        things = [
            {"id": number, "kind": HOST, "name": name, "n": sizes[name], "place": name, "hosts": first[name][:1],
             "severity": worst.get(name, "")}
            for name, number in ids.items()
        ]  # fmt: skip
        return _bounded("hosts", things, len(sizes), []) | {"hosts": []}


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity else len(SEVERITIES)


def _bounded(scope: str, things: list[dict[str, Any]], of: int, edges: list[Any]) -> dict[str, Any]:
    return {
        "scope": scope, "things": things, "left_out": of - len(things),
        "edges": edges[:EDGES_SHOWN], "edges_left_out": max(0, len(edges) - EDGES_SHOWN),
    }  # fmt: skip


def troubles(mesh: Mesh) -> list[dict[str, Any]]:
    """Open incidents, the most severe first, with the `things` of the graph that have a part in each: services, or
    the host of one that nobody declared.
    """
    ties, listed = mesh.incidents.ties(), open_ones(mesh, OPEN)
    if ties is None:
        return []
    parts = mesh.incidents.parts([one["id"] for one in listed])
    told = list[dict[str, Any]]()
    for one in listed:
        found = (ties.thing((part.service_id, part.node_id)) for part in parts[one["id"]])
        things = dict.fromkeys(thing.id for thing in found if thing is not None)
        told.append({key: one[key] for key in ("id", "severity", "title", "onset_us")} | {"things": list(things)})
    return told
