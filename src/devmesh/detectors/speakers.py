"""Who said how much over weeks: a row for each family on a node, a column for each day or hour."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from devmesh.memory import Floats
from devmesh.memory.baselines import NODES
from devmesh.memory.columns import UNKNOWN, Index
from devmesh.templates import Templates

ROOM = 1_024
NOBODY = -2  # a template that has no family

Ints = npt.NDArray[np.int64]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Speakers:
    """n of them: their families and nodes, and counts of shape (n, columns), of which the first is span `first` (days
    or hours since 1970, UTC).
    """

    family: Ints
    node: Ints
    counts: npt.NDArray[np.int64]
    first: int

    def __len__(self) -> int:
        return len(self.family)

    def some(self, rows: Places) -> Speakers:
        """Only these, in this order."""
        return Speakers(self.family[rows], self.node[rows], self.counts[rows], self.first)

    def seen(self, unseen: AbstractSet[tuple[int, int]]) -> Floats:
        """The counts as numbers, not known where (node, span) is unseen."""
        out = self.counts.astype(float)
        for node, span in unseen:
            if 0 <= span - self.first < out.shape[1]:
                out[self.node == node, span - self.first] = np.nan
        return out


def gather(parts: Iterable[pl.DataFrame], templates: Templates, span_h: int, spans: range) -> Speakers:
    """Counts of templates (hour, template_id, node_id, n), part by part so that little is in memory at once, as those
    of their families in spans of so many hours; templates that have no family yet are left out.
    """
    homes, rows = Index(), Index()  # families by template, rows by family and node
    counts, known = np.zeros((ROOM, len(spans)), np.int64), list[Ints]()
    for part in parts:
        some, place = np.unique(part["template_id"].to_numpy(), return_inverse=True)
        unknown = some[homes.of(some) == UNKNOWN]
        found = templates.homes(set(unknown.tolist()))
        homes.add(unknown, np.array([found.get(one, NOBODY) for one in unknown.tolist()], np.intp))
        family = homes.of(some)[place]
        node, hour, n = (part[name].to_numpy() for name in ("node_id", "hour", "n"))
        at_home = family != NOBODY
        packed, place = np.unique((family * NODES + node)[at_home], return_inverse=True)
        at = rows.of(packed)
        fresh = at == UNKNOWN
        at[fresh] = len(rows) + np.arange(fresh.sum())
        rows.add(packed[fresh], at[fresh])
        known.append(packed[fresh])
        while len(counts) < len(rows):
            counts = np.concatenate([counts, np.zeros_like(counts)])
        np.add.at(counts, (at[place], hour[at_home] // span_h - spans.start), n[at_home])
    family, node = np.divmod(np.concatenate([np.zeros(0, np.int64), *known]), NODES)
    return Speakers(family, node, counts[: len(rows)], spans.start)
