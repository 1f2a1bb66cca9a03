"""What is looked at on MariaDB beside the schema: settings of the server, collations, partitions of days."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection

from devmesh.db.checks import OK, WRONG, Finding, finding, joined, orphan_finding
from devmesh.db.mariadb import COLLATION, check
from devmesh.db.shards import linked
from devmesh.errors import ConfigError

PACKET_BYTES = 16 * 1024 * 1024
MIB = 1024 * 1024
SKEW_US = 5_000_000
DAY_US = 86_400_000_000
CONFIG = "in the server's configuration (/etc/mysql/mariadb.conf.d/60-devmesh.cnf, below [mariadbd])"
EXPIRE = "devmesh loops run expire-events"


def findings(connection: Connection, now_us: int) -> Iterator[Finding]:
    """One after the other, each by a question to the server."""
    yield _version(connection)
    yield from _durable(connection)
    yield from _sizes(connection)
    yield from _time(connection, now_us)
    yield from _collations(connection)
    yield from _engines(connection)
    if "log_events" not in linked(connection):
        yield from _partitions(connection, now_us)
    yield orphan_finding(connection)


def _version(connection: Connection) -> Finding:
    try:
        check(connection, allow_unsafe=True)
    except ConfigError as error:
        return Finding("server", WRONG, error.message, "MariaDB 11.7 or newer", error.hint)
    return Finding("server", OK, str(_value(connection, "@@version")))


def _durable(connection: Connection) -> Iterator[Finding]:
    flush = _value(connection, "@@global.innodb_flush_log_at_trx_commit")
    hint = f"SET GLOBAL innodb_flush_log_at_trx_commit=1; and the same line {CONFIG}"
    yield finding("flush at commit", flush, 1, hint)


def _sizes(connection: Connection) -> Iterator[Finding]:
    allowed = _value(connection, "@@global.local_infile")
    hint = f"SET GLOBAL local_infile=1; and local_infile=1 {CONFIG}. Without it rows are stored more slowly."
    yield finding("local_infile", allowed, 1, hint)
    packet = int(_value(connection, "@@global.max_allowed_packet"))
    if packet >= PACKET_BYTES:
        yield Finding("max_allowed_packet", OK, f"{packet // MIB} MiB")
    else:
        line = f"max_allowed_packet={PACKET_BYTES}"
        hint = f"SET GLOBAL {line}; and the line {line} {CONFIG}; then start DevMesh anew."
        yield Finding("max_allowed_packet", WRONG, f"{packet:,} bytes", "16 MiB or more", hint)


def _time(connection: Connection, now_us: int) -> Iterator[Finding]:
    hint = "Take time_zone out of the URL's options: DevMesh sets it by itself."
    yield finding("time zone of sessions", _value(connection, "@@session.time_zone"), "+00:00", hint)
    theirs = int(_value(connection, "CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED)"))
    apart = abs(theirs - now_us) / 1e6
    if abs(theirs - now_us) <= SKEW_US:
        yield Finding("clock", OK, f"{apart:.1f} s apart from this machine's")
    else:
        yield Finding(
            "clock", WRONG, f"{apart:,.0f} s apart from this machine's", "5 s or less", "timedatectl, on both"
        )


def _collations(connection: Connection) -> Iterator[Finding]:
    """Of the database, its tables and their columns; another one takes 'ssh' for 'SSH'."""
    name = _value(connection, "DATABASE()")
    # Not @@collation_database, which is of the time at which this session began.
    default = _value(
        connection, "default_collation_name FROM information_schema.schemata WHERE schema_name = DATABASE()"
    )
    change = f"CHARACTER SET utf8mb4 COLLATE {COLLATION}"
    yield finding("collation of the database", default, COLLATION, f"ALTER DATABASE `{name}` {change}")
    other = connection.exec_driver_sql(
        "SELECT table_name, NULL, table_collation FROM information_schema.tables WHERE table_schema = DATABASE()"
        " AND table_type = 'BASE TABLE' AND table_collation <> %s"
        " UNION ALL SELECT table_name, column_name, collation_name FROM information_schema.columns"
        " WHERE table_schema = DATABASE() AND collation_name <> %s",
        (COLLATION, COLLATION),
    ).all()
    for table in sorted({row[0] for row in other} - {"alembic_version"}):
        found = joined(f"{column or 'by default'}: {collation}" for one, column, collation in other if one == table)
        convert = f"Stop the server, then: ALTER TABLE `{table}` CONVERT TO {change}"
        yield Finding(f"collation of {table}", WRONG, found, COLLATION, convert)
    if not {row[0] for row in other} - {"alembic_version"}:
        yield Finding("collation of the tables", OK, COLLATION)


def _engines(connection: Connection) -> Iterator[Finding]:
    other = connection.exec_driver_sql(
        "SELECT table_name, engine FROM information_schema.tables WHERE table_schema = DATABASE()"
        " AND table_type = 'BASE TABLE' AND engine NOT IN ('InnoDB', 'SPIDER')"
    ).all()
    for table, engine in other:
        yield Finding(f"engine of {table}", WRONG, engine, "InnoDB", f"ALTER TABLE `{table}` ENGINE=InnoDB")
    if not other:
        yield Finding("engine", OK, "InnoDB")


def _partitions(connection: Connection, now_us: int) -> Iterator[Finding]:
    """Made up to tomorrow at least, and nothing in the one behind them."""
    rows = connection.exec_driver_sql(
        "SELECT partition_name, partition_description FROM information_schema.partitions"
        " WHERE table_schema = DATABASE() AND table_name = 'log_events' AND partition_name IS NOT NULL"
    ).all()
    ends = {name: end for name, end in rows if end != "MAXVALUE"}
    if len(ends) == len(rows):
        hint = "ALTER TABLE log_events PARTITION BY RANGE (ts_us) (PARTITION rest VALUES LESS THAN MAXVALUE)"
        yield Finding("partitions", WRONG, "no partition takes the days to come", "one up to MAXVALUE", hint)
        return
    last = next(name for name, end in rows if end == "MAXVALUE")
    held = connection.exec_driver_sql(f"SELECT 1 FROM log_events PARTITION (`{last}`) LIMIT 1").first()  # noqa: S608
    if not ends and held is None:
        yield Finding("partitions", OK, "none yet: the server makes them at its first start")
        return
    ahead = max((int(end) // DAY_US for end in ends.values()), default=0) - now_us // DAY_US - 1
    if ahead < 1:
        yield Finding("partitions", WRONG, "none for tomorrow", "made 3 days ahead", EXPIRE)
    elif held is not None:
        yield Finding("partitions", OK, f"{len(ends)}, {ahead} days ahead; events of later days lie in {last}")
    else:
        yield Finding("partitions", OK, f"{len(ends)}, {ahead} days ahead")


def _value(connection: Connection, expression: str) -> Any:
    return connection.exec_driver_sql(f"SELECT {expression}").scalar()
