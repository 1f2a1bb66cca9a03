"""More rows than one database server's disk holds: the plan of a head and several data servers (MariaDB's Spider).

A *data server* holds every table that one intake transaction writes, for the nodes that send to it: rows, counts and
coverage commit together or not at all, by one server alone. The *head* holds what all share (nodes, services, templates
and what people make of them). Each sees the other's tables under their own names, as Spider tables: the head reads all
data servers as one table; a data server finds names and templates at the head.

A DevMesh at a data server takes events in, one at the head answers questions; neither knows of it. What keeps them
apart is in the data: ids, stream ids and writer ids of each data server lie in a range of their own, a loop that
belongs to the other side is leased to it for ever, and a trigger refuses a node that has its home on another server.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Index, MetaData, Table
from sqlalchemy.dialects.mysql.mariadb import MariaDBDialect
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.schema import CreateIndex, CreateTable

from devmesh.db.types import metadata
from devmesh.errors import ConfigError

COLLATION = "utf8mb4_nopad_bin"  # as db/mariadb.py has it, which needs the driver

BIG, SMALL, WRITERS = 10**13, 10**7, 10_000
MOST_SERVERS = 200  # stream ids are of 31 bits, 10,000,000 to a server
FOR_EVER = 2**63 - 1
NUMBERED_THERE = "COMMENT='auto_increment_mode \"2\"'"  # by the server that the rows are on

# What an intake transaction writes: the column whose range tells the data server, and the size of a range.
SPLIT = {
    "log_events": ("id", BIG),
    "event_counts": ("writer_id", WRITERS),
    "day_counts": ("writer_id", WRITERS),  # here too, so that hours become days within one server
    "minute_counts": ("id", BIG),
    "streams": ("id", SMALL),
    "stream_ranges": ("stream_id", SMALL),
    "stream_marks": ("stream_id", SMALL),
    "gaps": ("id", BIG),
}
HOME = ("nodes", "shard")  # the column that tells a node's data server
NUMBERED = ("minute_counts", "streams", "gaps")
# What intake reads or makes in transactions of its own, before.
SHARED = (
    "nodes", "services", "log_templates", "families", "template_samples", "template_values", "redaction_keys",
    "heartbeats", "tokens",
)  # fmt: skip
# Loops that change one data server's rows run there; loops over templates run at the head. Folding silent templates
# would change both in one transaction, which Spider does not make whole: it rests.
NOT_AT_HEAD = ("fold-days", "expire-events", "fold-templates")
NOT_AT_SERVERS = (
    "template-totals", "join-minutes", "fold-templates", "assign-families", "migrate-templates", "embed-families",
)  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """Statements for the head and for each data server, to be run in databases whose schema DevMesh has made."""

    head: tuple[str, ...]
    servers: tuple[tuple[str, ...], ...]


def plan(head: URL, servers: Sequence[URL]) -> Plan:
    """The statements that make one house of a head and these data servers, by their URLs as they see each other.

    They may be run again, with more servers at the end. Raises ConfigError for too few or too many.
    """
    if not 1 <= len(servers) <= MOST_SERVERS:
        raise ConfigError(f"A plan has 1 to {MOST_SERVERS} data servers.", hint="Name each by its URL.")
    numbers = range(1, len(servers) + 1)
    at_head = [
        f"SET SESSION character_set_collations='utf8mb4={COLLATION}'",
        *(_server(f"devmesh_{number}", url) for number, url in zip(numbers, servers, strict=True)),
        "ALTER TABLE nodes ADD COLUMN IF NOT EXISTS shard INT",
        *(text for name in SPLIT for text in _linked(name, _parts(name, len(servers)))),
        *(_park(name, "a data server") for name in NOT_AT_HEAD),
    ]
    return Plan(tuple(at_head), tuple(tuple(_at_server(number, head)) for number in numbers))


def server_url(text: str) -> URL:
    """A server of the plan by its URL, which must name a database. Raises ConfigError."""
    try:
        url = make_url(text)
    except ArgumentError:
        url = None
    if url is None or not url.drivername.startswith(("mysql", "mariadb")) or not url.database:
        raise ConfigError(
            "A server of the plan is named by a URL of MariaDB with a database.",
            hint="mysql+pymysql://user:password@host/devmesh; the head by --head or DEVMESH_DATABASE_URL.",
        )
    return url


def linked(connection: Connection) -> frozenset[str]:
    """The tables here whose rows are on other servers; none where no plan was run."""
    if connection.dialect.name == "sqlite":
        return frozenset()
    named = "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE() AND engine = 'SPIDER'"
    return frozenset(connection.exec_driver_sql(named).scalars())


def script(statements: Sequence[str]) -> str:
    """The statements as the client `mariadb` reads them."""
    return "DELIMITER //\n" + "".join(f"{text} //\n" for text in statements) + "DELIMITER ;\n"


def _at_server(number: int, head: URL) -> Iterator[str]:
    yield f"SET SESSION character_set_collations='utf8mb4={COLLATION}'"
    yield _server("devmesh_head", head)
    for name in ("streams", "idempotency_keys"):
        yield f"ALTER TABLE {name} DROP FOREIGN KEY IF EXISTS {name}_ibfk_1"
    for name in SHARED:
        yield from _linked(name, f"REMOTE_SERVER='devmesh_head' REMOTE_TABLE='{name}' {NUMBERED_THERE}")
    yield "ALTER TABLE nodes ADD COLUMN shard INT"
    for name in NUMBERED:
        yield f"ALTER TABLE {name} AUTO_INCREMENT={number * SPLIT[name][1] + 1}"
    yield (
        f"INSERT INTO id_blocks (name, next_id) VALUES ('log_events', {number * BIG + 1}) "  # noqa: S608
        "ON DUPLICATE KEY UPDATE next_id = GREATEST(next_id, VALUES(next_id))"
    )
    yield f"REPLACE INTO writers (id, owner, lease_until) VALUES ({number * WRITERS}, 'shard {number}', {FOR_EVER})"  # noqa: S608
    yield _home(number)
    for name in NOT_AT_SERVERS:
        yield _park(name, "the head")


def _server(name: str, url: URL) -> str:
    where = {"SOCKET": url.query["unix_socket"]} if "unix_socket" in url.query else {"HOST": url.host or "localhost"}
    said = {**where, "DATABASE": url.database, "USER": url.username, "PASSWORD": url.password}
    options = [f"{key} {_quoted(str(value))}" for key, value in said.items() if value]
    if url.port:
        options.append(f"PORT {url.port}")
    return f"CREATE OR REPLACE SERVER {name} FOREIGN DATA WRAPPER mysql OPTIONS ({', '.join(options)})"


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _linked(name: str, tail: str) -> Iterator[str]:
    """Put a Spider table in the place of DevMesh's own, which must be empty: rows would be lost."""
    yield f"""BEGIN NOT ATOMIC
  IF EXISTS (SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = '{name}'
             AND engine = 'InnoDB') AND EXISTS (SELECT 1 FROM {name}) THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = '{name} holds rows here: name an empty database';
  END IF;
END"""  # noqa: S608 - names are ours
    yield "SET SESSION foreign_key_checks=0"
    yield f"DROP TABLE {name}"
    yield "SET SESSION foreign_key_checks=1"
    yield from _table(name, tail)


