"""The index over vectors on MariaDB: near enough to exact, whole or not there, and health says what lacks."""

from __future__ import annotations

import numpy as np
import pytest

from bodies import rows
from devmesh.db.compare import differences
from devmesh.embeddings import mariadb, stored
from devmesh.embeddings.service import LOOK_S
from devmesh.errors import NotFound, Unavailable
from vector_models import DIMENSIONS, Letters, directions, embeddings_of, model_with, run

MANY = 400


@pytest.fixture
def filled(mesh, monkeypatch):
    """A house on MariaDB with 400 vectors of 256 numbers, complete, that are indexed 32 at a time; and its room."""
    monkeypatch.setattr(mariadb, "BATCH_NUMBERS", 32 * 256)
    model = model_with(mesh, directions(MANY, 256))
    with mesh.db.write() as connection:
        stored.mark_complete(connection, model, 1)
    return mesh, model, embeddings_of(mesh, Letters("m", 256))


def plan(mesh, model):
    """The index that the server takes for the ten nearest; None where it compares with all."""
    asked = "0x" + directions(1, model.dim).tobytes().hex()
    with mesh.db.read() as connection:
        query = (
            f"EXPLAIN SELECT family_id FROM {model.table.name} ORDER BY VEC_DISTANCE_COSINE(`vector`, {asked}) LIMIT 10"  # noqa: S608
        )
        return connection.exec_driver_sql(query).one().key


@pytest.mark.mariadb_only
def test_the_index_finds_what_is_near(filled):
    """Nine of ten at least, in the order and form of the exact answer; what was stored later is found, too."""
    mesh, model, room = filled
    vectors = directions(MANY, 256)
    exact = [room.nearest(model, one, 10) for one in vectors[:20]]
    assert plan(mesh, model) is None
    heard = []
    made = room.make_index(heard.append)
    assert (made.made, made.vectors, plan(mesh, model)) == (True, MANY, mariadb.INDEX)
    near = [room.nearest(model, one, 10) for one in vectors[:20]]
    same = sum(len(dict(a).keys() & dict(b).keys()) for a, b in zip(exact, near, strict=True))
    assert same >= 0.95 * 200
    assert [one[0] for one in near] == [one[0] for one in exact]
    assert near == [sorted(one, key=lambda hit: (-hit[1], hit[0])) for one in near]
    late = directions(MANY + 1, 256)[-1]
    with mesh.db.write() as connection:
        model.store(connection, {MANY + 1: (b"h" * 16, late)}, [1])
    assert room.nearest(model, late, 10)[0] == (MANY + 1, pytest.approx(1.0, abs=1e-6))
    assert 1 not in dict(room.nearest(model, vectors[0], 10))
    with mesh.db.read() as connection:
        assert differences(connection, stored.tables_of(connection)) == []  # `devmesh db check` finds it as declared
    assert not room.make_index(heard.append).made
    assert room.make_index(heard.append, again=True).made


@pytest.mark.mariadb_only
@pytest.mark.parametrize("dim", DIMENSIONS)
def test_every_dimension_can_be_indexed(mesh, dim):
    """With the table's vectors found by the index afterwards; it is approximate, so one of ten may be missed."""
    vectors = directions(100, dim)
    model = model_with(mesh, vectors)
    assert mariadb.make_index(mesh.db, model.table, dim, lambda _share: None)
    assert plan(mesh, model) == mariadb.INDEX
    nearest = [model.nearest(mesh.db, one, 10)[0][0] for one in vectors[:10]]
    assert sum(found == right for found, right in zip(nearest, range(1, 11), strict=True)) >= 9


@pytest.mark.mariadb_only
def test_vectors_may_be_stored_while_the_index_is_made(filled):
    """They are in it, those that changed are, and those that went are not."""
    mesh, model, room = filled
    more, shares = directions(MANY + 2, 256), []

    def store_some(share):
        if not shares:
            with mesh.db.write() as connection:
                model.store(connection, {MANY + 1: (b"h" * 16, more[-2]), 2: (b"i" * 16, more[-1])}, [1])
        shares.append(share)

    assert room.make_index(store_some).made
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert plan(mesh, model) == mariadb.INDEX
    assert room.nearest(model, more[-2], 10)[0][0] == MANY + 1
    assert room.nearest(model, more[-1], 10)[0][0] == 2
    assert 1 not in dict(room.nearest(model, more[0], 10))
    assert room.kept()[0].vectors == MANY


