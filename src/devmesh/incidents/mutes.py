"""Guarded mutes: a family of which people do not want to hear, for a reason, for a time, and as long as it stays what
it was (`guarding.py`). "Muted" never means lost: findings that a mute holds are stored with its reason.

Whoever watches asks once a minute, in this order: `holding`, then `broken` with the counts that it looks at, then
`holds` for each finding with the mutes that did not end. What the ended ones held goes on its way at once; they end
(`close`) in the transaction that stores it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, func, insert, select, update

from devmesh.accounts import record
from devmesh.clock import Clock
from devmesh.db import Database
from devmesh.detectors import About, Finding
from devmesh.errors import InvalidInput, NotFound
from devmesh.events import Events
from devmesh.incidents.given import LARGEST_ID, end_of, number_of, text_of
from devmesh.incidents.guard import MINUTE_US, Ended, Guard, Mute
from devmesh.incidents.guarding import Guarding
from devmesh.incidents.tables import mutes
from devmesh.memory import Minutes
from devmesh.templates import OVERFLOW_TEXT, Templates

MOST_DAYS = 90
MUTES, NODES, LISTED = 100, 1_000, 1_000
MOST_PER_HOUR = 10_000_000
WHY_CHARS = 500
BY_HAND = "ended by ", "muted again by "  # and a name, as the reason why it is over
TOLD = 3.0  # a finding of this weight is told by itself


class Mutes:
    """What people do not want to hear."""

    def __init__(self, db: Database, clock: Clock, templates: Templates, events: Events) -> None:
        self._db, self._clock, self._templates = db, clock, templates
        self._guarding = Guarding(clock, templates, events)

    def mute(
        self,
        family_id: int,
        reason: str,
        until_us: int,
        who: str,
        node_ids: Iterable[int] = (),
        most_per_hour: int | None = None,
    ) -> Mute:
        """Tell nothing of a family on these nodes (none: on all) until `until_us`, 90 days ahead at most; a mute of the
        same family and nodes gives way to it. `most_per_hour` lines, or as many as its past allows, end it; so does
        whatever its guard finds. Reads the family's last week. Raises InvalidInput, NotFound.
        """
        family = self._templates.family(number_of(family_id, "family"))
        if family.text == OVERFLOW_TEXT:
            raise InvalidInput(
                f"f{family.id} is what found no place of its own: anything may be in it.", hint="Mute another family."
            )
        now, nodes = self._clock.now_us(), tuple(sorted(set(node_ids)))
        if len(nodes) > NODES or not all(0 < one <= LARGEST_ID for one in nodes):
            raise InvalidInput(f"These are no nodes, or more than {NODES}.", hint="Without nodes it holds on all.")
        if most_per_hour is not None and not 1 <= most_per_hour <= MOST_PER_HOUR:
            raise InvalidInput(f"The most per hour is 1 to {MOST_PER_HOUR:,}.", hint="Without it its past decides.")
        values: dict[str, Any] = {
            "reason": text_of(reason, "reason"), "until_us": end_of(now, until_us, now, MOST_DAYS), "who": who,
            "family_id": family.id, "node_ids": json.dumps(nodes), "created_us": now, "most_per_hour": most_per_hour,
        }  # fmt: skip
        values["guard"] = msgspec.json.encode(self._guarding.learn(family, nodes, most_per_hour)).decode()
        return self._db.transact(lambda connection: self._store(connection, values))

    def _store(self, connection: Connection, values: dict[str, Any]) -> Mute:
        lasts, who = mutes.c.ended_us.is_(None), values["who"]
        same = (mutes.c.family_id == values["family_id"]) & (mutes.c.node_ids == values["node_ids"])
        again = {"ended_us": values["created_us"], "ended_why": f"{BY_HAND[1]}{who}"}
        connection.execute(update(mutes).where(lasts & same).values(again))
        alive = select(func.count()).select_from(mutes).where(lasts)
        if connection.execute(alive).scalar_one() >= MUTES:
            raise InvalidInput(f"There are {MUTES} mutes already.", hint="End some: devmesh mutes")
        key = connection.execute(insert(mutes).values(values).returning(mutes.c.id)).scalar_one()
        record(connection, self._clock, who, "muted", f"f{values['family_id']}: {values['reason']}")
        return _one(connection, key)

    def end(self, mute_id: int, who: str) -> Mute:
        """Hear of it again from now on; one that ended before stays as it was. Raises NotFound."""
        number, now = number_of(mute_id, "mute"), self._clock.now_us()

        def close(connection: Connection) -> Mute:
            if _end(connection, number, now, f"{BY_HAND[0]}{who}"):
                record(connection, self._clock, who, "ended", f"mute {number}")
            return _one(connection, number)

        return self._db.transact(close)

    def list(self, *, active: bool = True) -> Sequence[Mute]:
        """The newest first: those that last, or the newest 1,000 of all."""
        query = select(mutes).order_by(mutes.c.id.desc()).limit(LISTED)
        lasts = mutes.c.ended_us.is_(None) & (mutes.c.until_us > self._clock.now_us())
        with self._db.read() as connection:
            return [_mute(row) for row in connection.execute(query.where(lasts) if active else query)]

    # -- for the watch ------------------------------------------------------------

    def holding(self) -> Sequence[Mute]:
        """The mutes that nobody and nothing ended yet, the oldest first: for `broken` and `holds`."""
        with self._db.read() as connection:
            query = select(mutes).where(mutes.c.ended_us.is_(None)).order_by(mutes.c.id)
            return [_mute(row) for row in connection.execute(query)]

    def broken(self, some: Sequence[Mute], counts: Minutes, now_us: int) -> Sequence[Ended]:
        """The mutes that end now, by the counts of the last hours as far as they are known, each with its reason, once.
        Whoever asks lets go what they held, tells `as_finding` of each, and then ends them with `close`.
        """
        return self._guarding.broken(some, counts, now_us)

    def close(self, connection: Connection, some: Iterable[Ended]) -> None:
        """End them, in the caller's transaction."""
        for one in some:
            _end(connection, one.mute.id, self._clock.now_us(), one.why)


