"""Tables of the room embeddings: the models that were used, and one table of vectors for each."""

from sqlalchemy import Column, Integer, MetaData, SmallInteger, String, Table

from devmesh.db import MICROSECONDS, metadata
from devmesh.db.types import LONG_BYTES, digest

# Made while the house runs, one for each model, so they stand outside of what migrations compare.
vector_tables = MetaData()

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


def vectors_of(model_id: int) -> Table:
    """The vector table of one model: float16 numbers, little-endian, and a hash of the text that they stand for."""
    name = f"family_vectors_{model_id}"
    known = vector_tables.tables.get(name)
    if known is not None:
        return known
    return Table(
        name,
        vector_tables,
        Column("family_id", Integer, primary_key=True, autoincrement=False),
        Column("text_hash", digest(16), nullable=False),
        Column("vector", LONG_BYTES, nullable=False, quote=True),  # a word of MariaDB that SQLAlchemy does not know,
    )
