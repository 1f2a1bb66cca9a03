"""The table of the room memory: times in which nothing could be seen of a node, and why."""

from sqlalchemy import Boolean, Column, Index, Integer, String, Table

from devmesh.db import MICROSECONDS, metadata
from devmesh.db.types import BIG_KEY, LONG_TEXT

blind_intervals = Table(
    "blind_intervals",
    metadata,
    Column("id", BIG_KEY, primary_key=True),
    Column("node_id", Integer, nullable=False),
    Column("since_us", MICROSECONDS, nullable=False),
    Column("until_us", MICROSECONDS),  # empty while it lasts
    Column("verdict", String(32), nullable=False),
    Column("reason", LONG_TEXT, nullable=False),
    Column("filled", Boolean, nullable=False, default=False),  # its lines came later
    Column("before", LONG_TEXT, nullable=False),  # JSON: what the last heartbeat before it said
    Index("ix_blind_intervals_node_id_since_us", "node_id", "since_us", unique=True),
    Index("ix_blind_intervals_until_us", "until_us"),
)
