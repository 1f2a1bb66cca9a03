"""Side work with a rhythm: leased, fenced, never lost.

Owns the table `loops`. In: `Loop(name, every_s, step, limit)` from each room. Out: `Runner` (threads that run them) and
`LoopState` for health. A step handles one bounded batch and commits result and position in one transaction through
`lease.write()`, whose last statement is the fence: if another process took the loop meanwhile, everything rolls back.
"""

from devmesh.loops.lease import Lease, LeaseLost, interrupt
from devmesh.loops.runner import Loop, Runner
from devmesh.loops.tables import loops

__all__ = ["Lease", "LeaseLost", "Loop", "Runner", "interrupt", "loops"]
