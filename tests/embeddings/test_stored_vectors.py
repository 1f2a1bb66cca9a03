"""Vectors in the store: what was stored is what is found, on both stores, in every dimension."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import inspect, select

from bodies import rows
from devmesh.embeddings import EmbeddingUnavailable, unit
from devmesh.embeddings.service import Questions
from vector_models import DIMENSIONS, LINES, Letters, directions, embeddings_of, model_with, run


def read_back(mesh, model):
    """The vectors of a model as the store gives them."""
    with mesh.db.read() as connection:
        found = connection.execute(select(model.table.c.vector).order_by(model.table.c.family_id)).scalars()
        return np.array(list(found))


@pytest.mark.parametrize("dim", DIMENSIONS)
def test_vectors_come_back(mesh, store, dim):
    """Bit by bit as float32 on MariaDB, rounded to float16 on SQLite; and the nearest are the same on both."""
    vectors = directions(40, dim)
    model = model_with(mesh, vectors)
    kept = vectors.astype(np.float16).astype(np.float32) if store == "sqlite" else vectors
    assert read_back(mesh, model).dtype == np.float32
    assert read_back(mesh, model).tobytes() == kept.tobytes()
    asked = unit(vectors[3] + vectors[4] / 2)
    found = model.nearest(mesh.db, asked, 5)
    exact = np.sort(vectors @ asked)[::-1][:5]
    assert [family for family, _ in found[:2]] == [4, 5]
    np.testing.assert_allclose([cosine for _, cosine in found], exact, atol=0.01 if store == "sqlite" else 1e-5)


@settings(derandomize=True, max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(-1, 1, width=32), min_size=3, max_size=3).filter(any))
def test_any_numbers_come_back(mesh, store, numbers):
    """Whatever the numbers of a unit vector are, those without a normal form included."""
    vectors = unit(np.array([numbers], np.float32))
    model = model_with(mesh, vectors)
    kept = vectors.astype(np.float16).astype(np.float32) if store == "sqlite" else vectors
    assert read_back(mesh, model).tobytes() == kept.tobytes()


@pytest.mark.mariadb_only
def test_a_table_of_vectors_is_compared_like_the_others(mesh):
    """On MariaDB it holds VECTOR(dim), NOT NULL, and the database's collation."""
    model = model_with(mesh, directions(1, 384))
    made = rows(mesh, f"SHOW CREATE TABLE {model.table.name}")[0][1]
    assert "`vector` vector(384) NOT NULL" in made
    assert "COLLATE=utf8mb4_nopad_bin" in made
    with mesh.db.read() as connection:
        columns = inspect(connection).get_columns(model.table.name)
    assert [column["name"] for column in columns] == ["family_id", "text_hash", "vector"]


class Given(Letters):
    """A model that answers what the test says."""

    def __init__(self, name, vectors):
        super().__init__(name, vectors.shape[1])
        self.vectors = vectors

    def embed(self, texts):
        """A row for each text."""
        return self.vectors[: len(texts)]


def test_a_model_that_changed_its_dimension_under_one_name_stores_nothing(families):
    """After a restart the provider does not know the dimension; the stored model does."""
    first = embeddings_of(families, Letters("m", 8, allowed=2))
    with pytest.raises(EmbeddingUnavailable):
        run(families, first)
    room = embeddings_of(families, Letters("m", 5))
    with pytest.raises(EmbeddingUnavailable, match="5 numbers, not 8"):
        run(families, room)
    assert room.health()[0] == "degraded"
    assert rows(families, "SELECT count(*) FROM family_vectors_1") == [(2,)]
    again = embeddings_of(families, Letters("m", 8))
    run(families, again)
    assert again.health() == ("ok", "")
    assert len(Questions(again, lambda name: Letters(name, 8)).nearest("disk", 10)) == len(LINES)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_numbers_that_are_none_are_not_stored(families, wrong):
    """One vector that is not finite, and nothing of its batch is taken."""
    vectors = directions(2, 8)
    vectors[1, 3] = wrong
    room = embeddings_of(families, Given("m", vectors))
    with pytest.raises(EmbeddingUnavailable, match="finite"):
        run(families, room)
    assert room.progress().answering == ""


def test_a_text_without_meaning_has_no_vector(families):
    """A zero vector has no direction: MariaDB would take it for the nearest of all."""
    vectors = directions(2, 8)
    vectors[1] = 0
    room = embeddings_of(families, Given("m", vectors))
    run(families, room)
    assert rows(families, "SELECT count(*) FROM family_vectors_1") == [(len(LINES) // 2,)]
    assert room.progress().complete
    questions = Questions(room, lambda _name: Given("m", vectors))
    assert [cosine for _, cosine in questions.nearest("lamp", 10)] == pytest.approx([1.0] * 3, abs=0.01)
    silent = Questions(room, lambda _name: Given("m", np.zeros((1, 8), np.float32)))
    assert silent.nearest("…", 10) == []


def test_a_text_that_lost_its_meaning_loses_its_vector(families, clock):
    """The vector of what it said before does not stay."""
    run(families, embeddings_of(families, Given("m", directions(2, 8))))
    with families.db.write() as connection:
        connection.exec_driver_sql("UPDATE families SET text = '...' WHERE id = 1")
    later = embeddings_of(families, Given("m", np.zeros((2, 8), np.float32)))
    run(families, later)
    assert rows(families, "SELECT count(*) FROM family_vectors_1 WHERE family_id = 1") == [(0,)]
