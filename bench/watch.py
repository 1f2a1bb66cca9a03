"""What watching costs: 50,000 families on 8 nodes.

    python bench/watch.py [--families 50000] [--nodes 8] [--days 10] [--everywhere] [--json]

Makes counts of a fleet with a heavy tail (Zipf: most families speak a few times a day) at 1,000,000 events a day, lets
a watch learn them for some days, and then times one pass (an hour observed and learned) and one live look (a copy of
the watch, the open hour observed on it), and what memory the watch takes: its process's resident memory after learning
less that before, and the most while it looks. Of the families 15 % speak on all nodes, 25 % on two, the rest on one;
`--everywhere`: each on each.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from devmesh.detectors import Tuning, Watch
from devmesh.memory import Minutes, Shape, fork
from machine import yardstick

FIRST_H = 20_400 * 24
EVENTS_A_DAY = 1_000_000
SERVICES_EACH = 100  # families
PRIORITIES = (6, 6, 6, 6, 6, 6, 6, 5, 4, 3)
PASSES = 9
PAGE = os.sysconf("SC_PAGE_SIZE")


class Fleet:
    """Makes hours of counts, always the same."""

    def __init__(self, families: int, nodes: int, *, everywhere: bool) -> None:
        random = np.random.default_rng(1)
        reach = random.choice([1, 2, nodes], families, p=[0.6, 0.25, 0.15])
        spread = np.full(families, nodes) if everywhere else reach
        self.family = np.repeat(np.arange(1, families + 1), spread)
        place = np.arange(len(self.family)) - np.repeat(np.cumsum(spread) - spread, spread)
        self.node = (self.family + place) % nodes + 1
        share = random.permutation(1.0 / np.arange(1, families + 1))[self.family - 1] / spread[self.family - 1]
        self._upto = np.cumsum(share / share.sum())
        priority = random.choice(PRIORITIES, families)
        self._priority = priority[self.family - 1]
        self.shapes = {
            number: Shape(number // SERVICES_EACH, f"family {number} says <n> of <path> in <dur>", None)
            for number in range(1, families + 1)
        }

    def hour(self, number: int, minutes: int = 60) -> Minutes:
        """Counts of one hour since the first, of its first minutes; busier by day."""
        random = np.random.default_rng(number)
        busy = 1.0 + 0.5 * np.sin(2 * np.pi * (number - 8) / 24)
        events = int(random.poisson(EVENTS_A_DAY / 24 * busy * minutes / 60))
        key = np.searchsorted(self._upto, random.random(events))
        code, n = np.unique(random.integers(0, minutes, events) * len(self.family) + key, return_counts=True)
        minute, key = np.divmod(code, len(self.family))
        start, family = (FIRST_H + number) * 60, self.family[key]
        return Minutes(
            FIRST_H + number, start + minutes, minute + start, family, family // SERVICES_EACH, self.node[key],
            self._priority[key], n,
        )  # fmt: skip


def measured(families: int, nodes: int, days: int, *, everywhere: bool) -> dict[str, float]:
    """The figures; needs a process of its own."""
    fleet = Fleet(families, nodes, everywhere=everywhere)
    watch = Watch(fleet.shapes, Tuning())
    for number in range(2):  # what is loaded once and belongs to nobody
        fork(Watch(fleet.shapes, Tuning()), [fleet.shapes]).observe(fleet.hour(number))
    before = resident()
    for number in range(days * 24):
        watch.observe(fleet.hour(number))
    out = {"keys": len(watch.normal.keys), "watch_mb": (resident() - before) / 1e6}
    hours = iter(range(days * 24, 1 << 20))
    passes = [timed(watch.observe, fleet.hour(next(hours))) for _ in range(PASSES)]
    number = next(hours)
    looks = list(looked(watch, fleet, number))
    out |= {"rows_an_hour": len(fleet.hour(number).minute)}
    for name, some in (("pass", passes), ("look", [one[:2] for one in looks])):
        out |= {f"{name}_cpu_s": statistics.median(one[0] for one in some)}
        out |= {f"{name}_wall_s": statistics.median(one[1] for one in some)}
    out["looking_mb"] = (max(one[2] for one in looks) - before) / 1e6
    return {name: round(value, 3) for name, value in out.items()}


def looked(watch: Watch, fleet: Fleet, number: int) -> Iterator[tuple[float, float, int]]:
    """(CPU s, wall s, most resident bytes meanwhile) of looks into the open hour."""

    def look(hour: Minutes) -> None:
        fork(watch, [fleet.shapes]).observe(hour)  # as detectors/live.py does

    for minutes in np.linspace(5, 60, PASSES).astype(int).tolist():
        hour = fleet.hour(number, minutes)
        resident()
        Path("/proc/self/clear_refs").write_text("5")  # forget what was the most so far
        spent = timed(look, hour)
        most = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
        yield (*spent, int(most.split()[1]) * 1024)


def timed(act: Callable[[Minutes], object], hour: Minutes) -> tuple[float, float]:
    """CPU and wall seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    act(hour)
    return time.process_time() - cpu, time.perf_counter() - wall


def resident() -> int:
    """Bytes of this process in memory, freed ones given back."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", type=int, default=50_000)
    parser.add_argument("--nodes", type=int, default=8)
    parser.add_argument("--days", type=int, default=10)
    parser.add_argument("--everywhere", action="store_true")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = measured(asked.families, asked.nodes, asked.days, everywhere=asked.everywhere)
    if asked.json:
        print(json.dumps(found | yardstick()))
        return
    for name, value in found.items():
        sys.stdout.write(f"{name:14} {value:,}\n")


if __name__ == "__main__":
    main()
