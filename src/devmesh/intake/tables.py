"""The table of the room intake: the key that makes equal secrets look equal."""

from sqlalchemy import Column, String, Table

from devmesh.db import metadata
from devmesh.db.types import digest

redaction_keys = Table(
    "redaction_keys",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("secret", digest(32), nullable=False),
)
