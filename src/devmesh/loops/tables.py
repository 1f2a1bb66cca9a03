"""The table of the loops: who runs each, until when, and how the last run went."""

from sqlalchemy import BigInteger, Column, Integer, String, Table

from devmesh.db import MICROSECONDS, metadata
from devmesh.db.types import LONG_TEXT

loops = Table(
    "loops",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("owner", String(64), nullable=False, default=""),
    Column("term", BigInteger, nullable=False, default=0),
    Column("lease_until_us", MICROSECONDS, nullable=False, default=0),
    Column("last_run_us", MICROSECONDS),
    Column("last_done", Integer),
    Column("last_error", LONG_TEXT),
    Column("failures", Integer, nullable=False, default=0),
)
