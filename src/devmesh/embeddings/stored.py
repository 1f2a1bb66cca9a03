"""Stored vectors: one row and one table for each model that was ever used.

Which families are nearest to a question is asked of MariaDB itself, on SQLite of an index in memory that the first
question makes. After a change of model the newest complete one goes on answering until the new one is complete.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, Table, delete, insert, inspect, select, update

from devmesh.db import Database
from devmesh.embeddings import mariadb
from devmesh.embeddings.model import Provider, Vectors
from devmesh.embeddings.nearest import MatrixIndex
from devmesh.embeddings.tables import embedding_models, vectors_of
from devmesh.templates import CANON_VERSION

CHUNK_VERSION = 1
PAGE = 500


class StoredModel:
    """The vectors of one model."""

    def __init__(self, model_id: int, name: str, dim: int, *, complete: bool) -> None:
        self.id, self.name, self.dim, self.complete = model_id, name, dim, complete
        self.table = vectors_of(model_id, dim)
        self._index: MatrixIndex | None = None

    def nearest(self, db: Database, vector: Vectors, limit: int) -> list[tuple[int, float]]:
        """(family id, cosine), nearest first; on SQLite the first question loads the vectors."""
        if db.dialect != "sqlite":
            return mariadb.nearest(db, self.table, vector, limit)
        if self._index is None:
            self._index = self._load(db)
        return self._index.nearest(vector, limit)

    def hashes(self, db: Database, family_ids: Sequence[int]) -> dict[int, bytes]:
        """Of these families, those that have a vector, with the hash of its text."""
        table = self.table
        query = select(table.c.family_id, table.c.text_hash).where(table.c.family_id.in_(family_ids))
        with db.read() as connection:
            return {row.family_id: bytes(row.text_hash) for row in connection.execute(query)}

    def store(self, connection: Connection, vectors: Mapping[int, tuple[bytes, Vectors]], stale: Iterable[int]) -> None:
        """Replace the vectors of these families, by id: hash of the text and vector; `stale` ones go."""
        connection.execute(delete(self.table).where(self.table.c.family_id.in_([*vectors, *stale])))
        rows = [{"family_id": key, "text_hash": text, "vector": one} for key, (text, one) in vectors.items()]
        if rows:
            connection.execute(insert(self.table), rows)

    def remember(self, vectors: Mapping[int, Vectors], stale: Iterable[int]) -> None:
        """The same in memory, after the commit."""
        if self._index is None:
            return
        if vectors:
            self._index.put(list(vectors), np.array(list(vectors.values()), np.float32))
        self._index.remove(stale)

    def _load(self, db: Database) -> MatrixIndex:
        index = MatrixIndex(self.dim)
        with db.read() as connection:
            for part in connection.execute(select(self.table.c.family_id, self.table.c.vector)).partitions(PAGE):
                index.put([one.family_id for one in part], np.array([one.vector for one in part]))
        return index


def find(db: Database, name: str) -> StoredModel | None:
    """The stored model of this name, canonical and chunk version; None where it has no vectors yet."""
    table = embedding_models.c
    mine = (table.name == name) & (table.canon_version == CANON_VERSION) & (table.chunk_version == CHUNK_VERSION)
    return _first(db, select(embedding_models).where(mine).order_by(table.id.desc()))


def models(db: Database) -> list[StoredModel]:
    """Every model that was ever used and has a table, in the order in which they were."""
    with db.read() as connection:
        there = {table.name for table in tables_of(connection)}
        rows = connection.execute(select(embedding_models).order_by(embedding_models.c.id)).all()
    return [model for model in map(_model, rows) if model.table.name in there]


def newest_complete(db: Database) -> StoredModel | None:
    """The model that was completed last; None before any was."""
    table = embedding_models.c
    query = select(embedding_models).where(table.complete_us.is_not(None)).order_by(table.complete_us.desc())
    return _first(db, query)


def create(connection: Connection, provider: Provider, now_us: int) -> StoredModel:
    """A row for a provider's model; `make_table` makes its table."""
    row = {
        "name": provider.name,
        "dim": provider.dim,
        "canon_version": CANON_VERSION,
        "chunk_version": CHUNK_VERSION,
        "created_us": now_us,
    }
    made = connection.execute(insert(embedding_models).values(row).returning(embedding_models.c.id)).scalar_one()
    return StoredModel(made, provider.name, provider.dim, complete=False)


def make_table(connection: Connection, model: StoredModel) -> None:
    """The table of a model's vectors, where there is none."""
    model.table.create(connection, checkfirst=True)


def tables_of(connection: Connection) -> list[Table]:
    """The vector tables of a store, one for each model that it has a row of and that got as far as a table."""
    there = set(inspect(connection).get_table_names())
    if embedding_models.name not in there:
        return []
    models = connection.execute(select(embedding_models.c.id, embedding_models.c.dim).order_by(embedding_models.c.id))
    return [table for table in (vectors_of(*model) for model in models) if table.name in there]


def mark_complete(connection: Connection, model: StoredModel, now_us: int) -> None:
    """Every family has its vector: from now on this model answers."""
    mine = embedding_models.c.id == model.id
    connection.execute(update(embedding_models).where(mine).values(complete_us=now_us))


def _first(db: Database, query: Any) -> StoredModel | None:
    with db.read() as connection:
        row = connection.execute(query).first()
    return None if row is None else _model(row)


def _model(row: Any) -> StoredModel:
    return StoredModel(row.id, row.name, row.dim, complete=row.complete_us is not None)
