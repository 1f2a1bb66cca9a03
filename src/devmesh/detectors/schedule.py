"""The line that did not come: what comes at regular times, and is overdue.

A rare key's starts (a pause of eight minutes begins a new one) are runs; where they agree there is a plan (`plans.py`).
All is judged in order of time, so that an hour as a whole gives what its minutes give one by one. What should have come
while its node could not be seen is taken as come.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace

import numpy as np
import numpy.typing as npt

from devmesh.detectors.habits import head_of, words_of
from devmesh.detectors.model import About, Finding, Habit, Plan
from devmesh.detectors.plans import BY_CALENDAR_MIN
from devmesh.detectors.runs import PAUSE_MIN, Runs
from devmesh.memory import Baselines, Hour, Minutes

NAME = "overdue"
RARE_AN_HOUR = 8.0
WEIGHT, ASIDE = 3.2, 1.0
MOSTLY = 0.5
EARLY = 1 / 3  # of its patience a start may come before its time
BLIND_KEPT_MIN = 4 * 24 * 60

Rows = npt.NDArray[np.intp]


class _Others:
    """Lines of an hour of rare keys that have no plan, in order of time; heard when somebody asks."""

    def __init__(self, runs: Runs, hour: Hour, rows: Rows) -> None:
        self._runs, self._keys, self._minutes = runs, hour.key[rows], hour.counts.minute[rows]

    def hear(self, until: int) -> None:
        """All up to a minute."""
        end = int(np.searchsorted(self._minutes, until, "right"))
        self._runs.hear(self._keys[:end], self._minutes[:end])
        self._keys, self._minutes = self._keys[end:], self._minutes[end:]


class Schedule:
    """Observes hour by hour."""

    def __init__(self) -> None:
        self._runs = Runs()
        self._blind: dict[int, set[int]] = {}  # by node

    def observe(self, hour: Hour, normal: Baselines, *, told: bool) -> list[Finding]:
        """The findings of an hour; nothing is found where `told` is not set."""
        keys, counts, runs = normal.keys, hour.counts, self._runs
        runs.grow(len(keys))
        rare = (keys["slow_n"] < RARE_AN_HOUR * np.maximum(keys["slow_h"], 1.0))[hour.key]
        self._note_blind(counts)
        start, end = counts.hour * 60, min(counts.until, counts.hour * 60 + 60)
        runs.forget(np.unique(hour.key[~rare]))
        runs.settle()
        planned = runs.has_plan(hour.key)
        rows = _by_minute(counts, rare & planned)
        others = _Others(runs, hour, _by_minute(counts, rare & ~planned))
        waiting, out = sorted(self._due(start, end), reverse=True), list[Finding]()
        for row in rows.tolist():
            key, minute = int(hour.key[row]), int(counts.minute[row])
            while waiting and waiting[-1][0] < minute:
                out += self._judged(waiting.pop(), end, normal, others, told=told)
            runs.planned[key].heard(minute)
        for due in reversed(waiting):
            out += self._judged(due, end, normal, others, told=told)
        others.hear(end)
        return out

    def _note_blind(self, counts: Minutes) -> None:
        for node, minutes in counts.blind.items():
            kept = counts.hour * 60 - BLIND_KEPT_MIN
            self._blind[node] = {one for one in self._blind.get(node, set()) | minutes if one >= kept}

    def _due(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """(minute at which it counts as overdue, key) of all that are due in a time."""
        for key, one in self._runs.planned.items():
            plan = None if one.told else one.plan
            if plan is not None and start <= plan.due < end:
                yield plan.due, key

    def _judged(
        self, waits: tuple[int, int], end: int, normal: Baselines, others: _Others, *, told: bool
    ) -> Iterator[Finding]:
        """The finding that a key is overdue, unless it came, or could have come unseen."""
        due, key = waits
        one = self._runs.planned[key]
        plan = None if one.told else one.planned()
        if plan is None or plan.due != due:
            return
        blind = self._blind.get(int(normal.keys["node"][key]), set())
        while plan is not None and plan.due < end:
            if blind.isdisjoint(range(plan.at - round((plan.due - plan.at) * EARLY), plan.due + 1)):
                if told:
                    one.told = True
                    others.hear(due)
                    yield self._finding(key, plan, normal)
                return
            one.waive(plan.at)
            plan = one.planned()

    def _finding(self, key: int, plan: Plan, normal: Baselines) -> Finding:
        one, keys = self._runs.planned[key], normal.keys
        pair = int(keys["pair"][key])
        shifted = plan.period < BY_CALENDAR_MIN and self._spoke_besides(pair, one.starts[-1] + PAUSE_MIN, normal)
        weight = WEIGHT if self._lives_by_it(pair, normal) and not shifted else ASIDE
        service, node, family = (int(keys[name][key]) for name in ("service", "node", "family"))
        line, who = head_of(normal.shapes[family].text), (service, node, family)
        at = plan.at if plan.period >= BY_CALENDAR_MIN else one.starts[-1] + plan.period  # the first that nobody heard
        habit = Habit(**asdict(replace(plan, at=at)), line=line)
        text = words_of(habit)
        return Finding(plan.due, NAME, NAME, *who, weight, False, About.SELF, text, habit=habit)

    def _spoke_besides(self, pair: int, since: int, normal: Baselines) -> bool:
        """Whether a service said something else since then: it lives, and was started anew maybe."""
        own = np.flatnonzero(normal.keys["pair"] == pair).tolist()
        return any(self._runs.last(key) > since and self._runs.plan(key) is None for key in own)

    def _lives_by_it(self, pair: int, normal: Baselines) -> bool:
        """Whether most of what a service says comes by plan: a job, not something that a server does now and then."""
        keys = normal.keys
        own = np.flatnonzero(keys["pair"] == pair)
        planned = [key for key in own.tolist() if self._runs.plan(key) is not None]
        return bool(keys["slow_n"][planned].sum() >= MOSTLY * keys["slow_n"][own].sum())


def _by_minute(counts: Minutes, some: npt.NDArray[np.bool_]) -> Rows:
    rows = np.flatnonzero(some)
    return rows[np.argsort(counts.minute[rows], kind="stable")]
