"""The server's store: MariaDB 11.7 or newer, by PyMySQL.

Every session is set up alike: strict (a value that does not fit is an error, never cut), UTC, compared byte by byte
(`utf8mb4_nopad_bin`: the default makes 'ssh' = 'SSH' = 'ssh '), and short of patience, so that a store that hangs is a
503 and no hung thread. Writers read what is committed (READ COMMITTED): a snapshot taken before a lock was waited for
would be refused.
"""

from __future__ import annotations

import logging
import re
from typing import Any

import pymysql
from pymysql.constants import FIELD_TYPE
from pymysql.converters import conversions
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from devmesh.db import load, local_file
from devmesh.db.again import Contended
from devmesh.db.hosts import Hosts, broken, hosts_of
from devmesh.db.types import metadata
from devmesh.errors import ConfigError, DevMeshError, StorageFull, Unavailable

log = logging.getLogger(__name__)

DRIVER_ERRORS = (pymysql.err.Error,)
NEEDED = (11, 7)
CALL_TIMEOUT_S = 5
HELLO_TIMEOUT_S = 2  # of a ping and of a new connection's first words: both may come before a call that fails
LOCK_WAIT_S = 3  # below the time a call may take, so that the server says what it waited for
COLLATION = "utf8mb4_nopad_bin"
SCHEMA_LOCK_WAIT_S = 60

# SIMULTANEOUS_ASSIGNMENT: an UPDATE's right sides are of before it, as on SQLite.
_SQL_MODE = (
    "STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,"
    "SIMULTANEOUS_ASSIGNMENT"
)
_SESSION = (
    f"SET SESSION sql_mode='{_SQL_MODE}', time_zone='+00:00', default_storage_engine=InnoDB, "
    # The dialect says SET NAMES after us; this is the collation that it then gets.
    f"character_set_collations='utf8mb4={COLLATION}', group_concat_max_len=1073741824, "
    f"innodb_lock_wait_timeout={LOCK_WAIT_S}, lock_wait_timeout={LOCK_WAIT_S}"
)
_READ_COMMITTED, _REPEATABLE_READ = "READ-COMMITTED", "REPEATABLE-READ"
_BEGIN_WRITE = "START TRANSACTION READ WRITE"
_BEGIN_READ = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"

# 1429, 12701: a server behind the one that we speak to (shards.py).
_AWAY = {0, 1053, 1129, 1152, 1158, 1159, 1160, 1161, 1429, 1927, 2002, 2003, 2006, 2013, 2014, 2055, 4031, 12701}
_CROWDED = {1040, 1203, 1226}
_CONTENDED = {1020, 1205, 1213}
_FULL = {1021, 1114}
_WRITE_FAILED = {3, 1026, 1030}  # the cause is an errno in the text
_READ_ONLY = {1036, 1290, 1792, 1836}
# Accounts, their rights, and how they prove who they are.
_REFUSED = {1044, 1045, 1049, 1130, 1142, 1227, 1251, 1275, 1698, 1820, 1862, 2059, 2061, 4151}
_SIGNAL = 1644  # by a trigger of shards.py, which says why
_DUPLICATE = 1062


def _number(text: str) -> int | float:
    """Sums come as DECIMAL; all of ours are of whole numbers."""
    return float(text) if "." in text else int(text)


_DECODERS = {**conversions, FIELD_TYPE.NEWDECIMAL: _number, FIELD_TYPE.DECIMAL: _number}


def as_url(url: str) -> URL:
    """The URL with the dialect and driver that are used here; mysql:// and mariadb:// mean the same."""
    parsed = make_url(url).set(drivername="mariadb+pymysql")
    if not parsed.database:
        raise ConfigError(
            "DEVMESH_DATABASE_URL names no database.",
            hint="mysql+pymysql://user@host/devmesh, made with CREATE DATABASE.",
        )
    return parsed


def make_engine(url: str, *, writing: bool, pool_size: int, hosts: Hosts | None = None) -> Engine:
    """An engine whose transactions write, or read one moment and refuse to write; others may share its `hosts`."""
    engine = create_engine(
        as_url(url),
        pool_size=pool_size,
        max_overflow=0 if writing else 32,
        pool_pre_ping=True,
        pool_timeout=CALL_TIMEOUT_S,
        hide_parameters=True,  # an error's text reaches logs and health, and the values are people's log lines
        connect_args=_arguments(url, HELLO_TIMEOUT_S, _READ_COMMITTED if writing else _REPEATABLE_READ),
    )
    hosts = hosts or Hosts(url)
    _follow(engine, hosts)
    event.listen(engine, "connect", lambda raw, _record: _wait_for(raw, CALL_TIMEOUT_S))
    engine.dialect.do_ping = lambda raw: _ping(raw, hosts)  # type: ignore[assignment, method-assign]
    engine.dialect.connect = local_file.Connection  # type: ignore[method-assign]
    begin = _BEGIN_WRITE if writing else _BEGIN_READ
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(begin))
    return engine


