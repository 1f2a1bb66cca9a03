"""Who is to blame, by rules: each suspect with what speaks for it.

Own trouble counts, and to have been first. Who could not reach somebody is a witness: the blame goes to whom its lines
name, by name, address or port. A kernel speaks for its node, and names the unit that it killed. Last comes how sure the
first suspect is, and when nobody is.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from devmesh.detectors import About, Finding
from devmesh.graph import PORTS
from devmesh.incidents import Ties
from devmesh.investigations.advice import KERNEL
from devmesh.investigations.paths import weighed

FADING = 0.5
STRONG = 1.0  # trouble that an inventory should explain
FIRST, FIRST_MIN = 2.0, 3.0
FIRST_HALF_HOUR = 30
WITNESS = 0.35  # of what a witness would be blamed for
NODE_SHARE, NODE_TOLD = 0.8, 0.4  # what a line about a node says of the node, and of who wrote it
CLEAR = 1.1  # times the score of the second
ENOUGH = 6.0  # a score beyond which more evidence makes nobody surer
MOST = 0.95
ACCUSED, ACCUSED_AGAIN, ACCUSED_MOST = 2.2, 1.0, 6.0
KILLED = 0.9
HOPS = 3
LEAST_CHARS = 3  # of a word that names a service
MANY_SILENT, NODE_SILENT = 3, 8.0
WHOLE = {"node silent", "unheard", "cut off"}  # kinds that speak of a node alone, whatever service stands there
NEWS, RULED = {"new", "louder", "error rate"}, "primitive"
NAMES = "name not resolved"
ADDRESS = re.compile(r"(?<![\d.])(\d{1,3}(?:\.\d{1,3}){3})(?::(\d{1,5}))?(?![\d.])")
RESOLVERS = ("unbound", "named", "bind", "dnsmasq", "coredns", "resolved", "pihole", "dns")

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


@dataclass
class Suspect:
    """A service on a node; reasons are for people, the weightiest first."""

    service: int
    node: int
    score: float = 0.0
    reasons: list[str] = field(default_factory=list)


class Ranking:
    """Ranks the suspects of incidents in one fleet."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._by_name = {name.lower(): number for number, name in fleet.services.items()}
        self._node_by_name = {name.lower(): number for number, name in fleet.nodes.items()}
        names = sorted((*self._by_name, *self._node_by_name), key=len, reverse=True)
        any_name = "|".join(map(re.escape, names)) or "(?!)"
        self._names = re.compile(rf"(?<![\w.-])({any_name})(?![\w-]|\.(?!service)\w)", re.IGNORECASE)
        self._kernel = self._by_name.get(KERNEL)

    def suspects(self, findings: Sequence[Finding], quotes: Quotes) -> list[Suspect]:
        """Suspects best first, judged by the first half hour of the findings (in order of time, at least one)."""
        begin = findings[0].minute
        early = [one for one in findings if one.minute <= begin + FIRST_HALF_HOUR]
        blame: dict[Pair, float] = defaultdict(float)
        accused: dict[Pair, set[Pair]] = defaultdict(set)
        by_pair = self._by_pair(early)
        for own in by_pair.values():
            self._blame(own, by_pair.keys(), (blame, accused), quotes)
        witnesses = {one for some in accused.values() for one in some}
        for pair, own in by_pair.items():
            late = min(one.minute for one in own) - begin
            told = pair in witnesses or all(one.about is About.PEER for one in own)
            blame[pair] += FIRST * math.exp(-late / FIRST_MIN) * (WITNESS if told else 1.0)
        self._nodes_as_a_whole(early, blame, accused)
        _pass_on(accused)
        for pair, by in accused.items():
            named = min(ACCUSED + ACCUSED_AGAIN * (len(by) - 1), ACCUSED_MOST)
            blame[pair] += named * (WITNESS if pair in witnesses else 1.0)  # who names another passes the blame on
        if self._fleet.ties is not None:
            strong = [pair for pair, own in by_pair.items() if own[0].weight >= STRONG]
            grave = [pair for pair, own in by_pair.items() if own[0].critical]
            blame = weighed(blame, strong or by_pair.keys(), grave, self._fleet.pairs, self._fleet.ties)
        ranked = sorted(blame.items(), key=lambda one: (-one[1], one[0]))
        return [
            Suspect(*pair, score, self._reasons(pair, early, by_pair.get(pair, ()), accused)) for pair, score in ranked
        ]

    @staticmethod
    def _by_pair(findings: Sequence[Finding]) -> dict[Pair, list[Finding]]:
        """The weightiest finding of each family, by service and node, the weightiest first. Whom a rule says that a
        family accuses, it accuses in all that was found about it.
        """
        ruled = {(one.node, one.family): one for one in findings if one.detector == RULED}
        best: dict[tuple[int, int, int | None], Finding] = {}
        for one in findings:
            key = one.service, one.node, one.family
            if key not in best or one.weight > best[key].weight:
                rule = ruled.get((one.node, one.family), one)
                best[key] = replace(one, about=rule.about, kind=rule.kind, critical=rule.critical)
        out: dict[Pair, list[Finding]] = defaultdict(list)
        for one in sorted(best.values(), key=lambda one: -one.weight):
            out[one.service, one.node].append(one)
        return out

    def _blame(
        self, own: Sequence[Finding], troubled: Collection[Pair],
        to: tuple[dict[Pair, float], dict[Pair, set[Pair]]], quotes: Quotes,
    ) -> None:  # fmt: skip
        """Share the weight of what was found about one service on one node: to itself, its node, whom it names."""
        (blame, accused), pair = to, (own[0].service, own[0].node)
        named = {place: self._named(one, quotes, troubled) for place, one in enumerate(own) if one.family is not None}
        witness = any(named.get(place) for place, one in enumerate(own) if one.about is About.PEER)
        for place, one in enumerate(own):
            weight = one.weight * FADING**place
            if one.about is About.NODE and self._kernel is not None:
                blame[self._kernel, one.node] += weight * (1.0 if one.kind in WHOLE else NODE_SHARE)
            if one.kind in WHOLE:
                continue
            if pair[0] == self._kernel and one.about is About.SELF and one.critical and named.get(place):
                for target in named[place]:
                    blame[target] += weight * KILLED
                blame[pair] += weight * (1 - KILLED)
                continue
            if one.about is About.PEER:
                for target in named.get(place, ()):
                    accused[target].add(pair)
            # What a witness says besides is mostly of the same trouble, unless it is grave.
            symptom = one.about is About.PEER or (witness and one.about is About.SELF and one.detector in NEWS)
            blame[pair] += weight * (NODE_TOLD if one.about is About.NODE else WITNESS if symptom else 1.0)

    def _named(self, one: Finding, quotes: Quotes, troubled: Collection[Pair]) -> set[Pair]:
        """Whom the lines of a finding name."""
        if one.kind == NAMES:
            return {pair for pair in self._fleet.pairs if self._is(pair[0], RESOLVERS)} - {(one.service, one.node)}
        out: set[Pair] = set()
        assert one.family is not None  # noqa: S101 - the caller asks only for such
        for message in quotes(one.family, one.node):
            out |= self._in_message(message, one, troubled)
        return out - {(one.service, one.node)}

    def _in_message(self, message: str, one: Finding, troubled: Collection[Pair]) -> set[Pair]:
        words = {word.lower() for word in self._names.findall(message)}
        services = {self._by_name[word] for word in words & self._by_name.keys()} - {one.service, self._kernel}
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
            return near or hosts
        if one.about is not About.PEER:
            return set()
        there = {pair for pair in self._fleet.pairs if pair[1] in nodes}
        kinds = tuple(name for port in ports for name in PORTS.get(port, ()))
        told = {pair for pair in there if self._is(pair[0], kinds) or self._mentions(pair[0], message)}
        told = told or {pair for pair in there if pair in troubled and pair[0] != self._kernel}
        return told or {(self._kernel, node) for node in nodes if self._kernel is not None}

    def _is(self, service: int, kinds: Collection[str]) -> bool:
        name = self._fleet.services[service].lower()
        return any(kind in name for kind in kinds)

    def _mentions(self, service: int, message: str) -> bool:
        """Whether a message holds the first word of a service's name: `nfs: server …` of nfs-server."""
        first = re.split(r"[\W_]", self._fleet.services[service].lower(), maxsplit=1)[0]
        return len(first) >= LEAST_CHARS and re.search(rf"\b{re.escape(first)}\b", message.lower()) is not None

    def _nodes_as_a_whole(
        self, findings: Sequence[Finding], blame: dict[Pair, float], accused: dict[Pair, set[Pair]]
    ) -> None:
        """A node of which much is missing, or several services are accused, is a suspect itself."""
        if self._kernel is None:
            return
        silent: dict[int, set[int]] = defaultdict(set)
        for one in findings:
            if one.kind in {"silence", *WHOLE}:
                silent[one.node].add(one.service)
        for node, services in silent.items():
            if len(services) >= MANY_SILENT:
                blame[self._kernel, node] += NODE_SILENT
        by_node: dict[int, set[int]] = defaultdict(set)
        for service, node in accused:
            by_node[node].add(service)
        for node, services in by_node.items():
            if len(services) > 1:
                witnesses = {one for service in services for one in accused[service, node]}
                accused[self._kernel, node] |= {one for one in witnesses if one[1] != node}

    def _reasons(
        self, pair: Pair, findings: Sequence[Finding], found: Sequence[Finding], accused: dict[Pair, set[Pair]]
    ) -> list[str]:
        own = list(found)
        if pair[0] == self._kernel:  # for its node speaks what was found of the node, by whomever
            own += [
                one for one in findings if one.node == pair[1] and one.about is About.NODE and one.service != pair[0]
            ]
        out = list(dict.fromkeys(one.text for one in own))[:3]
        names = sorted({self._fleet.services[service] for service, _node in accused.get(pair, ())})
        return out + ([f"named by {', '.join(names[:5])}"] if names else [])


