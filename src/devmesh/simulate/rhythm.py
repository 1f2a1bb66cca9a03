"""How busy a service is by hour of the week, UTC: the mean over a week is 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from devmesh.simulate.errors import SimulationError

HOURS = np.arange(168)
HOUR, DAY = HOURS % 24, HOURS // 24  # day 0 is Monday
WEEKEND = DAY >= 5  # noqa: PLR2004 - Saturday
FIRST_MONDAY_HOURS = 96  # 1970-01-05 00:00 UTC


def _bump(middle: float, width: float) -> NDArray[np.float64]:
    """A hill over the day around an hour, without an edge at midnight."""
    away = np.minimum(np.abs(HOUR - middle), 24 - np.abs(HOUR - middle))
    return np.asarray(np.exp(-((away / width) ** 2)), dtype=np.float64)


def _even(shape: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(shape / shape.mean(), dtype=np.float64)


RHYTHMS: dict[str, NDArray[np.float64]] = {
    "flat": np.ones(168),
    "people": _even(0.12 + 0.8 * _bump(11, 3.5) + 1.3 * _bump(20, 2.8) + WEEKEND * 0.7 * _bump(15, 4)),
    "office": _even(0.08 + np.where(WEEKEND, 0.25, 1.0) * (_bump(10, 2.5) + _bump(15, 2.5))),
    "evening": _even(0.15 + np.where(WEEKEND, 1.4, 1.0) * _bump(20, 3)),
    "night": _even(0.3 + _bump(3, 2)),
}


def levels(rhythm: str, hour: int, count: int) -> NDArray[np.float64]:
    """The levels of `rhythm` in `count` hours, the first of them as hours since the epoch. Raises SimulationError for a
    rhythm that there is not.
    """
    shape = RHYTHMS.get(rhythm)
    if shape is None:
        raise SimulationError(f"There is no rhythm {rhythm!r}.", f"There are {', '.join(RHYTHMS)}.")
    return shape[(np.arange(hour, hour + count) - FIRST_MONDAY_HOURS) % 168]
