"""The line that did not come: what comes at regular times, and is overdue.

A rare key's starts (a pause of eight minutes begins a new one) are runs; where they agree there is a plan (`plans.py`).
All is judged in order of time, so that an hour as a whole gives what its minutes give one by one. What should have come
while its node could not be seen is taken as come.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field

import numpy as np

from devmesh.detectors.habits import head_of, words_of
from devmesh.detectors.model import About, Finding, Habit
from devmesh.detectors.plans import BY_CALENDAR_MIN, LEAST_WEEKS, RUNS, STARTS, Plan, plan_of
from devmesh.memory import Baselines, Hour, Large, Minutes

NAME = "overdue"
PAUSE_MIN = 8
RARE_AN_HOUR = 8.0
WEIGHT, ASIDE = 3.2, 1.0
MOSTLY = 0.5
EARLY = 1 / 3  # of its patience a start may come before its time
BLIND_KEPT_MIN = 4 * 24 * 60


@dataclass(slots=True)
class _Times:
    starts: array[int] = field(default_factory=lambda: array("q"))  # a list of numbers takes thrice the room
    last: int = -(1 << 40)
    told: bool = False
    plan: Plan | None = None
    known: bool = False  # whether there is a plan
    unseen: tuple[int, ...] = ()  # when it should have come while nobody could see

    def __deepcopy__(self, _memo: object) -> _Times:
        """There are many, and the watch is copied each minute."""
        return _Times(self.starts[:], self.last, self.told, self.plan, self.known, self.unseen)

    def heard(self, minute: int) -> None:
        """Remember a line; after a pause it is one more run."""
        if minute - self.last >= PAUSE_MIN:
            if self.unseen and self.plan is not None and minute - self.unseen[-1] < self.plan.period / 2:
                self.unseen = self.unseen[:-1]  # it was that one
            self.starts.append(minute)
            del self.starts[: -(STARTS if self.plan is None else RUNS)]
            self.unseen = tuple(one for one in self.unseen if one > self.starts[0])
            self.told = self.known = False
        self.last = minute

    def waive(self, minute: int) -> None:
        """Take what should have come then as come."""
        self.unseen = (*self.unseen, minute)[-RUNS:]
        self.known = False

    def planned(self) -> Plan | None:
        """Its plan, from what is known now."""
        if not self.known:
            self.plan, self.known = plan_of(self.starts, self.unseen), True
        return self.plan


class Schedule:
    """Observes hour by hour."""

    def __init__(self) -> None:
        self._times: MutableMapping[int, _Times] = Large()
        self._blind: dict[int, set[int]] = {}  # by node

    def observe(self, hour: Hour, normal: Baselines, *, told: bool) -> list[Finding]:
        """The findings of an hour; nothing is found where `told` is not set."""
        keys, counts = normal.keys, hour.counts
        rare = keys["slow_n"] < RARE_AN_HOUR * np.maximum(keys["slow_h"], 1.0)
        self._note_blind(counts)
        start, end = counts.hour * 60, min(counts.until, counts.hour * 60 + 60)
        of_rare = rare[hour.key]
        for key in np.unique(hour.key[~of_rare]).tolist():
            self._times.pop(key, None)
        waiting, out = sorted(self._due(start, end), reverse=True), list[Finding]()
        rows = np.flatnonzero(of_rare)
        for row in rows[np.argsort(counts.minute[rows], kind="stable")].tolist():
            key, minute = int(hour.key[row]), int(counts.minute[row])
            while waiting and waiting[-1][0] < minute:
                out += self._judged(*waiting.pop(), end, normal, told=told)
            self._times.setdefault(key, _Times()).heard(minute)
        for due, key in reversed(waiting):
            out += self._judged(due, key, end, normal, told=told)
        return out

    def _note_blind(self, counts: Minutes) -> None:
        for node, minutes in counts.blind.items():
            kept = counts.hour * 60 - BLIND_KEPT_MIN
            self._blind[node] = {one for one in self._blind.get(node, set()) | minutes if one >= kept}

    def _due(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """(minute at which it counts as overdue, key) of all that are due in a time."""
        for key, one in self._times.items():
            if not one.told and len(one.starts) >= LEAST_WEEKS:
                plan = one.planned()
                if plan is not None and start <= plan.due < end:
                    yield plan.due, key

    def _judged(self, due: int, key: int, end: int, normal: Baselines, *, told: bool) -> Iterator[Finding]:
        """The finding that a key is overdue, unless it came, or could have come unseen."""
        one = self._times.get(key)
        plan = None if one is None or one.told else one.planned()
        if one is None or plan is None or plan.due != due:
            return
        blind = self._blind.get(int(normal.keys["node"][key]), set())
        while plan is not None and plan.due < end:
            if blind.isdisjoint(range(plan.at - round((plan.due - plan.at) * EARLY), plan.due + 1)):
                if told:
                    one.told = True
                    yield self._finding(key, plan, normal)
                return
            one.waive(plan.at)
            plan = one.planned()

    def _finding(self, key: int, plan: Plan, normal: Baselines) -> Finding:
        one, keys = self._times[key], normal.keys
        pair = int(keys["pair"][key])
        shifted = plan.period < BY_CALENDAR_MIN and self._spoke_besides(pair, one.starts[-1] + PAUSE_MIN, normal)
        weight = WEIGHT if self._lives_by_it(pair, normal) and not shifted else ASIDE
        service, node, family = (int(keys[name][key]) for name in ("service", "node", "family"))
        line, who = head_of(normal.shapes[family].text), (service, node, family)
        at = plan.at if plan.period >= BY_CALENDAR_MIN else one.starts[-1] + plan.period  # the first that nobody heard
        habit = Habit(line, plan.period, at, plan.due, plan.spread, plan.seen, plan.expected)
        text = words_of(habit)
        return Finding(plan.due, NAME, NAME, *who, weight, False, About.SELF, text, habit=habit)

    def _spoke_besides(self, pair: int, since: int, normal: Baselines) -> bool:
        """Whether a service said something else since then: it lives, and was started anew maybe."""
        own = np.flatnonzero(normal.keys["pair"] == pair).tolist()
        others = (self._times[key] for key in own if key in self._times)
        return any(one.last > since and one.planned() is None for one in others)

    def _lives_by_it(self, pair: int, normal: Baselines) -> bool:
        """Whether most of what a service says comes by plan: a job, not something that a server does now and then."""
        keys = normal.keys
        own = np.flatnonzero(keys["pair"] == pair)
        planned = [key for key in own.tolist() if key in self._times and self._times[key].planned() is not None]
        return bool(keys["slow_n"][planned].sum() >= MOSTLY * keys["slow_n"][own].sum())
