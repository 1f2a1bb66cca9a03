"""What was seen before: incidents with the same signature, or an honest nothing.

A signature is what was found, by kind and by text, and who was concerned; what many incidents have in common says
little. An earlier incident is recalled only if it is much alike and clearly more so than any of another sort. People
can outvote a memory: after two bad verdicts another one of its sort is recalled instead of it, or none.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from devmesh.detectors import Finding

ALIKE = 0.55  # cosine
MARGIN = 0.1
KIND, TEXT, WHO, FIRST = 1.5, 1.0, 0.5, 0.7
EARLY_MIN = 30
BAD_VERDICTS = 2
TRIES = 10
RULED = ("primitive", "correlation", "silence", "overdue")

Signature = Mapping[str, float]


@dataclass(frozen=True)
class Recall:
    """An earlier incident by its place among those asked about, how much alike (0 to 1), and what both have."""

    place: int
    alike: float
    shared: tuple[str, ...]
    missing: tuple[str, ...]


def signature(findings: Sequence[Finding], texts: Mapping[int, str], services: Mapping[int, str]) -> Signature:
    """What the first half hour of an incident's findings (in order of time, at least one) says of its sort."""
    out: dict[str, float] = {}
    for one in findings:
        if one.minute > findings[0].minute + EARLY_MIN or one.weight < 1.0:
            continue
        marks = {f"who {services[one.service]}": WHO}
        if one.detector in RULED:
            marks[one.kind] = KIND
        if one.family is not None:
            marks[f"says {texts[one.family]}"] = TEXT
        if one.minute == findings[0].minute:
            marks[f"first {one.kind}"] = FIRST
        for mark, weight in marks.items():
            out[mark] = max(out.get(mark, 0.0), weight)
    return out


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
    common = Counter(mark for one in earlier for mark in one)
    rarity = {mark: math.log(1.0 + (len(earlier) + 1) / n) for mark, n in common.items()}
    unseen = math.log(2.0 + len(earlier))

    def alike(one: Signature, other: Signature) -> float:
        weigh = {mark: rarity.get(mark, unseen) for mark in (*one, *other)}
        dot = sum(one[mark] * other[mark] * weigh[mark] ** 2 for mark in one if mark in other)
        sizes = [math.sqrt(sum((some[mark] * weigh[mark]) ** 2 for mark in some)) for some in (one, other)]
        return dot / (sizes[0] * sizes[1]) if all(sizes) else 0.0

    likeness = [alike(asked, one) for one in earlier]
    if not likeness or max(likeness) < ALIKE:
        return None
    place = max(range(len(earlier)), key=lambda one: (likeness[one], one))  # the latest of equals
    near = (one for one, like in enumerate(likeness) if likeness[place] - like < MARGIN)
    if any(alike(earlier[one], earlier[place]) < ALIKE for one in near):
        return None
    best = earlier[place]
    shared = tuple(mark for mark in best if mark in asked)
    return Recall(place, likeness[place], shared, tuple(mark for mark in best if mark not in asked))
