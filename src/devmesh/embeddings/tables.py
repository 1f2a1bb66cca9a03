"""Tables of the room embeddings: the models that were used, and one table of vectors for each."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from sqlalchemy import Column, Dialect, Integer, LargeBinary, MetaData, SmallInteger, String, Table
from sqlalchemy.dialects.mysql.base import ischema_names
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType

from devmesh.db import MICROSECONDS, metadata
from devmesh.db.types import digest
from devmesh.embeddings.model import Vectors

embedding_models = Table(
    "embedding_models",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(255), nullable=False),
    Column("dim", Integer, nullable=False),
    Column("canon_version", SmallInteger, nullable=False),
    Column("chunk_version", SmallInteger, nullable=False),
    Column("complete_us", MICROSECONDS),
    Column("created_us", MICROSECONDS, nullable=False),
)


class VECTOR(UserDefinedType[bytes]):
    """MariaDB's type, which SQLAlchemy does not know: float32 numbers, little-endian."""

    cache_ok = True

    def __init__(self, dim: int | None = None) -> None:
        self.dim = dim

    def get_col_spec(self, **_words: Any) -> str:
        """As it stands in DDL."""
        return f"VECTOR({self.dim})"


ischema_names["vector"] = VECTOR  # so that a look at the schema does not warn of it


class Numbers(TypeDecorator[Vectors]):
    """An array of `dim` float32 numbers: on MariaDB as they are, on SQLite rounded to float16."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dim = dim

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[bytes]:
        """The store's own type."""
        return dialect.type_descriptor(LargeBinary() if dialect.name == "sqlite" else VECTOR(self.dim))

    def process_bind_param(self, value: Vectors | None, dialect: Dialect) -> bytes | None:
        """To the store's bytes."""
        return None if value is None else value.astype(_form(dialect)).tobytes()

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Vectors | None:
        """From the store's bytes."""
        return None if value is None else np.frombuffer(value, _form(dialect)).astype(np.float32)


def _form(dialect: Dialect) -> str:
    return "<f2" if dialect.name == "sqlite" else "<f4"


@cache
def vectors_of(model_id: int, dim: int) -> Table:
    """The vector table of one model: a vector of each family, and a hash of the text that it stands for.

    It is made while the house runs, so it stands outside of what migrations compare.
    """
    return Table(
        f"family_vectors_{model_id}",
        MetaData(),
        Column("family_id", Integer, primary_key=True, autoincrement=False),
        Column("text_hash", digest(16), nullable=False),
        Column("vector", Numbers(dim), nullable=False, quote=True),  # a reserved word of MariaDB
    )
