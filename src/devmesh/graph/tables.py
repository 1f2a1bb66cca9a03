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

# An edge that people declared has the source inventory. One that was learned (source learned) is a row once somebody
# decided about it, with what was known of it then; until then it is but what graph_seen adds up to.
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

# What was seen of who touches whom, added up: one row for each (service, node, target, source) and whom it meant then.
graph_seen = Table(
    "graph_seen",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", String(64), nullable=False),  # a hash of the four
    Column("service", String(128), nullable=False),  # as logs call it
    Column("node", String(255), nullable=False),
    Column("target", String(255), nullable=False),  # as the evidence words it
    Column("source", String(16), nullable=False),
    Column("whom", String(128), nullable=False),  # the service that it is; empty while nobody knows
    Column("why", String(64), nullable=False),  # nobody knows
    Column("n", BigInteger, nullable=False),
    Column("failures", BigInteger, nullable=False),
    Column("days", Integer, nullable=False),  # separate ones
    Column("first_us", MICROSECONDS, nullable=False),
    Column("last_us", MICROSECONDS, nullable=False, index=True),
    Index("ix_graph_seen_key", "key", "whom", unique=True),
    Index("ix_graph_seen_service", "service", "source", "whom"),
)

# Whose an address is, who listens on a port, whose files a node mounts.
graph_places = Table(
    "graph_places",
    metadata,
    Column("key", String(64), primary_key=True),  # a hash of all but the last
    Column("kind", String(16), nullable=False),  # address, listener, mount
    Column("node", String(255), nullable=False),
    Column("address", String(255), nullable=False),
    Column("port", Integer, nullable=False),
    Column("service", String(128), nullable=False),
    Column("reported", Boolean, nullable=False),  # by an agent; else a log line said so
    Column("last_us", MICROSECONDS, nullable=False),
    Index("ix_graph_places_node", "node", "kind"),
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
