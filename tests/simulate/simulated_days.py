"""Spans of simulated time for tests, and what stands in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from devmesh.simulate import Simulation, Wish, default_inventory
from devmesh.simulate.world import Run

DAY_US, HOUR_US = 86_400_000_000, 3_600_000_000
MONDAY_US = 1_768_780_800_000_000  # 2026-01-19 00:00 UTC


class Line(NamedTuple):
    """One line and who said it."""

    true_us: int
    ts_us: int
    run: Run
    priority: int
    pid: int
    message: str


def simulation(*wishes: Wish, seed: int = 1, days: float = 1, **more) -> Simulation:
    """The default fleet from Monday on; ordinary reboots and deploys only where they are asked for."""
    more.setdefault("ordinary", False)
    inventory = more.pop("inventory", None) or default_inventory()
    return Simulation(inventory, seed, MONDAY_US, MONDAY_US + round(days * DAY_US), wishes, **more)


def lines_of(made: Simulation) -> Iterator[Line]:
    """Every line in its order."""
    for some in made:
        columns = (some.true_us, some.ts_us, some.runs, some.priorities, some.pids, some.messages)
        for true_us, ts_us, run, *rest in zip(*columns, strict=True):
            yield Line(true_us, ts_us, made.world.runs[run], *rest)


def text_of(made: Simulation) -> str:
    """The whole stream as NDJSON."""
    journal = made.journal()
    return "".join(line + "\n" for some in made for _node, _seq, line in journal.ndjson(some))
