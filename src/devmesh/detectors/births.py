"""New errors: families that were never seen before, and new warnings that keep coming."""

from __future__ import annotations

from collections import deque

import numpy as np

from devmesh.detectors.model import About, Finding
from devmesh.memory import Baselines, Hour

NAME = "new"
ERROR, WARNING = 3, 4
YOUNG_MIN = 24 * 60  # so long a family is new
FOLLOWED_MIN = 48 * 60
AGAIN_MIN = 10
TOLD_MOST = 3  # minutes of a burst
LASTING_EVENTS, LASTING_HOURS, LASTING = 10, 3, 3.0
LASTING_WITHIN = 6  # hours; what comes once an hour is rare, not lasting
FIRST = {ERROR: (1.5, 1.0), WARNING: (0.8, 0.6)}  # weight of the first, and of each further minute (two at most)


class Births:
    """Observes hour by hour."""

    def __init__(self) -> None:
        self._minutes: dict[int, deque[int]] = {}  # by family: when it spoke within the last minutes
        self._since: dict[int, dict[int, int]] = {}  # by key: events in each of the last hours
        self._lasting: set[int] = set()
        self._told: dict[int, tuple[int, int]] = {}  # by key: its last minute, and how many of this burst

    def observe(self, hour: Hour, normal: Baselines, learned_min: int) -> list[Finding]:
        """The findings of an hour; what was born before minute `learned_min` is not new."""
        keys, counts = normal.keys, hour.counts
        severities, out = normal.severities(), []
        severe = severities[hour.key] <= WARNING
        families, rows = np.unique(counts.family[severe], return_inverse=True)
        born = np.array([normal.born[one] for one in families.tolist()], dtype=np.int64)[rows]
        rows = np.flatnonzero(severe)[(born >= learned_min) & (counts.minute[severe] - born < FOLLOWED_MIN)]
        for row in rows.tolist():
            key = int(hour.key[row])
            level = ERROR if severities[key] <= ERROR else WARNING
            minute, family = int(counts.minute[row]), int(keys["family"][key])
            if minute - normal.born[family] < YOUNG_MIN and self._says_more(key, minute):
                out.append(self._new(row, level, hour))
            if self._lasts(key, minute, int(counts.n[row])):
                said = self._since[key]
                text = (
                    f"new since yesterday and keeps coming: {sum(said.values())} times in {len(said)} of the last hours"
                )
                out.append(_finding(row, hour, "lasting", LASTING, text))
        self._forget(counts.hour, normal)
        return out

    def _forget(self, hour: int, normal: Baselines) -> None:
        """What is not new any more, and bursts that are over: the watch is copied each minute."""
        family, edge = normal.keys["family"], (hour + 1) * 60 - FOLLOWED_MIN
        young = {key for key in self._since if normal.born[int(family[key])] >= edge}
        self._since = {key: self._since[key] for key in young}
        self._lasting &= young
        self._told = {key: one for key, one in self._told.items() if one[0] >= hour * 60 + 60 - AGAIN_MIN}
        self._minutes = {key: one for key, one in self._minutes.items() if one[-1] >= hour * 60 + 60 - AGAIN_MIN}

    def _new(self, row: int, level: int, hour: Hour) -> Finding:
        minute, family = int(hour.counts.minute[row]), int(hour.counts.family[row])
        recent = self._minutes.setdefault(family, deque())
        while recent and recent[0] < minute - AGAIN_MIN:
            recent.popleft()
        again = len(set(recent) - {minute})
        recent.append(minute)
        first, more = FIRST[level]
        word = "error" if level == ERROR else "warning"
        return _finding(row, hour, "new", first + more * min(again, 2), f"{word} that was never seen before")

    def _says_more(self, key: int, minute: int) -> bool:
        """Whether one more minute says more: the first ones of a burst do; a fault may last all day."""
        last, told = self._told.get(key, (minute - AGAIN_MIN - 1, 0))
        told = 1 if minute - last > AGAIN_MIN else told + (minute != last)
        self._told[key] = minute, told
        return told <= TOLD_MOST

    def _lasts(self, key: int, minute: int, n: int) -> bool:
        said, hour = self._since.setdefault(key, {}), minute // 60
        said[hour] = said.get(hour, 0) + n
        for old in [one for one in said if one <= hour - LASTING_WITHIN]:
            del said[old]
        if key in self._lasting or sum(said.values()) < LASTING_EVENTS or len(said) < LASTING_HOURS:
            return False
        self._lasting.add(key)
        return True


def _finding(row: int, hour: Hour, kind: str, weight: float, text: str) -> Finding:
    counts = hour.counts
    service, node, family = (int(one[row]) for one in (counts.service, counts.node, counts.family))
    return Finding(int(counts.minute[row]), NAME, kind, service, node, family, weight, False, About.SELF, text)