def holds(some: Iterable[Mute], finding: Finding) -> Mute | None:
    """The first mute that a finding falls under: its family, its node, its time."""
    for one in some:
        if (
            finding.family == one.family_id
            and (not one.node_ids or finding.node in one.node_ids)
            and finding.minute * MINUTE_US < one.until_us
        ):
            return one
    return None


def by_hand(one: Mute) -> bool:
    """Whether somebody ended it, and not its guard."""
    return one.ended_why.startswith(BY_HAND)


def as_finding(ended: Ended, counts: Minutes, tell_from: float) -> Finding | None:
    """What to tell of a mute that its guard ended, whatever evidence that takes (`tell_from`): about the node that said
    it last; None where nobody said it in these hours (its date came, somebody changed the family), for then there is
    nothing to look at.
    """
    mute, rows = ended.mute, ended.mute.rows(counts)
    if not rows.any() or counts.until * MINUTE_US > mute.until_us:
        return None
    last = int(counts.minute[rows].argmax())
    minute, node = int(counts.minute[rows][last]), int(counts.node[rows][last])
    text = f"no longer muted: {ended.why}"
    return Finding(
        minute,
        "mute",
        "unmuted",
        mute.guard.service,
        node,
        mute.family_id,
        max(TOLD, tell_from),
        False,
        About.SELF,
        text,
    )


def _end(connection: Connection, number: int, now_us: int, why: str) -> bool:
    """Whether this ended it: it may have ended meanwhile."""
    lasts = (mutes.c.id == number) & mutes.c.ended_us.is_(None)
    values = {"ended_us": now_us, "ended_why": why[:WHY_CHARS]}
    return connection.execute(update(mutes).where(lasts).values(values)).rowcount > 0


def _one(connection: Connection, number: int) -> Mute:
    row = connection.execute(select(mutes).where(mutes.c.id == number)).one_or_none()
    if row is None:
        raise NotFound(f"There is no mute {number}.", hint="See: devmesh mutes")
    return _mute(row)


def _mute(row: Any) -> Mute:
    return Mute(
        row.id, row.family_id, tuple(json.loads(row.node_ids)), row.reason, row.who, row.created_us, row.until_us,
        row.most_per_hour, msgspec.json.decode(row.guard, type=Guard), row.ended_us, row.ended_why,
    )  # fmt: skip
