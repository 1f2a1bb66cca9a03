"""The room's verbs: append, query, count, context, tail, and the sums over counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl
from sqlalchemy import Connection, func, select

from devmesh.clock import Clock
from devmesh.db import Database
from devmesh.db.lists import one_of
from devmesh.errors import InvalidInput, NotFound
from devmesh.events import followers, minutes, queries
from devmesh.events import histogram as shape
from devmesh.events.append import Appended, append
from devmesh.events.arrivals import Arrivals
from devmesh.events.filters import Context, Event, Filter, Numbered, Page, parse_event_id
from devmesh.events.following import Following
from devmesh.events.histogram import Histogram
from devmesh.events.ids import WRITER_LEASE_US, EventIds, lease_writer
from devmesh.events.tables import day_counts, event_counts, log_events, minute_counts
from devmesh.events.upkeep import Upkeep
from devmesh.events.windows import Window, named
from devmesh.loops import Loop
from devmesh.templates import Templates

LIMIT_DEFAULT = 100
LIMIT_MAX = 10_000
CONTEXT_MAX = 1_000
BARS_MIN, BARS_MAX = 2, 200
RESUME_LIMIT = 1_000
HOUR_US = 3_600_000_000
TAIL_HORIZON_US = HOUR_US
NOT_ADDED_MAX = 1_000  # commits that a sum adds up itself, some 20,000 events each

NamesOf = Callable[[Iterable[int]], dict[int, str]]


@dataclass(frozen=True)
class Resumed:
    """Events after one that was seen, oldest first; `missed` more that match lie between, or `at_least` so many."""

    events: list[Event]
    missed: int
    at_least: bool


@dataclass(frozen=True)
class Followed:
    """New events since a position, oldest first, and the position after them; `missed` more matched than were asked
    for.
    """

    events: list[Event]
    position: followers.Position
    missed: int = 0


class Events:
    """What was said, and how often."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        owner: str,
        *,
        node_names: NamesOf,
        service_names: NamesOf,
        templates: Templates,
        retention_days: int,
        make_room: Callable[[], None] = lambda: None,
    ) -> None:
        self._db, self._clock, self._owner = db, clock, owner
        self._node_names, self._service_names = node_names, service_names
        self._ids = EventIds(db)
        self._writer_id, self._renew_us = 0, 0
        self._templates = templates
        self.arrivals = Arrivals(db)
        self.following = Following(db, clock, self._events)
        self._upkeep = Upkeep(db, clock, retention_days, templates, make_room)

    # -- the way in ------------------------------------------------------------

    def take_ids(self, count: int) -> int:
        """The first of `count` ids, taken before the batch's transaction."""
        now = self._clock.now_us()
        if now >= self._renew_us:
            self._writer_id = lease_writer(self._db, self._clock, self._owner)
            self._renew_us = now + WRITER_LEASE_US // 2
        return self._ids.take(count)

    def append(self, connection: Connection, frame: pl.DataFrame, first_id: int) -> Appended:
        """See `append.append`."""
        return append(connection, frame, first_id, self._writer_id, self._clock.now_us())

    # -- finding ------------------------------------------------------------

    def query(self, asked: Filter, limit: int = LIMIT_DEFAULT, cursor: str | None = None) -> Page:
        """At most `limit` (10,000) matching events, newest first, and a cursor where there may be more.

        Looks for at most 2 s; `searched_to_us` says how far it came. Raises InvalidInput for a bad regex, limit or
        cursor.
        """
        if not 1 <= limit <= LIMIT_MAX:
            raise InvalidInput(f"limit must be between 1 and {LIMIT_MAX}.", hint="Page with the cursor.")
        before = parse_event_id(cursor) if cursor else None
        found = queries.newest(self._db, self._clock, asked, limit, before)
        following = None
        if len(found.rows) >= limit:
            following = f"{found.rows[-1].ts_us}-{found.rows[-1].id}"
        elif not found.whole:
            following = f"{found.reached_us}-0"
        return Page(self._events(found.rows), following, found.reached_us)

    def count(self, asked: Filter) -> int:
        """How many stored events match, all of them looked through."""
        return queries.count(self._db, self._clock, asked)

    def context(self, event_id: str, before: int = 20, after: int = 20) -> Context:
        """The lines of an event's node on both sides of it; looks for at most 2 s. Raises InvalidInput, NotFound."""
        if not (0 <= before <= CONTEXT_MAX and 0 <= after <= CONTEXT_MAX):
            raise InvalidInput(f"before and after must be between 0 and {CONTEXT_MAX}.", hint="Ask for fewer lines.")
        key = parse_event_id(event_id)
        with self._db.read() as connection:
            here = queries.by_keys(connection, [key])
        if not here:
            raise NotFound(f"There is no event {event_id}.", hint="It may be older than the retention.")
        earlier, later = queries.around(self._db, self._clock, key, here[0].node_id, before, after)
        return Context(
            self._events([*reversed(earlier.rows), *here, *later.rows]),
            None if earlier.whole or len(earlier.rows) >= before else earlier.reached_us,
            None if later.whole or len(later.rows) >= after else later.reached_us,
        )

    def numbered(self, node_id: int, numbers: Window, times: Window | None = None) -> list[Numbered]:
        """A node's events with a number of first..last in their stream, by stream and number, of [from, to) or of all
        time, which may take long.
        """
        since, until = times or (None, None)
        asked = Filter(node_ids=(node_id,), since_us=since, until_us=until)
        return queries.numbered(self._db, self._clock, asked, numbers)

    def histogram(self, asked: Filter, bars: int = 60) -> Histogram | None:
        """How many events match, over time and by priority, in at most `bars` (200) bars; None where nothing is stored.

        Without times it spans what is stored, to now; counts reach back further, where `since_us` asks for it. What
        reads text is looked for at most 2 s.
        """
        if not BARS_MIN <= bars <= BARS_MAX:
            raise InvalidInput(f"bars must be between {BARS_MIN} and {BARS_MAX}.", hint="60 is the default.")
        with self._db.read() as connection:
            stored = shape.span(connection)
            if stored is None:
                return None
            now = self._clock.now_us()
            since = asked.since_us if asked.since_us is not None else stored[0]
            until = asked.until_us if asked.until_us is not None else max(now, stored[1] + 1)
            step = shape.step_for(max(until - since, 0), bars)
            span = (max(since, stored[0]) if asked.reads_text else since, min(until, stored[1] + 1))
            counts, reached = Counter[tuple[int, int]](), None
            if asked.nothing or span[0] >= span[1]:
                pass
            elif asked.reads_text:
                found, reached = queries.bars(connection, self._clock, asked, span, step)
                counts.update(found)
            else:
                counts = shape.of_counts(connection, self._clock, asked, *span, step)
        return shape.as_bars(counts, since, until, step, reached)

    def here(self) -> followers.Position:
        """The position of a follower that wants what comes from now on."""
        with self._db.read() as connection:
            table = minute_counts.c
            newest = connection.execute(select(func.max(table.created_us))).scalar() or 0
            last = select(func.max(table.id)).scalar_subquery()
            recent = select(table.id, table.created_us).where(
                (table.created_us >= newest - followers.OVERLAP_US) | (table.id == last)
            )
            return followers.position((row.id, row.created_us) for row in connection.execute(recent))

    def resume(self, asked: Filter, event_id: str) -> Resumed:
        """The newest 1,000 events that match of those whose time comes after an event's, and how many more there are.

        Looks for at most 4 s. Raises InvalidInput.
        """
        key = parse_event_id(event_id)
        since = replace(asked, since_us=max(key[0], asked.since_us or 0))
        page = self.query(since, RESUME_LIMIT)
        events = [event for event in reversed(page.events) if parse_event_id(event.id) > key]
        if page.cursor is None:
            return Resumed(events, 0, at_least=False)
        more = queries.newest(self._db, self._clock, since, LIMIT_MAX, parse_event_id(page.cursor))
        missed = sum((row.ts_us, row.id) > key for row in more.rows)
        return Resumed(events, missed, at_least=not more.whole and missed == len(more.rows))

    def follow(self, asked: Filter, at: followers.Position, limit: int = LIMIT_DEFAULT) -> Followed:
        """Events stored since `at` that match (the newest `limit` of each commit, at most an hour old), oldest
        first. Looks for at most 2 s; the next call goes on where this one came to.
        """
        deadline = self._clock.monotonic_s() + queries.READ_LIMIT_S
        rows: list[Any] = []
        looked: list[followers.Commit] = []
        matching = 0
        with self._db.read() as connection:
            for commit in followers.unseen(connection, at, 50):
                low = max(commit.first_ts_us, commit.created_us - TAIL_HORIZON_US)
                span = low, commit.last_ts_us, commit.first_id, commit.last_id
                found, there = queries.in_commit(connection, asked, *span, limit)
                rows += found
                matching += there
                looked.append(commit)
                if self._clock.monotonic_s() > deadline:
                    break
        rows.sort(key=lambda row: (row.ts_us, row.id))
        return Followed(self._events(rows), at.after(looked), matching - len(rows))

    # -- sums ------------------------------------------------------------

    def hourly(self, template_ids: Iterable[int] | None, since_us: int, until_us: int) -> pl.DataFrame:
        """(hour, template_id, node_id, service_id, priority, n) between two instants, folded days left out."""
        table = event_counts.c
        where = (table.hour >= since_us // HOUR_US) & (table.hour <= until_us // HOUR_US)
        if template_ids is not None:
            where &= one_of(table.template_id, template_ids)
        keys = (table.hour, table.template_id, table.node_id, table.service_id, table.priority)
        query = select(*keys, func.sum(table.n).label("n")).where(where).group_by(*keys)
        schema = {key.name: pl.Int64 for key in keys} | {"n": pl.Int64}
        with self._db.read() as connection:
            rows = connection.execute(query).all()
        return pl.DataFrame([tuple(row) for row in rows], schema=schema, orient="row")

    def hours(self, first: int, last: int, *, but_nodes: Iterable[int] = ()) -> pl.DataFrame:
        """(hour, template_id, n) of the hours first..last since 1970, without these nodes; folded days left out."""
        table = event_counts.c
        where = table.hour.between(first, last) & ~one_of(table.node_id, but_nodes)
        sums = select(table.hour, table.template_id, func.sum(table.n).label("n")).where(where)
        with self._db.read() as connection:
            return queries.as_pairs(connection, sums.group_by(table.hour, table.template_id).subquery())

    def spoken(
        self, first: int, last: int, *, whole_h: int = 1, template_ids: Iterable[int] | None = None
    ) -> Iterator[pl.DataFrame]:
        """(hour, template_id, node_id, n) of the hours first..last since 1970, each `whole_h` hours (24 at most) from
        midnight on added up; of these templates, or of all. Read day by day, a frame each; folded days left out.
        """
        table = event_counts.c
        hour = (table.hour - table.hour % whole_h).label("hour")
        both = (table.node_id * queries.NODE + table.template_id).label("template_id")
        sums = select(hour, both, func.sum(table.n).label("n")).group_by(hour, both)
        if template_ids is not None:
            sums = sums.where(one_of(table.template_id, template_ids))
        key = pl.col("template_id")
        for start in range(first - first % 24, last + 1, 24):
            within = sums.where(table.hour.between(max(first, start), min(last, start + 23)))
            with self._db.read() as connection:
                pairs = queries.as_pairs(connection, within.subquery())
            yield pairs.with_columns(template_id=key % queries.NODE, node_id=key // queries.NODE)

    def by_node(self, first: int, last: int) -> dict[int, int]:
        """{node id: events} of the hours first..last since 1970, folded days left out."""
        table = event_counts.c
        query = select(table.node_id, func.sum(table.n)).where(table.hour.between(first, last)).group_by(table.node_id)
        with self._db.read() as connection:
            return {int(node): int(n) for node, n in connection.execute(query)}

    def speakers(self, first: int, last: int) -> set[tuple[int, int]]:
        """(service, node) that spoke in the hours first..last since 1970, folded days left out."""
        table = event_counts.c
        query = select(table.service_id, table.node_id).where(table.hour.between(first, last)).distinct()
        with self._db.read() as connection:
            return {(int(service), int(node)) for service, node in connection.execute(query)}

    def first_hour(self, since: int) -> int | None:
        """The first hour from `since` on (hours since 1970) in which an event was counted, folded days left out."""
        query = select(func.min(event_counts.c.hour)).where(event_counts.c.hour >= since)
        with self._db.read() as connection:
            found = connection.execute(query).scalar()
        return None if found is None else int(found)

    def daily(self, template_ids: Iterable[int]) -> list[tuple[int, int]]:
        """(day since 1970 in UTC, events of these templates) over all time, in order, days with none left out."""
        ids, totals = list(template_ids), Counter[int]()
        hour_day = event_counts.c.hour - event_counts.c.hour % 24
        with self._db.read() as connection:
            for table, day, hours in ((event_counts, hour_day, 24), (day_counts, day_counts.c.day, 1)):
                query = select(day, func.sum(table.c.n)).where(one_of(table.c.template_id, ids)).group_by(day)
                for key, n in connection.execute(query):
                    totals[int(key) // hours] += int(n)
        return sorted(totals.items())

    def by_template(self, asked: Filter) -> dict[int, tuple[int, int]]:
        """{template id: (events, most severe priority)} in the hours of a question that reads no text, folded days left
        out.
        """
        table = event_counts.c
        sums = select(table.template_id, func.sum(table.n), func.min(table.priority)).where(*_hours(asked))
        with self._db.read() as connection:
            rows = connection.execute(sums.group_by(table.template_id)).all()
        return {template: (int(n), int(priority)) for template, n, priority in rows}

    def volumes(self, asked: Filter, by: str) -> pl.DataFrame:
        """(id, hour, priority, n) of each node or service, which `by` says as `node_id` or `service_id`."""
        table = event_counts.c
        keys = (table[by].label("id"), table.hour, table.priority)
        query = select(*keys, func.sum(table.n).label("n")).where(*_hours(asked)).group_by(*keys)
        with self._db.read() as connection:
            rows = [(*row[:3], int(row[3])) for row in connection.execute(query)]
        return pl.DataFrame(rows, schema=dict.fromkeys(("id", "hour", "priority", "n"), pl.Int64), orient="row")

    def by_minute(
        self, since_us: int, until_us: int, by: Sequence[str] = ("template_id", "node_id", "service_id", "priority")
    ) -> pl.DataFrame:
        """(minute, …, n) between two instants from minute_counts, added up over the columns that `by` leaves out."""
        table = minute_counts.c
        overlapping = (table.last_ts_us >= since_us) & (table.first_ts_us < until_us)
        with self._db.read() as connection:
            blobs = list(connection.execute(select(table.blob).where(overlapping)).scalars())
        within = (pl.col("minute") >= since_us // minutes.MINUTE_US) & (pl.col("minute") * minutes.MINUTE_US < until_us)
        return minutes.joined(blobs, ("minute", *by)).filter(within)

    def by_service(self) -> dict[int, int]:
        """Events of all time by service id; they are those of the templates, and what their loop has yet to add."""
        with self._db.read() as connection:
            totals = Counter(self._templates.events_by_service(connection))
            for commit in self._upkeep.not_added(connection, NOT_ADDED_MAX):
                counts = minutes.decode(commit.blob, ("service_id", "n"))
                totals.update(dict(counts.group_by("service_id").agg(pl.col("n").sum()).iter_rows()))
        return totals

    def nodes_of(self, template_ids: Iterable[int]) -> dict[int, int]:
        """Events of these templates by node id."""
        ids, totals = list(template_ids), dict[int, int]()
        with self._db.read() as connection:
            for table in (event_counts, day_counts):
                query = select(table.c.node_id, func.sum(table.c.n).label("n")).group_by(table.c.node_id)
                for row in connection.execute(query.where(one_of(table.c.template_id, ids))):
                    totals[row.node_id] = totals.get(row.node_id, 0) + int(row.n)
        return totals

    def stored(self) -> int:
        """Events whose lines are still here; counted, so not for hot paths."""
        with self._db.read() as connection:
            return int(connection.execute(select(func.count()).select_from(log_events)).scalar_one())

    def counted(self) -> int:
        """Events of all time, by their counts; see `by_service`."""
        return sum(self.by_service().values())

    def loops(self) -> list[Loop]:
        """The room's loops."""
        return self._upkeep.loops()

    def _events(self, rows: Iterable[Any]) -> list[Event]:
        found = list(rows)
        nodes = self._node_names({row.node_id for row in found})
        services = self._service_names({row.service_id for row in found})
        return [
            Event(
                id=f"{row.ts_us}-{row.id}",
                ts_us=row.ts_us,
                received_us=row.received_us,
                node=nodes.get(row.node_id, "?"),
                service=services.get(row.service_id, "?"),
                priority=row.priority,
                pid=row.pid,
                template_id=f"t{row.template_id}",
                message=row.message,
                fields=queries.parsed_fields(row.fields),
            )
            for row in found
        ]


def _hours(asked: Filter) -> list[Any]:
    """The conditions of a question on event_counts."""
    hour, where = event_counts.c.hour, named(event_counts, asked)
    if asked.since_us is not None:
        where.append(hour >= asked.since_us // HOUR_US)
    if asked.until_us is not None:
        where.append(hour <= asked.until_us // HOUR_US)
    return where
