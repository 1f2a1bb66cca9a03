"""Tables of the room incidents: what belongs together, what people said of it, what they do not want to hear."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table

from devmesh.db import MICROSECONDS, metadata
from devmesh.db.types import BIG_KEY, LONG_TEXT

incidents = Table(
    "incidents",
    metadata,
    Column("id", BIG_KEY, primary_key=True),
    Column("version", Integer, nullable=False),  # grows with each change that is worth telling
    Column("status", String(16), nullable=False),  # open, investigating, closed
    Column("severity", String(16), nullable=False),
    Column("trigger_type", String(32), nullable=False),
    Column("service_id", Integer, nullable=False),
    Column("host", Integer, nullable=False),  # a node's id
    Column("title", String(500), nullable=False),
    Column("created_us", MICROSECONDS, nullable=False),
    Column("onset_us", MICROSECONDS, nullable=False),
    Column("enough_us", MICROSECONDS),  # the minute whose evidence was enough; empty while it is thin
    Column("detected_us", MICROSECONDS),  # when a look saw that
    Column("told_us", MICROSECONDS),  # when the first message was handed on
    Column("changed_us", MICROSECONDS, nullable=False),  # when its version was last raised
    Column("announced", Integer, nullable=False, default=0),  # the version that went to the channels
    Column("last_us", MICROSECONDS, nullable=False),
    Column("closed_us", MICROSECONDS),
    Column("eased_us", MICROSECONDS),  # since when those whom others need are well again, and others are not
    Column("closed_by", String(64), nullable=False, default=""),  # empty: it ended by itself
    Column("cooldown_until", MICROSECONDS),
    Column("reopened", Integer, nullable=False, default=0),
    Column("merged_into", BigInteger),
    Column("dedup_key", String(64), nullable=False, unique=True),
    Column("state", LONG_TEXT, nullable=False),  # JSON: what grouping must remember of it
    Column("context_bundle", LONG_TEXT),
    Index("ix_incidents_status_last_us", "status", "last_us"),
    Index("ix_incidents_onset_us", "onset_us"),
)

incident_findings = Table(
    "incident_findings",
    metadata,
    Column("finding_id", BigInteger, primary_key=True, autoincrement=False),
    Column("incident_id", ForeignKey("incidents.id"), nullable=False, index=True),
    Column("reason", String(255), nullable=False),
    Column("by_hand", Boolean, nullable=False, default=False),
)

# Who has a part in an incident, and which detectors saw it.
incident_parts = Table(
    "incident_parts",
    metadata,
    Column("incident_id", ForeignKey("incidents.id"), primary_key=True),
    Column("service_id", Integer, primary_key=True, autoincrement=False),
    Column("node_id", Integer, primary_key=True, autoincrement=False),
    Column("detector", String(32), primary_key=True),
)

# Lines that an incident cites, copied: they stay when their day is dropped.
evidence = Table(
    "evidence",
    metadata,
    Column("incident_id", ForeignKey("incidents.id"), primary_key=True),
    Column("ts_us", MICROSECONDS, primary_key=True, autoincrement=False),
    Column("event_id", BigInteger, primary_key=True, autoincrement=False),
    Column("node_id", Integer, nullable=False),
    Column("service_id", Integer, nullable=False),
    Column("family_id", Integer, nullable=False),
    Column("template_id", Integer, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("message", LONG_TEXT, nullable=False),
)

votes = Table(
    "votes",
    metadata,
    Column("incident_id", ForeignKey("incidents.id"), primary_key=True),
    Column("who", String(64), primary_key=True),
    Column("verdict", String(8), nullable=False),  # real, noise
    Column("at_us", MICROSECONDS, nullable=False),
)

notes = Table(
    "notes",
    metadata,
    Column("id", BIG_KEY, primary_key=True),
    Column("incident_id", ForeignKey("incidents.id"), nullable=False, index=True),
    Column("at_us", MICROSECONDS, nullable=False),
    Column("who", String(64), nullable=False),  # empty: DevMesh itself
    Column("kind", String(16), nullable=False),  # note, or what was done: opened, told, closed, reopened, merged, split
    Column("text", LONG_TEXT, nullable=False),
)

mutes = Table(
    "mutes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("family_id", Integer, nullable=False, index=True),
    Column("node_ids", LONG_TEXT, nullable=False),  # JSON; [] is every node
    Column("reason", String(500), nullable=False),
    Column("who", String(64), nullable=False),
    Column("created_us", MICROSECONDS, nullable=False),
    Column("until_us", MICROSECONDS, nullable=False),
    Column("most_per_hour", Integer),
    Column("guard", LONG_TEXT, nullable=False),  # JSON: what was known of the family when it was muted
    Column("ended_us", MICROSECONDS),
    Column("ended_why", String(500), nullable=False, default=""),
)

maintenance = Table(
    "maintenance",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("nodes", LONG_TEXT, nullable=False),  # JSON lists of names; [] is all of them
    Column("services", LONG_TEXT, nullable=False),
    Column("since_us", MICROSECONDS, nullable=False),
    Column("until_us", MICROSECONDS, nullable=False, index=True),
    Column("reason", String(500), nullable=False),
    Column("who", String(64), nullable=False),
    Column("created_us", MICROSECONDS, nullable=False),
    Column("ended_us", MICROSECONDS),
)
