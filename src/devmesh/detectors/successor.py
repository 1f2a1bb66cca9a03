"""What is always followed by something, and was not: `Started X` with no `Listening on` after it.

Learned from counts by minute alone: of each start of a rare family (after a pause of eight minutes) a few rare families
of the same service on the same node that were said within two minutes; who fails too often is forgotten. The weight is
the chance that such a start fails by luck, in a day with as many starts; it takes years to be sure by one, and two
failures in a row make more. Where a service has new wordings it may only say it in other words.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from operator import itemgetter
from typing import NamedTuple

import numpy as np

from devmesh.detectors.habits import head_of
from devmesh.detectors.model import About, Finding
from devmesh.memory import Baselines, Hour, Minutes

NAME = "successor"
WITHIN_MIN, PAUSE_MIN = 2, 8
RARE_AN_HOUR, STARTS_AN_HOUR = 8.0, 1.0  # of who follows, and of who begins
KNOWN = 3.0  # events; what was never said before begins nothing and follows nothing
LEAST_STARTS, MISSED = 20, 0.03  # of the starts it may fail
FOLLOWERS, RULES, OPEN = 4, 20_000, 32  # of one family; in all; starts of one service at once: more are no start
BUSY = 1_000  # rare families in a minute
LEAST_WEIGHT, MOST_WEIGHT, IN_A_ROW = 1.0, 3.2, 2
WARNING, DAY_MIN = 4, 24 * 60
MONTH_MIN = 30 * DAY_MIN

Failed = tuple[float, int, int, int, int]  # weight, -key of who began, key of who should have followed, came, of starts


class _Around(NamedTuple):
    """Keys that were said in the minute before a start, in its own, and in those after it."""

    before: AbstractSet[int]
    same: AbstractSet[int]
    later: AbstractSet[int]


class _Follower(NamedTuple):
    key: int
    missed: int = 0
    in_a_row: int = 0
    later: int = 0  # times in a minute after the start, which tells who was first
    before: int = 0

    def counted(self, around: _Around) -> _Follower:
        """With one more start."""
        later, same, before = (self.key in said for said in (around.later, around.same, around.before))
        came = same or later
        return _Follower(
            self.key, self.missed + (not came), 0 if came else self.in_a_row + 1, self.later + (later and not same),
            self.before + (before and not came),
        )  # fmt: skip


class _Rule(NamedTuple):
    since: int  # the minute of its first start
    starts: int
    followers: tuple[_Follower, ...]

    def sure(self, one: _Follower) -> bool:
        """Whether there were enough starts, and it followed."""
        often = one.missed - one.in_a_row <= MISSED * self.starts
        return often and self.starts >= LEAST_STARTS and one.later > one.before

    def weight(self, one: _Follower, minute: int) -> float:
        """Powers of ten against as many failures in a row as there are, and one more."""
        chance = (one.missed - one.in_a_row + 1) / (self.starts - one.in_a_row + 2)
        a_day = self.starts / max(1.0, (minute - self.since) / DAY_MIN)
        return min(MOST_WEIGHT, -(one.in_a_row + 1) * math.log10(chance) - math.log10(max(1.0, a_day)))

    def counted(self, around: _Around) -> _Rule:
        """With one more start; who fails too often is forgotten."""
        most = max(IN_A_ROW, MISSED * (self.starts + 1))
        followers = (one.counted(around) for one in self.followers)
        return _Rule(self.since, self.starts + 1, tuple(one for one in followers if one.missed <= most))


class Successor:
    """Observes hour by hour; knows what follows what, and the starts of the last minutes."""

    def __init__(self) -> None:
        self._rules: dict[int, _Rule] = {}  # by key
        self._starts: list[tuple[int, int]] = []  # (minute, key) of which it is not known yet what follows
        self._said: dict[int, dict[int, frozenset[int]]] = {}  # by pair and minute: the rare keys
        self._told: dict[int, int] = {}  # by pair: when

    def __deepcopy__(self, _memo: object) -> Successor:
        """The watch is copied each minute; all that is kept here is replaced, and not changed."""
        out = Successor()
        out._rules, out._starts, out._told = self._rules.copy(), self._starts.copy(), self._told.copy()
        out._said = {pair: by.copy() for pair, by in self._said.items()}
        return out

    def observe(self, hour: Hour, normal: Baselines, *, told: bool) -> list[Finding]:
        """The findings of an hour; nothing is found where `told` is not set."""
        keys, counts, out = normal.keys, hour.counts, list[Finding]()
        known, hours = keys["slow_n"] >= KNOWN, np.maximum(keys["slow_h"], 1.0)
        rare, starting = (known & (keys["slow_n"] < most * hours) for most in (RARE_AN_HOUR, STARTS_AN_HOUR))
        rows = np.flatnonzero(rare[hour.key])
        rows = rows[np.lexsort((hour.key[rows], hour.pair[rows], counts.minute[rows]))]
        columns = (counts.minute[rows], hour.pair[rows], hour.key[rows], starting[hour.key[rows]])
        said = zip(*(one.tolist() for one in columns), strict=True)
        for minute, some in itertools.groupby(said, itemgetter(0)):
            out += self._known(minute, counts, normal, told=told)
            self._hear(minute, list(some))
        end = min(counts.until, (counts.hour + 1) * 60)
        out += self._known(end, counts, normal, told=told)
        self._starts = [one for one in self._starts if not self._blind(one, counts, normal)]
        kept = {pair: {at: said for at, said in by.items() if at >= end - PAUSE_MIN} for pair, by in self._said.items()}
        self._said = {pair: by for pair, by in kept.items() if by}
        self._told = {pair: at for pair, at in self._told.items() if at >= end - PAUSE_MIN}
        if len(self._rules) >= RULES:  # what is not sure after a month makes room
            young, rules = end - MONTH_MIN, self._rules
            self._rules = {key: one for key, one in rules.items() if one.starts >= LEAST_STARTS or one.since > young}
        return out

    def _hear(self, minute: int, said: list[tuple[int, int, int, bool]]) -> None:
        """Rows of a minute: it, pair, key, and whether such a key may begin something; in this order."""
        busy = len({key for _minute, _pair, key, _starting in said}) > BUSY  # that tells of nobody what follows
        if busy:
            self._starts = []
        for pair, some in itertools.groupby(said, itemgetter(1)):
            before = {at: one for at, one in self._said.get(pair, {}).items() if at > minute - PAUSE_MIN}
            starting = {key: may for _minute, _pair, key, may in some}
            if not busy:
                begun = [key for key, may in starting.items() if may and not any(key in one for one in before.values())]
                self._starts += [(minute, key) for key in begun] if len(begun) <= OPEN else []
            self._said[pair] = before | {minute: frozenset(starting)}

    def _known(self, until: int, counts: Minutes, normal: Baselines, *, told: bool) -> Iterator[Finding]:
        """What can be said of the starts whose time is over before a minute: of each pair one finding at once."""
        while self._starts and self._starts[0][0] + WITHIN_MIN < until:
            minute = self._starts[0][0]
            some = [one for one in self._starts if one[0] == minute]
            self._starts = self._starts[len(some) :]
            best: dict[int, Failed] = {}
            for one in some:
                pair = int(normal.keys["pair"][one[1]])
                for failed in () if self._blind(one, counts, normal) else self._judged(one, pair, normal):
                    best[pair] = max(best.get(pair, failed), failed)
            for pair, failed in best.items():
                again = minute - self._told.get(pair, minute - PAUSE_MIN) < PAUSE_MIN
                if told and not again and not self._reworded(pair, minute, normal):
                    self._told[pair] = minute
                    yield self._finding(minute, failed, normal)

    def _blind(self, start: tuple[int, int], counts: Minutes, normal: Baselines) -> bool:
        if not counts.blind:
            return False
        blind = counts.blind.get(int(normal.keys["node"][start[1]]), frozenset())
        return not blind.isdisjoint(range(start[0], start[0] + WITHIN_MIN + 1))

    def _judged(self, start: tuple[int, int], pair: int, normal: Baselines) -> list[Failed]:
        """Those that should have followed; learns from the start."""
        (minute, key), by = start, self._said[pair]
        later = frozenset().union(*(by.get(at, ()) for at in range(minute + 1, minute + WITHIN_MIN + 1)))
        around = _Around(by.get(minute - 1, frozenset()), by[minute], later)
        said = around.same | later
        rule, out = self._rules.get(key), list[Failed]()
        if rule is None:
            events = normal.keys["slow_n"]
            others = heapq.nsmallest(FOLLOWERS, said - {key}, key=lambda one: (events[one], one))
            if not others or len(self._rules) >= RULES:
                return []
            rule = _Rule(minute, 0, tuple(_Follower(one) for one in others))
        for one in rule.followers:
            failed = one.key not in said and one.key not in around.before  # it may have been first by seconds
            if failed and rule.sure(one) and one.in_a_row < IN_A_ROW:
                out.append((rule.weight(one, minute), -key, one.key, rule.starts - one.missed, rule.starts))
        self._rules[key] = rule.counted(around)
        if not self._rules[key].followers:
            del self._rules[key]
        return [one for one in out if one[0] >= LEAST_WEIGHT]

    @staticmethod
    def _reworded(pair: int, minute: int, normal: Baselines) -> bool:
        """Whether a service says things that are new since yesterday, and no errors."""
        born, mine = normal.keys["born"], normal.keys["pair"] == pair
        young = mine & (born > minute - DAY_MIN) & (born <= minute + WITHIN_MIN)
        return bool((young & (normal.severities() > WARNING)).any())

    @staticmethod
    def _finding(minute: int, failed: Failed, normal: Baselines) -> Finding:
        weight, key, other, came, starts = failed
        keys = normal.keys
        service, node, family = (int(keys[name][-key]) for name in ("service", "node", "family"))
        one, then = (head_of(normal.shapes[int(keys["family"][at])].text) for at in (-key, other))
        often = f"in {math.floor(100 * came / starts)} % of starts ({came} of {starts})"
        text = f"`{one}` is followed by `{then}` within {WITHIN_MIN} minutes {often}; not this time"
        return Finding(minute + WITHIN_MIN, NAME, NAME, service, node, family, weight, False, About.SELF, text)
