"""The table of the room accounts."""

from sqlalchemy import Column, Integer, String, Table

from devmesh.db import MICROSECONDS, metadata
from devmesh.db.types import digest

tokens = Table(
    "tokens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("hash", digest(32), nullable=False, unique=True),
    Column("kind", String(16), nullable=False),
    Column("node", String(255)),
    Column("created_us", MICROSECONDS, nullable=False),
    Column("revoked_us", MICROSECONDS),
)
