"""What is normal, learned hour by hour as it goes: levels, rhythms and spreads.

A *key* is a family on a node; a *pair* is a service on a node. A key's level is events for each hour of average
loudness, forgotten by half in ten days, and what an hour held far beyond normal counts only up to a bound: an anomaly
is no lesson, and neither is an hour that could not be seen. A second, quick level (half a day) takes over what lasts.
The rhythm is the service's. Everything here is derived from counts and can be learned again from them; times are
minutes and hours since 1970, UTC.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from devmesh.memory.chance import Floats
from devmesh.memory.columns import UNKNOWN, Columns, Index
from devmesh.memory.large import Large
from devmesh.memory.model import BlindInterval

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

HOUR_MIN, DAY_H, WEEK_H = 60, 24, 168
KEPT_H = 4 * WEEK_H
WEEKS_FOR_WEEKLY = 3
BIN_MIN = 5
BINS = HOUR_MIN // BIN_MIN
NODES = 1 << 20
SLOW, QUICK, MOST = 0.5 ** (1 / (10 * DAY_H)), 0.5 ** (1 / 12), 0.5 ** (1 / (5 * DAY_H))
LEAST_SLOW_H, LEAST_QUICK_H = 24.0, 6.0
PRIOR_EVENTS = 24.0  # of a flat rhythm
FEWEST_OCCASIONS = 4  # of which the loudest can be left out
UNSAID = 9
NEVER = -1
LITTLE_MIN = 3  # of an hour may be blind, and the rest still teaches


@dataclass(frozen=True)
class Shape:
    """What detectors know of a family: whose it is, its text, and the level that its text states."""

    service: int
    text: str
    level: int | None


@dataclass(frozen=True)
class Minutes:
    """Counts of one hour by minute, sorted by minute: six columns of n numbers. Minutes before `until` are over.

    `blind`: by node minutes of which lines may be missing; `unseen`: the intervals in which nodes could not be seen.
    Both may reach beyond the hour.
    """

    hour: int
    until: int
    minute: Ints
    family: Ints
    service: Ints
    node: Ints
    priority: Ints
    n: Ints
    blind: Mapping[int, frozenset[int]] = field(default_factory=dict)
    unseen: Sequence[BlindInterval] = ()

    def blind_minutes(self, nodes: Ints) -> Bools | None:
        """For each of `nodes` which of the hour's 60 minutes were blind; None where none was."""
        if not self.blind:
            return None
        start, out = self.hour * HOUR_MIN, np.zeros((len(nodes), HOUR_MIN), dtype=bool)
        for node, minutes in self.blind.items():
            within = [minute - start for minute in minutes if start <= minute < start + HOUR_MIN]
            if within:
                out[np.ix_(np.flatnonzero(nodes == node), np.array(within))] = True
        return out if out.any() else None


@dataclass(frozen=True)
class Hour:
    """An hour as it is seen beside what is normal: each row's key and pair, and expected events an hour, by number of
    key and of pair.
    """

    counts: Minutes
    key: npt.NDArray[np.intp]
    pair: npt.NDArray[np.intp]
    weight: Floats  # by pair: the rhythm in this hour, 1 on average
    lull: Floats  # by pair: the same by the week before alone, where the rhythm of weeks is not known yet
    expected: Floats  # by key
    expected_pair: Floats


