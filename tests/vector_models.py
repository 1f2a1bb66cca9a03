"""Embedding models and stored vectors for tests: real arithmetic, no file and no gateway."""

from __future__ import annotations

import numpy as np

from devmesh.embeddings import EmbeddingUnavailable, stored, unit
from devmesh.embeddings.service import Embeddings
from devmesh.loops.lease import take as lease_of

DIMENSIONS = (256, 384, 1024, 4096)
LINES = ("disk is failing", "user logged in", "backup finished", "link is down", "fan stopped", "certificate expired")


class Letters:
    """A model that counts letters: real vectors without a file, under any name."""

    def __init__(self, name: str, dim: int, allowed: int = 1_000) -> None:
        self.name, self.dim, self.allowed = name, dim, allowed

    def embed(self, texts):
        """Unit vectors of letter counts; refuses service after `allowed` texts."""
        self.allowed -= len(texts)
        if self.allowed < 0:
            raise EmbeddingUnavailable("away", reason="down")
        counts = np.array([[text.count(chr(97 + i)) + 0.01 for i in range(self.dim)] for text in texts], np.float32)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


def directions(count, dim):
    """The same random unit vectors every time."""
    return unit(np.random.default_rng(7).normal(size=(count, dim)).astype(np.float32))


def model_with(mesh, vectors, name="m"):
    """A stored model that holds these vectors as families 1, 2, …"""
    with mesh.db.write() as connection:
        model = stored.create(connection, Letters(name, vectors.shape[1]), 1)
    with mesh.db.change_schema() as connection:
        stored.make_table(connection, model)
    with mesh.db.write() as connection:
        model.store(connection, {1 + at: (b"h" * 16, one) for at, one in enumerate(vectors)}, ())
    return model


def embeddings_of(mesh, provider):
    """The room with another provider, as after a restart with another setting."""
    return Embeddings(mesh.db, mesh.clock, mesh.templates, provider, 2)


def run(mesh, room):
    """Steps until nothing is left to do."""
    lease = lease_of(mesh.db, mesh.clock, "embed-families", "test")
    while room.step(2, lease):
        pass
