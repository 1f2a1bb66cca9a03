"""Who is to blame, by rules: each suspect with what speaks for it.

Own trouble counts, and to have been first. Who could not reach somebody is a witness: the blame goes to whom its lines
name, by name, address or port. A kernel speaks for its node, and names the unit that it killed. Last comes how sure the
first suspect is, and when nobody is.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from devmesh.detectors import About, Finding
from devmesh.investigations.accusing import Fleet, Naming, Quotes
from devmesh.investigations.paths import Paths, Trouble

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
MANY_SILENT, NODE_SILENT = 3, 8.0
WHOLE = {"node silent", "unheard", "cut off"}  # kinds that speak of a node alone, whatever service stands there
NEWS, RULED = {"new", "louder", "error rate"}, "primitive"
PASSED = 0.9  # of the blame of whom a witness names, at most for the witness
AHEAD = 1.2  # of a node before each of its services, where no one of them explains the complaints


Pair = tuple[int, int]


@dataclass
class Suspect:
    """A service on a node; reasons are for people, the weightiest first."""

    service: int
    node: int
    score: float = 0.0
    reasons: list[str] = field(default_factory=list)


@dataclass
class _Case:
    """One incident while it is judged: what was found of each, whom the complaints name (of each line all who may be
    meant), who is accused by whom, and how much blame each bears.
    """

    by_pair: Mapping[Pair, Sequence[Finding]]
    quotes: Quotes
    complaints: set[frozenset[Pair]] = field(default_factory=set)
    accused: dict[Pair, set[Pair]] = field(default_factory=lambda: defaultdict(set))
    blame: dict[Pair, float] = field(default_factory=lambda: defaultdict(float))


class Ranking:
    """Ranks the suspects of incidents in one fleet."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._naming = Naming(fleet)
        self._kernel = self._naming.kernel

    def suspects(self, findings: Sequence[Finding], quotes: Quotes) -> list[Suspect]:
        """Suspects best first, judged by the first half hour of the findings (in order of time, at least one)."""
        begin = findings[0].minute
        early = [one for one in findings if one.minute <= begin + FIRST_HALF_HOUR]
        case = _Case(self._by_pair(early), quotes)
        for own in case.by_pair.values():
            self._blame(own, case)
        witnesses = {one for some in case.accused.values() for one in some}
        for pair, own in case.by_pair.items():
            late = min(one.minute for one in own) - begin
            told = pair in witnesses or all(one.about is About.PEER for one in own)
            case.blame[pair] += FIRST * math.exp(-late / FIRST_MIN) * (WITNESS if told else 1.0)
        lost = self._nodes_as_a_whole(early, case)
        _pass_on(case.accused)
        for pair, by in case.accused.items():
            named = min(ACCUSED + ACCUSED_AGAIN * (len(by) - 1), ACCUSED_MOST)
            case.blame[pair] += named * (WITNESS if pair in witnesses else 1.0)  # who names another passes the blame on
        _witnesses_last(case)
        blame = self._by_inventory(case)
        for node, services in lost.items():
            blame[node] = max(blame[node], AHEAD * max(blame[one] for one in services))
        ranked = sorted(blame.items(), key=lambda one: (-one[1], one[0]))
        return [
            Suspect(*pair, score, self._reasons(pair, early, case.by_pair.get(pair, ()), case.accused))
            for pair, score in ranked
        ]

    def _by_inventory(self, case: _Case) -> dict[Pair, float]:
        """The blame as an inventory sees it, where there is one."""
        if self._fleet.ties is None:
            return case.blame
        begun = {pair: min(one.minute for one in own) for pair, own in case.by_pair.items()}
        strong = [pair for pair, own in case.by_pair.items() if own[0].weight >= STRONG]
        grave = {pair for pair, own in case.by_pair.items() if own[0].critical}
        named = {pair: [target for target, by in case.accused.items() if pair in by] for pair in begun}
        paths = Paths(self._fleet.ties, self._fleet.pairs, self._kernel)
        return paths.weighed(case.blame, Trouble(begun, strong or begun.keys(), grave, named))

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

    def _blame(self, own: Sequence[Finding], case: _Case) -> None:
        """Share the weight of what was found about one service on one node: to itself, its node, whom it names."""
        blame, pair = case.blame, (own[0].service, own[0].node)
        found = {place: one for place, one in enumerate(own) if one.family is not None}
        lines = {place: self._naming.named(one, case.quotes, case.by_pair) for place, one in found.items()}
        named = {place: frozenset[Pair]().union(*some) for place, some in lines.items()}
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
                case.complaints |= lines.get(place, set())
                for target in named.get(place, ()):
                    case.accused[target].add(pair)
            # What a witness says besides is mostly of the same trouble, unless it is grave.
            symptom = one.about is About.PEER or (witness and one.about is About.SELF and one.detector in NEWS)
            blame[pair] += weight * (NODE_TOLD if one.about is About.NODE else WITNESS if symptom else 1.0)

    def _nodes_as_a_whole(self, findings: Sequence[Finding], case: _Case) -> dict[Pair, Collection[Pair]]:
        """A node of which much is missing, or of which no single service explains the complaints, is a suspect itself.
        Returns those (as kernels) that come before each of these services, since none of them has trouble of its own.
        """
        if self._kernel is None:
            return {}
        silent: dict[int, set[int]] = defaultdict(set)
        for one in findings:
            if one.kind in {"silence", *WHOLE}:
                silent[one.node].add(one.service)
        for node, gone in silent.items():
            if len(gone) >= MANY_SILENT:
                case.blame[self._kernel, node] += NODE_SILENT
        by_node: dict[int, set[frozenset[Pair]]] = defaultdict(set)
        for some in case.complaints:
            services = {one for one in some if one[0] != self._kernel}
            for node in {one[1] for one in services}:
                by_node[node].add(frozenset(one for one in services if one[1] == node))
        lost = dict[Pair, Collection[Pair]]()
        for node, meant in by_node.items():
            there = frozenset[Pair]().union(*meant)
            witnesses = {one for target in there for one in case.accused[target] if one[1] != node}
            if witnesses and not frozenset.intersection(*meant):
                case.accused[self._kernel, node] |= witnesses
                if not there & case.by_pair.keys():
                    lost[self._kernel, node] = there
        return lost

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


def _witnesses_last(case: _Case) -> None:
    """Who has no trouble but what comes of somebody else's is less to blame than whom it names."""
    for pair, own in case.by_pair.items():
        named = [case.blame[target] for target, by in case.accused.items() if pair in by and target != pair]
        if named and pair not in case.accused and all(one.about is About.PEER or one.detector in NEWS for one in own):
            case.blame[pair] = min(case.blame[pair], PASSED * max(named))


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
