"""What the room's table says: the reports of incidents, and the signatures by which they are recalled."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.engine import Row

from devmesh.db.lists import one_of
from devmesh.investigations.model import Report, Summary
from devmesh.investigations.similar import Signature
from devmesh.investigations.tables import incident_reports

KEPT = 20  # reports of one incident
LOOKED_AT = 5_000  # of the newest reports, for the incidents to recall


class _Facts(msgspec.Struct):
    """What a list shows of a report's facts."""

    title: str
    suspects: tuple[dict[str, Any], ...] = ()


_FACTS, _SIGNATURE = msgspec.json.Decoder(_Facts), msgspec.json.Decoder(Signature)


def newest(connection: Connection, incident_id: int) -> Report | None:
    """The newest report of an incident."""
    table = incident_reports.c
    query = select(incident_reports).where(table.incident_id == incident_id)
    row = connection.execute(query.order_by(table.version.desc(), table.id.desc()).limit(1)).one_or_none()
    return None if row is None else _report(row)


def summaries(connection: Connection, incident_ids: Collection[int]) -> dict[int, Summary]:
    """{incident: what its newest report comes to}; of the facts only the suspects are read."""
    table = incident_reports.c
    version = func.max(table.version).label("version")
    newest = select(table.incident_id, version).where(one_of(table.incident_id, incident_ids))
    last = newest.group_by(table.incident_id).subquery()
    this = (table.incident_id == last.c.incident_id) & (table.version == last.c.version)
    columns = table.incident_id, table.confidence, table.inconclusive, table.facts
    rows = connection.execute(select(*columns).join(last, this).order_by(table.id))
    facts = {row.incident_id: (_FACTS.decode(row.facts), row) for row in rows}
    return {
        number: Summary(one.title, row.confidence, bool(row.inconclusive), one.suspects)
        for number, (one, row) in facts.items()
    }


def versions(connection: Connection, incident_ids: Collection[int]) -> dict[int, int]:
    """{incident: the newest version that has a report}."""
    table = incident_reports.c
    query = select(table.incident_id, func.max(table.version)).where(one_of(table.incident_id, incident_ids))
    return {number: int(version) for number, version in connection.execute(query.group_by(table.incident_id))}


def store(connection: Connection, report: Report, signature: Signature) -> None:
    """Store a report in place of one of the same version; of an incident's reports only the newest stay."""
    table = incident_reports.c
    mine = table.incident_id == report.incident_id
    connection.execute(
        delete(incident_reports).where(mine, table.version == report.version, table.author == report.author)
    )
    connection.execute(
        insert(incident_reports).values(
            incident_id=report.incident_id,
            version=report.version,
            created_ts=report.created_us,
            author=report.author,
            report_md=report.markdown,
            facts=json.dumps(report.facts),
            root_cause_hypothesis=report.hypothesis,
            confidence=report.confidence,
            inconclusive=report.inconclusive,
            evidence_template_ids=json.dumps(report.evidence),
            suggested_actions=json.dumps(report.next_checks),
            signature=msgspec.json.encode(signature).decode(),
        )
    )
    old = select(table.id).where(mine).order_by(table.version.desc(), table.id.desc()).offset(KEPT).limit(1_000)
    gone = list(connection.execute(old).scalars())
    if gone:
        connection.execute(delete(incident_reports).where(one_of(table.id, gone)))


def latest(connection: Connection, most: int) -> dict[int, int]:
    """{incident: its newest report} of the incidents that were written about last."""
    table = incident_reports.c
    rows = connection.execute(select(table.id, table.incident_id).order_by(table.id.desc()).limit(LOOKED_AT))
    out: dict[int, int] = {}
    for number, incident in rows:
        if incident not in out and len(out) < most:
            out[incident] = number
    return out


def signatures(connection: Connection, ids: Collection[int]) -> dict[int, Signature]:
    """The signatures that stand in these reports."""
    table = incident_reports.c
    query = select(table.id, table.signature).where(one_of(table.id, ids))
    return {number: _SIGNATURE.decode(text) for number, text in connection.execute(query)}


def _report(row: Row[tuple[object, ...]]) -> Report:
    facts = json.loads(row.facts)
    return Report(
        row.incident_id, row.version, row.created_ts, row.author, facts["title"], row.report_md, facts,
        row.root_cause_hypothesis, row.confidence, row.inconclusive, tuple(json.loads(row.evidence_template_ids)),
        tuple(json.loads(row.suggested_actions)),
    )  # fmt: skip
