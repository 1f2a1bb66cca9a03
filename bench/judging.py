"""What became of a simulated fault: noticed when, as how many incidents, who was blamed, who is called affected.

Beside `detection.py`, which says how to run it. The truth is used for nothing but to judge.
"""

from __future__ import annotations

import random
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

import devmesh.simulate
from devmesh.graph import Edge, Snapshot, read_inventory, snapshot_of
from devmesh.incidents import Grouping, Incident, Ties
from devmesh.investigations import Fleet, Ranking, impact_of
from devmesh.investigations.service import AFTER_US, BEFORE_US, QUOTED
from devmesh.simulate import Truth, default_inventory
from simulated import MINUTE_US, Watched  # beside this file

GRACE_MIN = 15
CLOCK_MIN = 125  # lines of a clock that jumped bear times so far off


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
        most = round(len(tied) * (1 + self.wrong))
        while len(tied) < most:
            start, end = dice.sample(names, 2)
            if (start, end) not in tied:
                tied.add((start, end))
                kept.append(Edge(start, end, "DEPENDS_ON"))
        return snapshot_of(replace(whole, edges=tuple(kept)), default_inventory().nodes)

    def ties(self, fleet: Fleet, seed: int) -> Ties:
        """What it says of a fleet."""
        return Ties(self.snapshot(seed), lambda _ids: fleet.services, lambda _ids: fleet.nodes)


@dataclass(frozen=True)
class Result:
    """What became of one run. `rank` is the true cause's place among the suspects, 0 where it is not among them.
    `concerned` is how many others than the cause are really affected, `stated` how many the report says are (but for
    its first suspect), `rightly` how many of those truly.
    """

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
    concerned: int = 0
    stated: int = 0
    rightly: int = 0


def judge(one: Watched, known: Known | None) -> Result:
    """What is told of a run, held against the truth."""
    fleet = one.fleet if known is None else replace(one.fleet, ties=known.ties(one.fleet, one.seed))
    began, grouping = time.process_time(), Grouping(ties=fleet.ties)
    for hour, findings in one.hours:
        grouping.observe(hour, findings)
    one = replace(one, fleet=fleet, cpu_s=one.cpu_s + time.process_time() - began)
    told = [incident for incident in grouping.incidents if incident.told is not None]
    if one.truth is None:
        return Result(one.kind, one.seed, 0, len(told), None, 0, "", (), one.days, one.cpu_s)
    return judged(one, one.truth, told)


def judged(run: Watched, truth: Truth, told: list[Incident]) -> Result:
    """What was told against what was true. Incidents beside the fault are false, more than one of it are split."""
    fleet, lines = run.fleet, run.lines
    off = CLOCK_MIN if truth.kind == "clock-jump" else 0
    begin, end = truth.first_symptom_us // MINUTE_US - off, truth.end_us // MINUTE_US + GRACE_MIN + off
    own = [one for one in told if (one.told or 0) >= begin and one.onset <= end]
    false = len(told) - len(own)
    others = set(truth.affected) - {truth.cause}
    if not own:
        return Result(truth.kind, run.seed, 0, false, None, 0, "", (), run.days, run.cpu_s, len(others))
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
    kernel = next((number for number, name in fleet.services.items() if name == "kernel"), None)
    blamed = suspects[0].service, suspects[0].node
    stated = {
        (fleet.services[service], fleet.nodes[node])
        for service, node in impact_of(first.findings, blamed, fleet.pairs, fleet.ties, kernel).affected
    } - {order[0], truth.cause}
    detectors = tuple(sorted({one.detector for one in first.findings}))
    return Result(
        truth.kind, run.seed, len(own), false, detect_s, rank, first.severity, detectors, run.days, run.cpu_s,
        len(others), len(stated), len(stated & others),
    )  # fmt: skip
