"""Numbers about many things, a column each, that grow as things are met."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

FIRST_ROOM, GROWTH = 256, 8  # rows; then by an eighth, for what is free is copied with each look


class Columns:
    """Named columns; `self["name"]` is a view of the rows in use, which ends to be one when rows are added."""

    def __init__(self, **kinds: tuple[type, float]) -> None:
        """`kinds`: each column's type, and what a new row holds."""
        self._fill = {name: fill for name, (_type, fill) in kinds.items()}
        self._data: dict[str, npt.NDArray[Any]] = {
            name: np.full(FIRST_ROOM, fill, dtype=kind) for name, (kind, fill) in kinds.items()
        }
        self._used = 0

    def __len__(self) -> int:
        return self._used

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        return self._data[name][: self._used]

    def __setitem__(self, name: str, values: npt.NDArray[Any] | float) -> None:
        self._data[name][: self._used] = values

    def rows(self, some: npt.NDArray[np.bool_]) -> dict[str, npt.NDArray[Any]]:
        """A copy of some rows, for `put`."""
        return {name: self[name][some] for name in self._data}

    def put(self, some: npt.NDArray[np.bool_], rows: dict[str, npt.NDArray[Any]]) -> None:
        """Write rows back."""
        for name, values in rows.items():
            self[name][some] = values

    def add(self, **values: float) -> int:
        """A new row; returns its number."""
        for name, column in self._data.items():
            if self._used == len(column):
                more = max(FIRST_ROOM, len(column) // GROWTH)
                self._data[name] = np.concatenate([column, np.full(more, self._fill[name], dtype=column.dtype)])
        for name, value in values.items():
            self._data[name][self._used] = value
        self._used += 1
        return self._used - 1
