"""The line that did not come: what came at regular times, and is overdue.

A rare key's starts (a pause of eight minutes begins a new one) make intervals; where they agree, the next start has its
time. Days and longer are jobs by the calendar, half an hour late is missing. Shorter periods begin anew with each start
of their program, and must fail three times. What should have come while its node could not be seen is taken as come.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from statistics import median

import numpy as np

from devmesh.detectors.model import About, Finding
from devmesh.memory import Baselines, Hour, Minutes

NAME = "overdue"
STARTS, LEAST_STARTS = 9, 6
MOVED_RUNS = 2  # by its new time, and a job that was moved has a plan again
PAUSE_MIN = 8
RARE_AN_HOUR = 8.0
BY_CALENDAR_MIN = 20 * 60
LEAST_PERIOD_MIN = 30
STRAY = 0.06  # of a period; ten minutes are always allowed
WEIGHT, ASIDE = 3.2, 1.0
MOSTLY = 0.5
EARLY = 1 / 3  # of its patience a start may come before its time
BLIND_KEPT_MIN = 4 * 24 * 60
IN_HOURS_MIN, IN_DAYS_MIN = 2 * 60, 2 * 24 * 60  # how a span is told


@dataclass(slots=True)
class _Times:
    starts: list[int] = field(default_factory=list)  # no deque: each has room for 64
    last: int = -(1 << 40)
    told: bool = False
    plan: tuple[float, float] | None = None  # period and patience in minutes
    guessed: bool = False  # the last start was not seen

    def __deepcopy__(self, _memo: object) -> _Times:
        """There are many, and the watch is copied each minute."""
        return _Times(self.starts.copy(), self.last, self.told, self.plan, self.guessed)

    def start(self, minute: int) -> None:
        """Remember one more."""
        self.starts.append(minute)
        del self.starts[:-STARTS]


class Schedule:
    """Observes hour by hour."""

    def __init__(self) -> None:
        self._times: dict[int, _Times] = {}
        self._blind: dict[int, set[int]] = {}  # by node

    def observe(self, hour: Hour, normal: Baselines, *, told: bool) -> list[Finding]:
        """The findings of an hour; nothing is found where `told` is not set."""
        keys, counts = normal.keys, hour.counts
        rare = keys["slow_n"] < RARE_AN_HOUR * np.maximum(keys["slow_h"], 1.0)
        for row in np.argsort(counts.minute, kind="stable").tolist():
            key = int(hour.key[row])
            if rare[key]:
                _heard(self._times.setdefault(key, _Times()), int(counts.minute[row]))
            else:
                self._times.pop(key, None)
        start, end = counts.hour * 60, min(counts.until, counts.hour * 60 + 60)
        self._note_blind(counts)
        late = []
        for key, due in self._due():
            if start <= due < end and not self._unseen(key, due, end, normal) and told:
                late.append((key, due))
        return [self._finding(key, due, normal) for key, due in late]

    def _note_blind(self, counts: Minutes) -> None:
        for node, minutes in counts.blind.items():
            kept = counts.hour * 60 - BLIND_KEPT_MIN
            self._blind[node] = {one for one in self._blind.get(node, set()) | minutes if one >= kept}

    def _unseen(self, key: int, due: int, end: int, normal: Baselines) -> bool:
        """Whether a start could have come unseen; then it is taken as come, and so are those after it until `end`."""
        one, blind = self._times[key], self._blind.get(int(normal.keys["node"][key]))
        if not blind or one.plan is None:
            return False
        period, patience = one.plan
        found = False
        while due < end and not blind.isdisjoint(range(int(due - patience * (1 + EARLY)), due + 1)):
            one.start(round(one.starts[-1] + period))
            one.guessed = found = True
            due = int(one.starts[-1] + period + patience)
        return found

    def _due(self) -> list[tuple[int, int]]:
        """(key, minute at which it counts as overdue) of all that have a plan."""
        out = []
        for key, one in self._times.items():
            if one.told or len(one.starts) < LEAST_STARTS:
                continue
            if one.plan is None:
                one.plan = _plan(one.starts)
            if one.plan[0]:
                out.append((key, int(one.starts[-1] + sum(one.plan))))
        return out

    def _finding(self, key: int, due: int, normal: Baselines) -> Finding:
        one, keys = self._times[key], normal.keys
        one.told = True
        period = (one.plan or (0.0, 0.0))[0]
        pair = int(keys["pair"][key])
        shifted = period < BY_CALENDAR_MIN and self._spoke_besides(pair, one.starts[-1] + PAUSE_MIN, normal)
        weight = WEIGHT if self._lives_by_it(pair, normal) and not shifted else ASIDE
        text = f"comes every {_span(period)}; the last was {_span(due - one.starts[-1])} ago"
        service, node, family = (int(keys[name][key]) for name in ("service", "node", "family"))
        return Finding(due, NAME, NAME, service, node, family, weight, False, About.SELF, text)

    def _spoke_besides(self, pair: int, since: int, normal: Baselines) -> bool:
        """Whether a service said something else since then: it lives, and was started anew maybe."""
        own = np.flatnonzero(normal.keys["pair"] == pair).tolist()
        others = (self._times[key] for key in own if key in self._times)
        return any(one.last > since and not (one.plan or (0.0, 0.0))[0] for one in others)

    def _lives_by_it(self, pair: int, normal: Baselines) -> bool:
        """Whether most of what a service says comes by plan: a job, not something that a server does now and then."""
        keys = normal.keys
        own = np.flatnonzero(keys["pair"] == pair)
        planned = [key for key in own.tolist() if key in self._times and (self._times[key].plan or (0,))[0]]
        return bool(keys["slow_n"][planned].sum() >= MOSTLY * keys["slow_n"][own].sum())


def _heard(one: _Times, minute: int) -> None:
    if minute - one.last >= PAUSE_MIN:
        if one.guessed and one.plan is not None and abs(minute - one.starts[-1]) < one.plan[0] / 2:
            one.starts.pop()
        one.start(minute)
        one.told, one.plan, one.guessed = False, None, False
    one.last = minute


def _plan(starts: list[int]) -> tuple[float, float]:
    """Period and patience, or zeros where there is no plan."""
    gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
    period = float(median(gaps))
    allowed = max(10.0, STRAY * period)
    odd = [place for place, gap in enumerate(gaps) if abs(gap - period) > allowed]
    moved = len(odd) == 1 and odd[0] < len(gaps) - MOVED_RUNS
    if moved and period >= BY_CALENDAR_MIN:  # it came by the new time since; short periods agree by chance
        del gaps[odd[0]]
    stray = max(abs(gap - period) for gap in gaps)
    if period < LEAST_PERIOD_MIN or stray > allowed:
        return 0.0, 0.0
    return period, max(30.0, 3 * stray) if period >= BY_CALENDAR_MIN else max(15.0, 3 * stray, 2.1 * period)


def _span(minutes: float) -> str:
    if minutes >= IN_DAYS_MIN:
        return f"{minutes / 1440:.3g} days"
    return f"{minutes / 60:.3g} hours" if minutes >= IN_HOURS_MIN else f"{minutes:.0f} minutes"
