"""The outbox's SQL: what is to be told, what is claimed, what was told.

A row is an incident in a channel. It holds the newest state alone, so that a newer one replaces what was not sent; it
is claimed in a transaction before its message leaves, and marked in another one after. Both end with the loop's fence.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    bindparam,
    delete,
    false,
    func,
    insert,
    not_,
    or_,
    select,
    true,
    update,
)

from devmesh.channels import SEVERITIES
from devmesh.notifications.model import Delivery, Notice, Told
from devmesh.notifications.tables import outbox
from devmesh.paging import Page, check_limit, first_of, number_in
from devmesh.safe import safe

Where = ColumnElement[bool]
c = outbox.c


@dataclass(frozen=True)
class Item:
    """A claimed message: what to say, and what was said before."""

    notice: Notice
    before: Told | None


# Made once: a storm tells thousands of notices in a transaction, and building a statement costs more than running it.
_THERE = select(c.channel).where(c.incident_id == bindparam("incident"))
_NEWER = (
    update(outbox)
    .where((c.incident_id == bindparam("incident")) & (c.channel == bindparam("name")) & (c.version < bindparam("now")))
    .values({name: bindparam(name) for name in ("severity_rank", "status", "title", "notice", "changed_us")})
    .values(version=bindparam("now"), waiting=True, tries=0)
)


def put(connection: Connection, notice: Notice, wanted: Collection[str], known: Collection[str], now_us: int) -> None:
    """Have a notice told in the `wanted` channels, and in those of the `known` ones that heard of it before. A version
    that is there, or older, changes nothing.
    """
    there = {row.channel for row in connection.execute(_THERE, {"incident": notice.incident_id})}
    values = {
        "severity_rank": notice.rank,
        "status": notice.status,
        "title": safe(notice.title),
        "notice": msgspec.json.encode(notice).decode(),
        "changed_us": now_us,
    }
    keys = {"incident": notice.incident_id, "now": notice.version}
    newer = [{**values, **keys, "name": name} for name in sorted(there & set(known))]
    made = {"incident_id": notice.incident_id, "version": notice.version, "waiting": True, **values}
    fresh = [{**made, "channel": name} for name in sorted(set(wanted) - there)]
    if newer:
        connection.execute(_NEWER, newer)
    if fresh:
        connection.execute(insert(outbox), fresh)


# -- which rows -------------------------------------------------------------------------------------------------------


def waiting(channel: str, skipped: Collection[int]) -> Where:
    """What a channel has to tell, without those incidents."""
    return c.waiting & (c.channel == channel) & c.incident_id.not_in(skipped)


def calling() -> Where:
    """What people must notice, as `model.calls` has it: new, worse, closed or reopened."""
    return or_(untold(), c.status != c.sent_status, c.severity_rank < c.sent_rank)


def unheard(*, edits: bool) -> Where:
    """Other changes, where there is no message to change: they are not sent."""
    return not_(calling()) & (c.ref == "" if edits else true())


def at_night(*, critical_waits: bool) -> Where:
    """What is told in quiet hours: critical incidents, and how those go on."""
    return false() if critical_waits else or_(c.severity_rank == 0, func.coalesce(c.sent_rank, 9) == 0)


def untold() -> Where:
    """Incidents that a channel has not heard of."""
    return c.sent_version == 0


def new_message(*, edits: bool) -> Where:
    """Those that would make a message, and change none."""
    return c.ref == "" if edits else true()


def held() -> Where:
    """What waited for the end of quiet hours."""
    return c.held


def count(connection: Connection, where: Where) -> int:
    """How many rows."""
    return int(connection.execute(select(func.count()).select_from(outbox).where(where)).scalar_one())


def first(connection: Connection, where: Where, limit: int) -> list[int]:
    """Numbers of the rows that come first: the worst, and of those the oldest."""
    query = select(c.id).where(where).order_by(c.severity_rank, c.changed_us, c.id).limit(limit)
    return list(connection.execute(query).scalars())


def row_is(number: int) -> Where:
    """One row, while it waits."""
    return c.waiting & (c.id == number)


# -- sending ----------------------------------------------------------------------------------------------------------


def hold(connection: Connection, where: Where) -> None:
    """Keep them for the end of quiet hours."""
    connection.execute(update(outbox).where(where).values(held=True))


def pass_over(connection: Connection, where: Where) -> None:
    """Count them as told."""
    connection.execute(
        update(outbox).where(where).values(waiting=False, held=False, error=None, sent_version=c.version)
    )


def claim(connection: Connection, where: Where, number: int) -> None:
    """Note that these are about to be sent, under a number that no other message has."""
    values = {"claim": number, "claimed_version": c.version, "tries": c.tries + 1}
    connection.execute(update(outbox).where(where).values(values))


def claimed(connection: Connection, number: int, limit: int) -> list[Item]:
    """The claimed messages as they are now, the worst first."""
    query = select(outbox).where(c.claim == number).order_by(c.severity_rank, c.changed_us, c.id).limit(limit)
    return [Item(msgspec.json.decode(row.notice, type=Notice), _told(row)) for row in connection.execute(query)]


def _told(row: Row[Any]) -> Told | None:
    return Told(row.ref, SEVERITIES[row.sent_rank], row.sent_status) if row.sent_version else None


def sums(connection: Connection, number: int) -> dict[tuple[int, str], int]:
    """How many are claimed, by (rank, status)."""
    query = select(c.severity_rank, c.status, func.count()).where(c.claim == number)
    found = connection.execute(query.group_by(c.severity_rank, c.status)).all()
    return {(rank, status): n for rank, status, n in found}


def mark(connection: Connection, number: int, now_us: int, notice: Notice, ref: str) -> None:
    """This notice arrived; a newer state that came meanwhile waits on."""
    values = {
        "sent_version": notice.version,
        "sent_us": now_us,
        "sent_rank": notice.rank,
        "sent_status": notice.status,
        "ref": ref,
        "error": None,
        "held": False,
        "claim": None,
        "waiting": c.version > notice.version,
    }
    connection.execute(update(outbox).where(c.claim == number).values(values))


def mark_all(connection: Connection, number: int, now_us: int) -> None:
    """A summary arrived; what changed meanwhile waits on, and will be told as it is then."""
    values = {
        "sent_version": c.version,
        "sent_us": now_us,
        "sent_rank": c.severity_rank,
        "sent_status": c.status,
        "error": None,
        "held": False,
        "waiting": False,
    }
    connection.execute(update(outbox).where((c.claim == number) & (c.version == c.claimed_version)).values(values))
    connection.execute(update(outbox).where(c.claim == number).values(claim=None))


def fail(connection: Connection, number: int, reason: str) -> None:
    """They did not arrive."""
    connection.execute(update(outbox).where(c.claim == number).values(claim=None, error=reason))


def forget(connection: Connection, before_us: int) -> int:
    """Drop rows whose incident has not changed since then; how many."""
    return connection.execute(delete(outbox).where(c.changed_us < before_us)).rowcount


# -- looking ----------------------------------------------------------------------------------------------------------


def list_deliveries(connection: Connection, limit: int, cursor: str | None) -> Page[Delivery]:
    """At most `limit` rows, the newest incident first. Raises InvalidInput."""
    check_limit(limit)
    query = select(outbox).order_by(c.id.desc()).limit(limit + 1)
    rows = connection.execute(query.where(c.id < number_in(cursor)) if cursor else query).all()
    return first_of([_delivery(row) for row in rows], limit, lambda one: str(one.id))


def _delivery(row: Row[Any]) -> Delivery:
    state = "failing" if row.error else "held" if row.held else "waiting"
    return Delivery(
        row.id,
        row.channel,
        row.incident_id,
        row.version,
        SEVERITIES[row.severity_rank],
        row.status,
        row.title,
        state if row.waiting else "sent",
        row.changed_us,
        row.sent_us,
        row.tries,
        row.error or "",
    )


def troubles(connection: Connection) -> dict[str, tuple[int, str | None]]:
    """For each channel where something waits: how many messages, and why one of them failed."""
    query = select(c.channel, func.count(), func.max(c.error)).where(c.waiting).group_by(c.channel)
    return {channel: (n, error) for channel, n, error in connection.execute(query)}
