"""The table of the room notifications: a row for each incident in each channel, what is to be told and what was."""

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, UniqueConstraint

from devmesh.db import MICROSECONDS, metadata
from devmesh.db.types import BIG_KEY, LONG_TEXT

outbox = Table(
    "outbox",
    metadata,
    Column("id", BIG_KEY, primary_key=True),
    Column("channel", String(64), nullable=False),
    Column("incident_id", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("severity_rank", Integer, nullable=False),
    Column("status", String(16), nullable=False),
    Column("title", LONG_TEXT, nullable=False),
    Column("notice", LONG_TEXT, nullable=False),  # JSON
    Column("changed_us", MICROSECONDS, nullable=False),
    Column("waiting", Boolean, nullable=False),
    Column("held", Boolean, nullable=False, default=False),
    Column("tries", Integer, nullable=False, default=0),
    Column("error", LONG_TEXT),
    # Whoever sends notes it first: a number of its own, made from its term, and which version it was about to send.
    Column("claim", BigInteger),
    Column("claimed_version", Integer),
    Column("sent_version", Integer, nullable=False, default=0),
    Column("sent_us", MICROSECONDS),
    Column("sent_rank", Integer),
    Column("sent_status", String(16)),
    Column("ref", String(1000), nullable=False, default=""),
    UniqueConstraint("incident_id", "channel", name="uq_outbox_incident_id_channel"),
    Index("ix_outbox_waiting_channel", "waiting", "channel", "severity_rank", "changed_us"),
)