def make_patient_engine(url: str) -> Engine:
    """An engine for changes of the schema, which may take long; one connection a use."""
    engine = create_engine(
        as_url(url), poolclass=NullPool, hide_parameters=True, connect_args=_arguments(url, None, _READ_COMMITTED)
    )
    engine.dialect.connect = local_file.Connection  # type: ignore[method-assign]
    _follow(engine, Hosts(url))
    return engine


def _follow(engine: Engine, hosts: Hosts) -> None:
    """Let the engine's connections go to the host in use, and leave one that fails."""
    event.listen(engine, "do_connect", hosts.connect)
    event.listen(engine, "handle_error", lambda context: broken(context, hosts))


def _ping(raw: Any, hosts: Hosts) -> bool:
    """Whether a pooled connection still answers, without the time that a whole call may take."""
    _wait_for(raw, HELLO_TIMEOUT_S)
    raw.ping(reconnect=False)
    hosts.continuity.heard()
    _wait_for(raw, CALL_TIMEOUT_S)
    return True


def _wait_for(raw: Any, timeout_s: int) -> None:
    """Seconds that one read from the server may take from now on; the driver takes them at connecting alone."""
    raw._read_timeout = timeout_s  # noqa: SLF001


def _arguments(url: str, timeout_s: int | None, isolation: str) -> dict[str, Any]:
    return {
        "ssl_disabled": "unix_socket" in make_url(url).query,  # the driver would encipher what stays in the kernel
        "charset": "utf8mb4",
        "collation": COLLATION,
        "init_command": f"{_SESSION}, transaction_isolation='{isolation}'",
        "local_infile": True,
        "conv": _DECODERS,
        "connect_timeout": HELLO_TIMEOUT_S,
        "read_timeout": timeout_s,
        "write_timeout": timeout_s and CALL_TIMEOUT_S,
    }


def check(connection: Connection, *, allow_unsafe: bool) -> None:
    """Raise ConfigError for a server that is too old, is another product, or loses commits in a power cut."""
    query = "SELECT @@version, @@innodb_flush_log_at_trx_commit"
    version, flush = connection.exec_driver_sql(query).one()
    found = re.match(r"(?:5\.5\.5-)?(\d+)\.(\d+)\S*?-MariaDB", version)
    if found is None or (int(found[1]), int(found[2])) < NEEDED:
        raise ConfigError(
            f"The database server is {version}; MariaDB {NEEDED[0]}.{NEEDED[1]} or newer is needed.",
            hint="Debian 13 has 11.8. Or leave DEVMESH_DATABASE_URL empty for SQLite.",
        )
    if flush != 1 and not allow_unsafe:
        raise ConfigError(
            f"The database server has innodb_flush_log_at_trx_commit={flush}: it would lose what was acknowledged.",
            hint="Set it to 1, or set DEVMESH_ALLOW_UNSAFE=true to accept the loss.",
        )


def check_hosts(url: str, *, allow_unsafe: bool) -> None:
    """`check` on every host of a list that answers: one that is unsafe would lose what it acknowledges after a
    fail-over. Raises ConfigError that names the host.
    """
    for host in hosts_of(url):
        engine = make_engine(
            make_url(url).set(host=host).render_as_string(hide_password=False), writing=False, pool_size=1
        )
        try:
            with engine.connect() as connection:
                check(connection, allow_unsafe=allow_unsafe)
        except ConfigError as error:
            raise ConfigError(f"{host}: {error.message}", hint=error.hint) from error
        except DBAPIError as error:
            log.warning("database host does not answer host=%s reason=%r", host, str(error.orig))
        finally:
            engine.dispose()


