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
from devmesh.templates import Templates

ROOM = 1_024
NOBODY = -1

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
    homes, rows = dict[int, int](), dict[int, int]()
    counts = np.zeros((ROOM, len(spans)), np.int64)
    for part in parts:
        unknown = set(part["template_id"].unique()) - homes.keys()
        homes |= dict.fromkeys(unknown, NOBODY) | templates.homes(unknown)
        family = np.array([homes[one] for one in part["template_id"].to_list()], np.int64)
        node, hour, n = (part[name].to_numpy() for name in ("node_id", "hour", "n"))
        known = family != NOBODY
        packed = (family * NODES + node)[known].tolist()
        at = np.array([rows.setdefault(one, len(rows)) for one in packed], np.intp)
        while len(counts) < len(rows):
            counts = np.concatenate([counts, np.zeros_like(counts)])
        np.add.at(counts, (at, hour[known] // span_h - spans.start), n[known])
    family, node = np.divmod(np.array(list(rows), np.int64), NODES)
    return Speakers(family, node, counts[: len(rows)], spans.start)
