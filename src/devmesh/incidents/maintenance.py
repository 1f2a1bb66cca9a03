"""Maintenance windows: while one lasts, what is found in it is kept and told nobody.

A window names nodes and services by glob, as routes do; what is not named is any. A finding in a window is stored with
`Window.held` as its reason and joins no incident. When a window is over, what it held must be told if it goes on: of
each finding that was held for it `goes_on` says so, asked each minute for an hour after the end; it is told as of then
(`told_as`), for by its own minute it may be long over. What ended inside stays untold.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from devmesh.accounts import record
from devmesh.clock import Clock
from devmesh.db import Database
from devmesh.detectors import Finding
from devmesh.errors import InvalidInput, NotFound
from devmesh.incidents.given import DAY_US, end_of, number_of, text_of, texts_of
from devmesh.incidents.grouping import LASTING, MISSING
from devmesh.incidents.tables import maintenance
from devmesh.memory import Minutes

MOST_DAYS, AHEAD_DAYS = 30, 366
PATTERNS, WINDOWS, LISTED = 50, 200, 1_000
MINUTE_US = 60_000_000
BACK_MIN = 10  # whom a window missed may take so long to speak again


@dataclass(frozen=True)
class Window:
    """A time in which findings are held; `nodes` and `services` are globs, none of them is any. `ended_us`: when
    somebody ended it before its time.
    """

    id: int
    since_us: int
    until_us: int
    nodes: tuple[str, ...]
    services: tuple[str, ...]
    reason: str
    who: str
    created_us: int
    ended_us: int | None

    @property
    def end_us(self) -> int:
        """When it is over."""
        return self.until_us if self.ended_us is None else min(self.until_us, self.ended_us)

    @property
    def held(self) -> str:
        """What is stored with a finding that it holds."""
        return f"maintenance: {self.reason}"


@dataclass(frozen=True)
class Names:
    """What nodes and services are called, by id; a number that nobody knows is `?`."""

    nodes: Mapping[int, str]
    services: Mapping[int, str]

    def pair(self, service_id: int, node_id: int) -> dict[str, str]:
        """{service, node}."""
        return {"service": self.services.get(service_id, "?"), "node": self.nodes.get(node_id, "?")}


class Maintenance:
    """The windows that people planned."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db, self._clock = db, clock

    def plan(
        self, since_us: int, until_us: int, nodes: Iterable[str], services: Iterable[str], reason: str, who: str
    ) -> Window:
        """Hold what is found from `since_us` (which may be over) to `until_us`, at most 30 days, a year ahead. Raises
        InvalidInput.
        """
        now = self._clock.now_us()
        if since_us > now + AHEAD_DAYS * DAY_US:
            raise InvalidInput("It begins in more than a year.", hint="Plan it when it is nearer.")
        values: dict[str, Any] = {
            "nodes": json.dumps(texts_of(nodes, "node", PATTERNS)),
            "services": json.dumps(texts_of(services, "service", PATTERNS)),
            "since_us": since_us,
            "until_us": end_of(since_us, until_us, now, MOST_DAYS),
            "reason": text_of(reason, "reason"),
            "who": who,
            "created_us": now,
        }

        def insert_one(connection: Connection) -> Window:
            alive = select(func.count()).select_from(maintenance).where(_alive(now))
            if connection.execute(alive).scalar_one() >= WINDOWS:
                raise InvalidInput(f"There are {WINDOWS} windows already.", hint="End some, or let one name more.")
            key = connection.execute(insert(maintenance).values(values).returning(maintenance.c.id)).scalar_one()
            record(connection, self._clock, who, "planned", f"maintenance {key}: {values['reason']}")
            return _one(connection, key)

        return self._db.transact(insert_one)

    def end(self, window_id: int, who: str) -> Window:
        """End a window now, or take back one that is still to come; one that is over stays as it was. Raises
        NotFound.
        """
        number, now = number_of(window_id, "maintenance"), self._clock.now_us()

        def close(connection: Connection) -> Window:
            this = (maintenance.c.id == number) & _alive(now)
            if connection.execute(update(maintenance).where(this).values(ended_us=now)).rowcount:
                record(connection, self._clock, who, "ended", f"maintenance {number}")
            return _one(connection, number)

        return self._db.transact(close)

    def list(self, *, active: bool = True) -> Sequence[Window]:
        """The newest first: those that last or are to come, or the newest 1,000 of all."""
        query = select(maintenance).order_by(maintenance.c.id.desc()).limit(LISTED)
        with self._db.read() as connection:
            rows = connection.execute(query.where(_alive(self._clock.now_us())) if active else query)
            return [_window(row) for row in rows]

    def since(self, since_us: int) -> Sequence[Window]:
        """Every window that lasts, is to come or ended at `since_us` or later: what `covers` needs for late lines."""
        over = maintenance.c.ended_us.is_(None) | (maintenance.c.ended_us >= since_us)
        query = select(maintenance).where((maintenance.c.until_us >= since_us) & over)
        with self._db.read() as connection:
            return [_window(row) for row in connection.execute(query.order_by(maintenance.c.id))]


def covers(windows: Iterable[Window], finding: Finding, names: Names) -> Window | None:
    """The first window that a finding falls into, by the minute that it speaks of."""
    at_us = finding.minute * MINUTE_US
    for one in windows:
        if (
            one.since_us // MINUTE_US * MINUTE_US <= at_us < one.end_us
            and _any(one.nodes, names.nodes.get(finding.node, ""))
            and _any(one.services, names.services.get(finding.service, ""))
        ):
            return one
    return None


def goes_on(finding: Finding, counts: Minutes, end: int) -> int | None:
    """The minute in which what was held until minute `end` (since 1970) went on after it: its bad line was said again,
    or who was missing was not heard since, until ten minutes after; None where it did not. What is loud then is found
    anew, what was overdue had its reason. `counts`: of the last hours, as far as they are known.
    """
    mine = counts.node == finding.node
    if finding.kind in MISSING:
        back = mine & (counts.minute > finding.minute)
        if finding.kind == "silence":
            back &= counts.service == finding.service
        return end + BACK_MIN - 1 if counts.until >= end + BACK_MIN and not back.any() else None
    again = counts.minute[mine & (counts.family == (finding.family or 0)) & (counts.minute >= end)]
    return int(again.min()) if finding.detector in LASTING and len(again) else None


def told_as(finding: Finding, minute: int) -> Finding:
    """What was held, as it is told of a later minute."""
    return finding if minute == finding.minute else replace(finding, minute=minute, since=finding.minute)


def _any(patterns: Sequence[str], name: str) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)


def _alive(now_us: int) -> Any:
    return maintenance.c.ended_us.is_(None) & (maintenance.c.until_us > now_us)


def _one(connection: Connection, number: int) -> Window:
    row = connection.execute(select(maintenance).where(maintenance.c.id == number)).one_or_none()
    if row is None:
        raise NotFound(f"There is no maintenance {number}.", hint="See: devmesh maintenance list")
    return _window(row)


def _window(row: Any) -> Window:
    return Window(
        row.id, row.since_us, row.until_us, tuple(json.loads(row.nodes)), tuple(json.loads(row.services)),
        row.reason, row.who, row.created_us, row.ended_us,
    )  # fmt: skip
