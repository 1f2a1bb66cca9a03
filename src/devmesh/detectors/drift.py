"""Drift: what a family says a day rises or falls slowly, over weeks, with no hour that would be an anomaly.

Mondays are compared with Mondays (the seasonal Kendall test: Hirsch, Slack and Smith 1982), so no rhythm of the week is
a drift, and no burst is one, for only the order of days counts. Days that depend on the day before say less (Hamed and
Rao 1998). Of what is left at most one in a hundred is luck, however many families there are. A level that changed from
one day to the next is no drift but a change. Pure: a frame in, rows out.
"""

from __future__ import annotations

import math
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from devmesh.memory import Floats, false_discoveries

WEEK = 7
LEAST_DAYS, MOST_DAYS = 21, 55  # hours are folded to days after 56
LEAST_EVENTS, LEAST_SPOKEN = 40, 10  # in all; days with an event
MOST_KEYS = 50_000  # that are looked at, the busiest
RATIO = 1.5  # of the last week to the first
MOST_DOUBT = 0.01
WORTH_A_LOOK = 0.01
LEAST_SLOPE = 14  # days: what rose within fewer is a change
STRAY = 4.4  # median deviations: a burst shapes no curve
SHARP = 1e-9

Bools = npt.NDArray[np.bool_]
Who = tuple[int, int]  # family, node


@dataclass(frozen=True)
class Days:
    """Whole days first..last (since 1970, UTC); `unseen`: (node, day) of which lines may be missing."""

    first: int
    last: int
    unseen: AbstractSet[tuple[int, int]] = frozenset()

    @property
    def count(self) -> int:
        """How many days these are."""
        return self.last - self.first + 1


@dataclass(frozen=True)
class Drift:
    """A family on a node that is `rising` or `falling` (`kind`) since about day `since`: events a day in its first week
    and in its last, the share of luck among all that are as sure (`doubt`), and its count of each day, None where it
    was not seen.
    """

    kind: str
    family: int
    service: int
    node: int
    since: int
    before: float
    now: float
    doubt: float
    days: tuple[int | None, ...]


def drifts(daily: pl.DataFrame, days: Days) -> tuple[list[Drift], int]:
    """Those that drift, the surest first, and how many were compared. `daily` is (family_id, service_id, node_id, day,
    n), a row at most for a family on a node and a day, none for no events.
    """
    keys = _worth_asking(daily, days)
    if not len(keys):
        return [], 0
    counts = _matrix(daily, keys, days)
    score, variance = _kendall(counts)
    chances = np.where((~np.isnan(counts)).sum(1) >= LEAST_DAYS, _chances(score, variance), 1.0)
    asked = np.flatnonzero(chances < WORTH_A_LOOK)
    if not len(asked):
        return [], len(keys)
    curves = _curves(_smooth(counts[asked]))
    chances[asked] = _chances(score[asked], variance[asked] * curves.inflated)
    doubts, out = false_discoveries(chances), []
    for place, number in enumerate(asked.tolist()):
        one = _drift(keys.row(number, named=True), counts[number], days)
        told = replace(one, doubt=float(doubts[number]), since=days.first + int(curves.since[place]))
        rises = score[number] > 0
        if told.doubt <= MOST_DOUBT and curves.slow[place] and _is_large(told) and rises == (told.kind == "rising"):
            out.append((chances[number], told))
    return [one for _chance, one in sorted(out, key=lambda pair: (pair[0], pair[1].family, pair[1].node))], len(keys)


def _worth_asking(daily: pl.DataFrame, days: Days) -> pl.DataFrame:
    """(family_id, service_id, node_id, begun) of those with days and events enough that a drift could be told."""
    keys = daily.group_by("family_id", "node_id").agg(
        pl.col("service_id").first(), total=pl.col("n").sum(), spoke=pl.len(), begun=pl.col("day").min()
    )
    enough = (pl.col("total") >= LEAST_EVENTS) & (pl.col("spoke") >= LEAST_SPOKEN)
    old = pl.col("begun") <= days.last - LEAST_DAYS
    return keys.filter(enough & old).sort("total", "family_id", "node_id", descending=True).head(MOST_KEYS)


def _matrix(daily: pl.DataFrame, keys: pl.DataFrame, days: Days) -> Floats:
    """A row for each key, a column for each day. Unknown are days up to the first of the key, which has an event by
    choice, and those of which the node could not be seen.
    """
    rows = keys.select("family_id", "node_id", row=pl.int_range(pl.len()))
    found = daily.join(rows, ["family_id", "node_id"])
    out = np.zeros((len(keys), days.count))
    out[found["row"].to_numpy(), found["day"].to_numpy() - days.first] = found["n"].to_numpy()
    out[np.arange(days.count) <= (keys["begun"].to_numpy() - days.first)[:, None]] = np.nan
    nodes = keys["node_id"].to_numpy()
    for node, day in days.unseen:
        if days.first <= day <= days.last:
            out[nodes == node, day - days.first] = np.nan
    return out


