"""Families that say far less in an hour than they do, of services that are there: shown, told with other evidence.

Calibrated like what is loud: the chance of so few under what is normal is held against the number of families.
"""

from __future__ import annotations

import numpy as np

from devmesh.detectors.model import About, Finding
from devmesh.memory import Baselines, Hour, at_most

NAME, KIND = "quieter", "quieter in 60 min"
FALSE_PER_HOUR = 1e-3
RATIO, LEAST_EXPECTED, LEAST_SPREAD = 3.0, 20.0, 0.1
LEAST_H = 24.0
YOUNG_MIN = 48 * 60
WEIGHT = 0.6


class Quietness:
    """Observes hour by hour; speaks once of each key until it is itself again."""

    def __init__(self) -> None:
        self._quiet: set[int] = set()

    def observe(self, hour: Hour, normal: Baselines, *, told: bool) -> list[Finding]:
        """The findings of an hour that is over; nothing is found where `told` is not set."""
        keys, pairs, counts = normal.keys, normal.pairs, hour.counts
        end = (counts.hour + 1) * 60
        if counts.until < end:
            return []
        total = np.bincount(hour.key, weights=counts.n, minlength=len(keys)).astype(float)
        rates = (keys[f"{name}_n"] / np.maximum(keys[f"{name}_h"], LEAST_H) for name in ("slow", "quick"))
        mean = np.minimum(*rates) * hour.weight[keys["pair"]]
        spread = np.maximum((keys["stray_60"] + 1.0) / (keys["worth_60"] + 1.0), LEAST_SPREAD)
        speaks = np.bincount(hour.pair, minlength=len(pairs)) > 0  # else it is silent as a whole
        grown = counts.hour * 60 - keys["born"] >= YOUNG_MIN
        few = (mean >= LEAST_EXPECTED) & (total * RATIO < mean)
        blind = counts.blind_minutes(keys["node"])
        seen = np.ones(len(keys), dtype=bool) if blind is None else ~blind.any(1)
        at = np.flatnonzero(few & speaks[keys["pair"]] & grown & (keys["born"] >= 0) & seen)
        doubt = at_most(total[at], mean[at], mean[at] + spread[at] * mean[at] ** 2) * len(keys)
        quiet = set(at[doubt <= FALSE_PER_HOUR].tolist())
        fresh = sorted(quiet - self._quiet) if told else []
        self._quiet = {key for key in self._quiet if few[key]} | quiet
        return [_finding(key, end - 1, (float(total[key]), float(mean[key])), normal) for key in fresh]


def _finding(key: int, minute: int, seen: tuple[float, float], normal: Baselines) -> Finding:
    service, node, family = (int(normal.keys[name][key]) for name in ("service", "node", "family"))
    text = f"{seen[0]:.0f} in an hour, normal {seen[1]:.2g}"
    return Finding(minute, NAME, KIND, service, node, family, WEIGHT, False, About.SELF, text, minute - 59)
