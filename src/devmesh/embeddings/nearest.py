"""Nearest vectors by cosine: an index in memory that compares with all of them.

Exact, and fast enough for the families of a fleet: they are tens of thousands. SQLite's way; MariaDB is asked itself
(mariadb.py).
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

import numpy as np

from devmesh.embeddings.matrix import CosineMatrix
from devmesh.embeddings.model import unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from devmesh.embeddings.model import Provider, Vectors


class VectorIndex(Protocol):
    """Vectors by family id."""

    def put(self, family_ids: Sequence[int], vectors: Vectors) -> None:
        """Add or replace; `vectors` has shape (len(family_ids), dim) and unit length."""
        ...

    def remove(self, family_ids: Iterable[int]) -> None:
        """Forget; unknown ids are no error."""
        ...

    def nearest(self, vector: Vectors, limit: int) -> list[tuple[int, float]]:
        """(family id, cosine), nearest first, equal ones in order of id; `vector` has shape (dim,)."""
        ...


class MatrixIndex:
    """Brute force, a byte a number: 50,000 families of 1,024 numbers are 51 MB. Safe from several threads."""

    def __init__(self, dim: int) -> None:
        self._matrix = CosineMatrix(dim)
        self._ids: list[int] = []
        self._rows: dict[int, int] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._ids)

    def put(self, family_ids: Sequence[int], vectors: Vectors) -> None:
        """Add or replace. Raises ValueError if the shape does not fit, and then changes nothing."""
        if vectors.shape != (len(family_ids), self._matrix.dim):
            raise ValueError(f"vectors of shape {vectors.shape} for {len(family_ids)} families")
        last = {family_id: place for place, family_id in enumerate(family_ids)}
        with self._lock:
            known = [family_id for family_id in last if family_id in self._rows]
            fresh = [family_id for family_id in last if family_id not in self._rows]
            rows = np.array([self._rows[family_id] for family_id in known], dtype=np.int64)
            self._matrix.replace(rows, vectors[[last[family_id] for family_id in known]])
            self._matrix.extend(vectors[[last[family_id] for family_id in fresh]])
            self._rows |= {family_id: len(self._ids) + place for place, family_id in enumerate(fresh)}
            self._ids += fresh

    def remove(self, family_ids: Iterable[int]) -> None:
        """Forget; unknown ids are no error."""
        with self._lock:
            gone = {family_id for family_id in family_ids if family_id in self._rows}
            if gone:
                kept = [row for row, family_id in enumerate(self._ids) if family_id not in gone]
                self._matrix.keep(np.array(kept, dtype=np.int64))
                self._ids = [self._ids[row] for row in kept]
                self._rows = {family_id: row for row, family_id in enumerate(self._ids)}

    def nearest(self, vector: Vectors, limit: int) -> list[tuple[int, float]]:
        """(family id, cosine), nearest first, equal ones in order of id."""
        with self._lock:
            cosines = self._matrix.cosines(unit(vector)[None, :])[0]
            ids = np.array(self._ids, dtype=np.int64)
        chosen = np.arange(len(ids))
        if 0 < limit < len(ids):
            chosen = np.flatnonzero(cosines >= np.partition(cosines, -limit)[-limit])
        order = chosen[np.lexsort((ids[chosen], -cosines[chosen]))][:limit]
        return [(int(ids[row]), float(cosines[row])) for row in order]


class Sentences:
    """A provider and its index together: families near a question. What search takes as its third ranking."""

    def __init__(self, provider: Provider, index: VectorIndex) -> None:
        self._provider, self._index = provider, index

    def nearest(self, question: str, limit: int) -> list[tuple[int, float]]:
        """(family id, cosine), nearest first. Raises EmbeddingUnavailable."""
        return self._index.nearest(self._provider.embed([question])[0], limit)
