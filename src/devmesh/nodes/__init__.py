"""Who speaks: nodes, services, streams and their coverage, heartbeats, gaps.

Owns nodes, services, streams, stream_ranges, stream_marks, heartbeats, gaps, idempotency_keys. In: names, claims of
batches, heartbeats. Out: ids, what of a batch is a repeat, the state of each node. Promises: a sequence number that
coverage holds is never taken again, and coverage moves only in the transaction that stores what it covers.
"""

from devmesh.nodes.model import (
    Beat,
    Claim,
    Claimed,
    Gap,
    Heartbeat,
    Node,
    Service,
    StreamKey,
    StreamState,
    is_node_name,
)
from devmesh.nodes.ranges import Mark, Range
from devmesh.nodes.service import Nodes

__all__ = [
    "Beat",
    "Claim",
    "Claimed",
    "Gap",
    "Heartbeat",
    "Mark",
    "Node",
    "Nodes",
    "Range",
    "Service",
    "StreamKey",
    "StreamState",
    "is_node_name",
]
