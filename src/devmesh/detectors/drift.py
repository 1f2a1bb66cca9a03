"""Drift: what a family says a day rises or falls slowly, over weeks, with no hour that would be an anomaly.

Mondays are compared with Mondays (the seasonal Kendall test: Hirsch, Slack and Smith 1982), so no rhythm of the week is
a drift, and no burst is one, for only the order of days counts. Days that depend on the day before say less (Hamed and
Rao 1998). Of what is left at most one in a hundred is luck, however many families there are. A level that changed from
one day to the next is no drift but a change. Pure: counts in, rows out.
"""

from __future__ import annotations

import math
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from devmesh.detectors.speakers import Speakers
from devmesh.memory import Floats, false_discoveries

WEEK = 7
LEAST_DAYS, MOST_DAYS = 21, 55  # hours are folded to days after 56
LEAST_EVENTS, LEAST_SPOKEN = 40, 10  # in all; days with an event
MOST_KEYS, AT_ONCE = 50_000, 4_096  # that are looked at, the busiest; of which all pairs of weeks are in memory
RATIO = 1.5  # of the last week to the first
MOST_DOUBT = 0.01
WORTH_A_LOOK = 0.01
LEAST_SLOPE = 14  # days: what rose within fewer is a change
STRAY = 4.4  # median deviations: a burst shapes no curve
SHARP = 1e-9

Bools = npt.NDArray[np.bool_]
Who = tuple[int, int]  # family, node


@dataclass(frozen=True)
class Drift:
    """A family on a node that is `rising` or `falling` (`kind`) since about day `since`: events a day in its first week
    and in its last, the share of luck among all that are as sure (`doubt`), and its count of each day, None where it
    was not seen.
    """

    kind: str
    family: int
    node: int
    since: int
    before: float
    now: float
    doubt: float
    days: tuple[int | None, ...]


def drifts(speakers: Speakers, unseen: AbstractSet[tuple[int, int]] = frozenset()) -> tuple[list[Drift], int]:
    """Those that drift, the surest first, and how many were compared; columns are whole days, `unseen` are (node, day)
    of which lines may be missing.
    """
    speakers = _worth_asking(speakers)
    if not len(speakers):
        return [], 0
    counts = speakers.seen(unseen)
    begun = (speakers.counts > 0).argmax(1)  # a day that has an event by choice
    counts[np.arange(counts.shape[1]) <= begun[:, None]] = np.nan
    score, variance = _kendall(counts)
    chances = np.where((~np.isnan(counts)).sum(1) >= LEAST_DAYS, _chances(score, variance), 1.0)
    asked = np.flatnonzero(chances < WORTH_A_LOOK)
    if not len(asked):
        return [], len(speakers)
    curves = _curves(_smooth(counts[asked]))
    chances[asked] = _chances(score[asked], variance[asked] * curves.inflated)
    doubts, out = false_discoveries(chances), []
    for place, number in enumerate(asked.tolist()):
        who = int(speakers.family[number]), int(speakers.node[number])
        since, doubt = speakers.first + int(curves.since[place]), float(doubts[number])
        one = _drift(who, counts[number], since, doubt)
        rises = score[number] > 0
        if doubt <= MOST_DOUBT and curves.slow[place] and _is_large(one) and rises == (one.kind == "rising"):
            out.append((chances[number], one))
    return [one for _chance, one in sorted(out, key=lambda pair: (pair[0], pair[1].family, pair[1].node))], len(
        speakers
    )


def _worth_asking(speakers: Speakers) -> Speakers:
    """Those with days and events enough that a drift could be told, the busiest."""
    total, spoke = speakers.counts.sum(1), speakers.counts > 0
    old = spoke[:, :-LEAST_DAYS].any(1)
    rows = np.flatnonzero((total >= LEAST_EVENTS) & (spoke.sum(1) >= LEAST_SPOKEN) & old)
    return speakers.some(rows[np.argsort(-total[rows], kind="stable")[:MOST_KEYS]])


def _weeks(counts: Floats) -> Floats:
    """(keys, weeks, 7): the last day stands last, what is missing of the first week is unknown."""
    lacking = -counts.shape[1] % WEEK
    padded = np.concatenate([np.full((len(counts), lacking), np.nan), counts], axis=1)
    return padded.reshape(len(counts), -1, WEEK)


def _kendall(counts: Floats) -> tuple[Floats, Floats]:
    """The seasonal Kendall score of each key, and its variance where nothing drifts (ties make it smaller)."""
    weeks = _weeks(counts)
    score = np.zeros(len(weeks))
    for start in range(0, len(weeks), AT_ONCE):
        some = weeks[start : start + AT_ONCE]
        for late in range(1, some.shape[1]):
            score[start : start + AT_ONCE] += np.nansum(np.sign(some[:, late, None] - some[:, :late]), axis=(1, 2))
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


def _drift(who: Who, counts: Floats, since: int, doubt: float) -> Drift:
    """One as its first and its last week say."""
    seen = counts[~np.isnan(counts)]
    before, now = float(seen[:WEEK].mean()), float(seen[-WEEK:].mean())
    by_day = tuple(None if math.isnan(one) else int(one) for one in counts.tolist())
    return Drift("rising" if now > before else "falling", *who, since, before, now, doubt, by_day)


def _is_large(one: Drift) -> bool:
    ratio = (one.now + 0.5) / (one.before + 0.5)
    return ratio >= RATIO or ratio <= 1 / RATIO
