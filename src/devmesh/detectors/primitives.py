"""Catastrophic lines, by rule: told at once where they are no habit of who says them."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import MutableMapping

import numpy as np

from devmesh.detectors.model import Finding
from devmesh.detectors.rules import RULES, Rule, rule_of
from devmesh.memory import Baselines, Columns, Hour, Large

NAME = "primitive"
HABIT_DAYS = 2.5  # who said it on so many days of the last weeks says it anyway
AGAIN_MIN = 10
WINDOW_MIN = 5
NOTICE = 5
NO_RULE = -1
MILDER = 0.7  # of a warning's weight that a program calls mere information


class Primitives:
    """Observes hour by hour."""

    def __init__(self) -> None:
        self._ruled = Columns(place=(int, NO_RULE))  # by key: of its rule in RULES
        self._by_family: MutableMapping[int, int] = Large()
        self._told: dict[int, int] = {}
        self._recent: dict[tuple[str, int], deque[tuple[int, int]]] = defaultdict(deque)

    def observe(self, hour: Hour, normal: Baselines) -> list[Finding]:
        """The findings of an hour, in order of time."""
        for family in normal.keys["family"][len(self._ruled) :].tolist():
            self._ruled.add(place=self._rule(family, normal))
        ruled, out = self._ruled["place"][hour.key], []
        for row in np.flatnonzero(ruled != NO_RULE).tolist():
            rule = RULES[ruled[row]]
            found = self._many(row, rule, hour) if rule.least > 1 else self._one(row, rule, hour, normal)
            if found is not None:
                out.append(found)
        return out

    def _rule(self, family: int, normal: Baselines) -> int:
        if family not in self._by_family:
            rule = rule_of(normal.shapes[family].text)
            self._by_family[family] = NO_RULE if rule is None else RULES.index(rule)
        return self._by_family[family]

    def _one(self, row: int, rule: Rule, hour: Hour, normal: Baselines) -> Finding | None:
        key, minute = int(hour.key[row]), int(hour.counts.minute[row])
        if normal.keys["days"][key] >= HABIT_DAYS or minute < self._told.get(key, 0) + AGAIN_MIN:
            return None
        self._told[key] = minute
        mild = not rule.critical and normal.severities()[key] > NOTICE
        return self._finding(row, rule, hour, rule.weight * (MILDER if mild else 1.0), rule.name)

    def _many(self, row: int, rule: Rule, hour: Hour) -> Finding | None:
        pair, minute = int(hour.pair[row]), int(hour.counts.minute[row])
        recent = self._recent[rule.name, pair]
        recent.append((minute, int(hour.counts.n[row])))
        while recent[0][0] <= minute - WINDOW_MIN:
            recent.popleft()
        count = sum(n for _minute, n in recent)
        usual = float(hour.expected[hour.key[row]]) * WINDOW_MIN / 60
        if count < rule.least + 6 * usual or minute < self._told.get(-1 - pair, 0) + AGAIN_MIN:
            return None
        self._told[-1 - pair] = minute
        return self._finding(row, rule, hour, rule.weight, f"{rule.name}: {count} within {WINDOW_MIN} minutes")

    @staticmethod
    def _finding(row: int, rule: Rule, hour: Hour, weight: float, text: str) -> Finding:
        counts = hour.counts
        return Finding(
            int(counts.minute[row]), NAME, rule.name, int(counts.service[row]), int(counts.node[row]),
            int(counts.family[row]), weight, rule.critical, rule.about, text,
        )  # fmt: skip
