"""A change of model: the old vectors answer until the new ones are complete, and nothing is lost on the way."""

from __future__ import annotations

import pytest

from bodies import line, rows, take
from devmesh.embeddings import EmbeddingUnavailable
from devmesh.embeddings.service import Questions
from devmesh.loops.lease import take as lease_of
from vector_models import LINES, Letters, embeddings_of, run


def test_old_model_answers_until_the_new_one_is_complete(families):
    """While the new model has some vectors, questions go to the old one, with the old one's provider."""
    run(families, embeddings_of(families, Letters("old", 8)))
    room = embeddings_of(families, Letters("new", 5, allowed=4))
    with pytest.raises(EmbeddingUnavailable):
        run(families, room)
    assert rows(families, "SELECT count(*) FROM family_vectors_2") == [(4,)]
    assert (room.progress().complete, room.progress().answering) == (False, "old")
    questions = Questions(room, lambda name: Letters(name, {"old": 8, "new": 5}[name]))
    assert len(questions.nearest("disk", 10)) == len(LINES)
    room.provider.allowed = 1_000
    run(families, room)
    assert (room.progress().complete, room.progress().answering) == (True, "new")
    assert len(questions.nearest("disk", 10)) == len(LINES)


def test_restart_goes_on_where_it_stopped(families):
    """After a restart only the families without a vector of this model are asked for again."""
    with pytest.raises(EmbeddingUnavailable):
        run(families, embeddings_of(families, Letters("m", 8, allowed=4)))
    provider = Letters("m", 8)
    room = embeddings_of(families, provider)
    run(families, room)
    assert 1_000 - provider.allowed == len(LINES) - 4
    assert room.progress().complete


def test_first_model_answers_before_it_is_complete(families):
    """With no model before it, what is there answers."""
    room = embeddings_of(families, Letters("first", 8, allowed=2))
    with pytest.raises(EmbeddingUnavailable):
        run(families, room)
    questions = Questions(room, lambda name: Letters(name, 8))
    assert len(questions.nearest("disk", 10)) == 2


def test_vectors_of_a_rolled_back_step_are_not_believed(families):
    """A step that loses its lease stores nothing, and the next one begins anew."""
    room = embeddings_of(families, Letters("m", 8))
    stale = lease_of(families.db, families.clock, "embed-families", "test")
    families.clock.advance(120.0)
    lease_of(families.db, families.clock, "embed-families", "other")
    with pytest.raises(Exception, match="Another process"):
        room.step(2, stale)
    assert room.progress().answering == ""
    families.clock.advance(120.0)
    run(families, room)
    assert room.progress().complete


def test_another_server_follows_the_one_that_embeds(families, store):
    """It takes the new model when that is complete, and on MariaDB finds what was stored since it was first asked."""
    run(families, embeddings_of(families, Letters("old", 8)))
    other = embeddings_of(families, Letters("new", 5))
    questions = Questions(other, lambda name: Letters(name, {"old": 8, "new": 5}[name]))
    room = embeddings_of(families, Letters("new", 5, allowed=4))
    with pytest.raises(EmbeddingUnavailable):
        run(families, room)
    assert len(questions.nearest("disk", 10)) == len(LINES)
    assert other.progress().answering == "old"
    room.provider.allowed = 1_000
    run(families, room)
    assert other.progress().answering == "new"
    assert len(questions.nearest("disk", 10)) == len(LINES)
    if store == "sqlite":
        return  # one process writes there, and the same one answers
    take(families, line("zebra crossing", service="b"))
    families.runner.once("assign-families")
    families.clock.advance(1.0)
    run(families, room)
    assert len(questions.nearest("disk", 10)) == len(LINES) + 1