def translate(error: BaseException) -> DevMeshError | None:
    """The error of the house for one of the driver's; None when it is no fault of the store."""
    cause = getattr(error, "orig", error)
    if not isinstance(cause, pymysql.err.Error):
        return None
    code = cause.args[0] if cause.args and isinstance(cause.args[0], int) else None
    text = str(cause.args[1]) if len(cause.args) > 1 else ""
    if code in _FULL or (code in _WRITE_FAILED and re.search(r"\b28\b", text)):
        return StorageFull("The database server's disk is full.", hint="Free space on its disk.", retry_after_s=60)
    if code in _REFUSED:
        return ConfigError(
            f"The database server refuses: {text}.",
            hint="Look at the database's URL (DEVMESH_DATABASE_URL, where none was named), and at SHOW GRANTS.",
        )
    if code == _SIGNAL:
        return Unavailable(f"The database refuses: {text}.", retry_after_s=60)
    said, hint = _said(code)
    if not said:
        return None
    if code in _AWAY and text:
        said = f"{said}: {text.rstrip('.')}"
    if code in _CONTENDED:
        return Contended(f"{said} (MariaDB error {code}).", retry_after_s=1)
    return Unavailable(f"{said} (MariaDB error {code}).", hint=hint, retry_after_s=5)


def is_duplicate(error: BaseException) -> bool:
    """Whether a key was there already."""
    cause = getattr(error, "orig", error)
    return isinstance(cause, pymysql.err.Error) and cause.args[:1] == (_DUPLICATE,)


def _said(code: int | None) -> tuple[str, str]:
    """What an error of the server's means, and what to do; empty where it is none of the store's."""
    if code in _AWAY:
        return "The database server does not answer", "Does it run? DEVMESH_DATABASE_URL says where it is looked for."
    if code in _CROWDED:
        return (
            "The database server has no connection left",
            "SHOW PROCESSLIST says who holds them; SET GLOBAL max_connections=200 lets more in.",
        )
    if code in _CONTENDED:
        return "Another transaction held the same rows", ""
    if code in _READ_ONLY:
        return (
            "The database server takes no writes: it is read-only",
            "SET GLOBAL read_only=0; if it is a replica, name the primary in DEVMESH_DATABASE_URL.",
        )
    if code in _WRITE_FAILED:
        return "The database server cannot write to its disk", "Its log and 'dmesg' on its machine say why."
    return {
        1047: (
            "This node of the cluster is cut off from the others",
            "SHOW STATUS LIKE 'wsrep%' on each node says which are together.",
        ),
        1317: ("The database server broke the statement off", "Somebody killed it, or the server is ending."),
        1153: ("The database server's max_allowed_packet is too small", "SET GLOBAL max_allowed_packet=16777216;"),
        1526: (
            "This database only reads; events go in at the data servers",
            "Send to a DevMesh beside a data server (docs/scale.md).",
        ),
        1180: ("The cluster did not say whether it committed", "Send it again; what is there is not stored twice."),
        1969: ("The database server took too long", "Ask for less, or look at its load: SHOW PROCESSLIST."),
    }.get(code or 0, ("", ""))


def prepare_schema(connection: Connection) -> None:
    """Wait until no other process changes the schema, then make a database fit for the first migration.

    Its tables are compared byte by byte. What a first migration that was killed left holds nothing and goes. Raises
    ConfigError where tables of ours hold rows, for then they are another program's.
    """
    run = connection.exec_driver_sql
    name = run("SELECT DATABASE()").scalar_one()
    if run("SELECT GET_LOCK(CONCAT('devmesh schema ', DATABASE()), %s)", (SCHEMA_LOCK_WAIT_S,)).scalar() != 1:
        raise Unavailable("Another process changes the schema.", retry_after_s=10)
    there = set(run("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()").scalars())
    if "alembic_version" in there and run("SELECT version_num FROM alembic_version").first() is not None:
        return
    ours = sorted(there & {*metadata.tables, "alembic_version"})
    full = [table for table in ours if run(f"SELECT 1 FROM `{table}` LIMIT 1").first() is not None]  # noqa: S608 - ours
    if full:
        raise ConfigError(
            f"The database {name} holds tables of another program: {', '.join(full)}.", hint="Name an empty database."
        )
    run("SET SESSION foreign_key_checks=0")
    for table in ours:
        run(f"DROP TABLE `{table}`")
    run("SET SESSION foreign_key_checks=1")
    run(f"ALTER DATABASE `{name}` CHARACTER SET utf8mb4 COLLATE {COLLATION}")


def notice() -> str:
    """What the server forbids, in words for /health."""
    return load.FORBIDDEN_NOTICE if load.notices.load_forbidden else ""
