"""What the room's tables say of incidents, and how they come back from there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, delete, func, insert, select, update

from devmesh.db.lists import one_of
from devmesh.detectors import About, Finding, Habit
from devmesh.incidents.easing import Signs
from devmesh.incidents.grouping import Incident
from devmesh.incidents.model import CLOSED, OPEN, Case, Cited, Note, Part
from devmesh.incidents.tables import evidence, incident_findings, incident_parts, incidents, notes, votes
from devmesh.paging import number_in

MINUTE_US = 60_000_000
TITLE_MAX = 500
OPEN_MAX = 10_000  # open ones that are looked at; more cannot be told anyway


# -- incidents as they grow ------------------------------------------------------------------------------------------


def growing(connection: Connection, since_us: int) -> list[Incident]:
    """Those that are open, were closed since, or must not be opened again by what is known."""
    table = incidents.c
    recent = (table.status != CLOSED) | (table.closed_us >= since_us) | (table.cooldown_until >= since_us)
    query = select(incidents).where(recent & table.merged_into.is_(None)).order_by(table.id).limit(OPEN_MAX)
    return [_growing(row) for row in connection.execute(query)]


def _growing(row: Row[Any]) -> Incident:
    state = json.loads(row.state)
    return Incident(
        onset=row.onset_us // MINUTE_US,
        last=row.last_us // MINUTE_US,
        grown=state["grown"],
        told=None if row.enough_us is None else row.enough_us // MINUTE_US,
        closed=None if row.closed_us is None else row.closed_us // MINUTE_US,
        reopened=row.reopened,
        critical=state["critical"],
        wide=state["wide"],
        bad={(service, node): minute for service, node, minute in state["bad"]},
        roots={(service, node): whole for service, node, whole in state["roots"]},
        missing={(service, node): since for service, node, since in state["missing"]},
        lasting={(family, node) for family, node in state["lasting"]},
        best={(service, node, family): weight for service, node, family, weight, _heard in state["best"]},
        heard={(service, node, family): heard for service, node, family, _weight, heard in state["best"]},
        signs=Signs(
            {(service, node): minute for service, node, minute in state["signs"]},
            {(service, node) for service, node in state["back"]},
            None if row.eased_us is None else row.eased_us // MINUTE_US,
            {(service, node) for service, node in state["left"]},
            {(service, node) for service, node in state["tops"]},
        ),
        resting=(row.cooldown_until or 0) // MINUTE_US,
        head=_head(state["head"]),
        id=row.id,
    )


def _head(kept: dict[str, Any]) -> Finding:
    habit = kept.get("habit")
    return Finding(**kept | {"about": About(kept["about"]), "habit": habit and Habit(**habit)})


def state_of(one: Incident) -> str:
    """What must be remembered of an incident, as JSON."""
    return json.dumps(
        {
            "grown": one.grown,
            "critical": one.critical,
            "wide": one.wide,
            "bad": [[*pair, minute] for pair, minute in sorted(one.bad.items())],
            "roots": [[*pair, whole] for pair, whole in sorted(one.roots.items())],
            "signs": [[*pair, minute] for pair, minute in sorted(one.signs.last.items())],
            "back": [list(pair) for pair in sorted(one.signs.back)],
            "tops": [list(pair) for pair in sorted(one.signs.tops)],
            "left": [list(pair) for pair in sorted(one.signs.left)],
            "missing": [[*pair, since] for pair, since in sorted(one.missing.items())],
            "lasting": [list(pair) for pair in sorted(one.lasting)],
            "best": [[*key, weight, one.heard[key]] for key, weight in one.best.items()],
            "head": one.head and asdict(one.head),
        }
    )


def open_new(connection: Connection, one: Incident, title: str, key: str, now_us: int) -> int:
    """Store an incident that is new, known by `key`; returns its number."""
    first = {"version": 1, "created_us": now_us, "changed_us": now_us, "dedup_key": key, "closed_by": ""}
    status, seen = OPEN if one.closed is None else CLOSED, None if one.told is None else now_us
    added = insert(incidents).values(status=status, title=title[:TITLE_MAX], detected_us=seen, **first, **_values(one))
    made = connection.execute(added).inserted_primary_key
    assert made is not None  # noqa: S101 - one row was inserted
    return int(made[0])


def keep(connection: Connection, one: Incident, title: str, now_us: int, *, news: bool) -> None:
    """Store how an incident became; `news`: in a way that is worth telling."""
    here = incidents.c.id == one.id
    raised: dict[str, Any] = {"version": incidents.c.version + 1, "changed_us": now_us} if news else {}
    if one.closed is not None:
        raised["status"] = CLOSED
    else:
        again = update(incidents).where(here & (incidents.c.status == CLOSED))
        connection.execute(again.values(status=OPEN, closed_by="", cooldown_until=None))
    if one.told is not None:
        raised["detected_us"] = func.coalesce(incidents.c.detected_us, now_us)
    connection.execute(update(incidents).where(here).values(title=title[:TITLE_MAX], **raised, **_values(one)))


def _values(one: Incident) -> dict[str, Any]:
    assert one.head is not None  # noqa: S101 - it has a finding
    return {
        "severity": one.severity,
        "trigger_type": one.head.detector,
        "service_id": one.head.service,
        "host": one.head.node,
        "onset_us": one.onset * MINUTE_US,
        "enough_us": None if one.told is None else one.told * MINUTE_US,
        "last_us": one.last * MINUTE_US,
        "closed_us": None if one.closed is None else one.closed * MINUTE_US,
        "eased_us": None if one.signs.eased is None else one.signs.eased * MINUTE_US,
        "reopened": one.reopened,
        "state": state_of(one),
    }


def key_of(first: Finding) -> str:
    """What the incident of a first finding is known by: it is opened once."""
    told = (first.minute, first.detector, first.kind, first.service, first.node, first.family)
    return hashlib.blake2b(repr(told).encode(), digest_size=16).hexdigest()


# -- for people ------------------------------------------------------------------------------------------------------


def listed(connection: Connection, where: ColumnElement[bool], limit: int) -> list[Case]:
    """Incidents, the newest first."""
    query = select(incidents).where(where).order_by(incidents.c.onset_us.desc(), incidents.c.id.desc()).limit(limit)
    return [_case(row) for row in connection.execute(query)]


def by_id(connection: Connection, ids: Iterable[int]) -> dict[int, Case]:
    """Incidents by number."""
    return {row.id: _case(row) for row in connection.execute(select(incidents).where(one_of(incidents.c.id, ids)))}


def growing_by_id(connection: Connection, number: int) -> Incident:
    """One incident as grouping knows it."""
    return _growing(connection.execute(select(incidents).where(incidents.c.id == number)).one())


def keep_state(connection: Connection, one: Incident, now_us: int) -> None:
    """Store what grouping knows of an incident that somebody changed."""
    touch(connection, one.id, now_us, **_values(one))


def touch(connection: Connection, number: int, now_us: int, **values: Any) -> None:
    """Change an incident by hand, as something that is worth telling."""
    raised = {"version": incidents.c.version + 1, "changed_us": now_us}
    connection.execute(update(incidents).where(incidents.c.id == number).values(**raised, **values))


def joined_to(number: int) -> Select[tuple[int]]:
    """The numbers of an incident's findings."""
    return select(incident_findings.c.finding_id).where(incident_findings.c.incident_id == number)


