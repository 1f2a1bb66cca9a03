"""A life of counts that is made for tests: families with a rate or a timetable, and what happens besides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from devmesh.memory import Minutes, Shape

MONDAY_H = 20_400 * 24
SHAPES = {
    1: Shape(1, 'GET "<path>" 200 <dur>', None),
    2: Shape(1, "slow request <dur>", None),
    3: Shape(2, "heartbeat <n>", None),
    4: Shape(3, "backup finished", None),
    5: Shape(1, "cannot parse document <n>", None),
    6: Shape(4, "Out of memory: Killed process <n> (api)", None),
    7: Shape(1, "dial tcp <ip>: connect: connection refused", None),
    8: Shape(4, "Linux version <n>", None),
    9: Shape(4, "Reached target shutdown.target", None),
    10: Shape(1, "DEBUG: cached since <dur>", 7),
    11: Shape(5, "api.service: Main process exited, code=killed, status=<n>/KILL", None),
}
Row = tuple[int, int, int, int, int]  # minute since the beginning, family, node, priority, n


class Life:
    """Ordinary days: a web service (busier by day), its slow requests, a heartbeat on two nodes, a backup at 03:10."""

    def __init__(self, days: float, seed: int = 1) -> None:
        self.hours = round(days * 24)
        self._random = np.random.default_rng(seed)
        self.rows: list[Row] = []
        self._gone: list[tuple[int, int, int]] = []
        for hour in range(self.hours):
            busy = 1.0 + 0.6 * np.sin(2 * np.pi * (hour - 8) / 24)
            self._often(hour, 1, 1, 6, 300 * busy)
            self._often(hour, 2, 1, 4, 2)
            self._often(hour, 3, 1, 6, 60)
            self._often(hour, 3, 2, 6, 60)
            if hour % 24 == 3:
                self.rows.append((hour * 60 + 10 + int(self._random.integers(0, 4)), 4, 2, 6, 1))

    def _often(self, hour: int, family: int, node: int, priority: int, rate: float) -> None:
        for minute in self._random.integers(0, 60, self._random.poisson(rate)).tolist():
            self.rows.append((hour * 60 + minute, family, node, priority, 1))

    def say(self, at_h: float, family: int, *, node: int = 1, priority: int = 3, n: int = 1) -> None:
        """`n` events in one minute."""
        self.rows.append((round(at_h * 60), family, node, priority, n))

    def hush(self, from_h: float, to_h: float, *families: int, node: int = 0) -> None:
        """Nothing of these families (of all, if none is named), on all nodes or one."""
        first, last = round(from_h * 60), round(to_h * 60)
        self.rows = [
            one for one in self.rows
            if not (first <= one[0] < last and (not families or one[1] in families) and node in (0, one[2]))
        ]  # fmt: skip

    def __iter__(self) -> Iterator[Minutes]:
        by_hour: dict[int, list[Row]] = defaultdict(list)
        for one in self.rows:
            by_hour[one[0] // 60].append(one)
        for number in range(self.hours):
            yield _minutes(number, 60, by_hour[number])

    def hour(self, number: int, until_min: int = 60) -> Minutes:
        """One hour, up to a minute of it."""
        start, end = number * 60, number * 60 + until_min
        return _minutes(number, until_min, [one for one in self.rows if start <= one[0] < end])


def _minutes(number: int, until_min: int, rows: list[Row]) -> Minutes:
    table = np.array(sorted(rows), np.int64).reshape(-1, 5).T
    service = np.array([SHAPES[one].service for one in table[1].tolist()], np.int64)
    first = MONDAY_H + number
    return Minutes(
        first, first * 60 + until_min, table[0] + MONDAY_H * 60, table[1], service, table[2], table[3], table[4]
    )  # fmt: skip
