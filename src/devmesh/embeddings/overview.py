"""What vectors a store holds and how they are searched: for people, and for health."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import func, select

from devmesh.db import Database
from devmesh.embeddings import mariadb, stored
from devmesh.embeddings.stored import StoredModel

IN_MEMORY, EXACT, HNSW = "in memory", "none", "hnsw"


@dataclass(frozen=True)
class Kept:
    """The vectors of one model: `index` is `in memory` (SQLite), `none` (each is compared) or `hnsw`."""

    model: str
    dim: int
    vectors: int
    complete: bool
    answering: bool
    index: str


@dataclass(frozen=True)
class Made:
    """An index that was made, or was there already; `advice` is what the server needs to use it well."""

    model: str
    vectors: int
    made: bool
    advice: str


def kept(db: Database, answering: StoredModel | None) -> list[Kept]:
    """The vectors of every model that was ever used, oldest first."""
    return [_kept(db, model, answering) for model in stored.models(db)]


def _kept(db: Database, model: StoredModel, answering: StoredModel | None) -> Kept:
    with db.read() as connection:
        vectors = connection.execute(select(func.count()).select_from(model.table)).scalar_one()
        how = IN_MEMORY
        if db.dialect != "sqlite":
            how = HNSW if mariadb.has_index(connection, model.table) else EXACT
    asked = answering is not None and answering.id == model.id
    return Kept(model.name, model.dim, vectors, model.complete, asked, how)


def make_index(db: Database, model: StoredModel, tell: Callable[[float], None], *, again: bool) -> Made:
    """Make the index of a model, where the store has such. Raises Unavailable while another process does."""
    made = db.dialect != "sqlite" and mariadb.make_index(db, model.table, model.dim, tell, again=again)
    with db.read() as connection:
        vectors = connection.execute(select(func.count()).select_from(model.table)).scalar_one()
        if db.dialect == "sqlite":
            return Made(model.name, vectors, made, "On SQLite vectors are compared in memory: no index is needed.")
        needed = mariadb.index_bytes(vectors, model.dim)
        return Made(model.name, vectors, made, mariadb.small_cache(mariadb.cache_bytes(connection), needed))