def reasons(connection: Connection, finding_ids: Iterable[int]) -> dict[int, tuple[str, bool]]:
    """{finding: (why it is where it is, by hand)}."""
    table = incident_findings.c
    query = select(table.finding_id, table.reason, table.by_hand).where(one_of(table.finding_id, finding_ids))
    return {int(row.finding_id): (row.reason, bool(row.by_hand)) for row in connection.execute(query)}


def join(connection: Connection, number: int, some: Iterable[tuple[int, str]]) -> None:
    """Put findings into an incident, each with the reason."""
    rows = [{"finding_id": one, "incident_id": number, "reason": why[:255], "by_hand": False} for one, why in some]
    if rows:
        connection.execute(insert(incident_findings), rows)


def move(connection: Connection, number: int, which: ColumnElement[bool], reason: str) -> None:
    """Findings go into another incident, by hand."""
    values = {"incident_id": number, "reason": reason[:255], "by_hand": True}
    connection.execute(update(incident_findings).where(which).values(values))


def these(finding_ids: Iterable[int]) -> ColumnElement[bool]:
    """Findings by number, for `move`."""
    return one_of(incident_findings.c.finding_id, finding_ids)


def all_of(number: int) -> ColumnElement[bool]:
    """All findings of an incident, for `move`."""
    return incident_findings.c.incident_id == number


def parts(connection: Connection, numbers: Iterable[int]) -> dict[int, list[Part]]:
    """Who has a part in each of these incidents."""
    wanted = list(numbers)
    out: dict[int, list[Part]] = {number: [] for number in wanted}
    table = incident_parts.c
    for row in connection.execute(select(incident_parts).where(one_of(table.incident_id, wanted))):
        out[row.incident_id].append(Part(row.service_id, row.node_id, row.detector))
    return out


def take_part(connection: Connection, number: int, some: Iterable[Part]) -> None:
    """Let more have a part in an incident."""
    fresh = set(some) - set(parts(connection, [number])[number])
    if fresh:
        connection.execute(insert(incident_parts), [{"incident_id": number, **asdict(one)} for one in fresh])


def by_detector(connection: Connection, since_us: int) -> dict[str, int]:
    """In how many told incidents that began since then each detector has a part; merged ones are left out."""
    table, part = incidents.c, incident_parts.c
    query = select(part.detector, func.count(table.id.distinct())).join(incidents, table.id == part.incident_id)
    told = (table.onset_us >= since_us) & table.enough_us.is_not(None) & table.merged_into.is_(None)
    return {name: int(n) for name, n in connection.execute(query.where(told).group_by(part.detector))}


