"""How well faults are noticed, and who is blamed: simulated fleets with known faults, and quiet days.

    python bench/detection.py [--seeds 1-200] [--quiet-days 60] [--memories 4] [--json] [--jobs 2]
                              [--graph [--missing 0.2] [--wrong 0.1]]

A run is eight days of an 8-node fleet's ordinary life, then one fault, whose kind goes round by seed; its messages take
the real way through templates and families, its counts the real detectors, grouping and rules of blame. Quiet days hold
what only looks like a fault. With --graph the fleet's inventory is loaded, of which a share of the edges can be missing
and as many in proportion wrong. Nothing here knows how a fault shows; the truth is used for nothing but to judge.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
import polars as pl

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

import devmesh.simulate
from devmesh.detectors import Watch
from devmesh.graph import Edge, Snapshot, read_inventory, snapshot_of
from devmesh.incidents import Grouping, Incident, Ties
from devmesh.intake.services import CANDIDATES, service_names
from devmesh.investigations import Fleet, Ranking, Signature, recall, roles_of, signature
from devmesh.investigations.service import AFTER_US, BEFORE_US, OWN_ADDRESS, QUOTED, SHARED_ADDRESS
from devmesh.memory import Minutes, Shape
from devmesh.simulate import FAULTS, Simulation, Slice, Truth, Wish, default_inventory
from devmesh.simulate.journal import _fields
from devmesh.templates.canonical import settle, shapes_of
from devmesh.templates.family import FamilyBook
from devmesh.templates.levels import level_of

MINUTE_US, HOUR_US, DAY_US = 60_000_000, 3_600_000_000, 86_400_000_000
SINCE_US = 20_400 * DAY_US
HISTORY_DAYS = 8
WATCHED_US = {"warning-leak": 36 * HOUR_US, "missed-backup": 36 * HOUR_US}  # others: 3 hours of a fault
GRACE_MIN = 15
APART_H = 12
CLOCK_MIN = 125  # lines of a clock that jumped bear times so far off
QUIET_DAYS = 30  # in one run
KEYS = ("minute", "family", "service", "node", "priority")


@dataclass(frozen=True)
class Known:
    """What the inventory says: shares of its edges that are missing, and wrong ones for each that there is."""

    missing: float = 0.0
    wrong: float = 0.0

    def snapshot(self, seed: int) -> Snapshot:
        """The graph of the simulated fleet, less and more."""
        dice = random.Random(seed)  # noqa: S311 - to be repeated
        whole = read_inventory((Path(devmesh.simulate.__file__).parent / "inventory.yaml").read_text())
        kept = [one for one in whole.edges if dice.random() >= self.missing]
        names = sorted(whole.services)
        tied = {(one.start, one.end) for one in whole.edges}
        while len(tied) < len(whole.edges) * (1 + self.wrong):
            start, end = dice.sample(names, 2)
            if (start, end) not in tied:
                tied.add((start, end))
                kept.append(Edge(start, end, "DEPENDS_ON"))
        return snapshot_of(replace(whole, edges=tuple(kept)), default_inventory().nodes)


@dataclass(frozen=True)
class Result:
    """What became of one run. `rank` is the true cause's place among the suspects, 0 where it is not among them."""

    kind: str
    seed: int
    found: int
    false: int
    detect_s: float | None
    rank: int
    severity: str
    detectors: tuple[str, ...]
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

    def fleet(self, watch: Watch, ties: Ties | None = None) -> Fleet:
        """What the rules of blame may know."""
        pairs = watch.normal.pairs
        own = {
            address: node
            for node, found in self.addresses.items()
            for address in [next((one for one, _n in found.most_common() if not SHARED_ADDRESS.search(one)), "")]
        }
        spoke = tuple(zip(pairs["service"].tolist(), pairs["node"].tolist(), strict=True))
        services, nodes = self.names()
        return Fleet(services, nodes, spoke, own, ties)

    def names(self) -> tuple[dict[int, str], dict[int, str]]:
        """Of services and of nodes, by number."""
        return {v: k for k, v in self.services.items()}, {v: k for k, v in self.nodes.items()}

    def ties(self, known: Known | None, seed: int) -> Ties | None:
        """What an inventory says of them."""
        services, nodes = self.names()
        return None if known is None else Ties(known.snapshot(seed), lambda _ids: services, lambda _ids: nodes)


def hours(counts: pl.DataFrame) -> Iterator[Minutes]:
    """The hours of counts (sorted by minute), up to the last minute that has some."""
    minute = counts["minute"].to_numpy()
    first, last, until = int(minute[0]) // 60, int(minute[-1]) // 60, int(minute[-1]) + 1
    edges = np.searchsorted(minute, np.arange(first, last + 2) * 60)
    for number, hour in enumerate(range(first, last + 1)):
        rows = counts[edges[number] : edges[number + 1]]
        columns = (rows[name].cast(pl.Int64).to_numpy() for name in (*KEYS, "n"))
        yield Minutes(hour, min(until, (hour + 1) * 60), *columns)