@pytest.mark.mariadb_only
def test_an_interrupted_index_goes_on(filled):
    """The vectors answer as before, and the next try goes on where the first one ended."""
    mesh, model, room = filled
    shares = []

    def interrupt(share):
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        room.make_index(interrupt)
    assert plan(mesh, model) is None
    assert room.nearest(model, directions(3, 256)[2], 1)[0][0] == 3
    with mesh.db.change_schema() as connection:  # as one leaves it that dies between the swap and its end
        connection.exec_driver_sql(f"CREATE TABLE {model.table.name}_old LIKE {model.table.name}")
    assert room.make_index(shares.append).made
    assert shares[0] > 0.5
    assert plan(mesh, model) == mariadb.INDEX
    names = [name for (name,) in rows(mesh, "SHOW TABLES LIKE 'family_vectors%'")]
    assert names == [model.table.name]


@pytest.mark.mariadb_only
def test_one_process_makes_the_index(filled):
    """Another one is told so at once."""
    _mesh, _model, room = filled
    said = []

    def try_beside(_share):
        with pytest.raises(Unavailable, match="Another process"):
            room.make_index(said.append)

    assert room.make_index(try_beside).made
    assert not said


def test_an_index_waits_for_the_vectors(mesh):
    """Before any is stored, and while they come, there is an answer that says so."""
    room = embeddings_of(mesh, Letters("m", 8))
    with pytest.raises(NotFound, match="No family"):
        room.make_index(lambda _share: None)
    model_with(mesh, directions(2, 8))
    with pytest.raises(Unavailable, match="still being embedded"):
        room.make_index(lambda _share: None)
    assert [(one.model, one.vectors, one.complete, one.answering) for one in room.kept()] == [("m", 2, False, True)]


@pytest.mark.sqlite_only
def test_sqlite_needs_no_index(mesh):
    """It says so, and does nothing."""
    model = model_with(mesh, directions(2, 8))
    with mesh.db.write() as connection:
        stored.mark_complete(connection, model, 1)
    room = embeddings_of(mesh, Letters("m", 8))
    made = room.make_index(lambda _share: None)
    assert (made.made, made.vectors) == (False, 2)
    assert "no index is needed" in made.advice
    assert room.kept()[0].index == "in memory"
    assert room.health() == ("ok", "")


@pytest.mark.mariadb_only
def test_health_says_what_makes_searches_slow(filled, clock, monkeypatch):
    """Many vectors without an index; an index that does not fit in the server's memory; else nothing."""
    _mesh, model, room = filled

    def seen():
        clock.advance(LOOK_S + 1)  # it looks once a minute
        assert len(room.nearest(model, directions(1, 256)[0], 3)) == 3
        state, reason = room.health()
        assert state == "ok"
        return reason

    assert seen() == ""
    monkeypatch.setattr(mariadb, "EXACT_BYTES", MANY * 256 * 4 - 1)
    assert seen().startswith("There is no index over 400 vectors: a search compares with all of them.")
    assert "devmesh vectors index" in seen()
    assert room.make_index(lambda _share: None).advice == ""
    assert seen() == ""
    assert [one.index for one in room.kept()] == ["hnsw"]
    monkeypatch.setattr(mariadb, "index_bytes", lambda _vectors, _dim: 200 << 20)
    assert "SET GLOBAL mhnsw_max_cache_size=268435456" in seen()


@pytest.mark.mariadb_only
def test_the_loop_looks_too_and_health_asks_nothing_of_the_store(filled, clock, monkeypatch):
    """Health answers at once while the store is away."""
    mesh, _model, room = filled
    monkeypatch.setattr(mariadb, "EXACT_BYTES", 0)
    run(mesh, room)
    monkeypatch.setattr(mesh.db, "read", None)
    clock.advance(LOOK_S + 1)
    assert "no index over 400 vectors" in room.health()[1]


def test_the_memory_of_an_index_is_foretold():
    """Some 9 KB for a vector of 4,096 numbers, of which two bytes a number are the vector."""
    assert mariadb.index_bytes(20_000, 4_096) == pytest.approx(20_000 * 8_192, rel=0.2)
    assert mariadb.small_cache(16 << 20, 15 << 20) == ""
    assert np.all([mariadb.index_bytes(1, dim) > 2 * dim for dim in DIMENSIONS])
