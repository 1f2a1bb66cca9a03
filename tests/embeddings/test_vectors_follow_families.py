"""The loop that embeds: every living family has a vector, merged ones have none."""

from __future__ import annotations

from bodies import line, rows, take


def test_a_batch_of_merged_families_alone_is_no_fault(make_mesh, clock):
    """Families that went into another lose their vector, also when a batch brings nothing to embed."""
    mesh = make_mesh(embedding_provider="local", embedding_batch=1)
    for word in ("red", "green", "blue", "black", "white", "yellow", "pink"):
        take(mesh, line(f"the {word} lamp has burnt out", service="lamps"))
        mesh.runner.once("assign-families")
        clock.advance(1.0)
        while mesh.runner.once("embed-families"):
            pass
    merged = rows(mesh, "SELECT count(*) FROM families WHERE merged_into IS NOT NULL")[0][0]
    living = rows(mesh, "SELECT id FROM families WHERE merged_into IS NULL ORDER BY id")
    assert merged > 0
    assert rows(mesh, "SELECT family_id FROM family_vectors_1 ORDER BY family_id") == living
    assert mesh.embeddings.progress().complete
