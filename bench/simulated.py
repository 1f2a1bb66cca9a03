"""Simulated life as the watch sees it: lines to counts by minute of families, and what the detectors find in them.

Beside `detection.py`, which says how to run it. Nothing here knows how a fault shows.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from devmesh.detectors import Finding, Watch
from devmesh.intake.services import CANDIDATES, service_names
from devmesh.investigations import Fleet
from devmesh.investigations.service import OWN_ADDRESS, SHARED_ADDRESS
from devmesh.memory import Minutes, Shape
from devmesh.simulate import Simulation, Slice, Truth, Wish, default_inventory
from devmesh.simulate.journal import _fields
from devmesh.templates.canonical import settle, shapes_of
from devmesh.templates.family import FamilyBook
from devmesh.templates.levels import level_of

MINUTE_US, HOUR_US, DAY_US = 60_000_000, 3_600_000_000, 86_400_000_000
SINCE_US = 20_400 * DAY_US
HISTORY_DAYS = 8
WATCHED_US = {"warning-leak": 36 * HOUR_US, "missed-backup": 36 * HOUR_US}  # others: 3 hours of a fault
KEYS = ("minute", "family", "service", "node", "priority")


@dataclass(frozen=True)
class Watched:
    """One run as the watch saw it: its hours, what was found in each, and the lines around the fault (none where
    `truth` is None); the fleet knows no inventory yet.
    """

    kind: str
    seed: int
    truth: Truth | None
    fleet: Fleet
    hours: Sequence[tuple[Minutes, Sequence[Finding]]]
    lines: pl.DataFrame
    days: float
    cpu_s: float


class Reader:
    """From a simulation's slices to counts by minute of families, and the lines to quote."""

    def __init__(self, made: Simulation) -> None:
        self.world = made.world
        self.services, self.nodes = dict[str, int](), dict[str, int]()
        self.shapes: dict[int, Shape] = {}
        self._templates: dict[tuple[int, str], int] = {}
        self._levels: list[int] = []
        self._home: dict[int, tuple[int, int]] = {}
        self._texts: dict[tuple[int, int], str] = {}
        self._books: dict[int, FamilyBook] = defaultdict(FamilyBook)
        self._who: list[tuple[int, int]] = []
        self.addresses: dict[int, Counter[str]] = defaultdict(Counter)

    def read(self, some: Slice) -> pl.DataFrame:
        """(ts_us, template, service, node, priority, message) of a slice."""
        who = np.array([self._speaker(run) for run in range(len(self.world.runs))])[np.array(some.runs)]
        shapes = pl.DataFrame({"shape": shapes_of(pl.Series(some.messages)), "service": who[:, 0]})
        kinds = shapes.unique(maintain_order=True)
        texts = settle(kinds["shape"].to_list())
        kinds = kinds.with_columns(template=pl.Series(self._recognize(kinds["service"].to_list(), texts)))
        template = shapes.join(kinds, ["shape", "service"], "left", maintain_order="left")["template"].to_numpy()
        priority = np.minimum(np.array(some.priorities), np.array(self._levels)[template])
        frame = pl.DataFrame({"ts_us": some.ts_us, "template": template, "service": who[:, 0], "node": who[:, 1]})
        frame = frame.with_columns(priority=pl.Series(priority), message=pl.Series(some.messages))
        told = frame.filter(pl.col("message").str.contains(" DST=", literal=True))
        for node, message in zip(told["node"], told["message"], strict=True):
            self.addresses[node].update(OWN_ADDRESS.findall(message))
        return frame

    def _speaker(self, run: int) -> tuple[int, int]:
        while len(self._who) <= run:
            one = self.world.runs[len(self._who)]
            fields = {name: [value] for name, value in _fields(one).items() if name in CANDIDATES}
            name = service_names(pl.DataFrame(fields), pl.Series([None], dtype=pl.String), pl.Series([1]))[0]
            service = self.services.setdefault(name, len(self.services))
            self._who.append((service, self.nodes.setdefault(one.source.node, len(self.nodes))))
        return self._who[run]

    def _recognize(self, services: list[int], texts: list[str]) -> list[int]:
        fresh: dict[int, list[tuple[int, str, int | None]]] = defaultdict(list)
        out = []
        for service, text in zip(services, texts, strict=True):
            known = self._templates.get((service, text))
            if known is None:
                known = self._templates[service, text] = len(self._templates)
                level = level_of(text)
                self._levels.append(9 if level is None else level)
                fresh[service].append((known + 1, text, level))
            out.append(known)
        for service, rows in fresh.items():
            outcome = self._books[service].assign(rows)
            for gone, root in outcome.merged.items():
                for template, home in self._home.items():
                    if home == (service, gone):
                        self._home[template] = service, root
            self._home.update({template - 1: (service, home) for template, home in outcome.assigned.items()})
            self._texts.update({(service, family): text for family, text in outcome.texts.items()})
        return out

    def families(self) -> pl.DataFrame:
        """(template, family) as they are in the end; `shapes` knows the families from now on."""
        numbers = {home: number for number, home in enumerate(sorted(set(self._home.values())))}
        for template, home in self._home.items():
            stated = self._levels[template]
            level = None if stated == 9 else stated
            self.shapes[numbers[home]] = Shape(home[0], self._texts.get(home, ""), level)
        return pl.DataFrame({"template": self._home.keys(), "family": [numbers[one] for one in self._home.values()]})

    def fleet(self, watch: Watch) -> Fleet:
        """What the rules of blame may know."""
        pairs = watch.normal.pairs
        own = {
            address: node
            for node, found in self.addresses.items()
            for address in [next((one for one, _n in found.most_common() if not SHARED_ADDRESS.search(one)), "")]
        }
        spoke = tuple(zip(pairs["service"].tolist(), pairs["node"].tolist(), strict=True))
        services, nodes = self.names()
        return Fleet(services, nodes, spoke, own)

    def names(self) -> tuple[dict[int, str], dict[int, str]]:
        """Of services and of nodes, by number."""
        return {v: k for k, v in self.services.items()}, {v: k for k, v in self.nodes.items()}


