"""A look at the past beside what was told in it: what would be told more, what less, what earlier or later.

Two are the same if they speak of the same service on the same node at the same time; an incident goes on for half an
hour after its last sign. What was told before the watch began, or while only learning, is not compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from devmesh.incidenting import rows
from devmesh.incidents import Case
from devmesh.paging import LIMIT_MAX

if TYPE_CHECKING:
    from devmesh.incidents import Incident
    from devmesh.mesh import Mesh

MINUTE_US = 60_000_000
OPEN_US, WEEK_US = 30 * MINUTE_US, 7 * 24 * 60 * MINUTE_US
PAGES = 10  # of what was told


@dataclass(frozen=True)
class Spell:
    """An incident of either sort: when it began, was told and ended, and whom it speaks of."""

    place: int
    onset_us: int
    told_us: int
    end_us: int
    pairs: frozenset[tuple[int, int]]

    def meets(self, other: Spell) -> bool:
        """Whether the two are the same."""
        together = self.onset_us <= other.end_us and other.onset_us <= self.end_us
        return together and not self.pairs.isdisjoint(other.pairs)


def beside(
    mesh: Mesh, shown: Sequence[Incident], told: Sequence[dict[str, Any]], span: tuple[int, int]
) -> dict[str, Any]:
    """{compared_since_us, messages, a_week, more, less, same}: `told` describe `shown`, what would be told in `span`
    once it had learned. How many were `told` and `would` be: `messages`, None where nothing was watched; `a_week`, None
    of less than a day.
    """
    progress = mesh.detectors.progress()
    since_us = span[1] if progress is None else max(span[0], progress.began * MINUTE_US)
    until_us = since_us if progress is None else min(span[1], progress.until * MINUTE_US)
    if since_us >= until_us:
        return {"compared_since_us": None, "messages": None, "a_week": None, "more": [], "less": [], "same": []}
    cases = _told(mesh, since_us, until_us)
    parts = mesh.incidents.parts([one.id for one in cases])
    really = [
        Spell(place, one.onset_us, one.enough_us or 0, one.last_us + OPEN_US, frozenset(
            (part.service_id, part.node_id) for part in parts[one.id]
        ))
        for place, one in enumerate(cases)
    ]  # fmt: skip
    would = [
        Spell(place, one.onset * MINUTE_US, (one.told or 0) * MINUTE_US, one.last * MINUTE_US + OPEN_US,
              frozenset(one.pairs))
        for place, one in enumerate(shown)
    ]  # fmt: skip
    now_told = [one for one in would if since_us <= one.told_us < until_us]
    was_told = [one for one in really if one.told_us >= since_us]
    more = [one for one in now_told if not any(map(one.meets, really))]
    less = [one for one in was_told if not any(map(one.meets, would))]
    sums, weeks = {"told": len(was_told), "would": len(now_told)}, (until_us - since_us) / WEEK_US
    return {
        "compared_since_us": since_us,
        "messages": sums,
        "a_week": {name: round(n / weeks, 2) for name, n in sums.items()} if weeks * 7 >= 1 else None,
        "more": [told[one.place] for one in more],
        "less": _missed(mesh, [cases[one.place] for one in less]),
        "same": [
            {"id": cases[one.place].id, "later_s": (min(met) - one.told_us) // 1_000_000}
            for one in was_told
            if (met := [other.told_us for other in would if other.meets(one)])
        ],
    }


def _told(mesh: Mesh, since_us: int, until_us: int) -> list[Case]:
    """What was told until then and went on after `since_us`."""
    out, cursor = list[Case](), None
    for _page in range(PAGES):
        page = mesh.incidents.list(since_us=since_us, until_us=until_us, limit=LIMIT_MAX, cursor=cursor)
        out += [one for one in page.rows if one.enough_us is not None and one.enough_us < until_us]
        cursor = page.cursor
        if cursor is None:
            break
    return out


def _missed(mesh: Mesh, cases: Sequence[Case]) -> list[dict[str, Any]]:
    """What would not be told, what people called real first."""
    keys = ("id", "title", "severity", "onset_us", "detected_us", "services", "nodes", "votes")
    listed = [{key: one[key] for key in keys} for one in rows(mesh, cases)]
    for one in listed:
        one["real"] = one["votes"]["real"] > one["votes"]["noise"]
    return sorted(listed, key=lambda one: (not one["real"], -one["onset_us"]))
