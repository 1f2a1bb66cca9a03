"""Jobs by plan, made for tests: each is a family, and starts with its own delay."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from devmesh.detectors import Finding
from devmesh.detectors.schedule import Schedule
from devmesh.memory import Baselines, Minutes, Shape

DAY_MIN = 1440
BEGIN_DAY = 20_400  # Saturday, 8 November 2025
NODES, A_SERVICE = 8, 10  # jobs of one service
LEARN_DAYS = 2

Delay = Callable[[np.random.Generator], float]


def uniform(most: float) -> Delay:
    """Up to so many minutes, each alike: systemd's RandomizedDelaySec."""
    return lambda random: random.uniform(0, most)


def normal(deviation: float) -> Delay:
    """On both sides of its time."""
    return lambda random: random.normal(0, deviation)


@dataclass(frozen=True)
class Job:
    """Runs at `at` minutes of each period (its first in the first one), and then waits for its delay."""

    number: int
    period: int
    at: int
    delay: Delay

    def runs(self, days: int, random: np.random.Generator) -> list[int]:
        """Minutes since the beginning."""
        times = range(self.at, days * DAY_MIN, self.period)
        return [max(0, round(time + self.delay(random))) for time in times]


def hours(runs: dict[int, Sequence[int]], days: int, begin: int = BEGIN_DAY) -> Iterator[Minutes]:
    """The hours of these days, with the runs of each job by number."""
    by_hour: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for number, minutes in runs.items():
        for minute in minutes:
            by_hour[minute // 60].append((minute, number))
    for hour in range(days * 24):
        yield an_hour(hour, by_hour[hour], begin=begin)


def an_hour(hour: int, rows: list[tuple[int, int]], until_min: int = 60, begin: int = BEGIN_DAY) -> Minutes:
    """An hour up to a minute of it; rows of (minute, number of a job)."""
    first = begin * 24 + hour
    kept = sorted(one for one in rows if one[0] < hour * 60 + until_min)
    table = np.array(kept, np.int64).reshape(-1, 2).T
    minute, job = table[0] + begin * DAY_MIN, table[1]
    ones = np.ones(len(job), np.int64)
    service = job // A_SERVICE
    return Minutes(first, first * 60 + until_min, minute, job, service, 1 + service % NODES, 6 * ones, ones)


def shapes(runs: dict[int, Sequence[int]]) -> dict[int, Shape]:
    """What the families of these jobs are."""
    return {number: Shape(number // A_SERVICE, f"Finished job-{number}.service", None) for number in runs}


def missed(
    runs: dict[int, Sequence[int]], days: int, begin: int = BEGIN_DAY, blind: Mapping[int, frozenset[int]] | None = None
) -> list[Finding]:
    """What the detector alone finds overdue; its minutes are since the first day, those of `blind` since 1970."""
    schedule, normal, out = Schedule(), Baselines(shapes(runs)), list[Finding]()
    for counts in hours(runs, days, begin):
        hour = normal.meet(replace(counts, blind=blind or {}))
        out += schedule.observe(hour, normal, told=counts.hour >= (begin + LEARN_DAYS) * 24)
        normal.learn(hour)
    return [replace(one, minute=one.minute - begin * DAY_MIN) for one in out]
