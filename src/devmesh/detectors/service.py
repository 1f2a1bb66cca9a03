"""The room's verbs: the past as detectors see it, hour by hour."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from devmesh.detectors import tables  # noqa: F401 - the store knows them by this
from devmesh.detectors.watch import LEARN_H, Watch
from devmesh.events import Events
from devmesh.memory import Minutes, Shape
from devmesh.templates import Templates

HOUR_US, MINUTE_US = 3_600_000_000, 60_000_000
READ_H = 24  # at a time
KEYS = ("minute", "family_id", "service_id", "node_id", "priority")


class Detectors:
    """What looks wrong."""

    def __init__(self, templates: Templates, events: Events) -> None:
        self._templates, self._events = templates, events

    def past(self, since_us: int, until_us: int, learn_h: int = LEARN_H) -> Past:
        """The time from `since_us` on, to be watched as if it were now."""
        return Past(self._templates, self._events, (since_us, until_us), learn_h)


class Past:
    """Iterate over its hours (those before the first event left out), and give each to `watch` in turn."""

    def __init__(self, templates: Templates, events: Events, span: tuple[int, int], learn_h: int) -> None:
        self._templates, self._events = templates, events
        self._since_us, self._until_us = span
        self.shapes: dict[int, Shape] = {}
        self.watch = Watch(self.shapes, learn_h)

    def __iter__(self) -> Iterator[Minutes]:
        first, last = self._since_us // HOUR_US, -(-self._until_us // HOUR_US)
        begun = False
        for start in range(first, last, READ_H):
            end = min(start + READ_H, last)
            counts = self._counts(max(start * HOUR_US, self._since_us), min(end * HOUR_US, self._until_us))
            begun = begun or len(counts) > 0
            if begun:
                yield from self._hours(counts, start, end)

    def _hours(self, counts: pl.DataFrame, first: int, last: int) -> Iterator[Minutes]:
        until = self._until_us // MINUTE_US
        edges = np.searchsorted(counts["minute"].to_numpy(), np.arange(first, last + 1) * 60)
        for number, hour in enumerate(range(first, last)):
            rows = counts[edges[number] : edges[number + 1]]
            yield Minutes(hour, min(until, (hour + 1) * 60), *(rows[name].to_numpy() for name in (*KEYS, "n")))

    def _counts(self, since_us: int, until_us: int) -> pl.DataFrame:
        """(minute, family_id, service_id, node_id, priority, n), sorted; templates that have no family yet wait."""
        counts = self._events.by_minute(since_us, until_us)
        homes = self._templates.homes(counts["template_id"].unique())
        unknown = set(homes.values()) - self.shapes.keys()
        for asked, one in self._templates.families(unknown).items():
            self.shapes[asked] = Shape(one.service_id, one.text, one.level)
        home = pl.DataFrame(list(homes.items()), schema={"template_id": pl.Int64, "family_id": pl.Int64}, orient="row")
        joined = counts.join(home, "template_id")
        return joined.group_by(KEYS).agg(pl.col("n").sum()).sort(KEYS)
