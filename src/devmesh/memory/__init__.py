"""What is normal: two stretches of time compared, with the chance of seeing so much difference by luck.

Owns no table. In: counts by hour and minute, the families and when they were first seen. Out: changes, each with what
would have been normal. Promises: among what it calls a change at most one in twenty is luck, however many families
were compared; nodes that fell silent are named, not counted as a hundred quieter families.
"""

from devmesh.memory.model import Change, Changes, Span
from devmesh.memory.service import Memory

__all__ = ["Change", "Changes", "Memory", "Span"]
