"""Types of edges, and what each says of failure: which end fails when the other does."""

from __future__ import annotations

from enum import StrEnum


class Fails(StrEnum):
    """The end of an edge that fails when its other end does."""

    FROM = "from"
    TO = "to"
    NONE = "none"


RUNS_ON = "RUNS_ON"
DEPENDS_ON = "DEPENDS_ON"
# A caller fails with what it calls, an application with the database that is provided for it.
KNOWN = {DEPENDS_ON: Fails.FROM, "CALLS": Fails.FROM, RUNS_ON: Fails.FROM, "PROVIDES_DB_FOR": Fails.TO}
SERVICE, HOST = "service", "host"  # what there is in a graph
DATABASE = "database"  # the type of a service that is a database
