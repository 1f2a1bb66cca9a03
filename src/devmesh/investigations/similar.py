"""What was seen before: incidents with the same signature, or an honest nothing.

A signature is what was found, by kind and by text, in which order, who was concerned, and the roles of the nodes; what
many incidents have in common says little. An earlier incident is recalled only if it is much alike and clearly more so
than any of another sort. People can outvote a memory: after two bad verdicts another one of its sort is recalled
instead of it, or none.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from devmesh.detectors import Finding

ALIKE = 0.55  # cosine, less what comes in another order
MARGIN = 0.1
KIND, TEXT, WHO, FIRST, ROLE = 1.5, 1.0, 0.5, 0.7, 0.5
OTHER_ORDER = 0.2  # of two of which nothing comes in the same order
NEARLY = 0.25  # of the pairs that come the other way round
SAME_ROLE = 0.5  # of the services that tell the roles
SAYS, RUNS = "says ", "runs "
EARLY_MIN = 30
BAD_VERDICTS = 2
TRIES = 10
RULED = ("primitive", "correlation", "silence", "overdue")


@dataclass(frozen=True)
class Signature:
    """`marks` with their weights; `order`: of each text, how many minutes after the first finding it was found."""

    marks: Mapping[str, float]
    order: Mapping[str, int]


@dataclass(frozen=True)
class Recall:
    """An earlier incident by its place among those asked about: how much alike (0 to 1), what both have, and what is
    missing now. `same`: says it to people.
    """

    place: int
    alike: float
    shared: tuple[str, ...]
    missing: tuple[str, ...]
    same: str


def roles_of(pairs: Iterable[tuple[int, int]], services: Mapping[int, str]) -> dict[int, list[str]]:
    """What tells each node's role: the services on it (of (service, node) pairs) that most nodes do not have."""
    runs, on = defaultdict[int, set[int]](set), defaultdict[int, set[int]](set)
    for service, node in pairs:
        runs[node].add(service)
        on[service].add(node)
    own = {service for service, nodes in on.items() if 2 * len(nodes) <= len(runs)}
    return {node: sorted(services[one] for one in some & own if one in services) for node, some in runs.items()}


def signature(
    findings: Sequence[Finding], texts: Mapping[int, str], services: Mapping[int, str],
    roles: Mapping[int, Collection[str]] | None = None,
) -> Signature:  # fmt: skip
    """What the first half hour of an incident's findings (in order of time, at least one) says of its sort; `roles` as
    of `roles_of`.
    """
    marks, order = dict[str, float](), dict[str, int]()
    for one in findings:
        late = one.minute - findings[0].minute
        if late > EARLY_MIN or one.weight < 1.0:
            continue
        found = {f"who {services[one.service]}": WHO}
        if one.detector in RULED:
            found[one.kind] = KIND
        if one.family is not None:
            found[SAYS + texts[one.family]] = TEXT
            order.setdefault(texts[one.family], late)
        if not late:
            found[f"first {one.kind}"] = FIRST
        role = (roles or {}).get(one.node, ())
        found |= {RUNS + name: ROLE / math.sqrt(len(role)) for name in role}
        for mark, weight in found.items():
            marks[mark] = max(marks.get(mark, 0.0), weight)
    return Signature(marks, order)


def outvoted(verdicts: Iterable[str], notes: Iterable[str]) -> bool:
    """Whether people gave an earlier incident two bad verdicts: votes "noise" beyond those "real", and notes that begin
    with "wrong" (what was written there does not help).
    """
    votes = Counter(verdicts)
    wrong = sum(one.lstrip().lower().startswith("wrong") for one in notes)
    return max(0, votes["noise"] - votes["real"]) + wrong >= BAD_VERDICTS


def recall_trusted(asked: Signature, earlier: Sequence[Signature], doubtful: Callable[[int], bool]) -> Recall | None:
    """As `recall`, without those that people outvoted (asked by place, of the few that are recalled alone)."""
    places = list(range(len(earlier)))
    for _try in range(TRIES):
        found = recall(asked, [earlier[place] for place in places])
        if found is None:
            return None
        place = places[found.place]
        if not doubtful(place):
            return replace(found, place=place)
        places.remove(place)
    return None


def recall(asked: Signature, earlier: Sequence[Signature]) -> Recall | None:
    """The earlier incident that is like this one; None where none is, or where two sorts are too near."""
    common = Counter(mark for one in earlier for mark in one.marks)
    rarity = {mark: math.log(1.0 + (len(earlier) + 1) / n) ** 2 for mark, n in common.items()}
    unseen = math.log(2.0 + len(earlier)) ** 2

    def size(one: Signature) -> float:
        return math.sqrt(sum(weight**2 * rarity.get(mark, unseen) for mark, weight in one.marks.items()))

    def alike(one: Signature, other: Signature, of: float) -> float:
        both = [mark for mark in one.marks if mark in other.marks]
        dot = sum(one.marks[mark] * other.marks[mark] * rarity.get(mark, unseen) for mark in both)
        found = dot / (of * size(other)) if dot else 0.0
        return found if found < ALIKE else found * (1.0 - OTHER_ORDER * (_turned(one, other) or 0.0))

    own = size(asked)
    likeness = [alike(asked, one, own) for one in earlier]
    if not likeness or max(likeness) < ALIKE:
        return None
    place = max(range(len(earlier)), key=lambda one: (likeness[one], one))  # the latest of equals
    near = (one for one, like in enumerate(likeness) if likeness[place] - like < MARGIN)
    best, own = earlier[place], size(earlier[place])
    if any(alike(best, earlier[one], own) < ALIKE for one in near):
        return None
    shared = tuple(mark for mark in best.marks if mark in asked.marks)
    missing = tuple(mark for mark in best.marks if mark not in asked.marks)
    return Recall(place, likeness[place], shared, missing, _same(asked, best))


def lines(marks: Iterable[str]) -> list[str]:
    """What of these marks a person can look for: lines, and kinds of findings."""
    named = (SAYS, RUNS, "who ", "first ")
    return [one.removeprefix(SAYS) for one in marks if one.startswith(SAYS) or not one.startswith(named)]


def _turned(one: Signature, other: Signature) -> float | None:
    """Which share of the pairs of texts that both have comes in the other order; None where neither says an order."""
    both = [text for text in one.order if text in other.order]
    turned = pairs = 0
    for place, a in enumerate(both):
        for b in both[:place]:
            here, there = one.order[a] - one.order[b], other.order[a] - other.order[b]
            pairs += bool(here and there)
            turned += here * there < 0
    return turned / pairs if pairs else None


def _same(asked: Signature, best: Signature) -> str:
    """`same 5 of 6 lines, same order, on a node with the same role`."""
    lines = [mark for mark in best.marks if mark.startswith(SAYS)]
    out = [f"same {sum(mark in asked.marks for mark in lines)} of {len(lines)} lines"] if lines else []
    turned = _turned(asked, best)
    if turned is not None:
        out.append("same order" if not turned else "nearly the same order" if turned < NEARLY else "in another order")
    roles = [{mark for mark in one.marks if mark.startswith(RUNS)} for one in (asked, best)]
    if all(roles):
        share = len(roles[0] & roles[1]) / len(roles[0] | roles[1])
        out.append(f"on a node with {'the same' if share >= SAME_ROLE else 'another'} role")
    return ", ".join(out)
