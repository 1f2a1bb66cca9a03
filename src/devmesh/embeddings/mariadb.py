"""Nearest vectors as MariaDB finds them: by its HNSW index where a table has one, else by comparing with every row.

Source of the index: Malkov and Yashunin, Efficient and robust approximate nearest neighbor search using Hierarchical
Navigable Small World graphs, 2018, in MariaDB's own form (numbers of 16 bits, no deletion from the graph). The same
statement asks both ways: the server takes the index for `ORDER BY distance LIMIT n` where that is cheaper.
"""

from __future__ import annotations

from sqlalchemy import Table, bindparam, text

from devmesh.db import Database
from devmesh.embeddings.model import Vectors

WIDTH = 200  # candidates that a search by the index keeps at least: as many as a question's ranking asks for


def nearest(db: Database, table: Table, vector: Vectors, limit: int) -> list[tuple[int, float]]:
    """(family id, cosine), nearest first, equal ones in order of id; `vector` has shape (dim,) and is not zero."""
    query = text(
        f"SET STATEMENT mhnsw_ef_search={WIDTH} FOR "  # noqa: S608 - names are ours
        "SELECT family_id, VEC_DISTANCE_COSINE(`vector`, :asked) AS distance "
        f"FROM {table.name} ORDER BY distance LIMIT :few"
    ).bindparams(bindparam("asked", vector, table.c.vector.type), few=limit)
    with db.read() as connection:
        found = connection.execute(query).all()
    return sorted(((row.family_id, 1.0 - row.distance) for row in found), key=lambda one: (-one[1], one[0]))
