"""What the room's tables say: what was found, how far the watch is, what is normal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import BigInteger, Connection, Row, Select, and_, cast, delete, func, insert, select, update

from devmesh.db.lists import one_of
from devmesh.detectors.error_rate import NAME as ERROR_RATE
from devmesh.detectors.error_rate import Usual
from devmesh.detectors.model import About, Finding, Habit
from devmesh.detectors.tables import detector_state, findings, watch_state
from devmesh.detectors.watch import Watch
from devmesh.memory.baselines import NODES

MINUTE_US = 60_000_000
PAIR = "pair"

_PLACES = 1 << 40  # numbers of findings are smaller
_SORT = tuple(findings.c[name] for name in ("service_id", "node_id", "family_id", "detector", "kind"))

Key = tuple[int, int, int, int, str, str]


@dataclass(frozen=True)
class Stored:
    """A finding that is stored under a number; `held` says why it joined no incident."""

    id: int
    finding: Finding
    found_us: int
    held: str


@dataclass(frozen=True)
class Sort:
    """All findings of one kind about one family of a service on a node, among some: `finding` is the weightiest, in the
    minute of the first, `id` the number of the first; `last` is the last minute, `times` how many they are.
    """

    id: int
    finding: Finding
    found_us: int
    last: int
    times: int


@dataclass(frozen=True)
class Progress:
    """How far the watch is: what came before minute `until` was judged, what lies before minute `began` is nobody's
    business; hours since 1970 from which on it learned and told.
    """

    until: int
    began: int
    first_hour: int | None
    learned_hour: int | None


def key_of(one: Finding) -> Key:
    """What makes a finding the same when it is found again."""
    return one.minute, one.service, one.node, one.family or 0, one.detector, one.kind


def known(connection: Connection, since: int) -> set[Key]:
    """The keys of what was found from minute `since` on."""
    table = findings.c
    keys = (table.minute, table.service_id, table.node_id, table.family_id, table.detector, table.kind)
    return {tuple(row) for row in connection.execute(select(*keys).where(table.minute >= since))}


def note(connection: Connection, some: Sequence[tuple[Finding, str]], now_us: int) -> list[int]:
    """Store findings, each with the reason for which it is held (empty: none); returns their numbers."""
    out = []
    for one, held in some:
        values = {
            "minute": one.minute, "detector": one.detector, "kind": one.kind, "service_id": one.service,
            "node_id": one.node, "family_id": one.family or 0, "weight": one.weight, "critical": one.critical,
            "about": one.about.value, "text": one.text, "found_us": now_us, "held": held[:255],
            "habit": json.dumps(asdict(one.habit)) if one.habit else "",
        }  # fmt: skip
        key = connection.execute(insert(findings).values(values)).inserted_primary_key
        assert key is not None  # noqa: S101 - one row was inserted
        out.append(int(key[0]))
    return out


def release(connection: Connection, ids: Iterable[int]) -> None:
    """Findings that are held no more."""
    connection.execute(update(findings).where(one_of(findings.c.id, ids)).values(held=""))


def by_sort(connection: Connection, ids: Select[tuple[int]], limit: int) -> list[Sort]:
    """Findings by sort, in order of time; at most `limit` sorts, the weightiest."""
    table = findings.c
    # The weightiest, and of equals the first, in one number: windows take four times as long.
    best = func.max(cast(table.weight * 1_000, BigInteger) * _PLACES + (_PLACES - 1 - table.id)).label("best")
    sorts = (
        select(
            best,
            func.min(table.id).label("first_id"),
            func.min(table.minute).label("first"),
            func.max(table.minute).label("last"),
            func.max(table.critical).label("critical"),
            func.count().label("times"),
        )
        .where(table.id.in_(ids))
        .group_by(*_SORT)
        .order_by(best.desc())
        .limit(limit)
    )
    some = {_PLACES - 1 - int(row.best) % _PLACES: row for row in connection.execute(sorts)}
    heard = {row.id: _stored(row) for row in connection.execute(select(findings).where(one_of(table.id, some)))}
    out = [
        Sort(
            one.first_id,
            replace(heard[number].finding, minute=one.first, critical=bool(one.critical)),
            heard[number].found_us,
            one.last,
            one.times,
        )
        for number, one in some.items()
    ]
    return sorted(out, key=lambda one: (one.finding.minute, one.id))


def alike(connection: Connection, ids: Select[tuple[int]], chosen: Iterable[int]) -> list[int]:
    """The numbers of those among some findings that are of the same sort as one that is chosen."""
    one, other = findings.alias(), findings.alias()
    same = [one.c[column.name] == other.c[column.name] for column in _SORT]
    query = select(one.c.id).join(other, and_(*same)).where(one.c.id.in_(ids), one_of(other.c.id, chosen)).distinct()
    return list(connection.execute(query).scalars())


def held_since(connection: Connection, minute: int) -> list[Stored]:
    """What was found from a minute on and is held."""
    query = select(findings).where((findings.c.minute >= minute) & (findings.c.held != ""))
    return [_stored(row) for row in connection.execute(query.order_by(findings.c.minute, findings.c.id))]


def forget(connection: Connection, before: int, but: Select[tuple[int]], limit: int) -> int:
    """Delete what was found before a minute, except for the numbers that somebody keeps."""
    old = select(findings.c.id).where(findings.c.minute < before, findings.c.id.not_in(but)).limit(limit)
    ids = list(connection.execute(old).scalars())
    if ids:
        connection.execute(delete(findings).where(one_of(findings.c.id, ids)))
    return len(ids)


def counts(connection: Connection, since: int) -> dict[str, int]:
    """How many findings of each detector there are from a minute on."""
    query = select(findings.c.detector, func.count()).where(findings.c.minute >= since).group_by(findings.c.detector)
    return {name: int(n) for name, n in connection.execute(query)}


# -- the watch -------------------------------------------------------------------------------------------------------


def progress(connection: Connection) -> Progress | None:
    """How far the watch is; None where there was none yet."""
    row = connection.execute(select(watch_state)).one_or_none()
    return None if row is None else Progress(row.until_minute, row.began_minute, row.first_hour, row.learned_hour)


def keep_progress(connection: Connection, at: Progress) -> None:
    """Store how far it is."""
    values = {
        "until_minute": at.until, "began_minute": at.began, "first_hour": at.first_hour,
        "learned_hour": at.learned_hour,
    }  # fmt: skip
    if connection.execute(update(watch_state).values(values)).rowcount == 0:
        connection.execute(insert(watch_state).values(id=1, **values))


def keep_normal(connection: Connection, watch: Watch, until: int) -> None:
    """Store what the error rate calls normal: errors of a service on a node in five minutes, luck counted in."""
    state, pairs = watch.error_rate.state, watch.normal.pairs
    connection.execute(delete(detector_state).where(detector_state.c.scope_kind == PAIR))
    deviation = np.sqrt(np.maximum(state["variance"], 0.0) + state["mean"])
    scope = pairs["service"] * NODES + pairs["node"]
    rows = [
        {
            "detector_name": ERROR_RATE, "scope_kind": PAIR, "scope_id": int(scope[n]),
            "last_run_ts": until * MINUTE_US, "ewma_value": float(state["mean"][n]), "stddev": float(deviation[n]),
            "sample_count": int(state["bins"][n]),
        }
        for n in range(len(state))
    ]  # fmt: skip
    if rows:
        connection.execute(insert(detector_state), rows)


def normal(connection: Connection) -> list[Usual]:
    """What the error rate called normal after the last whole hour, the most errors first."""
    table, out = detector_state.c, list[Usual]()
    query = select(detector_state).where(table.detector_name == ERROR_RATE, table.scope_kind == PAIR)
    for row in connection.execute(query.order_by(table.ewma_value.desc(), table.scope_id)):
        service, node = divmod(row.scope_id, NODES)
        out.append(Usual(service, node, row.ewma_value, row.stddev, row.sample_count, row.last_run_ts))
    return out


def _stored(row: Row[Any]) -> Stored:
    finding = Finding(
        row.minute, row.detector, row.kind, row.service_id, row.node_id, row.family_id or None, row.weight,
        bool(row.critical), About(row.about), row.text, habit=Habit(**json.loads(row.habit)) if row.habit else None,
    )  # fmt: skip
    return Stored(row.id, finding, row.found_us, row.held)
