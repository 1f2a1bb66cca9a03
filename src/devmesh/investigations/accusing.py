"""Whom the lines of a witness name: by name, by address and port, by the first word, by what the inventory says that
it needs there; and where they name nobody, who else speaks of the same matter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from devmesh.detectors import About, Finding
from devmesh.graph import PORTS, SERVICE
from devmesh.incidents import Ties
from devmesh.investigations.advice import KERNEL

LEAST_CHARS = 3  # of a word that names a service
NAMES = "name not resolved"
ADDRESS = re.compile(r"(?<![\d.])(\d{1,3}(?:\.\d{1,3}){3})(?::(\d{1,5}))?(?![\d.])")
WAY = re.compile(r"(?<=[\w\"' ])/[\w./?=&%-]*")  # the path of a URL or a file, whose words name nobody
RESOLVERS = ("unbound", "named", "bind", "dnsmasq", "coredns", "resolved", "pihole", "dns")
# What a complaint that names nobody is about: it accuses who is in trouble, and speaks of that of itself.
MATTERS = {"certificate not accepted": re.compile(r"certificate|\btls\b|\bssl\b", re.IGNORECASE)}

Pair = tuple[int, int]
Quotes = Callable[[int, int], Collection[str]]  # messages of a family on a node


@dataclass(frozen=True)
class Fleet:
    """What is known by name: services, nodes, who runs where, and whose an address is."""

    services: Mapping[int, str]
    nodes: Mapping[int, str]
    pairs: Collection[Pair]
    addresses: Mapping[str, int]
    ties: Ties | None = None  # of an inventory


class Naming:
    """Finds whom lines name in one fleet."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._by_name = {name.lower(): number for number, name in fleet.services.items()}
        self._node_by_name = {name.lower(): number for number, name in fleet.nodes.items()}
        names = sorted((*self._by_name, *self._node_by_name), key=len, reverse=True)
        any_name = "|".join(map(re.escape, names)) or "(?!)"
        self._names = re.compile(rf"(?<![\w.-])({any_name})(?![\w-]|\.(?!service)\w)", re.IGNORECASE)
        self.kernel = self._by_name.get(KERNEL)

    def named(self, one: Finding, quotes: Quotes, troubled: Mapping[Pair, Sequence[Finding]]) -> set[frozenset[Pair]]:
        """Whom the lines of a finding (which has a family) name: of each line all who may be meant."""
        own = {(one.service, one.node)}
        if one.kind == NAMES:
            return {frozenset(pair for pair in self._fleet.pairs if self._is(pair[0], RESOLVERS)) - own}
        assert one.family is not None  # noqa: S101 - the caller asks only for such
        out = {self._in_message(message, one, troubled) - own for message in quotes(one.family, one.node)}
        out.discard(frozenset())
        if not out and one.about is About.PEER and (matter := MATTERS.get(one.kind)):
            same = {pair for pair, some in troubled.items() if any(_of_itself(x, matter, quotes) for x in some)}
            return {frozenset(same - own)}
        return out

    def _in_message(self, message: str, one: Finding, troubled: Collection[Pair]) -> frozenset[Pair]:
        words = {word.lower() for word in self._names.findall(message)}
        services = {self._by_name[word] for word in words & self._by_name.keys()} - {one.service, self.kernel}
        nodes = {self._node_by_name[word] for word in words & self._node_by_name.keys()}
        ports: set[int] = set()
        for address, port in ADDRESS.findall(message):
            if address in self._fleet.addresses:
                nodes.add(self._fleet.addresses[address])
                ports |= {int(port)} if port else set()
        if one.about is About.PEER or services:
            nodes -= {one.node} if len(nodes) > 1 or not ports else set()
        hosts = {pair for pair in self._fleet.pairs if pair[0] in services}
        near = {pair for pair in hosts if pair[1] in (nodes or {one.node})}
        if hosts:
            return frozenset(near or hosts)
        if one.about is not About.PEER:
            return frozenset()
        there = {pair for pair in self._fleet.pairs if pair[1] in nodes}
        kinds = tuple(name for port in ports for name in PORTS.get(port, ()))
        told = {pair for pair in there if self._is(pair[0], kinds)}
        told = told or {pair for pair in there if self._mentions(pair[0], message)}
        told = told or {pair for pair in there if pair in troubled and pair[0] != self.kernel}
        whole = {(self.kernel, node) for node in nodes if self.kernel is not None}
        return frozenset(told or self._needed(one, there) | whole)  # an inventory may be wrong: or the node itself

    def _needed(self, one: Finding, there: Collection[Pair]) -> set[Pair]:
        """The one of these services that who speaks needs, by the inventory; nobody where it may be several."""
        ties, pair = self._fleet.ties, (one.service, one.node)
        if ties is None or (thing := ties.thing(pair)) is None or thing.kind != SERVICE:
            return set()
        direct = set(ties.graph.needs.get(thing.id, ()))
        things = {other: ties.thing(other) for other in there}
        found = {one for one, it in things.items() if it is not None and it.kind == SERVICE and it.id in direct}
        return found if len(found) == 1 else set()

    def _is(self, service: int, kinds: Collection[str]) -> bool:
        name = self._fleet.services[service].lower()
        return any(kind in name for kind in kinds)

    def _mentions(self, service: int, message: str) -> bool:
        """Whether a message holds the first word of a service's name: `nfs: server …` of nfs-server."""
        first = re.split(r"[\W_]", self._fleet.services[service].lower(), maxsplit=1)[0]
        return (
            len(first) >= LEAST_CHARS
            and re.search(rf"\b{re.escape(first)}\b", WAY.sub(" ", message.lower())) is not None
        )


def _of_itself(one: Finding, matter: re.Pattern[str], quotes: Quotes) -> bool:
    """Whether lines in which somebody speaks of itself are about a matter."""
    if one.about is About.PEER or one.family is None:
        return False
    return any(matter.search(message) for message in quotes(one.family, one.node))
