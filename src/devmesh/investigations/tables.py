"""The table of the room investigations: what was found out about an incident, each version of it."""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, String, Table

from devmesh.db import MICROSECONDS, metadata
from devmesh.db.types import BIG_KEY, LONG_TEXT

incident_reports = Table(
    "incident_reports",
    metadata,
    Column("id", BIG_KEY, primary_key=True),
    Column("incident_id", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),  # of the incident, of which it speaks
    Column("created_ts", MICROSECONDS, nullable=False),
    Column("author", String(16), nullable=False),  # rules
    Column("report_md", LONG_TEXT, nullable=False),
    Column("facts", LONG_TEXT, nullable=False),  # JSON: what the Markdown was made from
    Column("root_cause_hypothesis", LONG_TEXT, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("inconclusive", Boolean, nullable=False),
    Column("evidence_template_ids", LONG_TEXT, nullable=False),  # JSON: f12 and t345
    Column("suggested_actions", LONG_TEXT, nullable=False),  # JSON
    Column("signature", LONG_TEXT, nullable=False),  # JSON: by which it is recalled
    Index("ix_incident_reports_incident_id_version", "incident_id", "version", "author", unique=True),
)
