"""Silence: a service on a node, or a whole node, that has a rhythm and lost it.

Time is counted in events that should have come. Who is silent for longer than twice the longest pause before, and so
long that luck would do it once in ten thousand times, is missing. Minutes that could not be seen do not pass, nor do
those of hours in which the node is usually away.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from devmesh.detectors.absence import Absence
from devmesh.detectors.model import About, Finding
from devmesh.memory import Baselines, Columns, Hour

NAME, NODE = "silence", "node silent"
LEAST_EVENTS = 15.0
OVER_GAP = 2.0
WITHIN = 1.5  # of what must be missing, where it spoke in the same hour: there are many such pauses
LUCK = 1e4
LEAST_SPREAD, MOST_SPREAD = 0.15, 0.6
LEAST_H, QUICK_LEAST_H = 24.0, 6.0
MOST_WEIGHT = 1.2  # of a loud hour: its rhythm may be wrong
YOUNG_MIN = 48 * 60
GAP_FORGOTTEN = 0.9995  # an hour
WEIGHT, NODE_WEIGHT = 4.0, 6.0
NODE_MIN = 5
SLOWEST = 1e-300  # so that nothing is divided by zero
HOUR_MIN = 60

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Places = npt.NDArray[np.intp]
Bools = npt.NDArray[np.bool_]


class Silence:
    """Observes hour by hour; knows of each pair and of each node since when it is silent."""

    def __init__(self) -> None:
        self._pairs, self._nodes, self._absence = _Pauses(0), _Pauses(NODE_MIN), Absence()

    def observe(self, hour: Hour, normal: Baselines, *, told: bool) -> list[Finding]:
        """The findings of an hour; nothing is found where `told` is not set."""
        pairs, nodes, rate = normal.pairs, normal.nodes, _rate(hour, normal)
        spread = np.clip((pairs["stray"] + 1.0) / (pairs["worth"] + 1.0), LEAST_SPREAD, MOST_SPREAD)
        by_node: Floats = np.bincount(pairs["place"], weights=rate, minlength=len(nodes)).astype(float)
        blind = self._blind(hour, normal)
        services = self._pairs.observe(hour, hour.pair, _Rhythm(rate, _enough(spread), pairs["born"], blind[0]))
        least = _enough(np.full(len(nodes), LEAST_SPREAD))
        whole = self._nodes.observe(hour, pairs["place"][hour.pair], _Rhythm(by_node, least, nodes["born"], blind[1]))
        if not told:
            return []
        out = []
        for pair, minute, pause in services:
            text = f"silent for {pause} minutes; normal are {rate[pair] * HOUR_MIN:,.0f} lines an hour"
            who = int(pairs["service"][pair]), int(pairs["node"][pair]), None
            out.append(Finding(minute, NAME, NAME, *who, WEIGHT, False, About.SELF, text, minute - pause))
        for place, minute, pause in whole:
            loudest = int(np.argmax(np.where(pairs["place"] == place, rate, -1.0)))
            who = int(pairs["service"][loudest]), int(nodes["node"][place]), None
            text = f"the whole node is silent for {pause} minutes"
            out.append(Finding(minute, NAME, NODE, *who, NODE_WEIGHT, True, About.NODE, text, minute - pause))
        return out

    def _blind(self, hour: Hour, normal: Baselines) -> tuple[Bools | None, Bools | None]:
        """For each pair and each node which minutes of the hour do not pass while they say nothing."""
        pairs, nodes, counts = normal.pairs, normal.nodes, hour.counts
        away = self._absence.around(counts.hour, len(nodes))
        by_pair, by_node = (counts.blind_minutes(some["node"]) for some in (pairs, nodes))
        if not len(counts.n):  # nobody at all: this server was away
            self._absence.skip(counts.hour)
        elif counts.until >= (counts.hour + 1) * HOUR_MIN:
            silent = np.bincount(pairs["place"][hour.pair], minlength=len(nodes)) == 0
            self._absence.learn(counts.hour, silent if by_node is None else silent & ~by_node.any(1))
        if not away.any():
            return by_pair, by_node
        off = [np.repeat(some[:, None], HOUR_MIN, 1) for some in (away[pairs["place"]], away)]
        return off[0] if by_pair is None else off[0] | by_pair, off[1] if by_node is None else off[1] | by_node


@dataclass(frozen=True)
class _Rhythm:
    """Of each speaker: events a minute, how many must be missing, the minute of its first, and its blind minutes."""

    rate: Floats
    enough: Floats
    born: Ints
    blind: Bools | None


@dataclass(frozen=True)
class _Spoken:
    """Of each speaker whether it spoke in an hour, and when: its first minute (the length where there was none), its
    final one, and its longest pause between two. Only minutes that were seen are counted, of which there are `length`.
    """

    at: Bools  # (speakers, 60)
    place: Ints  # of each minute among those that were seen
    any: Bools
    first: Ints
    final: Ints
    pause: Ints
    length: Ints

    @classmethod
    def of(cls, hour: Hour, rows: Places, rhythm: _Rhythm, minutes: int) -> _Spoken:
        """`rows`: who speaks in each row; `minutes` of the hour are over."""
        n = len(rhythm.rate)
        at = np.zeros((n, HOUR_MIN), dtype=bool)
        at[rows, hour.counts.minute - hour.counts.hour * HOUR_MIN] = True
        place, length = np.broadcast_to(np.arange(HOUR_MIN), at.shape), np.full(n, minutes)
        if rhythm.blind is not None:
            seen = (at | ~rhythm.blind) & (np.arange(HOUR_MIN) < minutes)
            place, length = seen.cumsum(1) - seen, seen.sum(1)
        some: Bools = at.max(1, initial=False)
        row = np.arange(n)
        first = np.where(some, place[row, at.argmax(1)], length)
        final = place[row, HOUR_MIN - 1 - at[:, ::-1].argmax(1)]
        latest = np.maximum.accumulate(np.where(at, place, -1), axis=1)
        pause = np.where(at[:, 1:] & (latest[:, :-1] >= 0), place[:, 1:] - latest[:, :-1], 0).max(1)
        return cls(at, place, some, first, final, pause, length)

    def minutes(self, one: int) -> Ints:
        """Of one speaker."""
        out: Ints = self.place[one][self.at[one]]
        return out

    def when(self, one: int, place: int) -> int:
        """The minute of the hour that is at a place among those that were seen."""
        return int(np.searchsorted(self.place[one], place, "right")) - 1


class _Pauses:
    """Since when each speaker is silent, and its longest pause, in events that should have come meanwhile."""

    def __init__(self, least_min: int) -> None:
        self._state = Columns(since=(float, 0.0), gap=(float, 0.0), last=(int, -1), silent=(bool, False))
        self._least_min = least_min

    def observe(self, hour: Hour, rows: Places, rhythm: _Rhythm) -> list[tuple[int, int, int]]:
        """(speaker, minute, pause in minutes) of those that came to be missing; `rows`: who speaks in each row."""
        while len(self._state) < len(rhythm.rate):
            self._state.add()
        start, until = hour.counts.hour * HOUR_MIN, min(hour.counts.until, (hour.counts.hour + 1) * HOUR_MIN)
        spoken = _Spoken.of(hour, rows, rhythm, until - start)
        grown = (rhythm.born != -1) & (start - rhythm.born >= YOUNG_MIN) & (rhythm.rate > 0)
        lasts, out = np.zeros(len(grown), dtype=bool), []
        for one in np.flatnonzero(grown & self._may_miss(spoken, rhythm, start)).tolist():
            minutes, needs = spoken.minutes(one), (float(rhythm.rate[one]), float(rhythm.enough[one]))
            found, lasts[one] = self._missing(one, minutes, needs, (start, int(spoken.length[one])))
            for at, pause in found:
                self._state["silent"][one] = True
                out.append((one, start + spoken.when(one, at), pause))
        self._note(spoken, rhythm.rate, until)
        state = self._state
        state["silent"] |= lasts
        state["last"] += np.where(~spoken.any & (state["last"] >= 0), until - start - spoken.length, 0)
        return out

    def _may_miss(self, spoken: _Spoken, rhythm: _Rhythm, start: int) -> Bools:
        """Of whom `_missing` has to ask; of all others it would find nothing."""
        state, rate = self._state, np.maximum(rhythm.rate, SLOWEST)
        enough = np.maximum(rhythm.enough, OVER_GAP * state["gap"])
        at = np.maximum(np.ceil((enough - state["since"]) / rate), state["last"] + self._least_min - start)
        before = ~state["silent"] & (state["last"] >= 0) & (np.maximum(at, 0) < spoken.first)
        patience = np.maximum(np.ceil(WITHIN * enough / rate) + 1, self._least_min)
        out: Bools = before | (spoken.any & (np.maximum(spoken.pause, spoken.length - spoken.final) > patience))
        return out

    def _missing(
        self, one: int, minutes: Places, needs: tuple[float, float], hour: tuple[int, int]
    ) -> tuple[list[tuple[int, int]], bool]:
        """(minute of the hour, pause in minutes) at which it counted as missing, and whether it was to the end; `needs`
        are events a minute and how many must be missing, `hour` is its first minute and its length.
        """
        (rate, enough), (start, length) = needs, hour
        since, last = float(self._state["since"][one]), int(self._state["last"][one])
        silent, enough = bool(self._state["silent"][one]), max(enough, OVER_GAP * float(self._state["gap"][one]))
        out = []
        at = max(0, math.ceil((enough - since) / rate), last + self._least_min - start)
        if not silent and last >= 0 and at < (minutes[0] if len(minutes) else length):
            out.append((at, start + at - last))
        patience = max(math.ceil(WITHIN * enough / rate) + 1, self._least_min)
        ends = np.append(minutes[1:], length)
        long = minutes[ends - minutes > patience] if len(minutes) else minutes
        out += [(minute + patience, patience) for minute in long.tolist()]
        lasts = bool(len(minutes)) and length - int(minutes[-1]) > patience
        return out, lasts or (bool(out) and not len(minutes))

    def _note(self, spoken: _Spoken, rate: Floats, until: int) -> None:
        state, begin = self._state, until - spoken.length
        known = state["last"] >= 0
        longest = np.maximum(state["since"] + rate * (spoken.first + 1), rate * spoken.pause)
        longest = np.where(known & ~state["silent"], np.maximum(state["gap"], longest), state["gap"])
        state["gap"] = np.where(spoken.any, longest * GAP_FORGOTTEN, state["gap"])
        state["silent"] &= ~spoken.any
        state["since"] += np.where(known, rate * (until - begin), 0.0)
        since = rate * (until - begin - 1 - spoken.final)
        state["since"] = np.where(spoken.any, since, state["since"])
        state["last"] = np.where(spoken.any, begin + spoken.final, state["last"])


def _enough(spread: Floats) -> Floats:
    """How many events must be missing for luck to be one in `LUCK`, by the negative binomial's chance of none."""
    return np.maximum(LEAST_EVENTS, (LUCK**spread - 1.0) / spread)


def _rate(hour: Hour, normal: Baselines) -> Floats:
    """Events a minute that a pair should have, rather too few than too many."""
    pairs = normal.pairs
    slow = pairs["slow_n"] / np.maximum(pairs["slow_h"], LEAST_H)
    quick = pairs["quick_n"] / np.maximum(pairs["quick_h"], QUICK_LEAST_H)
    weight = np.minimum(np.minimum(hour.weight, hour.lull), MOST_WEIGHT)
    rate: Floats = np.minimum(slow, np.maximum(quick, slow / 2)) * weight / HOUR_MIN
    return rate
