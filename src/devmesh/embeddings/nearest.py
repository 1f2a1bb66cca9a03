"""Nearest vectors by cosine: an index in memory that compares with all of them.

Exact, and fast enough for the families of a fleet: they are tens of thousands. A store with vectors of its own
(MariaDB's VECTOR) can stand behind the same Protocol.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Protocol

import numpy as np
import numpy.typing as npt

from devmesh.embeddings.model import unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from devmesh.embeddings.model import Provider, Vectors

_BLOCK_BYTES = 8 * 1024 * 1024  # of float32, converted at a time


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
    """Brute force over a float16 matrix: 2 bytes a number, so 50,000 families of 1,024 numbers are 100 MB.

    float16 moves a cosine by less than 0.001. Safe from several threads.
    """

    def __init__(self, dim: int) -> None:
        self._matrix: npt.NDArray[np.float16] = np.zeros((0, dim), dtype=np.float16)
        self._ids: npt.NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        self._rows: dict[int, int] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._rows)

    def put(self, family_ids: Sequence[int], vectors: Vectors) -> None:
        """Add or replace. Raises ValueError if the shape does not fit, and then changes nothing."""
        if vectors.shape != (len(family_ids), self._matrix.shape[1]):
            raise ValueError(f"vectors of shape {vectors.shape} for {len(family_ids)} families")
        with self._lock:
            for family_id in family_ids:
                self._rows.setdefault(family_id, len(self._rows))
            self._grow(len(self._rows))
            rows = [self._rows[family_id] for family_id in family_ids]
            self._matrix[rows] = vectors
            self._ids[rows] = family_ids

    def remove(self, family_ids: Iterable[int]) -> None:
        """Forget: the last row moves into the gap."""
        with self._lock:
            for family_id in family_ids:
                row = self._rows.pop(family_id, None)
                last = len(self._rows)
                if row is not None and row != last:
                    self._matrix[row], self._ids[row] = self._matrix[last], self._ids[last]
                    self._rows[int(self._ids[row])] = row

    def nearest(self, vector: Vectors, limit: int) -> list[tuple[int, float]]:
        """(family id, cosine), nearest first, equal ones in order of id."""
        with self._lock:
            count = len(self._rows)
            cosines = self._cosines(unit(vector), count)
            ids = self._ids[:count].copy()
        chosen = np.argpartition(-cosines, limit)[: limit + 1] if limit < count else np.arange(count)
        chosen = np.flatnonzero(cosines >= cosines[chosen].min()) if len(chosen) else chosen
        order = chosen[np.lexsort((ids[chosen], -cosines[chosen]))][:limit]
        return [(int(ids[row]), float(cosines[row])) for row in order]

    def _cosines(self, vector: Vectors, count: int) -> Vectors:
        step = max(1, _BLOCK_BYTES // (4 * max(1, len(vector))))
        parts = [
            self._matrix[row : min(row + step, count)].astype(np.float32) @ vector for row in range(0, count, step)
        ]
        return np.concatenate(parts) if parts else np.zeros(0, dtype=np.float32)

    def _grow(self, rows: int) -> None:
        have = len(self._matrix)
        if rows > have:
            more = max(rows, have * 5 // 4) - have
            self._matrix = np.concatenate([self._matrix, np.zeros((more, self._matrix.shape[1]), dtype=np.float16)])
            self._ids = np.concatenate([self._ids, np.zeros(more, dtype=np.int64)])


class Sentences:
    """A provider and its index together: families near a question. What search takes as its third ranking."""

    def __init__(self, provider: Provider, index: VectorIndex) -> None:
        self._provider, self._index = provider, index

    def nearest(self, question: str, limit: int) -> list[tuple[int, float]]:
        """(family id, cosine), nearest first. Raises EmbeddingUnavailable."""
        return self._index.nearest(self._provider.embed([question])[0], limit)
