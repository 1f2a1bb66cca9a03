"""Nearest vectors as MariaDB finds them: by its HNSW index where a table has one, else by comparing with every row.

Source of the index: Malkov and Yashunin, Efficient and robust approximate nearest neighbor search using Hierarchical
Navigable Small World graphs, 2018, in MariaDB's own form (numbers of 16 bits; what is deleted stays in the graph and is
passed over). The same statement asks both ways: the server takes the index where that is cheaper.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import Connection, Table, bindparam, func, select, text

from devmesh.db import Database
from devmesh.embeddings.model import Vectors
from devmesh.errors import Unavailable

INDEX = "by_cosine"
NEIGHBOURS = (
    16  # of a vector in the graph (M): 6, the server's default, loses every tenth answer; 24 takes twice as long
)
WIDTH = 200  # candidates that a search by the index keeps at least: as many as a question's ranking asks for
EXACT_BYTES = 64 << 20  # of vectors that are compared one by one in some 40 ms
SWAP_WAIT_S = 60  # for reads under way, when the new table takes the place of the old one
BATCH_NUMBERS = 1 << 17  # a transaction: 32 vectors of 4,096 numbers, 512 of 256; about a second
ROUND = 64 << 20  # in which memory is asked for


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


def has_index(connection: Connection, table: Table) -> bool:
    """Whether a table has its index."""
    query = (
        "SELECT COUNT(*) FROM information_schema.statistics "
        "WHERE table_schema = DATABASE() AND table_name = :name AND index_name = :index"
    )
    return bool(connection.execute(text(query), {"name": table.name, "index": INDEX}).scalar())


def cache_bytes(connection: Connection) -> int:
    """What the server keeps in memory of one index at most."""
    return int(connection.exec_driver_sql("SELECT @@mhnsw_max_cache_size").scalar_one())


def index_bytes(vectors: int, dim: int) -> int:
    """What an index takes in the server's memory: 16 bits a number, the neighbours and what holds a node together."""
    return vectors * (2 * dim + 16 * NEIGHBOURS + 256) * 11 // 10


def lacks(db: Database, table: Table, dim: int) -> str:
    """What makes searches in a table slower than they could be, in words with what to do; empty where nothing does."""
    with db.read() as connection:
        vectors = connection.execute(select(func.count()).select_from(table)).scalar_one()
        indexed, cache = has_index(connection, table), cache_bytes(connection)
    if not indexed:
        if vectors * dim * 4 <= EXACT_BYTES:
            return ""
        return f"There is no index over {vectors} vectors: a search compares with all of them. devmesh vectors index"
    return small_cache(cache, index_bytes(vectors, dim))


def small_cache(cache: int, needed: int) -> str:
    """What to say of a server whose cache is smaller than an index needs; empty where it is not."""
    if needed <= cache:
        return ""
    enough = -(-needed // ROUND) * ROUND
    return (
        f"An index of vectors needs {needed >> 20} MiB of memory, the server keeps {cache >> 20} of it: searches are "
        f"slower. Its administrator types SET GLOBAL mhnsw_max_cache_size={enough}; and sets it in its files, too."
    )


def make_index(db: Database, table: Table, dim: int, tell: Callable[[float], None], *, again: bool = False) -> bool:
    """Make the index over a table; False where there is one and it is not to be made `again`.

    A new table that has it is filled in short transactions and takes the old one's place. Searches and new vectors go
    on meanwhile; whoever is interrupted goes on there the next time. (`ALTER TABLE … ADD VECTOR INDEX` would be one
    statement, but MariaDB 11.8.6 dies when that is killed or fails.) `tell` hears the share that is done, 0 to 1.
    Raises Unavailable while another process makes it.
    """
    with db.change_schema() as connection:
        run = connection.exec_driver_sql
        lock = func.md5(func.concat("devmesh ", func.database(), ".", table.name))
        if connection.execute(select(func.get_lock(lock, 0))).scalar() != 1:
            raise Unavailable("Another process makes this index.", hint="It shows there how far it is.")
        if has_index(connection, table) and not again:
            return False
        run(f"DROP TABLE IF EXISTS {table.name}_old")
        run(
            f"CREATE TABLE IF NOT EXISTS {table.name}_new (family_id INTEGER NOT NULL PRIMARY KEY, "
            f"text_hash BINARY(16) NOT NULL, `vector` VECTOR({dim}) NOT NULL, "
            f"VECTOR INDEX {INDEX} (`vector`) M={NEIGHBOURS} DISTANCE=cosine)"
        )
        _fill(db, table, dim, tell)
        run(f"SET SESSION lock_wait_timeout={SWAP_WAIT_S}")
        # What is stored between the last look and here is missed, and found by the sweep that the room makes each hour.
        run(f"RENAME TABLE {table.name} TO {table.name}_old, {table.name}_new TO {table.name}")
        run(f"DROP TABLE {table.name}_old")
    return True


def _fill(db: Database, table: Table, dim: int, tell: Callable[[float], None]) -> None:
    """Bring the new table to what the old one holds: walks by family id, until one finds nothing that lacks."""
    old, new = table.name, f"{table.name}_new"
    lacking = text(
        f"SELECT t.family_id FROM {old} t LEFT JOIN {new} n ON n.family_id = t.family_id AND n.text_hash = t.text_hash "  # noqa: S608
        f"WHERE t.family_id > :last AND n.family_id IS NULL ORDER BY t.family_id LIMIT {max(1, BATCH_NUMBERS // dim)}"
    )
    last, whole = 0, False
    while not whole:
        with db.read() as connection:
            some = connection.execute(lacking, {"last": last}).scalars().all()
            there, wanted = connection.exec_driver_sql(
                f"SELECT (SELECT COUNT(*) FROM {new}), (SELECT COUNT(*) FROM {old})"  # noqa: S608
            ).one()
        tell(min(1.0, there / max(1, wanted)))
        whole = not some and last == 0
        last = some[-1] if some else 0
        with db.write() as connection:
            _copy(connection, old, new, some) if some else _forget(connection, old, new)


def _copy(connection: Connection, old: str, new: str, family_ids: Sequence[int]) -> None:
    for statement in (
        f"DELETE FROM {new} WHERE family_id IN :some",  # noqa: S608
        f"INSERT INTO {new} SELECT * FROM {old} WHERE family_id IN :some",  # noqa: S608
    ):
        connection.execute(text(statement).bindparams(bindparam("some", family_ids, expanding=True)))


def _forget(connection: Connection, old: str, new: str) -> None:
    """Take out what the old table does not hold any more."""
    connection.exec_driver_sql(
        f"DELETE n FROM {new} n LEFT JOIN {old} t ON t.family_id = n.family_id WHERE t.family_id IS NULL"
    )
