"""When something comes by plan: its period, its time and how far it strays, from when its runs began. Pure.

Days and longer are by the calendar: a time of day that most runs keep to. It is overdue at two sigma: sigma is how far
the runs that are remembered ever strayed from that time, and a quarter of an hour at least: who did the same for weeks
is not late by a minute. (Of a normal spread that is four to five standard deviations; two of those would be wrong once
in 44 runs.) Where there are few runs it is up to one more; when clocks are changed, an hour. Shorter periods are
intervals, begin anew with each start of their program, and must fail thrice.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import date
from statistics import median

import numpy as np
import numpy.typing as npt

from devmesh.detectors.model import Plan

DAY_MIN = 24 * 60
STARTS, LEAST_STARTS, LEAST_WEEKS = 9, 6, 4  # those that make a plan; a time of the week agrees less by chance
RUNS = 42  # that are remembered of what has a plan
BY_CALENDAR_MIN, LEAST_PERIOD_MIN = 20 * 60, 30
STRAY = 0.06  # of a period; ten minutes are always allowed
WIDE_MIN = 43  # so far a run by the calendar may be from its time
STRANGERS = 1  # of the last runs may be at any other time: by hand
MOVED_RUNS = 3  # by its new time, and a job that was moved has a plan again
REGULAR = 0.75  # of its runs must have come
SIGMA_MIN, SIGMAS, FEW, FEWER = 15, 2, 20, 14  # and one sigma more for so many runs that lack
CHANCE = 1e-4  # of gaps that agree by luck
CHANGED_MIN = 60  # when clocks are changed
SUNDAYS = {(3, 2), (3, -1), (4, 1), (9, -1), (10, 1), (10, -1), (11, 1)}  # on which they are: month, and which of it
CHANGES_FROM, CHANGES_TO = -10 * 60, 11 * 60  # minutes of such a Sunday in UTC: New Zealand begins, Alaska ends


def plan_of(starts: Sequence[int], unseen: Sequence[int] = ()) -> Plan | None:
    """The plan of runs that began in these minutes, in order of time; None where there is none. `unseen`: when others
    should have, while nobody could see.
    """
    runs = sorted({*starts, *unseen}) if unseen else list(starts)
    if len(runs) < LEAST_WEEKS:
        return None
    period = float(median(_gaps(runs[-STARTS:])))
    if period >= BY_CALENDAR_MIN:
        return _by_calendar(runs, set(unseen), round(period / DAY_MIN) * DAY_MIN)
    return _by_interval(runs, set(unseen), period)


def may_have_plan(starts: npt.NDArray[np.int32], n: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Of many keys at once those of which `plan_of` may find a plan: `starts` is (keys, STARTS), of which `n` are in
    use, LEAST_WEEKS at least. A few of them have none after all.
    """
    gaps = np.diff(starts, axis=1).astype(float)
    some = np.arange(STARTS - 1) < n[:, None] - 1
    ordered, row = np.sort(np.where(some, gaps, np.inf), axis=1), np.arange(len(n))
    shortest, longest = ordered[:, 0], ordered[row, n - 2]
    period = (ordered[row, (n - 2) // 2] + ordered[row, (n - 1) // 2]) / 2
    stray = np.maximum(longest - period, period - shortest)
    even = (n >= LEAST_STARTS) & (period >= LEAST_PERIOD_MIN) & (stray <= np.maximum(10.0, STRAY * period))
    out: npt.NDArray[np.bool_] = even | (period >= BY_CALENDAR_MIN)
    return out


def _by_interval(runs: list[int], unseen: set[int], period: float) -> Plan | None:
    came = len([run for run in runs if run not in unseen][-STARTS:])
    if came < LEAST_STARTS or period < LEAST_PERIOD_MIN:
        return None
    gaps = _gaps(runs[-STARTS:])
    stray = max(max(gaps) - period, period - min(gaps))
    if stray > max(10.0, STRAY * period) or (2 * stray / period) ** len(gaps) > CHANCE:
        return None
    due = int(runs[-1] + period + max(15.0, 3 * stray, 2.1 * period))
    return Plan(round(period), round(runs[-1] + period), due, max(1, round(stray)), came, came)


def _by_calendar(runs: list[int], unseen: set[int], period: int) -> Plan | None:
    last, shifted = runs[-1], _by_the_wall(runs, period)
    offs = [(run - last + period // 2) % period - period // 2 for run in shifted]  # to the last one's time of day
    came = [place for place, run in enumerate(runs) if run not in unseen]
    time = median(offs[place] for place in came[-STARTS:])
    newest = median(offs[place] for place in came[-MOVED_RUNS:])
    if all(abs(offs[place] - newest) <= WIDE_MIN for place in came[-MOVED_RUNS:]):
        time = newest
    home = [place for place in came if abs(offs[place] - time) <= WIDE_MIN]
    if len(home) < MOVED_RUNS:
        return None
    time = median(offs[place] for place in home)
    earlier = [offs[place] for place in came if place < home[0]]
    before = median(earlier) if earlier else time
    strays = [abs(offs[place] - time) for place in home] + [abs(off - before) for off in earlier]
    least = LEAST_WEEKS if period >= 7 * DAY_MIN else LEAST_STARTS
    if len(home) < least and (len(strays) < least or max(strays) > WIDE_MIN):
        return None  # too few, and what was before was no plan
    strays = [stray for stray in strays if stray <= WIDE_MIN]
    cycles = {round((shifted[place] - time - last) / period) for place in home}
    waived = sum(home[0] < place < home[-1] for place, run in enumerate(runs) if run in unseen)
    expected = max(cycles) - min(cycles) + 1 - waived
    strangers = [place for place in came[-STARTS:] if place > home[0] and place not in home]
    astray = last not in unseen and came[-1] != home[-1]
    missed = astray and last - runs[home[-1]] > period + WIDE_MIN  # it may have been moved
    if len(strangers) > STRANGERS or missed or len(cycles) < REGULAR * expected:
        return None
    at = round(last + time)
    at += period * (not astray or at <= last + 2 * WIDE_MIN)
    spread = max(1, round(max(strays)))
    sigmas = SIGMAS + max(0, FEW - len(strays)) / FEWER
    patience = round(sigmas * max(SIGMA_MIN, spread))
    patience += CHANGED_MIN * clocks_changed(last, at + patience)
    return Plan(period, at, at + patience, spread, len(cycles), expected)


def _by_the_wall(runs: Sequence[int], period: int) -> list[int]:
    """Runs by the clock that they keep to, as it goes now: an hour's step where clocks are changed is none."""
    out, shift = [runs[-1]], 0
    for earlier, later in reversed(list(itertools.pairwise(runs))):
        jump = (later - earlier + period // 2) % period - period // 2
        if abs(abs(jump) - CHANGED_MIN) <= CHANGED_MIN // 2 and clocks_changed(earlier, later):
            shift += CHANGED_MIN if jump > 0 else -CHANGED_MIN
        out.append(earlier + shift)
    return out[::-1]


def clocks_changed(since: int, until: int) -> bool:
    """Whether clocks are changed between two minutes, in any country that does."""
    first, last = (since - CHANGES_TO) // DAY_MIN, (until - CHANGES_FROM) // DAY_MIN
    return any(
        since < number * DAY_MIN + CHANGES_TO and until > number * DAY_MIN + CHANGES_FROM and _on_such_a_sunday(number)
        for number in range(first, last + 1)
    )


def _on_such_a_sunday(number: int) -> bool:
    """Of a day since 1970; the last one of a month is its -1st."""
    day = date.fromordinal(number + date(1970, 1, 1).toordinal())
    if day.isoweekday() != 7:  # noqa: PLR2004 - Sunday
        return False
    is_last = date.fromordinal(day.toordinal() + 7).month != day.month
    return (day.month, (day.day + 6) // 7) in SUNDAYS or (is_last and (day.month, -1) in SUNDAYS)


def _gaps(runs: Sequence[int]) -> list[int]:
    return [later - earlier for earlier, later in itertools.pairwise(runs)]
