"""Families of different services that come to move together: their hours rise and fall alike this week, and did not.

Hours are held against their own time of day, so that two that are busy by day are not alike for that, and ranked, so
that a fault in common says little. The correlation of the last week is compared with that of the three weeks before
(Fisher's z, with as many hours as are independent: Bartlett 1935); both halves of the week must show it. Of the pairs
that are left at most one in a hundred is luck. Pure: counts in, groups out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from devmesh.detectors.speakers import Speakers
from devmesh.memory import Floats, false_discoveries

NOW_H, BEFORE_H = 7 * 24, 21 * 24
MOST_KEYS = 1_000
SPOKE = 1 / 6  # of the hours, now and before
NOW, HALF, BEFORE = 0.6, 0.5, 0.25  # correlations: at least, at least, at most
MOST_DOUBT = 0.01
WORKDAYS, DAY_H, WEEK_D = 5, 24, 7
THURSDAY = 3  # day 0, in a week that begins on Monday
SHARP = 1e-9

Ints = npt.NDArray[np.intp]


@dataclass(frozen=True)
class Together:
    """(family, node) that move alike since a week, the surest first; correlations of the surest pair before
    and now, and the share of luck among all pairs that are as sure as the least sure one.
    """

    members: tuple[tuple[int, int], ...]
    before: float
    now: float
    doubt: float


def together(
    speakers: Speakers, service_of: Mapping[int, int], unseen: AbstractSet[tuple[int, int]] = frozenset()
) -> tuple[list[Together], int]:
    """Groups, the surest first, and how many pairs were compared; columns are the hours of four weeks, `service_of` is
    by family (who is not in it is left out), `unseen` are (node, hour) of which lines may be missing.
    """
    homed = np.flatnonzero(np.isin(speakers.family, list(service_of)))  # others were merged just now
    speakers = _talkers(speakers.some(homed))
    counts = speakers.seen(unseen)
    service = np.array([service_of[one] for one in speakers.family.tolist()])
    one, other = np.triu_indices(len(speakers), 1)
    strangers = service[one] != service[other]
    one, other = one[strangers], other[strangers]
    if not len(one):
        return [], 0
    before, now = counts[:, :BEFORE_H], counts[:, BEFORE_H:]
    ranked = [_ranked(before, speakers.first), _ranked(now, speakers.first + BEFORE_H)]
    was, moves = (_correlations(some)[one, other] for some in ranked)
    halves = [_correlations(some)[one, other] for some in np.array_split(ranked[1], 2, axis=1)]
    apart = np.arctanh(np.clip(moves, -0.999, 0.999)) - np.arctanh(np.clip(was, -0.999, 0.999))
    spread = np.sqrt(sum(1 / np.maximum(_independent(some)[one, other] - 3, 1) for some in ranked))
    chances = np.array([math.erfc(max(z, 0.0) / math.sqrt(2)) for z in (apart / spread).tolist()])
    doubts = false_discoveries(chances)
    alike = (moves >= NOW) & (np.minimum(*halves) >= HALF) & (np.abs(was) <= BEFORE) & (doubts <= MOST_DOUBT)
    found = sorted(np.flatnonzero(alike).tolist(), key=lambda pair: (chances[pair], pair))
    pairs = [(int(one[p]), int(other[p]), float(was[p]), float(moves[p]), float(doubts[p])) for p in found]
    return _groups(pairs, speakers), len(one)


def _talkers(speakers: Speakers) -> Speakers:
    """Those that speak in enough hours, the busiest."""
    before, now = (some.sum(1) for some in np.array_split(speakers.counts > 0, [BEFORE_H], axis=1))
    rows = np.flatnonzero((now >= SPOKE * NOW_H) & (before >= SPOKE * BEFORE_H))
    total = speakers.counts[rows].sum(1)
    return speakers.some(rows[np.argsort(-total, kind="stable")[:MOST_KEYS]])


def _ranked(counts: Floats, first: int) -> Floats:
    """Ranks of each row's hours beside what is usual at that time of day, on days of work and others; 0 is unknown."""
    hour = first + np.arange(counts.shape[1])
    free = (hour // DAY_H + THURSDAY) % WEEK_D >= WORKDAYS
    cells = [np.flatnonzero(hour % DAY_H + DAY_H * free == cell) for cell in range(2 * DAY_H)]
    known, off = ~np.isnan(counts), np.sqrt(counts)
    for at in cells:  # by the median: of five days one loud hour would make the others look quiet
        seen = np.where(known[:, at].any(1, keepdims=True), off[:, at], 0.0)
        off[:, at] -= np.nanmedian(seen, axis=1, keepdims=True)
    values = np.where(known, np.array([_ranks(row) for row in off]), 0.0)
    for at in cells:  # what is skewed by day and not by night
        usual = values[:, at].sum(1) / np.maximum(known[:, at].sum(1), 1)
        values[:, at] = np.where(known[:, at], values[:, at] - usual[:, None], 0.0)
    return values


def _ranks(row: Floats) -> Floats:
    """Average ranks of one row, unknown where it is."""
    known = ~np.isnan(row)
    _values, place, times = np.unique(row[known], return_inverse=True, return_counts=True)
    out = np.full(len(row), np.nan)
    out[known] = (np.cumsum(times) - (times - 1) / 2)[place]
    return out


def _correlations(values: Floats) -> Floats:
    even = values - values.mean(1, keepdims=True)
    even /= np.maximum(np.sqrt((even**2).sum(1, keepdims=True)), SHARP)
    out: Floats = even @ even.T
    return out


def _independent(values: Floats) -> Floats:
    """For each pair how many of its hours are as good as independent: those that were seen, less one for each cell of
    the rhythm, fewer where both go on from hour to hour.
    """
    seen = np.maximum((values != 0).sum(1) - 2.0 * DAY_H, 1.0)
    on = (values[:, 1:] * values[:, :-1]).sum(1) / np.maximum((values**2).sum(1), SHARP)
    on = np.clip(on, 0.0, 0.95)
    both = np.outer(on, on)
    out: Floats = np.minimum(seen[:, None], seen[None, :]) * (1 - both) / (1 + both)
    return out


def _groups(pairs: list[tuple[int, int, float, float, float]], speakers: Speakers) -> list[Together]:
    """Pairs, the surest first, joined to groups where they share a member."""
    home: dict[int, int] = {}
    members: dict[int, list[int]] = {}
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for place, (one, other, *_rest) in enumerate(pairs):
        into, gone = (home.setdefault(key, key) for key in (one, other))
        for key in (one, other):
            members.setdefault(home[key], [key])
        if into != gone:
            members[into] += members.pop(gone)
            home |= dict.fromkeys(members[into], into)
            first[into] = min(first.get(into, place), first.pop(gone, place))
            last.pop(gone, None)
        last[into] = place
    out = []
    for number in sorted(first, key=first.__getitem__):
        who = tuple((int(speakers.family[key]), int(speakers.node[key])) for key in members[number])
        _one, _other, before, now, _doubt = pairs[first[number]]
        out.append(Together(who, before, now, pairs[last[number]][4]))
    return out