def _table(name: str, tail: str) -> list[str]:
    """The table as Spider sees it: its columns and indexes, nothing that only the owner can enforce."""
    declared, bare = metadata.tables[name], MetaData()
    columns = [
        Column(column.name, column.type, primary_key=column.primary_key, nullable=column.nullable,
               autoincrement=column.autoincrement)
        for column in declared.columns
    ]  # fmt: skip
    table = Table(name, bare, *columns)
    dialect = MariaDBDialect()
    for index in sorted(declared.indexes, key=lambda one: str(one.name)):
        Index(index.name, *(table.c[column.name] for column in index.columns))
    made = str(CreateTable(table).compile(dialect=dialect)).strip()
    keys = [str(CreateIndex(index).compile(dialect=dialect)) for index in table.indexes]
    return [f"{made} ENGINE=SPIDER {tail}", *sorted(keys)]


def _parts(name: str, servers: int) -> str:
    """A number outside of every range has no partition: an error, never a row that no query finds."""
    column, size = SPLIT[name]
    parts = ", ".join(
        f"PARTITION s{number} VALUES IN ({number}) REMOTE_SERVER='devmesh_{number}' REMOTE_TABLE='{name}'"
        for number in range(1, servers + 1)
    )
    return f"PARTITION BY LIST ({column} DIV {size}) ({parts})"


def _park(loop: str, owner: str) -> str:
    return (
        "REPLACE INTO loops (name, owner, term, lease_until_us, failures) "  # noqa: S608
        f"VALUES ('{loop}', '{owner}', 1, {FOR_EVER}, 0)"
    )


def _home(number: int) -> str:
    """Every intake transaction notes when it heard of its nodes; that update is where a node gets its home."""
    return f"""CREATE OR REPLACE TRIGGER nodes_home BEFORE UPDATE ON nodes FOR EACH ROW
BEGIN
  IF OLD.shard IS NULL THEN
    SET NEW.shard = {number};
  ELSEIF OLD.shard <> {number} THEN
    SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'a node has its home on another data server';
  END IF;
END"""  # noqa: S608
