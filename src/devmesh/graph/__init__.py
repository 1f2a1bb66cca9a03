"""Who touches whom: what people declared of their fleet, and questions over it.

Owns graph_nodes, graph_edges, graph_edge_types, graph_state, graph_seen, graph_places. In: an inventory, lines that
accuse, what agents saw. Out: who fails when somebody does, and why; edges that nobody declared, to accept or refuse.
Promises: an inventory is taken whole or not at all, with every error and its place; only it and people's decisions make
edges; all of it lives in SQL, an engine only answers.
"""

from devmesh.graph.addresses import OWN_ADDRESS, SHARED_ADDRESS, addresses_of
from devmesh.graph.answers import Reach, Reached, Risks, Step, Ways, Weak
from devmesh.graph.asking import Asking
from devmesh.graph.evidence import (
    CONFIG,
    MOST_ADDRESSES,
    MOST_LISTENERS,
    MOST_SEEN,
    MOUNTS,
    NETWORK,
    UNITS,
    Address,
    Learned,
    Listener,
    Seen,
)
from devmesh.graph.files import FORMATS, MOST_FILE_BYTES, FileRead, read_file
from devmesh.graph.inventory import read_inventory
from devmesh.graph.kinds import HOST, SERVICE, Fails
from devmesh.graph.learning import STALE_DAYS, Proposal, Stale, Told, Unresolved
from devmesh.graph.marks import MOST_BYTES, Fault, Refused
from devmesh.graph.model import Change, Edge, Inventory, Loaded, Shown
from devmesh.graph.naming import PORTS
from devmesh.graph.service import DAYS, Graph
from devmesh.graph.snapshot import Snapshot, Thing, snapshot_of

__all__ = [
    "CONFIG", "DAYS", "FORMATS", "HOST", "MOST_ADDRESSES", "MOST_BYTES", "MOST_FILE_BYTES", "MOST_LISTENERS",
    "MOST_SEEN", "MOUNTS", "NETWORK", "OWN_ADDRESS", "PORTS", "SERVICE", "SHARED_ADDRESS", "STALE_DAYS", "UNITS",
    "Address", "Asking", "Change", "Edge", "Fails", "Fault", "FileRead", "Graph", "Inventory", "Learned",
    "Listener", "Loaded", "Proposal", "Reach", "Reached", "Refused", "Risks", "Seen", "Shown", "Snapshot", "Stale",
    "Step", "Thing", "Told", "Unresolved", "Ways", "Weak", "addresses_of", "read_file", "read_inventory",
    "snapshot_of",
]  # fmt: skip