def hours(counts: pl.DataFrame) -> Iterator[Minutes]:
    """The hours of counts (sorted by minute), up to the last minute that has some."""
    minute = counts["minute"].to_numpy()
    first, last, until = int(minute[0]) // 60, int(minute[-1]) // 60, int(minute[-1]) + 1
    edges = np.searchsorted(minute, np.arange(first, last + 2) * 60)
    for number, hour in enumerate(range(first, last + 1)):
        rows = counts[edges[number] : edges[number + 1]]
        columns = (rows[name].cast(pl.Int64).to_numpy() for name in (*KEYS, "n"))
        yield Minutes(hour, min(until, (hour + 1) * 60), *columns)


def watched(kind: str, seed: int, days: int) -> Watched:
    """One run; kind `quiet` is `days` without a fault."""
    made, truth, end_us = quiet(seed, days) if kind == "quiet" else faulty(kind, seed)
    reader, frames, lines = Reader(made), [], []
    for some in made:
        if some.messages:
            frame = reader.read(some)
            if truth is not None:
                around = pl.col("ts_us").is_between(truth.first_symptom_us - 9 * HOUR_US, truth.end_us + HOUR_US)
                lines.append(frame.filter(around))
            minute = (pl.col("ts_us") // MINUTE_US).alias("minute")
            frames.append(frame.group_by(minute, "template", "service", "node", "priority").agg(n=pl.len()))
    home = reader.families()
    counts = pl.concat(frames).join(home, "template").group_by(KEYS).agg(pl.col("n").sum()).sort(KEYS)
    counts = counts.filter(pl.col("minute") < end_us // MINUTE_US)  # a clock that is ahead stretches no time
    began, watch = time.process_time(), Watch(reader.shapes)
    found = [(hour, watch.observe(hour)) for hour in hours(counts)]
    cpu_s = time.process_time() - began
    length = (int(counts["minute"][-1]) - int(counts["minute"][0])) / 1440
    quotes = pl.concat(lines).join(home, "template") if lines else pl.DataFrame()
    return Watched(kind, seed, truth, reader.fleet(watch), found, quotes, length, cpu_s)


def quiet(seed: int, days: int) -> tuple[Simulation, None, int]:
    """Days with look-alikes, one in three days, and their end."""
    end_us = SINCE_US + days * DAY_US
    return Simulation(default_inventory(), 10_000 + seed, SINCE_US, end_us, harmless=max(1, days // 3)), None, end_us


def faulty(kind: str, seed: int) -> tuple[Simulation, Truth, int]:
    """History, then a fault at any time of the day after; and its end."""
    at_us = SINCE_US + HISTORY_DAYS * DAY_US + random.Random(seed).randrange(DAY_US)  # noqa: S311 - to be repeated
    wish, inventory = [Wish(kind, at_us)], default_inventory()
    first = Simulation(inventory, seed, SINCE_US, SINCE_US + (HISTORY_DAYS + 3) * DAY_US, wish)
    truth = next(one for one in first.truths if one.kind == kind)
    end_us = min(truth.end_us, at_us + WATCHED_US.get(kind, 3 * HOUR_US)) + HOUR_US
    made = Simulation(inventory, seed, SINCE_US, end_us, wish)
    return made, next(one for one in made.truths if one.kind == kind), end_us
