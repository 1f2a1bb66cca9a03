"""Tables of the room nodes: who speaks, and how far each stream is known."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table

from devmesh.db import MICROSECONDS, metadata
from devmesh.db.types import BIG_KEY, LONG_TEXT

nodes = Table(
    "nodes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(255), nullable=False, unique=True),
    Column("machine_id", String(64)),
    Column("machine_seen_us", MICROSECONDS),
    Column("created_us", MICROSECONDS, nullable=False),
    Column("last_received_us", MICROSECONDS),
    Column("retired_us", MICROSECONDS),
)

services = Table(
    "services",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(255), nullable=False, unique=True),
    Column("created_us", MICROSECONDS, nullable=False),
)

streams = Table(
    "streams",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("node_id", ForeignKey("nodes.id"), nullable=False),
    Column("seqnum_id", String(160), nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("version", BigInteger, nullable=False, default=0),
    Index("ix_streams_key", "node_id", "seqnum_id", "epoch", unique=True),
)

stream_ranges = Table(
    "stream_ranges",
    metadata,
    Column("stream_id", ForeignKey("streams.id"), primary_key=True),
    Column("first_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("last_seq", BigInteger, nullable=False),
)

stream_marks = Table(
    "stream_marks",
    metadata,
    Column("stream_id", ForeignKey("streams.id"), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("x", String(64), nullable=False),
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("node_id", ForeignKey("nodes.id"), primary_key=True),
    Column("at_us", MICROSECONDS, nullable=False),
    Column("agent", String(64), nullable=False),
    Column("backlog_events", BigInteger),
    Column("oldest_unsent_us", MICROSECONDS),
    Column("skew_us", BigInteger),
    Column("skew_error_us", BigInteger),
    Column("boot_id", String(64)),
    Column("started_us", MICROSECONDS),  # tells one run of the agent from another
    Column("unanswered_us", BigInteger),  # how long it had asked in vain
    Column("leaving", String(16)),  # once, stopped
    Column("dropped", LONG_TEXT),
    Column("sources", LONG_TEXT),
)

gaps = Table(
    "gaps",
    metadata,
    Column("id", BIG_KEY, primary_key=True),
    Column("stream_id", ForeignKey("streams.id"), nullable=False),
    Column("first_seq", BigInteger, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("exact", Boolean, nullable=False),
    Column("reason", String(64), nullable=False),
    Column("reported_us", MICROSECONDS, nullable=False),
    Index("ix_gaps_once", "stream_id", "first_seq", "last_seq", unique=True),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("node_id", ForeignKey("nodes.id"), primary_key=True),
    Column("key", String(255), primary_key=True),
    Column("created_us", MICROSECONDS, nullable=False, index=True),
)
