"""What is normal: two stretches of time compared, with the chance of seeing so much difference by luck.

Owns blind_intervals, lookouts. In: counts by hour and minute, the families and when they were first seen, heartbeats.
Out: changes, each with what would have been normal; times in which nothing could be seen of a node, and why. Promises:
among what it calls a change at most one in twenty is luck, however many families were compared; nodes that fell silent
are named, not counted as a hundred quieter families. `Baselines` is the same knowledge as it grows hour by hour, for
detectors; what could not be seen teaches them nothing.
"""

from devmesh.memory.baselines import Baselines, Hour, Minutes, Shape
from devmesh.memory.blind import Blind
from devmesh.memory.chance import Floats, at_least, at_most, false_discoveries
from devmesh.memory.columns import Columns
from devmesh.memory.large import Large, fork
from devmesh.memory.model import BlindInterval, Change, Changes, Sight, Span
from devmesh.memory.service import Memory

__all__ = [
    "Baselines",
    "Blind",
    "BlindInterval",
    "Change",
    "Changes",
    "Columns",
    "Floats",
    "Hour",
    "Large",
    "Memory",
    "Minutes",
    "Shape",
    "Sight",
    "Span",
    "at_least",
    "at_most",
    "false_discoveries",
    "fork",
]
