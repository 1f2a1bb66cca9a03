"""Tables of the room templates: the canonical shapes, what they looked like, and their families."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, SmallInteger, String, Table

from devmesh.db import MICROSECONDS, metadata
from devmesh.db.types import BIG_KEY, LONG_TEXT, digest

log_templates = Table(
    "log_templates",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("service_id", Integer, nullable=False),
    Column("canon_hash", digest(16), nullable=False),
    Column("canon_version", SmallInteger, nullable=False),
    Column("template", LONG_TEXT, nullable=False),
    Column("family_id", Integer),
    Column("level", SmallInteger),
    Column("created_us", MICROSECONDS, nullable=False),
    Column("updated_at", MICROSECONDS, nullable=False),
    Column("first_seen_us", MICROSECONDS),
    Column("last_seen_us", MICROSECONDS),
    Column("event_count", BigInteger, nullable=False, default=0),
    Column("merged_into", Integer, index=True),
    # The hash stands first, so that one lookup finds the templates of a batch whatever their services are.
    Index("ix_log_templates_key", "canon_hash", "canon_version", "service_id", unique=True),
    Index("ix_log_templates_service", "service_id", "id"),
    # What has no family yet is found by service, so that a service's families are read once for all of it.
    Index("ix_log_templates_family", "family_id", "service_id", "id"),
)

template_samples = Table(
    "template_samples",
    metadata,
    Column("id", BIG_KEY, primary_key=True),
    Column("template_id", Integer, nullable=False, index=True),
    Column("ts_us", MICROSECONDS, nullable=False),
    Column("node_id", Integer, nullable=False),
    Column("message", LONG_TEXT, nullable=False),
)

template_values = Table(
    "template_values",
    metadata,
    Column("template_id", Integer, primary_key=True, autoincrement=False),
    Column("position", SmallInteger, primary_key=True, autoincrement=False),
    Column("value", String(200), primary_key=True),
    Column("n", BigInteger, nullable=False),
)

families = Table(
    "families",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("service_id", Integer, nullable=False, index=True),
    Column("text", LONG_TEXT, nullable=False),
    Column("exemplar_template_id", ForeignKey("log_templates.id"), nullable=False),
    Column("level", SmallInteger),
    Column("merged_into", Integer),
    Column("created_us", MICROSECONDS, nullable=False),
    Column("changed_us", MICROSECONDS, nullable=False, index=True),
    Column("event_count", BigInteger, nullable=False, default=0, index=True),
    Column("template_count", Integer, nullable=False, default=0),
    Column("first_seen_us", MICROSECONDS),
    Column("last_seen_us", MICROSECONDS, index=True),
    Column("label", String(255)),
    Column("note", LONG_TEXT),
    # Split off by people: no other family grows together with it.
    Column("apart", Boolean, nullable=False, default=False),
)
