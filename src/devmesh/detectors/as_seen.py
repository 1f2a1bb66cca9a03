"""The past as it was seen: minute by minute, each with what had arrived by then.

An hour of which nothing came late and in which nothing is found is looked at once, as a whole: any look within it would
have found nothing too. The others are watched like the present, with a copy of the watch for each minute.
"""

from __future__ import annotations

import copy
from collections.abc import Collection, Iterator
from dataclasses import dataclass

import polars as pl

from devmesh.detectors.counts import HOUR_MIN, Counts, as_one
from devmesh.detectors.live import LATE_MIN, Looked
from devmesh.detectors.model import Finding
from devmesh.detectors.queries import Key, key_of
from devmesh.detectors.tuning import Tuning
from devmesh.detectors.watch import Watch
from devmesh.events import Events
from devmesh.memory import Memory, Minutes, fork

HOUR_US, MINUTE_US = 3_600_000_000, 60_000_000
READ_H = 24  # at a time
SOON_MIN = 1  # what comes so late is in time


@dataclass(frozen=True)
class Span:
    """Hours (since 1970): learned from `since`, watched from minute `began` to before `until`."""

    since: int
    began: int
    until: int


class AsSeen:
    """Iterate over its looks; each holds what was new in it."""

    def __init__(
        self, events: Events, memory: Memory, counts: Counts, span: Span, tuning: Tuning, closely: Collection[int]
    ) -> None:
        self._events, self._memory, self._counts, self._span = events, memory, counts, span
        self.watch = Watch(counts.shapes, tuning)
        self._known: set[Key] = set()
        self._closely = closely

    def __iter__(self) -> Iterator[Looked]:
        span = self._span
        first = (span.began - LATE_MIN) // HOUR_MIN
        begun = False
        for hour, came in self._hours(span.since, -(-span.until // HOUR_MIN)):
            begun = begun or len(came) > 0
            if not begun:
                continue
            if hour < first:
                rows = self._counts.by_family(came.filter(pl.col("came") < span.began))
                self.watch.observe(self._minutes(rows, hour, (hour + 1) * HOUR_MIN))
            else:
                yield from self._watched(hour, came)

    def _hours(self, first: int, last: int) -> Iterator[tuple[int, pl.DataFrame]]:
        """Each hour with what was said in it, and the minute in which each count came."""
        for start in range(first, last, READ_H):
            end = min(start + READ_H, last)
            some = self._events.arrivals.said(start * HOUR_US, end * HOUR_US)
            some = some.with_columns(hour=pl.col("minute") // HOUR_MIN)
            for number in range(start, end):
                yield number, some.filter(pl.col("hour") == number)

    def _watched(self, hour: int, came: pl.DataFrame) -> Iterator[Looked]:
        end, over = (hour + 1) * HOUR_MIN, (hour + 1) * HOUR_MIN + LATE_MIN
        came = came.filter(pl.col("came") < over)
        rows, before = self._counts.by_family(came), self._copy_of(self.watch)
        late = bool((came["came"] > came["minute"] + SOON_MIN).any())
        until = min(end, self._span.until)
        found = self.watch.observe(self._minutes(rows, hour, until))
        if not late and hour not in self._closely and not self._fresh(found):
            yield Looked(until, (), self._minutes(rows, hour, until), 1)
            return
        for now in range(max(hour * HOUR_MIN + 1, self._span.began), min(over, self._span.until) + 1):
            rows = self._counts.by_family(came.filter(pl.col("came") < now))
            seen = self._minutes(rows, hour, min(now, end))
            fresh = self._fresh(fork(before, [self._counts.shapes]).observe(seen))
            self._known |= {key_of(one) for one in fresh}
            yield Looked(now, tuple(fresh), seen, int(now == over))

    def _fresh(self, found: list[Finding]) -> list[Finding]:
        by_key = {key_of(one): one for one in reversed(found) if one.minute >= self._span.began}
        return [one for one in found if by_key.get(key_of(one)) is one and key_of(one) not in self._known]

    def _minutes(self, rows: pl.DataFrame, hour: int, until: int) -> Minutes:
        return as_one(rows, until, hour, self._memory.sight(hour * HOUR_MIN, until))

    def _copy_of(self, watch: Watch) -> Watch:
        return copy.deepcopy(watch, {id(self._counts.shapes): self._counts.shapes})
