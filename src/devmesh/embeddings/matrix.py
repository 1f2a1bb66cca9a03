"""Many unit vectors in little memory, and their cosines with a few others.

A row is 8 bits a number and one scale, which moves a cosine by less than 0.01: half of float16, and far faster to turn
into float32. Products are done in blocks so small that BLAS does not hand them to its threads, which on a busy machine
costs four times what it gains.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from devmesh.embeddings.model import Vectors

_PRODUCTS = 2**18  # multiplications in one block


class CosineMatrix:
    """Rows of unit vectors of one dimension. Not safe across threads; its owners hold a lock."""

    def __init__(self, dim: int) -> None:
        self._rows: npt.NDArray[np.int8] = np.zeros((0, dim), dtype=np.int8)
        self._scales: Vectors = np.zeros(0, dtype=np.float32)
        self._count = 0

    def __len__(self) -> int:
        return self._count

    @property
    def dim(self) -> int:
        """How many numbers a row has."""
        return int(self._rows.shape[1])

    def extend(self, vectors: Vectors) -> None:
        """Append rows; `vectors` has shape (n, dim)."""
        start = self._count
        self._grow(start + len(vectors))
        self.replace(np.arange(start, self._count), vectors)

    def replace(self, rows: npt.NDArray[np.int64], vectors: Vectors) -> None:
        """Overwrite these rows."""
        scales = np.maximum(np.abs(vectors).max(axis=1, initial=0.0), np.float32(1e-9)) / np.float32(127)
        self._rows[rows] = np.rint(vectors / scales[:, None]).astype(np.int8)
        self._scales[rows] = scales

    def keep(self, rows: npt.NDArray[np.int64]) -> None:
        """Keep only these rows, in this order."""
        self._rows, self._scales = self._rows[rows], self._scales[rows]
        self._count = len(rows)

    def cosines(self, vectors: Vectors) -> Vectors:
        """Shape (len(vectors), rows), for unit vectors of shape (n, dim)."""
        found = np.empty((len(vectors), self._count), dtype=np.float32)
        step = max(32, _PRODUCTS // max(1, vectors.size))
        for start in range(0, self._count, step):
            end = min(start + step, self._count)
            np.matmul(vectors, self._rows[start:end].astype(np.float32).T, out=found[:, start:end])
        found *= self._scales[: self._count]
        return found

    def _grow(self, count: int) -> None:
        have = len(self._rows)
        if count > have:
            more = max(count, have * 9 // 8) - have
            self._rows = np.concatenate([self._rows, np.zeros((more, self.dim), dtype=np.int8)])
            self._scales = np.concatenate([self._scales, np.zeros(more, dtype=np.float32)])
        self._count = count
