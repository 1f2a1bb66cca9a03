"""Transactions that stood in each other's way: which are tried again, how often, and after what pause (F38).

A deadlock, a lock that did not come in time, a record that changed: the server rolled everything back and says so, thus
the whole transaction may run again. So may one that met a key that was not there when it looked: another server was
faster, and the next look finds its row. A connection that was lost, also at COMMIT, is none of these: whether it was
stored nobody knows, so nobody is told that it was.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from devmesh.errors import Unavailable

TIMES = 5
FIRST_PAUSE_S = 0.05
WITHIN_S = 8.0  # no new try after that: whoever waits for the answer, or behind this one, has waited long enough


class Contended(Unavailable):
    """Another transaction held or changed the same rows; the whole transaction may be tried again."""


def pauses_s() -> Iterator[float]:
    """Seconds to wait before each further try: doubling, with jitter, so that two do not meet again."""
    for number in range(TIMES):
        yield FIRST_PAUSE_S * 2**number * random.uniform(0.5, 1.5)  # noqa: S311 - a pause is no secret
