"""Tables of the room events: what was said, and how often."""

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, String, Table

from devmesh.db import MICROSECONDS, metadata
from devmesh.db.types import BIG_KEY, LONG_BYTES, LONG_TEXT

# One B-tree in order of time: reading a stretch of time is one walk, and no second index costs at every insert.
log_events = Table(
    "log_events",
    metadata,
    Column("ts_us", MICROSECONDS, primary_key=True, autoincrement=False),
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("received_us", MICROSECONDS, nullable=False),
    Column("node_id", Integer, nullable=False),
    Column("service_id", Integer, nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("pid", BigInteger),
    Column("template_id", Integer, nullable=False),
    Column("stream_id", Integer),
    Column("seq", BigInteger),
    Column("message", LONG_TEXT, nullable=False),
    Column("fields", LONG_TEXT),
    sqlite_with_rowid=False,
    mariadb_partition_by="RANGE (ts_us) (PARTITION rest VALUES LESS THAN MAXVALUE)",  # days are made by partitions.py
)


def _counts(name: str, span: str) -> Table:
    """How many events each `span` (hours or days since 1970 in UTC) had, by everything that counts are asked by."""
    return Table(
        name,
        metadata,
        Column(span, Integer, primary_key=True, autoincrement=False),
        Column("template_id", Integer, primary_key=True, autoincrement=False),
        Column("node_id", Integer, primary_key=True, autoincrement=False),
        Column("service_id", Integer, primary_key=True, autoincrement=False),
        Column("priority", SmallInteger, primary_key=True, autoincrement=False),
        Column("writer_id", Integer, primary_key=True, autoincrement=False),
        Column("n", BigInteger, nullable=False),
        Index(f"ix_{name}_template", "template_id", span),
        sqlite_with_rowid=False,
    )


event_counts = _counts("event_counts", "hour")
day_counts = _counts("day_counts", "day")

minute_counts = Table(
    "minute_counts",
    metadata,
    Column("id", BIG_KEY, primary_key=True),
    Column("created_us", MICROSECONDS, nullable=False, index=True),
    Column("writer_id", Integer, nullable=False),
    Column("first_ts_us", MICROSECONDS, nullable=False),
    Column("last_ts_us", MICROSECONDS, nullable=False),
    Column("first_id", BigInteger, nullable=False),
    Column("last_id", BigInteger, nullable=False),
    Column("blob", LONG_BYTES, nullable=False),
    Index("ix_minute_counts_time", "last_ts_us", "first_ts_us"),
)

nul_span = Table(
    "nul_span",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("first_ts_us", MICROSECONDS, nullable=False),
    Column("last_ts_us", MICROSECONDS, nullable=False),
)

writers = Table(
    "writers",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("owner", String(64), nullable=False),
    Column("lease_until", MICROSECONDS, nullable=False),
)

id_blocks = Table(
    "id_blocks",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("next_id", BigInteger, nullable=False),
)

followers = Table(
    "followers",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("created_us", MICROSECONDS, nullable=False),
    Column("seen", LONG_TEXT, nullable=False),
)
