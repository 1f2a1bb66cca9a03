"""Tables of the room memory: times in which nothing could be seen of a node, and why."""

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
    Column("unheard_us", MICROSECONDS),  # since when its agent was waited for; empty where it was heard all along
    Column("again_us", MICROSECONDS),  # when it was heard again
    Column("orderly", Boolean, nullable=False, default=False),  # it said that it would go
    Column("before", LONG_TEXT, nullable=False),  # JSON: what was known as it began
    Index("ix_blind_intervals_node_id_since_us", "node_id", "since_us", unique=True),
    Index("ix_blind_intervals_until_us", "until_us"),
)

# What the last look at the heartbeats saw. Node 0 is the server: when it looked, and since when without a break.
lookouts = Table(
    "lookouts",
    metadata,
    Column("node_id", Integer, primary_key=True, autoincrement=False),
    Column("beat_us", MICROSECONDS, nullable=False),
    Column("complete_us", MICROSECONDS, nullable=False),
    Column("boot_id", String(64)),
    Column("started_us", MICROSECONDS),
    Column("leaving", String(16)),
)
