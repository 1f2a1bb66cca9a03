"""The verbs of what is learned: take in what was seen, read it from logs, propose edges, decide, find what is stale."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import polars as pl
from sqlalchemy import Connection

from devmesh.accounts import COMMAND_LINE, record
from devmesh.clock import Clock
from devmesh.db import Database
from devmesh.errors import Conflict, InvalidInput, NotFound, TooLarge
from devmesh.events import Events
from devmesh.graph import decided
from devmesh.graph import stored as declared
from devmesh.graph.addresses import addresses_of
from devmesh.graph.decided import ACCEPTED, REFUSED, names_of
from devmesh.graph.evidence import (
    MOST_ADDRESSES,
    MOST_LISTENERS,
    MOST_SEEN,
    ORDER,
    SOURCES,
    Address,
    Learned,
    Listener,
    Seen,
)
from devmesh.graph.inventory import is_name
from devmesh.graph.learning import listing, stored
from devmesh.graph.learning.directory import Directory, Whom
from devmesh.graph.learning.known import directory_of, firewall_places, places_of
from devmesh.graph.learning.model import Proposal, Stale, Touch, Unresolved
from devmesh.graph.learning.order import DAY_MIN, Follows, following
from devmesh.graph.learning.reading import LINES, Phrasebook, read_lines
from devmesh.graph.learning.targets import target_of
from devmesh.graph.learning.weighing import id_of
from devmesh.graph.model import Edge
from devmesh.loops import Lease, Loop
from devmesh.nodes import Nodes
from devmesh.paging import LIMIT_DEFAULT, Page, check_limit, first_of, number_in
from devmesh.templates import Templates

READ, PLACE, LATER = "learn-edges", "place-edges", "order-edges"
MOST_FOLLOWS = 1_000
ERROR = 3  # and worse
KNOWN_US = 300_000_000
MINUTE_US, HOUR_US, DAY_US = 60_000_000, 3_600_000_000, 86_400_000_000
HEARD_DAYS, STALE_DAYS = 14, 90
WAITING = 5_000  # targets that are looked at anew at a time
SEE = "See: devmesh graph proposals --all"
Heard = tuple[list[str], list[tuple[str, str]], list[tuple[str, int]], dict[int, str]]


class Learning:
    """Edges that nobody declared."""

    def __init__(self, db: Database, clock: Clock, nodes: Nodes, templates: Templates, events: Events) -> None:
        self._db, self._clock = db, clock
        self._nodes, self._templates, self._events = nodes, templates, events
        self._book = Phrasebook(templates)
        self._heard: tuple[int, Heard] | None = None

    # -- in ------------------------------------------------------------------------------------------------------------

    def learn(
        self, seen: Sequence[Seen], addresses: Sequence[Address] = (), listeners: Sequence[Listener] = ()
    ) -> Learned:
        """Take in what somebody saw, and whose addresses and ports are: see `evidence.py`. Raises TooLarge for more
        than is taken at once, InvalidInput for a source that there is not.
        """
        nodes = max(1, len({one.node for one in addresses} | {one.node for one in listeners}))
        limits = (seen, MOST_SEEN), (addresses, MOST_ADDRESSES * nodes), (listeners, MOST_LISTENERS * nodes)
        if any(len(some) > most for some, most in limits):
            raise TooLarge("A report holds more than is taken at once.", hint=f"{MOST_SEEN} things seen at most.")
        if wrong := next((one.source for one in seen if one.source not in SOURCES), None):
            raise InvalidInput(f"{wrong[:40]!r} is no source.", hint=f"One of: {', '.join(SOURCES)}.")
        now = self._clock.now_us()
        fine = [one for one in (_plain(one, now) for one in seen) if one is not None]
        places = places_of(addresses, listeners, now)

        self._who_is_where()  # beforehand: a writer keeps others waiting

        def work(connection: Connection) -> tuple[int, int, int]:
            stored.note_places(connection, places)
            return stored.add(connection, self._resolved(connection, fine), once=True)

        taken, unresolved, _repeats = self._db.transact(work)
        return Learned(taken, unresolved, len(seen) - taken - unresolved)

    def whom(self, seen: Sequence[Seen]) -> list[Whom]:
        """Whom each of them means today, or why that is nobody; nothing is taken in."""
        self._who_is_where()
        with self._db.read() as connection:
            directory = self._directory(connection)
        return [directory.whom(one.service, one.node, one.target) for one in seen]

    def _resolved(self, connection: Connection, seen: Iterable[Seen]) -> list[tuple[Seen, Whom]]:
        """With whom each means; without those that mean nothing, or that the system itself says."""
        directory = self._directory(connection)
        found = [(one, directory.whom(one.service, one.node, one.target)) for one in seen]
        return [(one, whom) for one, whom in found if not whom.is_nothing and directory.name_of(one.service)]

    def _directory(self, connection: Connection) -> Directory:
        """What is known now; who was heard where may be of five minutes ago."""
        nodes, heard, addresses, names = self._who_is_where()
        places = [*stored.places(connection), *firewall_places(dict(addresses), names, 0)]
        return directory_of(declared.read(connection), nodes, heard, places)

    def _who_is_where(self) -> Heard:
        now = self._clock.now_us()
        if self._heard is None or not 0 <= now - self._heard[0] < KNOWN_US:
            hour = now // HOUR_US
            pairs = self._events.speakers(hour - HEARD_DAYS * 24, hour + 1)
            services = self._nodes.service_names.names({service for service, _node in pairs})
            names = self._nodes.node_names.names({node for _service, node in pairs})
            heard = [(services[one], names[two]) for one, two in pairs if one in services and two in names]
            addresses = addresses_of(self._nodes, self._templates, self._events, names)
            self._heard = now, ([*self._nodes.present()], heard, [*addresses.items()], names)
        return self._heard[1]

    # -- loops ---------------------------------------------------------------------------------------------------------

    def loops(self) -> list[Loop]:
        """Read new lines; look anew at what nobody could place."""
        return [
            Loop(READ, 15.0, self.read, limit=50),
            Loop(PLACE, 300.0, self.place, limit=WAITING),
            Loop(LATER, 21_600.0, self.order, limit=MOST_FOLLOWS),
        ]

    def read(self, limit: int, lease: Lease) -> int:
        """Evidence from the lines that came since the last step."""
        at = self._events.following.position(READ)
        part = self._events.following.next(self._book.telling, at, LINES)
        if not part.commits:
            return 0
        self._who_is_where()
        with lease.write() as connection:
            if part.events:
                names = frozenset(self._directory(connection).names)
                found = read_lines(part.events, self._book, names)
                stored.note_places(connection, found.places)
                stored.add(connection, self._resolved(connection, found.seen), once=False)
            self._events.following.keep(connection, READ, part.position)
        return limit if len(part.events) >= LINES else part.commits

    def order(self, limit: int, lease: Lease) -> int:
        """What the errors of the last days tell by their order, in place of what they told before."""
        now = self._clock.now_us()
        minutes: dict[int, list[int]] = {}
        for day in range(HEARD_DAYS, 0, -1):
            said = self._events.by_minute(now - day * DAY_US, now - (day - 1) * DAY_US, ("service_id", "priority"))
            erred = said.filter(pl.col("priority") <= ERROR).select("service_id", "minute").unique().sort("minute")
            for service, minute in erred.iter_rows():
                minutes.setdefault(service, []).append(minute)
        errors = {one: np.array(some, dtype=np.int64) for one, some in minutes.items()}
        names = self._nodes.service_names.names(errors)
        self._who_is_where()
        with lease.write() as connection:
            name_of = self._directory(connection).name_of
            called = {one: name_of(name) for one, name in names.items()}
            found = following({one: errors[one] for one, name in called.items() if name}, HEARD_DAYS * DAY_MIN)
            stored.replace_source(connection, ORDER, [_follows(one, called) for one in found[:limit]])
        return min(len(found), limit - 1)

    def place(self, limit: int, lease: Lease) -> int:
        """Ask anew for whom waiting targets mean, and forget what is long ago."""
        self._who_is_where()
        done = 0
        with lease.write() as connection:
            stored.expire(connection, self._clock.now_us())
            directory = self._directory(connection)
            for row in stored.touches(connection, placed=False)[:limit]:
                whom = directory.whom(row.service, row.node, row.target)
                if whom.name or whom.is_nothing:
                    stored.place_waiting(connection, row, whom)
                    done += 1
                elif whom.why != row.why:
                    stored.note_why(connection, row, whom.why)
        return min(done, limit - 1)

    # -- for people ----------------------------------------------------------------------------------------------------

    def proposals(
        self, limit: int = LIMIT_DEFAULT, cursor: str | None = None, *, everything: bool = False
    ) -> Page[Proposal]:
        """At most `limit` (1,000) edges that nobody declared, the surest first: those to decide; with `everything` also
        those that are too weak to show, or decided. Raises InvalidInput.
        """
        check_limit(limit)
        start = number_in(cursor) if cursor else 0
        with self._db.read() as connection:
            found = self._proposals(connection, everything=everything)
        rows = list(enumerate(found[start : start + limit + 1], start + 1))
        page = first_of(rows, limit, lambda one: str(one[0]))
        return Page([one for _number, one in page.rows], page.cursor)

    def _proposals(self, connection: Connection, *, everything: bool) -> list[Proposal]:
        inventory = declared.read(connection)
        seen = stored.touches(connection, placed=True)
        decisions = decided.decisions(connection)
        return listing.proposals(seen, inventory, decisions, names_of(inventory), everything=everything)

    def accept(self, start: str, end: str, by: str = COMMAND_LINE) -> Proposal:
        """Put a proposed edge in force. Raises NotFound where nobody saw it, Conflict where it is declared."""
        return self._decide(start, end, ACCEPTED, by)

    def refuse(self, start: str, end: str, by: str = COMMAND_LINE) -> Proposal:
        """Never propose an edge again; one that was accepted is out of force. Raises NotFound, Conflict."""
        return self._decide(start, end, REFUSED, by)

    def find(self, number: str) -> tuple[str, str]:
        """The two ends of a proposal, of whatever strength, by its id. Raises NotFound."""
        with self._db.read() as connection:
            found = [one for one in self._proposals(connection, everything=True) if one.id == number]
        if not found:
            raise NotFound("There is no proposal of that id.", hint=SEE)
        return found[0].start, found[0].end

    def _decide(self, start: str, end: str, decision: str, by: str) -> Proposal:
        def work(connection: Connection) -> Proposal:
            inventory = declared.read(connection)
            pair = names_of(inventory)(start), names_of(inventory)(end)
            known = {one.id: one for one in self._proposals(connection, everything=True)}
            one = known.get(id_of(*pair))
            if one is None and pair in decided.declared_pairs(inventory):
                raise Conflict(
                    "The inventory declares this edge; only a file changes it.", hint="devmesh graph load FILE"
                )
            if one is None:
                raise NotFound("Nobody saw the one touch the other.", hint=f"{SEE} Or declare it in inventory.yaml.")
            now = self._clock.now_us()
            said = {
                "evidence": one.evidence, "failures": one.failures, "confidence": one.confidence,
                "first_seen_us": one.first_us, "last_seen_us": one.last_us,
                "decision": decision, "decided_by": by[:64], "decided_us": now,
            }  # fmt: skip
            version = declared.version_of(connection) + 1
            decided.decide(connection, Edge(one.start, one.end, one.type), said, version)
            record(connection, self._clock, by, f"{decision} an edge", f"{one.start} -> {one.end}")
            return replace(one, decision=decision, decided_by=by, decided_us=now)

        return self._db.transact(work)

    def stale(self, days: float = STALE_DAYS) -> list[Stale]:
        """Edges in force that nothing was seen of for `days` days, though whoever would touch was watched meanwhile."""
        if not 1 <= days <= stored.KEPT_US / DAY_US:
            raise InvalidInput("days must be between 1 and 400.", hint=f"{STALE_DAYS} is the default.")
        since = self._clock.now_us() - int(days * DAY_US)
        with self._db.read() as connection:
            inventory = declared.read(connection)
            seen = stored.touches(connection, placed=True)
            return listing.stale(seen, inventory, decided.decisions(connection), names_of(inventory), since)

    def unresolved(self, limit: int = LIMIT_DEFAULT) -> list[Unresolved]:
        """Targets whose service nobody knows, the most often seen first; at most `limit` (1,000)."""
        check_limit(limit)
        with self._db.read() as connection:
            rows = sorted(stored.touches(connection, placed=False), key=lambda one: -one.n)[:limit]
        return [
            Unresolved(one.service, one.node, one.target, one.source, one.why, one.n, one.failures, one.last_us)
            for one in rows
        ]


def _follows(one: Follows, called: Mapping[int, str]) -> Touch:
    who, whom = called[one.who], called[one.whom]
    first, last = one.first * MINUTE_US, one.last * MINUTE_US
    return Touch(who, "", whom, ORDER, whom, "", one.n, 0, one.days, first, last)


def _plain(one: Seen, now_us: int) -> Seen | None:
    """What was seen with its target in the shortest form; None where it cannot be."""
    target = target_of(one.target)
    fits = is_name(one.service) and 0 < len(one.node) <= stored.MOST_NODE
    whole = 0 <= one.first_us <= one.last_us <= now_us + DAY_US and 0 <= one.failures <= one.count and one.count > 0
    return replace(one, target=str(target)) if target is not None and fits and whole else None
