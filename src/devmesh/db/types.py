"""Column types and the one MetaData that every room's tables join."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, MetaData
from sqlalchemy.types import TypeEngine

metadata = MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"})

# SQLite numbers its own keys only in columns declared INTEGER.
BIG_KEY: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")
MICROSECONDS: TypeEngine[int] = BigInteger()
