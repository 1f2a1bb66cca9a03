"""What people set of the watch: settings of the server, and what a look at the past can try instead."""

from __future__ import annotations

from dataclasses import dataclass

LEARN_H = 48
TELL_FROM = 3.0


@dataclass(frozen=True)
class Tuning:
    """`learn_h`: so many hours of a store are only learned. An incident is told from `tell_from` on: evidence in powers
    of ten against luck. Detectors that are `off`, by name, find nothing; they go on learning.
    """

    learn_h: int = LEARN_H
    tell_from: float = TELL_FROM
    off: frozenset[str] = frozenset()
