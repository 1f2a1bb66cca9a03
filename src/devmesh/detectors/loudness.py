"""Families that are louder than they ever were, in five minutes or in an hour, and not by luck.

Calibrated: the chance of each count under what is normal (a negative binomial) is held against the number of families
that could have been loud, so that the false findings of a window are bounded however many families there are.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from devmesh.detectors.model import About, Finding
from devmesh.memory import Baselines, Hour, at_least

NAME = "louder"
FALSE_PER_WINDOW = 3e-5  # of 1,440 windows a day: one in 23 days in theory
RATIO, LEAST, OVER_MOST = 3.0, 3.0, 1.5
LEAST_EXPECTED = 0.01
YOUNG_NODE_MIN = 48 * 60
ERROR, WARNING = 3, 4
WINDOWS = ((5, 0.3), (60, 0.1))  # minutes, and the least spread: squared coefficient of variation

Ints = npt.NDArray[np.int64]


class Loudness:
    """Observes hour by hour; keeps the rows of the hour before."""

    def __init__(self) -> None:
        self._before: tuple[Ints, Ints, Ints] | None = None  # minute, key, n

    def skip(self, hour: Hour) -> list[Finding]:
        """Remember an hour, and find nothing."""
        self._before = hour.counts.minute, hour.key.astype(np.int64), hour.counts.n
        return []

    def observe(self, hour: Hour, normal: Baselines) -> list[Finding]:
        """The findings of an hour, each window's in order of key."""
        own = hour.counts.minute, hour.key.astype(np.int64), hour.counts.n
        minute, key, n = own if self._before is None else map(np.concatenate, zip(self._before, own, strict=True))
        self._before = own
        code, rows = np.unique(key << 32 | minute, return_inverse=True)
        summed = np.concatenate([[0.0], np.cumsum(np.bincount(rows, weights=n))])
        out = []
        for width, least_spread in WINDOWS:
            out += self._window(hour, normal, code, summed, (width, least_spread))
        return out

    def _window(
        self, hour: Hour, normal: Baselines, code: Ints, summed: npt.NDArray[np.float64], window: tuple[int, float]
    ) -> list[Finding]:
        width, least_spread = window
        keys, key, minute = normal.keys, code >> 32, code & 0xFFFFFFFF
        first = np.searchsorted(code, np.maximum(code - width + 1, key << 32))
        counted = summed[1:] - summed[first]
        expected = np.maximum(hour.expected[key] * width / 60, LEAST_EXPECTED)
        loud = (minute >= hour.counts.hour * 60) & (counted > RATIO * expected + LEAST)
        loud &= counted > OVER_MOST * keys[f"most_{width}"][key]
        old = hour.counts.hour * 60 - normal.nodes["born"] >= YOUNG_NODE_MIN
        loud &= old[normal.pairs["place"][keys["pair"][key]]]
        at = np.flatnonzero(loud)
        spread = (keys[f"stray_{width}"][key[at]] + 1.0) / (keys[f"worth_{width}"][key[at]] + 1.0)
        mean = expected[at]
        variance = mean + np.maximum(spread, least_spread) * mean**2
        doubt = at_least(counted[at], mean, variance) * len(keys)
        severities = normal.severities()[key[at]].tolist()
        found = zip(minute[at].tolist(), key[at].tolist(), severities, counted[at], mean, doubt, strict=True)
        return [
            _finding(when, number, normal, severity, (float(n), width, float(usual), float(luck)))
            for when, number, severity, n, usual, luck in found
            if luck <= FALSE_PER_WINDOW
        ]


def _finding(minute: int, key: int, normal: Baselines, severity: int, seen: tuple[float, int, float, float]) -> Finding:
    counted, width, usual, luck = seen
    surprise = -math.log10(max(luck, 1e-30) / FALSE_PER_WINDOW)
    if severity <= ERROR:
        weight = min(1.5 + surprise / 2.5, 3.5)
    elif severity == WARNING:
        weight = min(1.2 + surprise / 3.0, 3.2)
    else:  # many visitors are no fault
        weight = min(0.4 + surprise / 30.0, 0.8)
    keys = normal.keys
    service, node, family = (int(keys[name][key]) for name in ("service", "node", "family"))
    text = f"{counted:.0f} in {width} minutes, normal {usual:.2g}"
    return Finding(minute, NAME, f"louder in {width} min", service, node, family, weight, False, About.SELF, text)
