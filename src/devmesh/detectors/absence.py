"""When somebody is usually away: a desktop that sleeps each night is missed only when it does not come back.

An hour is one of its hours off where it was away in that hour on five of the last seven days, or on that day of three
of the last four weeks. Two hours ahead of them and after them it may still be, or already be, away. An absence of more
than three days teaches nothing: that was an outage. Neither does anybody who is away nearly always: that is no rhythm.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

HOUR_MIN, DAY_H, WEEK_H = 60, 24, 168
DAYS, OF_DAYS, WEEKS, OF_WEEKS = 5, 7, 3, 4
KEPT_H = (OF_WEEKS + 1) * WEEK_H  # four weeks ago is not now
GRACE_H, LONGEST_H = 2, 72
MOST = 0.85  # of the hours since its first

Bools = npt.NDArray[np.bool_]


class Absence:
    """Remembers five weeks of who was away, by place (0, 1, 2, … as they come); hours are since 1970."""

    def __init__(self) -> None:
        self._away = np.zeros((0, KEPT_H), dtype=bool)
        self._lasts = np.zeros(0, dtype=np.int64)  # for how many hours it has been away by now
        self._age = np.zeros(0, dtype=np.int64)
        self._rhythm = np.zeros(0, dtype=bool)

    def learn(self, hour: int, away: Bools) -> None:
        """Take an hour in: who was away for the whole of it."""
        more = len(away) - len(self._away)
        if more:
            self._away = np.pad(self._away, ((0, more), (0, 0)))
            self._lasts, self._age = np.pad(self._lasts, (0, more)), np.pad(self._age, (0, more))
        self._age += 1
        self._lasts = np.where(away, self._lasts + 1, 0)
        self._away[:, hour % KEPT_H] = away & (self._lasts <= LONGEST_H)
        outages = np.flatnonzero(self._lasts == LONGEST_H + 1)
        self._away[np.ix_(outages, np.arange(hour - LONGEST_H, hour + 1) % KEPT_H)] = False
        self._rhythm = self._away.sum(1) <= MOST * np.minimum(self._age, KEPT_H)

    def skip(self, hour: int) -> None:
        """Know nothing of an hour, and no more what was five weeks before it."""
        self._away[:, hour % KEPT_H] = False

    def around(self, hour: int, n: int) -> Bools:
        """For each of `n`: whether it may be away in an hour, by its rhythm."""
        out = np.zeros(n, dtype=bool)
        for near in range(hour - GRACE_H, hour + GRACE_H + 1):
            off = self._usual(near, hour)
            out[: len(off)] |= off
        return out

    def missed_from(self, place: int, minute: int) -> int:
        """From which minute on somebody is missed who was lost at `minute` (since 1970): at once, or two hours after
        the end of the hours off that had begun or were about to.
        """
        lost, number = minute // HOUR_MIN, slice(place, place + 1)
        off = [bool(self._usual(hour, lost, number).any()) for hour in range(lost, lost + LONGEST_H)]
        if True not in off[: GRACE_H + 1]:
            return minute
        begin = off.index(True)
        return minute if all(off[begin:]) else (lost + off.index(False, begin) + GRACE_H) * HOUR_MIN

    def _usual(self, hour: int, known: int, some: slice = slice(None)) -> Bools:
        """Whose hour off an hour is, by what was before hour `known` and at most a day before that hour."""
        away = self._away[some]
        by_day = away[:, (hour - DAY_H * np.arange(1, OF_DAYS + 1)) % KEPT_H].sum(1) >= DAYS
        by_week = away[:, (hour - WEEK_H * np.arange(1, OF_WEEKS + 1)) % KEPT_H].sum(1) >= WEEKS
        off: Bools = self._rhythm[some] & (by_week | by_day if hour < known + DAY_H else by_week)
        return off