class Baselines:
    """Learns from each hour in turn; `shapes` must know every family before it is met."""

    def __init__(self, shapes: Mapping[int, Shape]) -> None:
        self.shapes = shapes
        number, real = (int, 0), (float, 0.0)
        level = dict.fromkeys(("slow_n", "slow_h", "quick_n", "quick_h"), real)
        spread = dict.fromkeys(("stray_5", "worth_5", "stray_60", "worth_60", "most_5", "most_60"), real)
        self.keys = Columns(
            family=number, service=number, node=number, pair=number, stated=(int, UNSAID), worst=(int, UNSAID),
            born=(int, NEVER), days=real, last_day=(int, NEVER), **level, **spread,
        )  # fmt: skip
        self.pairs = Columns(
            service=number, node=number, place=number, born=(int, NEVER), stray=real, worth=real, **level
        )
        self.born: MutableMapping[int, int] = Large()  # by family: the minute of its first event
        self.nodes = Columns(node=number, born=(int, NEVER))
        self.first_hour: int | None = None
        self._key = Index()  # of keys by family and node
        self._pair: dict[tuple[int, int], int] = {}
        self._place: dict[int, int] = {}  # by node
        self._ring: dict[int, Floats] = {}  # by service: events by hour, four weeks
        self._known = np.zeros(KEPT_H, dtype=bool)

    @property
    def age_h(self) -> int:
        """How many hours were learned, four weeks at most."""
        return int(self._known.sum())

    def severities(self) -> npt.NDArray[np.int64]:
        """By key a syslog priority: what its text states, else the worst that was claimed. Who writes to standard error
        claims an error with each line.
        """
        stated = self.keys["stated"]
        return np.where(stated == UNSAID, self.keys["worst"], stated)

    def born_on(self, node: int) -> int:
        """The minute of a node's first event."""
        return int(self.nodes["born"][self._place[node]])

    # -- meeting -----------------------------------------------------------------------------------------------------

    def meet(self, counts: Minutes) -> Hour:
        """The hour beside what is normal; makes room for what was never seen."""
        if self.first_hour is None:
            self.first_hour = counts.hour
        packed, rows = np.unique(counts.family * NODES + counts.node, return_inverse=True)
        key = self._known_keys(packed)[rows]
        self._note_births(key, counts)
        by_service, by_week = self._weights(counts.hour), self._lulls(counts.hour)
        services = self.pairs["service"].tolist()
        weight = np.array([by_service.get(one, 1.0) for one in services])
        lull = np.array([by_week.get(one, math.inf) for one in services])
        pair_of_key = self.keys["pair"]
        expected = _level(self.keys) * weight[pair_of_key] if len(weight) else np.zeros(0)
        return Hour(counts, key, pair_of_key[key], weight, lull, expected, _level(self.pairs) * weight)

    def _known_keys(self, packed: Ints) -> npt.NDArray[np.intp]:
        numbers = self._key.of(packed)
        fresh = np.flatnonzero(numbers == UNKNOWN)
        numbers[fresh] = [self._new_key(one) for one in packed[fresh].tolist()]
        self._key.add(packed[fresh], numbers[fresh])
        return numbers

    def _new_key(self, packed: int) -> int:
        family, node = divmod(packed, NODES)
        service = self.shapes[family].service
        pair = self._pair.get((service, node))
        if pair is None:
            if node not in self._place:
                self._place[node] = self.nodes.add(node=node)
            pair = self.pairs.add(service=service, node=node, place=self._place[node])
            self._pair[service, node] = pair
        stated = self.shapes[family].level
        return self.keys.add(
            family=family, service=service, node=node, pair=pair, stated=UNSAID if stated is None else stated
        )

    def _note_births(self, key: npt.NDArray[np.intp], counts: Minutes) -> None:
        """When keys, families, pairs and nodes spoke first, and the worst priority that each key was given."""
        np.minimum.at(self.keys["worst"], key, counts.priority)
        born, pair_born, node_born = self.keys["born"], self.pairs["born"], self.nodes["born"]
        for row in np.flatnonzero(born[key] == NEVER).tolist():
            number, minute = int(key[row]), int(counts.minute[row])
            if born[number] == NEVER:
                born[number] = minute
                self.born.setdefault(int(counts.family[row]), minute)
                pair = int(self.keys["pair"][number])
                pair_born[pair] = minute if pair_born[pair] == NEVER else pair_born[pair]
                place = int(self.pairs["place"][pair])
                node_born[place] = minute if node_born[place] == NEVER else node_born[place]

    def _weights(self, hour: int) -> dict[int, float]:
        """By service: how loud this hour usually is, 1 on average; its loudest occasion does not count."""
        age = self.age_h
        period = WEEK_H if age >= WEEKS_FOR_WEEKLY * WEEK_H else DAY_H if age >= 2 * DAY_H else 0
        if not period:
            return {}
        cells = np.array([(hour - period * back) % KEPT_H for back in range(1, KEPT_H // period + 1)])
        cells = cells[self._known[cells]]
        if not len(cells):
            return {}
        out = {}
        for service, ring in self._ring.items():
            heard, count = ring[cells], len(cells)
            usual = (heard.sum() - heard.max()) / (count - 1) if count >= FEWEST_OCCASIONS else heard.mean()
            mean = max(float(ring.sum()) / age, 1e-9)
            prior = PRIOR_EVENTS / period / mean
            out[service] = float((usual / mean * count + prior) / (count + prior))
        return out

    def _lulls(self, hour: int) -> dict[int, float]:
        """By service: how loud this hour and its neighbours were a week ago, 1 on average; a Saturday is no Friday. Of
        use until there are weeks enough to tell.
        """
        cells = np.array([(hour - WEEK_H + aside) % KEPT_H for aside in (-1, 0, 1)])
        if not self._known[cells].all() or self.age_h >= WEEKS_FOR_WEEKLY * WEEK_H:
            return {}
        mean = {service: float(ring.sum()) / self.age_h for service, ring in self._ring.items()}
        return {
            service: (float(ring[cells].sum()) + 1.0) / (len(cells) * mean[service] + 1.0)
            for service, ring in self._ring.items()
        }

    # -- learning ----------------------------------------------------------------------------------------------------

    def learn(self, hour: Hour) -> None:
        """Take a whole hour in, once it is over. Nodes that could not be seen in it stay as they are known."""
        blind = hour.counts.blind_minutes(self.pairs["node"])
        unseen = np.zeros(len(self.pairs), dtype=bool) if blind is None else blind.sum(1) > LITTLE_MIN
        of_keys = unseen[self.keys["pair"]]
        keys, pairs = self.keys.rows(of_keys), self.pairs.rows(unseen)
        self._learn(hour, unseen)
        self.keys.put(of_keys, keys)
        self.pairs.put(unseen, pairs)

    def _learn(self, hour: Hour, unseen: Bools) -> None:
        counts, keys, pairs = hour.counts, self.keys, self.pairs
        total: Floats = np.bincount(hour.key, weights=counts.n, minlength=len(keys)).astype(float)
        taken = self._bounded(keys, total, hour.weight[keys["pair"]])
        self._spread(hour, total, taken)
        _lesson(keys, taken, total, hour.weight[keys["pair"]])
        by_pair: Floats = np.bincount(keys["pair"], weights=taken, minlength=len(pairs)).astype(float)
        loud: Floats = np.bincount(hour.pair, weights=counts.n, minlength=len(pairs)).astype(float)
        pairs["stray"] = pairs["stray"] * SLOW + (by_pair - hour.expected_pair) ** 2 - hour.expected_pair
        pairs["worth"] = pairs["worth"] * SLOW + hour.expected_pair**2
        _lesson(pairs, by_pair, loud, hour.weight * (pairs["born"] != NEVER))
        day = counts.hour // DAY_H
        keys["days"] = keys["days"] * SLOW + ((total > 0) & (keys["last_day"] != day))
        keys["last_day"] = np.where(total > 0, day, keys["last_day"])
        self._remember(counts.hour, np.where(unseen, hour.expected_pair, by_pair))

    @staticmethod
    def _bounded(keys: Columns, total: Floats, weight: Floats) -> Floats:
        """What an hour teaches at most: normal, six deviations, and a little for the rare."""
        rate = keys["slow_n"] / np.maximum(keys["slow_h"], LEAST_SLOW_H) * weight
        most = rate + 6.0 * np.sqrt(rate + (0.5 * rate) ** 2) + 3.0
        return np.where(keys["slow_h"] < LEAST_SLOW_H, total, np.minimum(total, most))

    def _spread(self, hour: Hour, total: Floats, taken: Floats) -> None:
        """How far counts of five minutes and of the hour stray from what was expected, and the most there was."""
        keys, counts = self.keys, hour.counts
        place = hour.key * BINS + (counts.minute - counts.hour * HOUR_MIN) // BIN_MIN
        place, rows = np.unique(place, return_inverse=True)  # most keys are silent: their bins are not written out
        key, each = place // BINS, hour.expected / BINS
        bins = np.bincount(rows, weights=counts.n, minlength=len(place)) * (taken / np.maximum(total, 1.0))[key]
        apart = np.bincount(key, weights=(bins - each[key]) ** 2 - each[key] ** 2, minlength=len(keys))
        most = np.zeros(len(keys))
        np.maximum.at(most, key, bins)
        keys["stray_5"] = keys["stray_5"] * SLOW + apart + BINS * each**2 - hour.expected
        keys["worth_5"] = keys["worth_5"] * SLOW + BINS * each**2
        keys["stray_60"] = keys["stray_60"] * SLOW + (taken - hour.expected) ** 2 - hour.expected
        keys["worth_60"] = keys["worth_60"] * SLOW + hour.expected**2
        keys["most_5"] = np.maximum(keys["most_5"] * MOST, most)
        keys["most_60"] = np.maximum(keys["most_60"] * MOST, taken)

    def _remember(self, hour: int, by_pair: Floats) -> None:
        for ring in self._ring.values():
            ring[hour % KEPT_H] = 0.0
        for service, n in zip(self.pairs["service"].tolist(), by_pair.tolist(), strict=True):
            self._ring.setdefault(service, np.zeros(KEPT_H))[hour % KEPT_H] += n
        self._known[hour % KEPT_H] = True


def _level(some: Columns) -> Floats:
    """Events for an hour of average loudness: the slow level, or the quick one where that is more."""
    slow = (some["slow_n"] + 0.1) / np.maximum(some["slow_h"], LEAST_SLOW_H)
    quick = some["quick_n"] / np.maximum(some["quick_h"], LEAST_QUICK_H)
    return np.where(some["slow_h"] > 0, np.maximum(slow, quick), 0.0)


def _lesson(some: Columns, taken: Floats, total: Floats, weight: Floats) -> None:
    some["slow_n"] = some["slow_n"] * SLOW + taken
    some["slow_h"] = some["slow_h"] * SLOW + weight
    some["quick_n"] = some["quick_n"] * QUICK + total
    some["quick_h"] = some["quick_h"] * QUICK + weight
