"""Counts as detectors read them: of families, hour by hour."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import polars as pl

from devmesh.detectors.rules import OWN
from devmesh.memory import Minutes, Shape, Sight
from devmesh.templates import Templates

HOUR_MIN = 60
OWN_SERVICE = "devmesh"
KEYS = ("minute", "family_id", "service_id", "node_id", "priority")

NamesOf = Callable[[Iterable[int]], dict[int, str]]  # of services


class Counts:
    """Makes counts of templates those of families; `shapes` knows each family that was met."""

    def __init__(self, templates: Templates, names_of: NamesOf) -> None:
        self._templates, self._names_of = templates, names_of
        self.shapes: dict[int, Shape] = {}
        self._own: set[int] = set()  # families of our own words about incidents
        self._homes: dict[int, int] = {}
        self.moved = False  # a template went to another family: what was learned of both is of others now

    def by_family(self, counts: pl.DataFrame) -> pl.DataFrame:
        """(minute, family_id, service_id, node_id, priority, n), sorted; templates that have no family yet wait, and
        what DevMesh itself writes of incidents is left out.
        """
        homes = self._templates.homes(counts["template_id"].unique())
        self.moved |= any(self._homes.get(template, home) != home for template, home in homes.items())
        self._homes |= homes
        unknown = set(homes.values()) - self.shapes.keys()
        for asked, one in self._templates.families(unknown).items():
            self.shapes[asked] = Shape(one.service_id, one.text, one.level)
            # Of nobody else: it would be a way to hide.
            if OWN.search(one.text) and self._names_of([one.service_id])[one.service_id].startswith(OWN_SERVICE):
                self._own.add(asked)
        homes = {template: home for template, home in homes.items() if home not in self._own}
        home = pl.DataFrame(list(homes.items()), schema={"template_id": pl.Int64, "family_id": pl.Int64}, orient="row")
        return counts.join(home, "template_id").group_by(KEYS).agg(pl.col("n").sum()).sort(KEYS)


def hours(counts: pl.DataFrame, first: int, last: int, until: int, sight: Sight | None = None) -> Iterator[Minutes]:
    """Sorted counts of families as the hours from `first` to before `last`; minutes before `until` are over."""
    edges = np.searchsorted(counts["minute"].to_numpy(), np.arange(first, last + 1) * HOUR_MIN)
    for number, hour in enumerate(range(first, last)):
        yield as_one(counts[edges[number] : edges[number + 1]], min(until, (hour + 1) * HOUR_MIN), hour, sight)


def as_one(counts: pl.DataFrame, until: int, hour: int = 0, sight: Sight | None = None) -> Minutes:
    """Sorted counts of families before minute `until`, as they are."""
    rows = counts.filter(pl.col("minute") < until)
    minute, family, service, node, priority, n = (rows[name].to_numpy() for name in (*KEYS, "n"))
    seen = sight or Sight()
    return Minutes(hour, until, minute, family, service, node, priority, n, seen.blind, seen.unseen)