def _pass_on(accused: dict[Pair, set[Pair]]) -> None:
    """Who names another passes the blame on: its accusers accuse whom it names, over `HOPS` hops."""
    for _ in range(HOPS):
        for target, by in [(target, set(by)) for target, by in accused.items()]:
            for witness in by & accused.keys():
                accused[target] |= accused[witness] - {target}


def confidence_of(suspects: Sequence[Suspect], place: int) -> float:
    """0 to 1: how much of the blame that the best two rivals share is its own, and whether there is enough of it."""
    own = suspects[place].score
    rival = max((one.score for other, one in enumerate(suspects) if other != place), default=0.0)
    if own <= 0:
        return 0.0
    return round(min(MOST, own / (own + max(0.0, rival)) * min(1.0, own / ENOUGH)), 2)


def unclear(suspects: Sequence[Suspect]) -> bool:
    """Whether nobody is ahead by a clear margin."""
    return len(suspects) > 1 and suspects[0].score < CLEAR * suspects[1].score


def inconclusive(suspects: Sequence[Suspect], findings: Sequence[Finding]) -> bool:
    """Whether nobody is ahead, and neither something critical nor the view of a second node says that it is real
    nonetheless: such a report does not page. Two that cannot reach each other are both to blame, and right.
    """
    real = any(one.critical for one in findings) or len({one.node for one in findings}) > 1
    return unclear(suspects) and not real
