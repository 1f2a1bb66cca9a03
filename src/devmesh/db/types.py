"""Column types and the one MetaData that every room's tables join."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, LargeBinary, MetaData, Text
from sqlalchemy.dialects.mysql import BINARY, MEDIUMBLOB, MEDIUMTEXT
from sqlalchemy.types import TypeEngine

metadata = MetaData(naming_convention={"ix": "ix_%(table_name)s_%(column_0_N_name)s", "pk": "pk_%(table_name)s"})

# SQLite numbers its own keys only in columns declared INTEGER.
BIG_KEY: TypeEngine[int] = BigInteger().with_variant(Integer(), "sqlite")
MICROSECONDS: TypeEngine[int] = BigInteger()

# MariaDB's plain ones end at 64 KiB, these at 16 MiB.
LONG_TEXT: TypeEngine[str] = Text().with_variant(MEDIUMTEXT(), "mariadb")
LONG_BYTES: TypeEngine[bytes] = LargeBinary().with_variant(MEDIUMBLOB(), "mariadb")


def digest(size: int) -> TypeEngine[bytes]:
    """Exactly `size` bytes, which MariaDB can look up by an index of its usual kind."""
    return LargeBinary(size).with_variant(BINARY(size), "mariadb")
