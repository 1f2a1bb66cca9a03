"""Edges that logs, connections and files show: what was seen, whom it means, how sure that is, what people decided.

Nothing here is ever guessed: a target whose service nobody knows waits, with the reason. Nothing is applied by itself.
"""

from devmesh.graph.learning.model import Proposal, Stale, Told, Unresolved
from devmesh.graph.learning.service import STALE_DAYS, Learning

__all__ = ["STALE_DAYS", "Learning", "Proposal", "Stale", "Told", "Unresolved"]
