"""What people get to see of it: proposals with what was decided of them, and edges in force that nobody sees now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from devmesh.graph.decided import ACCEPTED, Decision, declared_pairs
from devmesh.graph.kinds import KNOWN, Fails
from devmesh.graph.learning.model import Proposal, Stale, Touch
from devmesh.graph.learning.weighing import SHOWN, Pair, id_of, pairs_of, proposal
from devmesh.graph.model import INVENTORY, LEARNED, Edge, Inventory

DAY_US = 86_400_000_000
Today = Callable[[str], str]


def proposals(
    seen: Iterable[Touch], inventory: Inventory, decisions: Iterable[Decision], today: Today, *, everything: bool
) -> list[Proposal]:
    """Edges that nobody declared, the surest first: those to decide, or with those that are too weak or decided."""
    declared = declared_pairs(inventory)
    pairs = pairs_of(seen, today)
    known = {(today(one.edge.start), today(one.edge.end)): one for one in decisions}
    found = [_decided(proposal(pair, rows), known.get(pair)) for pair, rows in pairs.items() if pair not in declared]
    found += [_forgotten(pair, one) for pair, one in known.items() if pair not in pairs and pair not in declared]
    shown = [one for one in found if everything or (one.confidence >= SHOWN and not one.decision)]
    return sorted(shown, key=lambda one: (-one.confidence, -one.evidence, one.start, one.end))


def _decided(one: Proposal, known: Decision | None) -> Proposal:
    if known is None:
        return one
    return replace(one, decision=known.decision, decided_by=known.by, decided_us=known.at_us)


def _forgotten(pair: Pair, one: Decision) -> Proposal:
    """A decision whose evidence is too long ago: with what was known then."""
    text = f"{pair[0]} -> {pair[1]} seen {one.evidence:,} times until it was {one.decision}, and not for a long time"
    return Proposal(
        id_of(*pair), *pair, one.edge.type, one.confidence, one.evidence, one.failures, 0, (), one.first_us or 0,
        one.last_us or 0, (), text, one.decision, one.by, one.at_us,
    )  # fmt: skip


def stale(
    seen: Iterable[Touch], inventory: Inventory, decisions: Iterable[Decision], today: Today, since_us: int
) -> list[Stale]:
    """Edges in force of which nothing was seen since then, though whoever would touch was watched all the time."""
    pairs = pairs_of(seen, today)
    watched = _watched(pairs, since_us)
    in_force = [(edge, INVENTORY) for edge in inventory.edges]
    in_force += [(one.edge, LEARNED) for one in decisions if one.decision == ACCEPTED]
    found = []
    for edge, source in in_force:
        ways = [way for way in _ways(edge, inventory, today) if way[0] in watched]
        last = max((row.last_us for way in ways for row in pairs.get(way, ())), default=None)
        if ways and (last is None or last < since_us):
            found.append(_stale(edge, source, last))
    return sorted(found, key=lambda one: (one.last_us or 0, one.start, one.end))


def _watched(pairs: Mapping[Pair, Sequence[Touch]], since_us: int) -> set[str]:
    """Who was seen to touch anybody both before then and since."""
    spans: dict[str, tuple[int, int]] = {}
    for (start, _end), rows in pairs.items():
        first, last = spans.get(start, (2**62, 0))
        spans[start] = min(first, *(one.first_us for one in rows)), max(last, *(one.last_us for one in rows))
    return {one for one, (first, last) in spans.items() if first < since_us <= last}


def _ways(edge: Edge, inventory: Inventory, today: Today) -> Iterable[Pair]:
    """Who would touch whom: whoever needs the other; where neither does, any of them."""
    fails = KNOWN.get(edge.type) or inventory.types.get(edge.type, Fails.FROM)
    start, end = today(edge.start), today(edge.end)
    if fails is not Fails.TO:
        yield start, end
    if fails is not Fails.FROM:
        yield end, start


def _stale(edge: Edge, source: str, last_us: int | None) -> Stale:
    how = "declared" if source == INVENTORY else "accepted"
    told = "no evidence ever" if last_us is None else "no evidence since"
    return Stale(edge.start, edge.end, edge.type, source, last_us, f"{how} edge {edge.start} -> {edge.end}: {told}")
