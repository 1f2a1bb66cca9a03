"""The table of the room intake: the key that makes equal secrets look equal."""

from sqlalchemy import Column, LargeBinary, String, Table

from devmesh.db import metadata

redaction_keys = Table(
    "redaction_keys",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("secret", LargeBinary(32), nullable=False),
)
