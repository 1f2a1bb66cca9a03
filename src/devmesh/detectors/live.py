"""The watch as time goes by: hours that are over are learned, those that still get lines are judged again each minute.

An hour is over for good five minutes after its end, or up to three hours later where lines of a node are known to be on
their way: until then each look judges it anew, on a copy of the watch, with all that has come by now. What was found
before is found again; whoever asks keeps what is new to him.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from devmesh.detectors.counts import HOUR_MIN, Counts, as_one, hours
from devmesh.detectors.model import Finding
from devmesh.detectors.watch import Watch
from devmesh.events import Events, Position
from devmesh.memory import Memory, Minutes, fork

MINUTE_US = 60_000_000
LATE_MIN, LATE_AT_MOST_MIN = 5, 180
KEPT_H = 34 * 24  # counts by minute are kept for 35 days
OLD_H = 24  # what comes so late is history that was brought in
FOREVER_US = 1 << 62


@dataclass(frozen=True)
class Looked:
    """What a look saw in the hours that are not over for good: the findings in order of time, and the counts, of which
    minutes before `until` are over. `closed`: how many hours were learned in it.
    """

    until: int
    findings: tuple[Finding, ...]
    counts: Minutes
    closed: int


def first_late(said: pl.DataFrame, since: int, came: int) -> int | None:
    """The hour of the first line (`Arrivals.said`) from minute `since` on that came in or after minute `came` and when
    its hour was over; of nodes that were heard before it, for what a new one brings along is history.
    """
    over = (pl.col("minute") // HOUR_MIN + 1) * HOUR_MIN + LATE_MIN
    known = pl.col("came").min().over("node_id") <= pl.col("minute")
    late = said.filter(known & (pl.col("minute") >= since) & (pl.col("came") >= pl.max_horizontal(over, pl.lit(came))))
    first = late["minute"].min()
    return first // HOUR_MIN if isinstance(first, int) else None


class Live:
    """Watches from hour `first` (since 1970) on; `watch` has learned all before it."""

    def __init__(self, events: Events, memory: Memory, counts: Counts, watch: Watch, first: int) -> None:
        self._events, self._memory, self._counts = events, memory, counts
        self.watch = watch
        self._first = first
        self._window: pl.DataFrame | None = None
        self._at = Position()
        self.outdated = False  # a past came with the last look that it has not learned: an import
        self.late = False  # lines of the last day came with it, of hours that were over for good

    @property
    def moved(self) -> bool:
        """Whether families are not what they were when it learned them; what it finds is not to be believed then."""
        return self._counts.moved

    def look(self, until: int) -> Looked:
        """Judge all minutes before `until` that are not learned yet, with all that has arrived."""
        # In this order: what is called complete has arrived by then.
        complete = self._complete(until)
        sight = self._memory.sight(self._first * HOUR_MIN, until)
        self._read(FOREVER_US)
        assert self._window is not None  # noqa: S101 - _read made it
        rows = self._counts.by_family(self._window)
        last = -(-until // HOUR_MIN)
        found, closed = list[Finding](), 0
        watch, copied = self.watch, False
        for hour in hours(rows, self._first, last, until, sight):
            if not copied and not self._over(hour.hour, until, complete):
                watch, copied = self._copy(), True
            found += watch.observe(hour)
            closed += not copied
        self._first += closed
        self._window = self._window.filter(pl.col("minute") >= self._first * HOUR_MIN)
        return Looked(until, tuple(found), as_one(rows, until), closed)

    def _complete(self, until: int) -> int:
        """The minute from which on lines may be on their way still; who is away for hours is not waited for."""
        some = (known_us // MINUTE_US for known_us in self._memory.complete_until().values())
        return min((minute for minute in some if minute > until - LATE_AT_MOST_MIN), default=until)

    @staticmethod
    def _over(hour: int, until: int, complete: int) -> bool:
        end = (hour + 1) * HOUR_MIN
        return until >= end + LATE_MIN and (complete >= end or until >= end + LATE_AT_MOST_MIN)

    def _copy(self) -> Watch:
        return fork(self.watch, [self._counts.shapes])  # those are facts, and many

    def _read(self, before_us: int) -> None:
        """Take in what arrived; what belongs to an hour that is over only says that its families are not new, and that
        whoever asks should begin anew (`Detectors.begin_at`).
        """
        if self._window is None:
            self._window, self._at = self._events.arrivals.since(self._first * HOUR_MIN * MINUTE_US, before_us)
            return
        parts, at = [self._window], self._at
        while True:
            came, at = self._events.arrivals.after(at, before_us)
            if not len(came):
                break
            parts.append(came)
        joined = pl.concat(parts)
        late = joined.filter(pl.col("minute") < self._first * HOUR_MIN)
        self.outdated = self._is_history(late)
        self.late = not late.filter(pl.col("minute") >= (self._first - OLD_H) * HOUR_MIN).is_empty()
        if len(late):
            seen = self._counts.by_family(late).group_by("family_id").agg(pl.col("minute").min())
            born = self.watch.normal.born
            for family, minute in seen.iter_rows():
                born[family] = min(minute, born.get(family, minute))
        window = joined.filter(pl.col("minute") >= self._first * HOUR_MIN)
        self._window, self._at = window.group_by(pl.exclude("n")).agg(pl.col("n").sum()), at

    def _is_history(self, late: pl.DataFrame) -> bool:
        """Whether some of these would teach what is normal; a clock that is years behind brings nothing to learn."""
        first = self.watch.normal.first_hour
        old = max(self._first - OLD_H, self._first if first is None else first)
        return not late.filter((pl.col("minute") // HOUR_MIN).is_between(self._first - KEPT_H, old - 1)).is_empty()