def _weeks(counts: Floats) -> Floats:
    """(keys, weeks, 7): the last day stands last, what is missing of the first week is unknown."""
    lacking = -counts.shape[1] % WEEK
    padded = np.concatenate([np.full((len(counts), lacking), np.nan), counts], axis=1)
    return padded.reshape(len(counts), -1, WEEK)


def _kendall(counts: Floats) -> tuple[Floats, Floats]:
    """The seasonal Kendall score of each key, and its variance where nothing drifts (ties make it smaller)."""
    weeks = _weeks(counts)
    score = np.zeros(len(weeks))
    for late in range(1, weeks.shape[1]):
        score += np.nansum(np.sign(weeks[:, late, None] - weeks[:, :late]), axis=(1, 2))
    n = (~np.isnan(weeks)).sum(1).astype(float)
    return score, (n * (n - 1) * (2 * n + 5) / 18).sum(1)


def _chances(score: Floats, variance: Floats) -> Floats:
    z = np.maximum(np.abs(score) - 1, 0) / np.sqrt(np.maximum(variance, 1.0))
    return np.array([math.erfc(one / math.sqrt(2)) for one in z.tolist()])


def _smooth(counts: Floats) -> Floats:
    """Counts on a scale where luck is as large everywhere (Anscombe 1948), without rhythm of the week and bursts."""
    weeks = _weeks(2.0 * np.sqrt(counts + 0.375))
    middle = _median(weeks, 2)
    slope = np.gradient(middle, axis=1) / WEEK  # else what a week rises within itself would pass for rhythm
    level = middle[:, :, None] + slope[:, :, None] * (np.arange(WEEK) - WEEK // 2)
    off = weeks - level
    off -= _median(off, 1)[:, None, :]
    stray = STRAY * _median(np.abs(off).reshape(len(weeks), -1), 1)[:, None, None] + 1.0
    flat: Floats = (level + np.clip(off, -stray, stray)).reshape(len(weeks), -1)[:, -counts.shape[1] :]
    return flat


def _median(values: Floats, axis: int) -> Floats:
    unknown = np.isnan(values).all(axis, keepdims=True)
    out: Floats = np.nanmedian(np.where(unknown, 0.0, values), axis)
    return out


@dataclass(frozen=True)
class _Curves:
    """By key: since which column it rises or falls, whether a slope tells it better than a step, and how much larger
    the variance of its score is because days depend on the day before.
    """

    since: npt.NDArray[np.intp]
    slow: Bools
    inflated: Floats


def _curves(smooth: Floats) -> _Curves:
    """The best slope (flat, then a line to the end) beside the best step, by least squares."""
    at = np.arange(smooth.shape[1])
    slopes = np.maximum(at[None, :] - np.arange(max(1, len(at) - LEAST_SLOPE))[:, None], 0.0)
    steps = (at[None, :] >= np.arange(2, len(at) - 1)[:, None]).astype(float)
    known = ~np.isnan(smooth)
    values = np.where(known, smooth, 0.0)
    gain, factor = _fit(known, values, slopes)
    best = gain.argmax(1)
    rows = np.arange(len(smooth))
    off = np.where(known, values - factor[rows, best][:, None] * slopes[best], 0.0)
    off = np.where(known, off - (off.sum(1) / np.maximum(known.sum(1), 1))[:, None], 0.0)
    luck = known.sum(1)  # on this scale each day strays by 1 at least
    again = (off[:, 1:] * off[:, :-1]).sum(1) / np.maximum((off**2).sum(1), luck)
    again = np.clip(again + (2 + 4 * again) / smooth.shape[1], 0.0, 0.9)  # of few days it looks smaller than it is
    slow = gain[rows, best] > _fit(known, values, steps)[0].max(1, initial=0.0)
    return _Curves(best, slow, (1 + again) / (1 - again))


def _fit(known: Bools, values: Floats, shapes: Floats) -> tuple[Floats, Floats]:
    """By key and shape: how much of the squares around the mean `mean + factor * shape` explains, and the factor."""
    n = np.maximum(known.sum(1), 1)[:, None]
    x, y = known @ shapes.T, values.sum(1)[:, None]
    across = values @ shapes.T - x * y / n
    wide = np.maximum(known @ (shapes**2).T - x**2 / n, SHARP)
    return across**2 / wide, across / wide


def _drift(key: dict[str, int], counts: Floats, days: Days) -> Drift:
    """One as its first and its last week say."""
    seen = counts[~np.isnan(counts)]
    before, now = float(seen[:WEEK].mean()), float(seen[-WEEK:].mean())
    by_day = tuple(None if math.isnan(one) else int(one) for one in counts.tolist())
    kind = "rising" if now > before else "falling"
    return Drift(kind, key["family_id"], key["service_id"], key["node_id"], days.first, before, now, 1.0, by_day)


def _is_large(one: Drift) -> bool:
    ratio = (one.now + 0.5) / (one.before + 0.5)
    return ratio >= RATIO or ratio <= 1 / RATIO
