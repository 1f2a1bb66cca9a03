"""The room's verbs: incidents of now and of the past, and what people do to them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy import Connection, true

from devmesh.accounts import record
from devmesh.clock import Clock
from devmesh.db import Database
from devmesh.detectors import Detectors, Finding, Tuning, Watch
from devmesh.errors import InvalidInput, NotFound
from devmesh.events import Events
from devmesh.graph import Graph
from devmesh.incidents import by_hand, queries
from devmesh.incidents.given import number_of, text_of
from devmesh.incidents.grouping import Grouping, Incident
from devmesh.incidents.held_then import HeldThen
from devmesh.incidents.holding import Holding
from devmesh.incidents.maintenance import Maintenance
from devmesh.incidents.model import SEVERITIES, STATUSES, Case, Cited, Joined, Note, Part
from devmesh.incidents.mutes import Mutes
from devmesh.incidents.tables import incidents
from devmesh.incidents.ties import TiesNow
from devmesh.incidents.titles import Titles
from devmesh.incidents.votes import Votes
from devmesh.incidents.watching import LOOP, Watching
from devmesh.loops import Loop, interrupt
from devmesh.nodes import Nodes
from devmesh.paging import LIMIT_DEFAULT, Page, check_limit, first_of
from devmesh.templates import Templates

NOTES_MAX, NOTE_CHARS, SORTS_MAX = 1_000, 10_000, 2_000

Made = TypeVar("Made")


@dataclass(frozen=True)
class Replayed:
    """What a look at the past found; `first_hour` (since 1970, UTC) is None for an empty store."""

    incidents: tuple[Incident, ...]
    findings: tuple[Finding, ...]
    held: int  # of them, by mutes and maintenance
    pairs: tuple[tuple[int, int], ...]  # (service, node) that spoke
    first_hour: int | None


class Incidents:
    """What belongs together."""

    def __init__(
        self, db: Database, clock: Clock, nodes: Nodes, templates: Templates, events: Events, detectors: Detectors,
        tuning: Tuning, graph: Graph,
    ) -> None:  # fmt: skip
        self._db, self._clock, self._detectors, self.tuning = db, clock, detectors, tuning
        self.mutes, self._titles = Mutes(db, clock, templates, events), Titles(nodes)
        self.maintenance, self.votes = Maintenance(db, clock), Votes(db, clock)
        holding = Holding(clock, nodes, detectors, self.mutes, self.maintenance, tuning.tell_from)
        self._nodes, self.ties = nodes, TiesNow(graph, nodes)
        self._watching = Watching(db, clock, nodes, templates, events, detectors, holding, tuning, self.ties)

    def loops(self) -> list[Loop]:
        """The room's side work."""
        return self._watching.loops()

    def replay(self, since_us: int, until_us: int, tuning: Tuning, *, as_seen: bool = False) -> Replayed:
        """The incidents that would have been opened, thin ones included, learning from the first hours; or,
        `as_seen`, learning from what is kept before, minute by minute with what had arrived by then. What mutes and
        maintenance held then is held.
        """
        grouping, findings = Grouping((), tuning.tell_from, self.ties()), list[Finding]()
        mutes, windows = self.mutes.list(active=False), self.maintenance.list(active=False)
        held = HeldThen(self._nodes, mutes, windows, tuning.tell_from)
        if as_seen:
            looks = self._detectors.as_seen(since_us, until_us, tuning, held.hours())
            for look in looks:
                findings += look.findings
                grouping.observe(look.counts, held.sift(look.findings, look.until, look.counts), look.until)
            return _replayed(grouping, findings, held.count, looks.watch)
        past = self._detectors.past(since_us, until_us, tuning)
        for hour in past:
            found = past.watch.observe(hour)
            findings += found
            grouping.observe(hour, held.past_hour(found, hour))
        return _replayed(grouping, findings, held.count, past.watch)

    # -- reading -----------------------------------------------------------------------------------------------------

    def list(
        self, *, status: str | None = None, severity: str | None = None, service_ids: Collection[int] | None = None,
        node_ids: Collection[int] | None = None, since_us: int | None = None, until_us: int | None = None,
        thin: bool = False, limit: int = LIMIT_DEFAULT, cursor: str | None = None,
    ) -> Page[Case]:  # fmt: skip
        """At most `limit` (1,000) incidents, the newest onset first; `status` "active" is open or investigating, those
        with too little evidence only where `thin`, merged ones never. Services and nodes are any that have a part in
        it. Raises InvalidInput.
        """
        check_limit(limit)
        table = incidents.c
        where = table.merged_into.is_(None) & (true() if thin else table.enough_us.is_not(None))
        if status is not None:
            _one_of(status, "status", ("active", *STATUSES))
            where &= (table.status != "closed") if status == "active" else (table.status == status)
        if severity is not None:
            _one_of(severity, "severity", SEVERITIES)
            where &= table.severity == severity
        if since_us is not None:
            where &= (table.last_us >= since_us) | (table.status != "closed")
        if until_us is not None:
            where &= table.onset_us < until_us
        for kind, ids in (("service_id", service_ids), ("node_id", node_ids)):
            if ids is not None:
                where &= table.id.in_(queries.with_part_in(kind, ids))
        if cursor is not None:
            where &= queries.after(cursor)
        with self._db.read() as connection:
            rows = queries.listed(connection, where, limit + 1)
        return first_of(rows, limit, lambda one: f"{one.onset_us}-{one.id}")

    def get(self, number: int) -> Case:
        """One incident; raises NotFound."""
        number_of(number, "incident")
        with self._db.read() as connection:
            found = queries.by_id(connection, [number]).get(number)
        if found is None:
            raise NotFound(f"There is no incident {number}.", hint="See: devmesh incidents")
        return found

    def findings(self, number: int) -> Sequence[Joined]:
        """What an incident is made of, by sort, in order of time; at most 2,000 sorts, the weightiest."""
        some = self._detectors.found(queries.joined_to(number), SORTS_MAX)
        with self._db.read() as connection:
            reasons = queries.reasons(connection, [one.id for one in some])
        return [Joined(one.id, one.finding, one.found_us, one.last, one.times, *reasons[one.id]) for one in some]

    def parts(self, numbers: Collection[int]) -> dict[int, Sequence[Part]]:
        """Who has a part in each of these incidents, by which detector."""
        with self._db.read() as connection:
            return {**queries.parts(connection, numbers)}

    def by_detector(self, since_us: int) -> dict[str, int]:
        """In how many told incidents that began since then each detector has a part."""
        with self._db.read() as connection:
            return queries.by_detector(connection, since_us)

    def notes(self, number: int) -> Sequence[Note]:
        """What was written and done, in order of time: the newest 1,000."""
        with self._db.read() as connection:
            return queries.story(connection, number, NOTES_MAX)

    def cited(self, number: int) -> Sequence[Cited]:
        """The lines that an incident cites, in order of time; they stay when their day is dropped."""
        with self._db.read() as connection:
            return queries.cited(connection, number)

    # -- by hand -----------------------------------------------------------------------------------------------------

    def note(self, number: int, text: str, who: str, kind: str = "note") -> None:
        """Write something down; what is of another kind is no word of what helped. Raises NotFound, InvalidInput."""
        text, now = text_of(text, "note", NOTE_CHARS), self._clock.now_us()
        self._change(number, (who, "noted"), lambda on, case: by_hand.note(on, case, text, who, now, kind))

    def investigate(self, number: int, who: str) -> None:
        """Say that somebody looks into it. Raises NotFound, InvalidInput for a closed one."""
        done = (who, "looks into")
        self._change(number, done, lambda on, case: by_hand.investigate(on, case, who, self._clock.now_us()))

    def close(self, number: int, who: str) -> None:
        """Close it; what it knows does not open it again for an hour. Raises NotFound, InvalidInput."""
        self._change(number, (who, "closed"), lambda on, case: by_hand.close(on, case, who, self._clock.now_us()))

    def reopen(self, number: int, who: str) -> None:
        """Open it again. Raises NotFound, InvalidInput."""
        self._change(number, (who, "reopened"), lambda on, case: by_hand.reopen(on, case, who, self._clock.now_us()))

    def merge(self, number: int, into: int, who: str) -> Case:
        """Let all of an incident go into another one, which is returned. Raises NotFound, InvalidInput."""
        self.get(into)

        def change(connection: Connection, case: Case) -> None:
            other = queries.by_id(connection, [into])[into]
            by_hand.merge(connection, case, other, self._titles, who, self._clock.now_us())

        self._change(number, (who, "merged"), change)
        return self.get(into)

    def split(self, number: int, finding_ids: Collection[int], who: str) -> Case:
        """A new incident of some of an incident's findings, with all of their sort. Raises NotFound, InvalidInput."""
        wanted = set(finding_ids)

        def change(connection: Connection, case: Case) -> int:
            have = self.findings(number)
            parts = [one for one in have if one.id in wanted], [one for one in have if one.id not in wanted]
            if len(parts[0]) < len(wanted):
                raise InvalidInput("Some of these findings are not in it.", hint=f"devmesh incident show {number}")
            moved = self._detectors.alike(connection, queries.joined_to(number), wanted)
            return by_hand.split(connection, case, parts, moved, self._titles, who, self._clock.now_us())

        return self.get(self._change(number, (who, "split"), change))

    def _change(self, number: int, done: tuple[str, str], change: Callable[[Connection, Case], Made]) -> Made:
        """One transaction that the watch does not cross, and that is written down: (who, did what)."""
        self.get(number)

        def work(connection: Connection) -> Made:
            interrupt(connection, LOOP)
            made = change(connection, queries.by_id(connection, [number])[number])
            record(connection, self._clock, *done, f"incident {number}")
            return made

        return self._db.transact(work)

    # -- telling -------------------------------------------------------------------------------------------------------

    def to_announce(self, limit: int) -> Sequence[Case]:
        """Told incidents that changed since they went to the channels, the oldest change first."""
        with self._db.read() as connection:
            return queries.to_announce(connection, limit)

    def announced(self, connection: Connection, number: int, version: int, *, told: bool) -> None:
        """Note that this version was handed on, in the transaction that put it into the outbox; `told`: that anybody is
        to hear of it.
        """
        queries.announced(connection, number, version, self._clock.now_us() if told else None)


def _one_of(value: str, name: str, known: Sequence[str]) -> None:
    if value not in known:
        raise InvalidInput(f"There is no {name} {value!r}.", hint=f"One of: {', '.join(known)}.")


def _replayed(grouping: Grouping, findings: list[Finding], held: int, watch: Watch) -> Replayed:
    pairs = watch.normal.pairs
    spoke = zip(pairs["service"].tolist(), pairs["node"].tolist(), strict=True)
    return Replayed(tuple(grouping.incidents), tuple(findings), held, tuple(spoke), watch.normal.first_hour)
