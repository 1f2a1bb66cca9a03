"""`devmesh vectors` and `devmesh vectors index`, as they are typed."""

from __future__ import annotations

import pytest
from cli_house import NOW_US

from devmesh.embeddings import stored
from vector_models import directions, model_with


def test_vectors_lists_each_model(cli):
    """Its numbers, how many vectors, whether all are there, how they are searched."""
    families = cli.json("stats")["families"]
    only = {"model": "wordllama-l2-supercat-256", "dim": 256, "complete": True, "answering": True, "index": "in memory"}
    assert cli.json("vectors") == {"models": [{**only, "vectors": families}]}
    told = cli("vectors").stdout.splitlines()
    assert told[1].split() == [
        "wordllama-l2-supercat-256", "256", str(families), "complete", "in", "memory", "yes",
    ]  # fmt: skip


def test_sqlite_needs_no_index(cli, empty):
    """It says so; where there is no store, it says that."""
    said = cli("vectors", "index")
    assert "nothing to do" in said.stdout
    assert "On SQLite vectors are compared in memory" in said.stderr
    assert cli.json("vectors", "index")["made"] is False
    assert "There is no store" in empty("vectors", "index", code=4).stderr


@pytest.mark.mariadb_only
def test_index_is_made_once_and_again_when_asked(make_mesh, url_of, tmp_path, monkeypatch, empty):
    """How many vectors in which time; what the server lacks to use it well, in words to type."""
    mesh = make_mesh()
    monkeypatch.setenv("DEVMESH_DATABASE_URL", url_of(tmp_path / "data"))
    assert "No family is embedded yet" in empty("vectors", "index", code=4).stderr
    model = model_with(mesh, directions(50, 384), "wordllama-l2-supercat-256")
    assert "still being embedded" in empty("vectors", "index", code=8).stderr
    with mesh.db.write() as connection:
        stored.mark_complete(connection, model, NOW_US)
    assert empty("vectors", "index").stdout.startswith("wordllama-l2-supercat-256: 50 vectors indexed in ")
    assert "50 vectors, nothing to do" in empty("vectors", "index").stdout
    assert empty.json("vectors", "index", "--again")["made"] is True
    assert [one["index"] for one in empty.json("vectors")["models"]] == ["hnsw"]
