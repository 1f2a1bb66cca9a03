"""Tables of the room graph: what people declared, what logs show, and what people decided of that."""

from sqlalchemy import BigInteger, Boolean, Column, Float, ForeignKey, Index, Integer, String, Table

from devmesh.db import MICROSECONDS, metadata
from devmesh.db.types import LONG_TEXT

graph_nodes = Table(
    "graph_nodes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),  # service, host
    Column("name", String(128), nullable=False),
    Column("type", String(64), nullable=False, default=""),
    Column("everywhere", Boolean, nullable=False, default=False),  # it runs on every node that is known
    Column("aliases", LONG_TEXT, nullable=False),  # JSON
    Column("declared", Boolean, nullable=False),  # else it is only named by edges that logs show
    Index("ix_graph_nodes_key", "kind", "name", unique=True),
)

# An edge that people declared has the source inventory. Others have evidence, and wait for a decision.
graph_edges = Table(
    "graph_edges",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("start_id", ForeignKey("graph_nodes.id"), nullable=False),
    Column("end_id", ForeignKey("graph_nodes.id"), nullable=False, index=True),
    Column("type", String(64), nullable=False),
    Column("source", String(32), nullable=False),
    Column("evidence", BigInteger, nullable=False, default=0),
    Column("failures", BigInteger, nullable=False, default=0),  # of the evidence: those that tell of trouble
    Column("confidence", Float, nullable=False, default=1.0),
    Column("first_seen_us", MICROSECONDS),
    Column("last_seen_us", MICROSECONDS),
    Column("decision", String(16), nullable=False, default=""),  # accepted, refused
    Column("decided_by", String(64), nullable=False, default=""),
    Column("decided_us", MICROSECONDS),
    Index("ix_graph_edges_key", "start_id", "end_id", "type", "source", unique=True),
)

graph_edge_types = Table(
    "graph_edge_types",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("fails", String(8), nullable=False),  # from, to, none
)

# One row: what every reader compares what it remembers with.
graph_state = Table(
    "graph_state",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("loaded_us", MICROSECONDS, nullable=False),
    Column("loaded_by", String(64), nullable=False),
)