def run(kind: str, seed: int, days: int, known: Known | None = None) -> Result:
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
    began = time.process_time()
    ties = reader.ties(known, seed)
    watch, grouping = Watch(reader.shapes), Grouping(ties=ties)
    for hour in hours(counts):
        grouping.observe(hour, watch.observe(hour))
    cpu_s = time.process_time() - began
    told = [one for one in grouping.incidents if one.told is not None]
    length = (int(counts["minute"][-1]) - int(counts["minute"][0])) / 1440
    if truth is None:
        return Result(kind, seed, 0, len(told), None, 0, "", (), length, cpu_s)
    quotes = pl.concat(lines).join(home, "template")
    return judged(truth, told, reader.fleet(watch, ties), quotes, (seed, length, cpu_s))


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


def judged(
    truth: Truth, told: list[Incident], fleet: Fleet, lines: pl.DataFrame, of: tuple[int, float, float]
) -> Result:
    """What was told against what was true. Incidents beside the fault are false, more than one of it are split."""
    seed, length, cpu_s = of
    off = CLOCK_MIN if truth.kind == "clock-jump" else 0
    begin, end = truth.first_symptom_us // MINUTE_US - off, truth.end_us // MINUTE_US + GRACE_MIN + off
    own = [one for one in told if (one.told or 0) >= begin and one.onset <= end]
    false = len(told) - len(own)
    if not own:
        return Result(truth.kind, seed, 0, false, None, 0, "", (), length, cpu_s)
    first = own[0]
    detect_s = max(0.0, ((first.told or 0) + 1) * 60 - truth.first_symptom_us / 1e6)

    def quotes(family: int, node: int) -> list[str]:
        begin_us = first.findings[0].minute * MINUTE_US
        near = pl.col("ts_us").is_between(begin_us - BEFORE_US, begin_us + AFTER_US)
        some = lines.filter((pl.col("family") == family) & (pl.col("node") == node) & near)
        return some["message"].tail(QUOTED).to_list()

    suspects = Ranking(fleet).suspects(first.findings, quotes)
    order = [(fleet.services[one.service], fleet.nodes[one.node]) for one in suspects]
    rank = order.index(truth.cause) + 1 if truth.cause in order else 0
    detectors = tuple(sorted({one.detector for one in first.findings}))
    return Result(truth.kind, seed, len(own), false, detect_s, rank, first.severity, detectors, length, cpu_s)


