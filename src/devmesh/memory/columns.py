"""Numbers about many things, a column each, that grow as things are met."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

UNKNOWN = -1
FIRST_ROOM, GROWTH = 256, 8  # rows; then by an eighth, for what is free is copied with each look


class Columns:
    """Named columns; `self["name"]` is a view of the rows in use, which ends to be one when rows are added."""

    def __init__(self, **kinds: tuple[npt.DTypeLike, float]) -> None:
        """`kinds`: each column's type (a dtype may have a width), and what a new row holds."""
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
                self._data[name] = np.concatenate(
                    [column, np.full((more, *column.shape[1:]), self._fill[name], dtype=column.dtype)]
                )
        for name, value in values.items():
            self._data[name][self._used] = value
        self._used += 1
        return self._used - 1


class Index:
    """The row of each of many numbers; a dictionary would take eight times the room, and be slow to ask for many."""

    def __init__(self) -> None:
        self._numbers, self._rows = np.zeros(0, np.int64), np.zeros(0, np.intp)

    def __len__(self) -> int:
        return len(self._numbers)

    def of(self, some: npt.NDArray[np.int64]) -> npt.NDArray[np.intp]:
        """Rows of n numbers, UNKNOWN where there is none."""
        if not len(self._numbers):
            return np.full(len(some), UNKNOWN, np.intp)
        at = np.minimum(np.searchsorted(self._numbers, some), len(self._numbers) - 1)
        return np.where(self._numbers[at] == some, self._rows[at], UNKNOWN)

    def add(self, some: npt.NDArray[np.int64], rows: npt.NDArray[np.intp]) -> None:
        """Numbers that it does not know yet, in rising order."""
        if len(some):
            at = np.searchsorted(self._numbers, some)
            self._numbers, self._rows = np.insert(self._numbers, at, some), np.insert(self._rows, at, rows)
