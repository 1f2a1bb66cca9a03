"""What adds up to an edge: how sure it is, and how people read it. Pure.

    confidence = 1 - Π (1 - c)            over the sources that saw it
    c          = CAPS[source] · (1 - ½ⁿ) · (1 - ¼ᵈ)

with n times and d separate days: what one source says once is worth less than half of what it can be worth, three days
nearly all. What stands in a file or a unit is worth its cap at once: it needs no luck to be seen. Sources err apart, so
two of them are surer than one. Order of time alone never comes near `SHOWN`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from math import prod

from devmesh.graph.evidence import CONFIG, LOGS, MOUNTS, NETWORK, ORDER, UNITS
from devmesh.graph.kinds import DEPENDS_ON
from devmesh.graph.learning.model import Proposal, Told, Touch

# What a source can be worth at most. A connection may be a neighbour's in the same network namespace, a line may quote
# somebody, a file may be of yesterday; that errors follow errors has many reasons.
CAPS = {NETWORK: 0.9, UNITS: 0.9, CONFIG: 0.8, LOGS: 0.85, MOUNTS: 0.8, ORDER: 0.3}
STANDING = (CONFIG, UNITS)
SHOWN = 0.5
MOST_TOLD = 5
Pair = tuple[str, str]


def confidence(by_source: Mapping[str, tuple[int, int]]) -> float:
    """0 to 1, of {source: (times, separate days)}."""
    left = (1 - CAPS[one] * (1 if one in STANDING else _often(n, days)) for one, (n, days) in by_source.items())
    return round(1 - prod(left), 3)


def _often(n: int, days: int) -> float:
    return (1 - 0.5 ** min(n, 64)) * (1 - 0.25 ** min(days, 64))


def pairs_of(some: Iterable[Touch], name_of: Callable[[str], str]) -> dict[Pair, list[Touch]]:
    """What was seen, by who needs whom as they are called today; what leads to oneself is left out."""
    found: dict[Pair, list[Touch]] = defaultdict(list)
    for one in some:
        pair = name_of(one.service), name_of(one.whom)
        if all(pair) and pair[0] != pair[1]:
            found[pair].append(one)
    return found


def proposal(pair: Pair, seen: Sequence[Touch]) -> Proposal:
    """What was seen between two, as people get it."""
    by_source: dict[str, list[Touch]] = defaultdict(list)
    for one in seen:
        by_source[one.source].append(one)
    sums = {one: (sum(row.n for row in rows), max(row.days for row in rows)) for one, rows in by_source.items()}
    direct = [one for one in seen if one.source != ORDER] or seen  # what only followed was not seen to touch
    told = sorted(direct, key=lambda one: (-one.n, one.source, one.node, one.target))
    n, failures = sum(one.n for one in told), sum(one.failures for one in told)
    return Proposal(
        id_of(*pair), *pair, DEPENDS_ON, confidence(sums), n, failures, max(one.days for one in seen),
        tuple(sorted(by_source)), min(one.first_us for one in seen), max(one.last_us for one in seen),
        tuple(Told(one.source, one.node, one.target, one.n, one.failures, one.last_us) for one in told[:MOST_TOLD]),
        text_of(pair, told, n, failures),
    )  # fmt: skip


def id_of(start: str, end: str) -> str:
    """Twelve hexadecimal digits that stand for two names."""
    return sha256(f"{start}\0{end}".encode()).hexdigest()[:12]


def text_of(pair: Pair, told: Sequence[Touch], n: int, failures: int) -> str:
    """`paperless -> 10.0.0.12:5432 (postgresql) seen 312 times, incl. 6 failures, on apps`."""
    start, end = pair
    named = told[0]
    if named.source == ORDER:
        return f"errors of {start} followed errors of {end} {_times(n)}"
    where = end if named.target == end else f"{named.target} ({end})"
    more = f" and {len(told) - 1} more ways" if len(told) > 2 else " and another way" if len(told) == 2 else ""  # noqa: PLR2004
    bad = f", incl. {failures:,} failure{'' if failures == 1 else 's'}" if failures else ""
    return f"{start} -> {where}{more} seen {_times(n)}{bad}, on {named.node}"


def _times(n: int) -> str:
    return "once" if n == 1 else f"{n:,} times"
