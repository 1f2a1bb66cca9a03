"""Errors of a service on a node, in bins of five minutes, against their moving mean and deviation.

A bin of which a part could not be seen may be loud, but teaches nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from devmesh.detectors.model import About, Finding
from devmesh.memory import Baselines, Columns, Hour

NAME = "error rate"
ERROR = 3
BIN_MIN, BINS = 5, 12
PART = 1 / 288  # of a bin in the mean: a day's memory
LEAST, RATIO, DEVIATIONS = 5.0, 3.0, 6.0


@dataclass(frozen=True)
class Usual:
    """What is normal of a service on a node, at an instant: mean and deviation of its errors in five minutes, and of
    how many such times that was learned.
    """

    service: int
    node: int
    mean: float
    deviation: float
    bins: int
    at_us: int

    @property
    def hours(self) -> int:
        """How long that was learned."""
        return self.bins // BINS

    @property
    def found_from(self) -> int:
        """The fewest errors in five minutes that are a finding."""
        return max(
            int(LEAST), math.floor(RATIO * self.mean) + 1, math.floor(self.mean + DEVIATIONS * self.deviation) + 1
        )


class ErrorRate:
    """Observes hour by hour; mean and variance are of errors in five minutes."""

    def __init__(self) -> None:
        self.state = Columns(mean=(float, 0.0), variance=(float, 0.0), bins=(int, 0))

    def observe(self, hour: Hour, normal: Baselines, *, told: bool) -> list[Finding]:
        """The findings of an hour; nothing is found where `told` is not set."""
        state, counts, start = self.state, hour.counts, hour.counts.hour * 60
        while len(state) < len(normal.pairs):
            state.add()
        errors = normal.severities()[hour.key] <= ERROR
        place = hour.pair[errors] * BINS + (counts.minute[errors] - start) // BIN_MIN
        bins = np.bincount(place, weights=counts.n[errors], minlength=len(state) * BINS).reshape(-1, BINS)
        blind = counts.blind_minutes(normal.pairs["node"])
        seen = np.ones(bins.shape, np.bool_)
        if blind is not None:
            seen &= ~blind.reshape(-1, BINS, BIN_MIN).any(2)
        out = []
        for number in range(min(BINS, (counts.until - start) // BIN_MIN)):
            n, mean, deviation = bins[:, number], state["mean"], np.sqrt(state["variance"] + state["mean"])
            bound = mean + DEVIATIONS * deviation
            spike = (n >= LEAST) & (n > RATIO * mean) & (n > bound) & (state["bins"] >= BINS)
            if told:
                out += [
                    self._finding(pair, start + (number + 1) * BIN_MIN - 1, bins[pair, number], normal)
                    for pair in np.flatnonzero(spike).tolist()
                ]
            taken = np.minimum(n, bound + LEAST)
            part = np.where(seen[:, number], np.maximum(PART, 1 / (state["bins"] + 1)), 0.0)
            state["variance"] = (1 - part) * (state["variance"] + part * (taken - mean) ** 2)
            state["mean"] = mean + part * (taken - mean)
            state["bins"] = state["bins"] + seen[:, number]
        return out

    def _finding(self, pair: int, minute: int, n: float, normal: Baselines) -> Finding:
        mean = float(self.state["mean"][pair])
        weight = min(1.0 + math.log10(n / max(mean, 0.1)), 3.2)
        service, node = (int(normal.pairs[name][pair]) for name in ("service", "node"))
        text = f"{n:.0f} errors in {BIN_MIN} minutes, normal {mean:.2g}"
        return Finding(minute, NAME, NAME, service, node, None, weight, False, About.SELF, text)
