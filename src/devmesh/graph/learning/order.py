"""From the order of time: whose errors begin right after whose, more often than chance explains. Pure.

An onset is a minute with errors after an hour without. Of two services that err apart, the onsets of the one that fall
within `WINDOW` minutes after one of the other's are Poisson with a mean of n·m·WINDOW / T. Told is what so many onsets
would be by luck in one of a hundred looks at all pairs (Bonferroni), what is `LIFT` times the mean, happened `LEAST`
times on `DAYS` days, and goes in one direction. It is a hint: a third that both need looks the same.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

QUIET_MIN, WINDOW = 60, 5
LEAST, DAYS, LIFT, LUCK = 4, 3, 5.0, 0.01
ONE_WAY = 3  # times as often as in the other direction
MOST_ONSETS, MOST_SERVICES = 500, 200
DAY_MIN = 1440
Minutes = NDArray[np.int64]


@dataclass(frozen=True)
class Follows:
    """Errors of `who` began after those of `whom`: `n` times on `days` days, the first and the last time (minutes)."""

    who: int
    whom: int
    n: int
    days: int
    first: int
    last: int


def onsets(minutes: Minutes) -> Minutes:
    """Of sorted minutes with errors those that come after an hour without."""
    before = np.diff(minutes, prepend=np.int64(-QUIET_MIN - 1))
    return minutes[before > QUIET_MIN]


def following(errors: Mapping[int, Minutes], span: int) -> list[Follows]:
    """Who follows whom. `errors`: by service the sorted minutes in which it erred, within `span` minutes."""
    begun = {one: onsets(minutes) for one, minutes in errors.items()}
    fit = {one: some for one, some in begun.items() if LEAST <= len(some) <= MOST_ONSETS}
    kept = sorted(fit, key=lambda one: (-len(fit[one]), one))[:MOST_SERVICES]
    pairs = max(1, len(kept) * (len(kept) - 1))
    return [one for who in kept for one in _before(who, kept, fit, span, LUCK / pairs)]


def _before(who: int, kept: list[int], begun: Mapping[int, Minutes], span: int, luck: float) -> Iterator[Follows]:
    for whom in kept:
        if whom == who:
            continue
        hits = _after(begun[who], begun[whom])
        mean = len(begun[who]) * len(begun[whom]) * WINDOW / span
        days = len(np.unique(hits // DAY_MIN))
        enough = len(hits) >= max(LEAST, LIFT * mean) and days >= DAYS
        if enough and len(hits) >= ONE_WAY * len(_after(begun[whom], begun[who])) and chance(len(hits), mean) < luck:
            yield Follows(who, whom, len(hits), days, int(hits[0]), int(hits[-1]))


def _after(these: Minutes, those: Minutes) -> Minutes:
    """Of `these` the ones that come one to `WINDOW` minutes after one of `those`."""
    place = np.searchsorted(those, these)  # the first that is not before
    last = those[np.maximum(place - 1, 0)]
    return these[(place > 0) & (these - last <= WINDOW)]


def chance(n: int, mean: float) -> float:
    """The probability of `n` or more where `mean`, which is less, are expected (Poisson)."""
    if mean <= 0:
        return 0.0
    term = math.exp(n * math.log(mean) - mean - math.lgamma(n + 1))
    total, k = 0.0, n
    while term > total * 1e-12:
        total, k = total + term, k + 1
        term *= mean / k
    return total
