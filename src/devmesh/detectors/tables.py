"""Tables of the room detectors: what was found, and what each detector calls normal."""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, String, Table

from devmesh.db import MICROSECONDS, metadata
from devmesh.db.types import BIG_KEY, LONG_TEXT

findings = Table(
    "findings",
    metadata,
    Column("id", BIG_KEY, primary_key=True),
    Column("minute", BigInteger, nullable=False),
    Column("detector", String(32), nullable=False),
    Column("kind", String(64), nullable=False),
    Column("service_id", Integer, nullable=False),
    Column("node_id", Integer, nullable=False),
    Column("family_id", Integer, nullable=False),  # 0 where it speaks of no family: NULL would not be unique
    Column("weight", Float, nullable=False),
    Column("critical", Boolean, nullable=False),
    Column("about", String(8), nullable=False),
    Column("text", LONG_TEXT, nullable=False),
    Column("habit", LONG_TEXT, nullable=False, default=""),  # JSON, of a line that did not come
    Column("found_us", MICROSECONDS, nullable=False),
    Column("held", String(255), nullable=False, default=""),  # why it joined no incident: a mute, a maintenance
    Index("ix_findings_once", "minute", "service_id", "node_id", "family_id", "detector", "kind", unique=True),
)

detector_state = Table(
    "detector_state",
    metadata,
    Column("detector_name", String(32), primary_key=True),
    Column("scope_kind", String(16), primary_key=True),  # pair: a service on a node
    Column("scope_id", BigInteger, primary_key=True, autoincrement=False),
    Column("last_run_ts", MICROSECONDS, nullable=False),
    Column("ewma_value", Float),
    Column("stddev", Float),
    Column("sample_count", BigInteger),
)

# How far all of them are; one row.
watch_state = Table(
    "watch_state",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("until_minute", BigInteger, nullable=False),
    Column("began_minute", BigInteger, nullable=False),
    Column("first_hour", BigInteger),
    Column("learned_hour", BigInteger),
)
