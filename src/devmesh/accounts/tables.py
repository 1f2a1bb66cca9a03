"""The tables of the room accounts."""

from sqlalchemy import Column, ForeignKey, Integer, String, Table

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

users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("password", String(255), nullable=False),  # argon2id, its salt and its costs
    Column("kind", String(16), nullable=False),
    Column("created_us", MICROSECONDS, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("hash", digest(32), primary_key=True),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("created_us", MICROSECONDS, nullable=False),
    Column("expires_us", MICROSECONDS, nullable=False, index=True),
)

# Who changed what (audit.py); bounded.
audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at_us", MICROSECONDS, nullable=False),
    Column("who", String(64), nullable=False),
    Column("did", String(32), nullable=False),
    Column("what", String(600), nullable=False),
)

# What signs the cookies; one row, so that every server over this store takes the cookies of the others.
session_keys = Table(
    "session_keys",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", digest(32), nullable=False),
)