def leave(connection: Connection, number: int) -> None:
    """Nobody has a part in an incident."""
    connection.execute(delete(incident_parts).where(incident_parts.c.incident_id == number))


def with_part_in(kind: str, ids: Iterable[int]) -> Select[tuple[int]]:
    """The incidents in which one of these has a part; `kind`: service_id or node_id."""
    return select(incident_parts.c.incident_id).where(one_of(incident_parts.c[kind], ids))


def after(cursor: str) -> ColumnElement[bool]:
    """Those that come after a cursor of `<onset_us>-<id>`. Raises InvalidInput."""
    onset, number = number_in(cursor), number_in(cursor.partition("-")[2] or "0")
    table = incidents.c
    return (table.onset_us < onset) | ((table.onset_us == onset) & (table.id < number))


def write(connection: Connection, number: int, at_us: int, who: str, kind: str, text: str) -> None:
    """Add to the story of an incident."""
    connection.execute(insert(notes).values(incident_id=number, at_us=at_us, who=who, kind=kind, text=text))


def story(connection: Connection, number: int, limit: int) -> list[Note]:
    """What was written and done, the newest `limit`, in order of time."""
    query = select(notes).where(notes.c.incident_id == number).order_by(notes.c.id.desc()).limit(limit)
    rows = connection.execute(query).all()
    return [Note(row.id, row.at_us, row.who, row.kind, row.text) for row in reversed(rows)]


def cite(connection: Connection, number: int, lines: Sequence[Cited]) -> None:
    """Copy lines that an incident cites, each once."""
    table = evidence.c
    here = select(table.ts_us, table.event_id).where(table.incident_id == number)
    have = {(row.ts_us, row.event_id) for row in connection.execute(here)}
    for line in lines:
        ts_us, _, event = line.event_id.partition("-")
        key = int(ts_us), int(event)
        if key not in have:
            have.add(key)
            values = {
                "incident_id": number, "ts_us": key[0], "event_id": key[1], "node_id": line.node_id,
                "service_id": line.service_id, "family_id": line.family_id, "template_id": line.template_id,
                "priority": line.priority, "message": line.message,
            }  # fmt: skip
            connection.execute(insert(evidence).values(values))


def cited(connection: Connection, number: int) -> list[Cited]:
    """The lines that an incident cites, in order of time."""
    query = select(evidence).where(evidence.c.incident_id == number).order_by(evidence.c.ts_us, evidence.c.event_id)
    return [
        Cited(
            f"{row.ts_us}-{row.event_id}", row.ts_us, row.node_id, row.service_id, row.family_id, row.template_id,
            row.priority, row.message,
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def cited_counts(connection: Connection, number: int) -> Mapping[tuple[int, int], int]:
    """How many lines of each (family, node) an incident cites."""
    table = evidence.c
    query = select(table.family_id, table.node_id, func.count()).where(table.incident_id == number)
    rows = connection.execute(query.group_by(table.family_id, table.node_id))
    return {(int(family), int(node)): int(n) for family, node, n in rows}


def to_announce(connection: Connection, limit: int) -> list[Case]:
    """Told incidents that changed since they went to the channels, oldest change first."""
    table = incidents.c
    news = (table.version > table.announced) & table.enough_us.is_not(None)
    query = select(incidents).where(news).order_by(table.changed_us).limit(limit)
    return [_case(row) for row in connection.execute(query)]


def announced(connection: Connection, number: int, version: int, told_us: int | None) -> None:
    """This version was handed on; `told_us`: when, if anybody is to hear of it."""
    values = {"announced": version, "told_us": func.coalesce(incidents.c.told_us, told_us)}
    connection.execute(update(incidents).where(incidents.c.id == number).values(values))


def forget_thin(connection: Connection, before_us: int, limit: int) -> int:
    """Delete what never had evidence enough and is long over."""
    table = incidents.c
    thin = table.enough_us.is_(None) & (table.status == CLOSED) & (table.last_us < before_us)
    ids = list(connection.execute(select(table.id).where(thin & table.merged_into.is_(None)).limit(limit)).scalars())
    for other in (incident_findings, incident_parts, evidence, notes, votes):
        connection.execute(delete(other).where(one_of(other.c.incident_id, ids)))
    connection.execute(delete(incidents).where(one_of(table.id, ids)))
    return len(ids)


def kept_findings() -> Select[tuple[int]]:
    """Findings that are in an incident."""
    return select(incident_findings.c.finding_id)


def _case(row: Row[Any]) -> Case:
    return Case(
        row.id, row.version, row.status, row.severity, row.trigger_type, row.service_id, row.host, row.title,
        row.created_us, row.onset_us, row.enough_us, row.detected_us, row.told_us, row.changed_us, row.last_us,
        row.closed_us, row.closed_by, row.reopened, row.merged_into, row.eased_us,
    )  # fmt: skip
