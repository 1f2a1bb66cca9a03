"""The room's verbs: the past and the present as detectors see them, and what they found."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from threading import Lock

from sqlalchemy import Connection, Select

from devmesh.db import Database
from devmesh.detectors import queries, states, weeks
from devmesh.detectors.as_seen import AsSeen, Span
from devmesh.detectors.counts import HOUR_MIN, Counts, NamesOf, hours
from devmesh.detectors.error_rate import Usual
from devmesh.detectors.live import FOREVER_US, KEPT_H, LATE_AT_MOST_MIN, LATE_MIN, Live, Looked, first_late
from devmesh.detectors.model import Finding
from devmesh.detectors.queries import Sort, Stored
from devmesh.detectors.tuning import Tuning
from devmesh.detectors.watch import Watch
from devmesh.errors import Unavailable
from devmesh.events import Events
from devmesh.memory import Memory, Minutes
from devmesh.templates import Templates

HOUR_US, MINUTE_US = 3_600_000_000, 60_000_000
WEEKS_WAIT_S = 5.0  # requests that wait take threads from others
READ_H, DAY_MIN = 24, 24 * HOUR_MIN  # at a time
SEEN_MIN = LATE_AT_MOST_MIN + HOUR_MIN  # after so long a watch has looked at what came late


class Detectors:
    """What looks wrong."""

    def __init__(
        self, db: Database, templates: Templates, events: Events, memory: Memory, service_names: NamesOf
    ) -> None:
        self._db, self._templates, self._events, self._memory = db, templates, events, memory
        self._names_of = service_names
        self._weeks_lock = Lock()  # who asks meanwhile gets the same answer
        self._weeks: tuple[int, weeks.Weeks] | None = None  # the hour in which it was found

    def past(self, since_us: int, until_us: int, tuning: Tuning) -> Past:
        """The time from `since_us` on, to be watched as if it were now."""
        return Past(self._counts(), self._events, self._memory, (since_us, until_us), tuning)

    def begin_at(self, since: int, back: int) -> int:
        """The hour from which on a watch must look that was at minute `since`: some are not over yet, and what came too
        late for its hour may not have been seen; not before minute `back`.
        """
        said = self._events.arrivals.said((back - DAY_MIN) * MINUTE_US, FOREVER_US)
        late = first_late(said, back, since - SEEN_MIN)
        first = (since - LATE_MIN) // HOUR_MIN
        return first if late is None else min(late, first)

    def live(self, first_hour: int, tuning: Tuning) -> Live:
        """A watch from an hour on (since 1970), which has learned all before it; that takes some seconds."""
        past = self.past((first_hour - KEPT_H) * HOUR_US, first_hour * HOUR_US, tuning)
        for hour in past:
            past.watch.observe(hour)
        return Live(self._events, self._memory, past.counts, past.watch, first_hour)

    def as_seen(self, since_us: int, until_us: int, tuning: Tuning, closely: Collection[int] = ()) -> AsSeen:
        """The time from `since_us` on, or from when the watch began, as it was seen minute by minute; hours (since
        1970) of which nothing is found as a whole, but for those that are to be looked at `closely`.
        """
        progress = self.progress()
        began = max(since_us // MINUTE_US, 0 if progress is None else progress.began)
        span = Span(began // 60 - KEPT_H, began, until_us // MINUTE_US)
        return AsSeen(self._events, self._memory, self._counts(), span, tuning, closely)

    def _counts(self) -> Counts:
        return Counts(self._templates, self._names_of)

    def progress(self) -> queries.Progress | None:
        """How far the watch is; None where there was none yet."""
        with self._db.read() as connection:
            return queries.progress(connection)

    def fresh(self, found: Iterable[Finding], since: int) -> list[Finding]:
        """What was never found before, from minute `since` on, each once."""
        some = [one for one in found if one.minute >= since]
        if not some:
            return []
        with self._db.read() as connection:
            known = queries.known(connection, min(one.minute for one in some))
        out: dict[queries.Key, Finding] = {}
        for one in some:
            out.setdefault(queries.key_of(one), one)
        return [one for key, one in out.items() if key not in known]

    def note(self, connection: Connection, some: Sequence[tuple[Finding, str]], now_us: int) -> list[int]:
        """Store findings, each with the reason for which it is held (empty: none); returns their numbers."""
        return queries.note(connection, some, now_us)

    def keep(self, connection: Connection, live: Live, looked: Looked, began: int) -> None:
        """Store how far the watch is, and what it calls normal once an hour was learned."""
        normal = live.watch.normal
        learned = None if normal.first_hour is None else normal.first_hour + live.watch.tuning.learn_h
        queries.keep_progress(connection, queries.Progress(looked.until, began, normal.first_hour, learned))
        if looked.closed:
            queries.keep_normal(connection, live.watch, looked.until)

    def forget(self, connection: Connection, before: int, but: Select[tuple[int]], limit: int) -> int:
        """Delete what was found before a minute, at most `limit`, except for the numbers that somebody keeps."""
        return queries.forget(connection, before, but, limit)

    def drift(self, now_us: int) -> weeks.Weeks:
        """What slowly changed over weeks; found anew once an hour, which takes a minute in a very large fleet. Raises
        Unavailable where somebody else looks for it already, and for long.
        """
        hour = now_us // HOUR_US
        if not self._weeks_lock.acquire(timeout=WEEKS_WAIT_S):
            raise Unavailable("Somebody looks for drift already.", hint="Ask again shortly.", retry_after_s=30)
        try:
            if self._weeks is None or self._weeks[0] != hour:
                self._weeks = hour, weeks.look(self._templates, self._events, self._memory, now_us)
            return self._weeks[1]
        finally:
            self._weeks_lock.release()

    def normal(self) -> list[Usual]:
        """How many errors are normal of each service on a node, the most first."""
        with self._db.read() as connection:
            return queries.normal(connection)

    def states(self, now_us: int) -> Sequence[states.DetectorState]:
        """How each detector stands: whether it only learns yet, how much it found."""
        with self._db.read() as connection:
            return states.states(connection, now_us)

    def held(self, since: int) -> list[Stored]:
        """What was found from a minute on and is held, in order of time."""
        with self._db.read() as connection:
            return queries.held_since(connection, since)

    def release(self, connection: Connection, ids: Iterable[int]) -> None:
        """Findings that are held no more."""
        queries.release(connection, ids)

    def found(self, ids: Select[tuple[int]], limit: int) -> list[Sort]:
        """Findings by sort, in order of time; at most `limit` sorts, the weightiest."""
        with self._db.read() as connection:
            return queries.by_sort(connection, ids, limit)

    def alike(self, connection: Connection, ids: Select[tuple[int]], chosen: Iterable[int]) -> list[int]:
        """The numbers of those among some findings that are of the same sort as one that is chosen."""
        return queries.alike(connection, ids, chosen)


class Past:
    """Iterate over its hours (those before the first event left out), and give each to `watch` in turn."""

    def __init__(self, counts: Counts, events: Events, memory: Memory, span: tuple[int, int], tuning: Tuning) -> None:
        self._events, self._memory, self.counts = events, memory, counts
        self._since_us, self._until_us = span
        self.watch = Watch(self.counts.shapes, tuning)

    def __iter__(self) -> Iterator[Minutes]:
        first, last = self._since_us // HOUR_US, -(-self._until_us // HOUR_US)
        begun = False
        for start in range(first, last, READ_H):
            end = min(start + READ_H, last)
            span = max(start * HOUR_US, self._since_us), min(end * HOUR_US, self._until_us)
            counts = self.counts.by_family(self._events.by_minute(*span))
            begun = begun or len(counts) > 0
            if begun:
                yield from hours(
                    counts, start, end, self._until_us // MINUTE_US, self._memory.sight(start * 60, end * 60 - 1)
                )