def remembered(seed: int) -> tuple[int, int, int, int]:
    """(held out, recalled rightly, unseen and detected, recalled wrongly): eight kinds five times each, the last held
    out, then eight other kinds that were never there.
    """
    kinds = list(FAULTS)
    random.Random(seed).shuffle(kinds)  # noqa: S311 - to be repeated
    begin_us = SINCE_US + 3 * DAY_US
    order = [kind for _ in range(5) for kind in kinds[:8]] + kinds[8:]
    wishes = [Wish(kind, begin_us + number * APART_H * HOUR_US) for number, kind in enumerate(order)]
    end_us = wishes[-1].at_us + 3 * DAY_US if wishes[-1].at_us else 0
    reader, frames = Reader(made := Simulation(default_inventory(), 20_000 + seed, SINCE_US, end_us, wishes)), []
    for some in made:
        if some.messages:
            frame = reader.read(some)
            minute = (pl.col("ts_us") // MINUTE_US).alias("minute")
            frames.append(frame.group_by(minute, "template", "service", "node", "priority").agg(n=pl.len()))
    home = reader.families()
    counts = pl.concat(frames).join(home, "template").group_by(KEYS).agg(pl.col("n").sum()).sort(KEYS)
    watch, grouping = Watch(reader.shapes), Grouping()
    for hour in hours(counts):
        grouping.observe(hour, watch.observe(hour))
    texts = {family: shape.text for family, shape in reader.shapes.items()}
    names = {number: name for name, number in reader.services.items()}
    told = [one for one in grouping.incidents if one.told is not None]
    pairs = watch.normal.pairs
    roles = roles_of(zip(pairs["service"].tolist(), pairs["node"].tolist(), strict=True), names)
    seen: list[tuple[str, Signature]] = []
    held = right = unseen = wrong = 0
    for number, wish in enumerate(wishes):
        near = [one for one in told if 0 <= one.onset * MINUTE_US - (wish.at_us or 0) + MINUTE_US < APART_H * HOUR_US]
        if not near:
            continue
        mark = signature(near[0].findings, texts, names, roles)
        found = recall(mark, [one for _kind, one in seen])
        same = found is not None and seen[found.place][0] == wish.kind
        if number >= 40:
            unseen, wrong = unseen + 1, wrong + (found is not None)
        elif number >= 32:
            held, right = held + 1, right + same
            wrong += found is not None and not same
        seen.append((wish.kind, mark))
    return held, right, unseen, wrong


def summed(results: list[Result], memories: list[tuple[int, int, int, int]]) -> dict[str, float]:
    """The figures over all runs; rates are shares of the runs with a fault."""
    faults = [one for one in results if one.kind != "quiet"]
    found = [one for one in faults if one.found]
    false = sum(one.false for one in results)
    quiet_days = sum(one.days - 2 for one in results if one.kind == "quiet")  # it learns for two days
    out = {
        "recall": len(found) / max(1, len(faults)),
        "precision": len(found) / max(1, len(found) + false),
        "detect_s_median": median([one.detect_s or 0.0 for one in found] or [0.0]),
        "one_incident": sum(one.found == 1 for one in found) / max(1, len(found)),
        "top1": sum(one.rank == 1 for one in faults) / max(1, len(faults)),
        "top3": sum(1 <= one.rank <= 3 for one in faults) / max(1, len(faults)),
    }
    if quiet_days:
        out["false_per_14_days"] = 14 * sum(one.false for one in results if one.kind == "quiet") / quiet_days
    if memories:
        held, right, unseen, wrong = (sum(one[place] for one in memories) for place in range(4))
        out["seen_before_recall"] = right / max(1, held)
        out["seen_before_wrong"] = wrong / max(1, held + unseen)
    return {name: round(value, 4) for name, value in out.items()}


def table(results: list[Result]) -> str:
    """A line for each kind of fault, and which detectors saw it."""
    lines = [
        f"{'kind':22} {'runs':>4} {'found':>5} {'one':>4} {'top1':>4} {'top3':>4} {'median s':>8} false  detectors"
    ]
    for kind in sorted({one.kind for one in results}):
        some = [one for one in results if one.kind == kind]
        found = [one for one in some if one.found]
        seconds = f"{median(one.detect_s or 0.0 for one in found):.0f}" if found else "-"
        by = ", ".join(name for name, _n in Counter(name for one in found for name in one.detectors).most_common())
        lines.append(
            f"{kind:22} {len(some):4} {len(found):5} {sum(one.found == 1 for one in some):4} "
            f"{sum(one.rank == 1 for one in some):4} {sum(1 <= one.rank <= 3 for one in some):4} {seconds:>8} "
            f"{sum(one.false for one in some):5}  {by}"
        )
    return "\n".join(lines)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", default="1-200", help="of the runs with a fault: 7, or 1-200")
    parser.add_argument("--quiet-days", type=int, default=60)
    parser.add_argument("--memories", type=int, default=4, help="fleets of 48 faults each, to be recognized")
    parser.add_argument("--graph", action="store_true", help="with the fleet's inventory")
    parser.add_argument("--missing", type=float, default=0.0, help="share of its edges that nobody declared")
    parser.add_argument("--wrong", type=float, default=0.0, help="edges that are none, for each that is one")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if not re.fullmatch(r"\d+(-\d+)?", asked.seeds):
        parser.error("--seeds is a number or two with a dash")
    first, last = (int(one) for one in (asked.seeds.split("-") * 2)[:2])
    kinds = tuple(FAULTS)
    known = Known(asked.missing, asked.wrong) if asked.graph else None
    work = [(kinds[seed % len(kinds)], seed, 0, known) for seed in range(first, last + 1)]
    left, part = asked.quiet_days, 0
    while left > 0:
        part += 1
        work.append(("quiet", part, min(left, QUIET_DAYS), known))
        left -= QUIET_DAYS
    results = []
    with ProcessPoolExecutor(asked.jobs) as pool:
        for one in pool.map(run, *zip(*work, strict=True)):
            results.append(one)
            if not asked.json:
                sys.stderr.write(f"\r{len(results)} of {len(work)} runs")
        memories = list(pool.map(remembered, range(1, asked.memories + 1)))
    if asked.json:
        print(json.dumps(summed(results, memories) | {"runs": [asdict(one) for one in results]}))
        return
    print("\n" + table(results))
    print(f"recalled: (held out, rightly, unseen, wrongly) of each fleet {memories}")
    for name, value in summed(results, memories).items():
        print(f"{name:18} {value}")
    print(
        f"{'watching, CPU s':18} {sum(one.cpu_s for one in results):.1f} of {sum(one.days for one in results):.0f} days"
    )


if __name__ == "__main__":
    main()
