"""Who is affected and who may be next: seen in the evidence the one, said by the inventory alone the other."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from devmesh.detectors import Finding
from devmesh.graph import SERVICE
from devmesh.incidents import Ties
from devmesh.investigations.suspects import WHOLE, Pair


@dataclass(frozen=True)
class Impact:
    """Services on nodes. `affected`: something was found of them, or their node is lost; in order of time. `next`: they
    need the first suspect, and nothing was found of them yet.
    """

    affected: tuple[Pair, ...]
    next: tuple[Pair, ...]


def impact_of(
    findings: Sequence[Finding], first: Pair, heard: Collection[Pair], ties: Ties | None, kernel: int | None
) -> Impact:
    """The impact of an incident by its findings (in order of time), its first suspect, and who speaks in the fleet. On
    a node that is lost are all services that somebody declared; where nobody did, all that were heard there.
    """
    affected = dict[Pair, None]()
    for one in findings:
        if one.kind not in WHOLE:
            affected[one.service, one.node] = None
            continue
        there = sorted(pair for pair in heard if pair[1] == one.node)
        declared = [pair for pair in there if pair[0] == kernel or _declared(pair, ties)]
        affected.update(dict.fromkeys(declared if len(declared) > 1 else there))
    thing = None if ties is None else ties.thing(first)
    if ties is None or thing is None:
        return Impact(tuple(affected), ())
    needs = sorted(pair for pair in heard if _declared(pair, ties) and ties.needed(pair).get(thing.id, 0))
    return Impact(tuple(affected), tuple(pair for pair in needs if pair not in affected and pair != first))


def _declared(pair: Pair, ties: Ties | None) -> bool:
    """Whether somebody declared this service."""
    thing = None if ties is None else ties.thing(pair)
    return thing is not None and thing.kind == SERVICE
