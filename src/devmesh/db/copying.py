"""A whole store into another one of either kind: how a user grows from SQLite to MariaDB, or goes back.

Page by page in the order of each table's key; how far it came is written in the transaction that writes the page, so
that after `kill -9` at any moment the same call goes on, with nothing lost and nothing doubled. Until both stores were
compared, row by row, the target's schema version is `copying`, and no server starts on it.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pymysql
from sqlalchemy import BigInteger, Column, Connection, MetaData, String, Table, insert, inspect, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import LargeBinary, TypeDecorator
from sqlalchemy.types import String as AnyText

from devmesh.db import schema
from devmesh.db.bulk import insert_frame
from devmesh.db.engine import Database
from devmesh.db.in_use import refuse_if_in_use
from devmesh.db.pages import Row, key_of, pages
from devmesh.db.types import LONG_TEXT, metadata
from devmesh.errors import ConfigError, Conflict

EMPTY_IT = "Name an empty database: DROP DATABASE devmesh; CREATE DATABASE devmesh; or a SQLite file that is not there."
KEYS = "redaction_keys"

# In the target while a copy is under way, one row a table; `table_name` empty: of which store it is a copy.
progress = Table(
    "copy_progress",
    MetaData(),
    Column("table_name", String(64), primary_key=True),
    Column("copied", BigInteger, nullable=False),
    Column("last_key", LONG_TEXT, nullable=False),
)

TablesOf = Callable[[Connection], Sequence[Table]]
Told = Callable[[str, str, int, int], None]  # what is done (copying, comparing), the table, rows done, rows in all


@dataclass(frozen=True)
class Sum:
    """The rows of a table, and a hash of all that they hold."""

    rows: int
    digest: str


@dataclass(frozen=True)
class Copied:
    """A table that is the same on both sides now."""

    table: str
    rows: int
    now: int  # rows that this call brought; the others a call before it


def copy(
    source: Database,
    target: Database,
    more: TablesOf,
    *,
    prepare: Callable[[], None] = lambda: None,
    told: Told = lambda *_progress: None,
) -> list[Copied]:
    """Copy everything; `more` says which tables the source has beside the declared ones, `prepare` runs once the
    target has its tables.

    Raises Unavailable where a server runs on either, ConfigError and Conflict where the target holds something else,
    Conflict where they differ at the end.
    """
    for db in (source, target):
        refuse_if_in_use(db)
    if schema.version(source) != schema.HEAD:
        raise ConfigError(
            f"The source has schema {schema.version(source)}, {schema.HEAD} is needed.", hint="devmesh db upgrade"
        )
    with source.read() as connection:
        tables = [*metadata.sorted_tables, *more(connection)]
        origin = _origin(connection)
    if _is_whole(target, origin):
        return _finish(target)
    _begin(target, origin)
    prepare()
    brought = {table.name: _copy_table(source, target, table, told) for table in tables}
    refuse_if_in_use(source)
    _compare(source, target, tables, told)
    return _finish(target, brought)


# -- begin and end ------------------------------------------------------------


def _origin(connection: Connection) -> str:
    """What tells stores apart: a hash of the key of their redaction marks, which every one draws by lot."""
    secrets = connection.execute(text(f"SELECT secret FROM {KEYS} ORDER BY name")).scalars()  # noqa: S608
    return hashlib.blake2b(b"".join(map(bytes, secrets)), digest_size=16).hexdigest()


def _begun(target: Database) -> str | None:
    """The origin of the copy that was begun in this target; None where none was."""
    with target.read() as connection:
        if not inspect(connection).has_table(progress.name):
            return None
        return connection.execute(select(progress.c.last_key).where(progress.c.table_name == "")).scalar()


def _is_whole(target: Database, origin: str) -> bool:
    """Whether a call before this one came to its end, but for the last statement."""
    return schema.version(target) == schema.HEAD and _begun(target) == origin


def _begin(target: Database, origin: str) -> None:
    """A schema with nothing in it, or the copy of the same store that was broken off. Raises Conflict, ConfigError."""
    if schema.version(target) == schema.COPYING:
        if _begun(target) != origin:
            raise Conflict("The target holds a part of another store, whose copy was broken off.", hint=EMPTY_IT)
        return
    _refuse_full(target, origin)
    schema.upgrade(target)
    with target.change_schema() as connection:
        progress.drop(connection, checkfirst=True)
        progress.create(connection)
    with target.write() as connection:
        connection.execute(insert(progress).values(table_name="", copied=0, last_key=origin))
        connection.execute(text("UPDATE alembic_version SET version_num = :at"), {"at": schema.COPYING})


def _refuse_full(target: Database, origin: str) -> None:
    """Raise Conflict where any table of ours holds rows, or there is one of another program."""
    with target.read() as connection:
        there = set(inspect(connection).get_table_names())
        full = [
            table.name
            for table in metadata.sorted_tables
            if table.name in there and connection.execute(select(*table.primary_key).limit(1)).first() is not None
        ]
        same = bool(full) and KEYS in there and _origin(connection) == origin
    if same:
        raise Conflict(
            "The target holds a copy of this store already.",
            hint=f"If it was made just now, use it. Else: {EMPTY_IT[0].lower()}{EMPTY_IT[1:]}",
        )
    if full:
        raise Conflict(f"The target holds data already, in {', '.join(full[:5])}.", hint=EMPTY_IT)
    foreign = sorted(there - {*metadata.tables, "alembic_version", progress.name})
    if foreign:
        raise Conflict(f"The target holds other tables: {', '.join(foreign[:5])}.", hint=EMPTY_IT)


def _finish(target: Database, brought: Mapping[str, int] = MappingProxyType({})) -> list[Copied]:
    """From here on it is a store like any other; `brought`: rows of each table that this call copied."""
    with target.read() as connection:
        rows = connection.execute(select(progress).where(progress.c.table_name != "").order_by(progress.c.table_name))
        copied = [Copied(row.table_name, row.copied, brought.get(row.table_name, 0)) for row in rows]
    with target.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :at"), {"at": schema.HEAD})
    with target.change_schema() as connection:
        progress.drop(connection, checkfirst=True)
    return copied


# -- rows ------------------------------------------------------------


def _copy_table(source: Database, target: Database, table: Table, told: Told) -> int:
    """Bring what is not there yet; how many rows that were."""
    total = _count(source, table)
    if table.name not in metadata.tables:
        with target.change_schema() as connection:
            table.create(connection, checkfirst=True)
    mine = progress.c.table_name == table.name
    with target.read() as connection:
        at = connection.execute(select(progress.c.copied, progress.c.last_key).where(mine)).first()
    done, after = (0, None) if at is None else (at.copied, tuple(msgspec.json.decode(at.last_key)))
    before = done
    for rows in pages(source, table, after):
        done += len(rows)
        now = {"copied": done, "last_key": msgspec.json.encode(key_of(table, rows[-1])).decode()}
        with _told_misfits(table):
            target.transact(partial(_store, table=table, rows=rows, now=now))
        told("copying", table.name, done, total)
    return int(done - before)


def _store(connection: Connection, table: Table, rows: Sequence[Row], now: dict[str, Any]) -> None:
    """A page, and that it is there; `now`: the columns of `progress`."""
    _insert(connection, table, rows)
    if connection.execute(update(progress).where(progress.c.table_name == table.name).values(now)).rowcount == 0:
        connection.execute(insert(progress).values(table_name=table.name, **now))


@contextlib.contextmanager
def _told_misfits(table: Table) -> Iterator[None]:
    """A value that the target's column does not take is told by table and column, without the text itself."""
    try:
        yield
    except (DBAPIError, pymysql.err.Error) as error:
        said = re.search(r"column '?(\w+)", str(getattr(error, "orig", error)))
        if said is None or said[1] not in table.columns:
            raise
        key = ", ".join(column.name for column in table.primary_key)
        raise Conflict(
            f"A row of {table.name} does not fit: the target does not take what is in its column '{said[1]}'.",
            hint="Most likely it is too long. Find it in the source: "  # noqa: S608 - names are ours
            f"SELECT {key} FROM {table.name} ORDER BY LENGTH({said[1]}) DESC LIMIT 1; shorten it, type the same again.",
        ) from error


def _insert(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    if any(isinstance(column.type, TypeDecorator) for column in table.columns):  # kept in another form on each store
        names = [column.name for column in table.columns]
        connection.execute(insert(table), [dict(zip(names, row, strict=True)) for row in rows])
        return
    columns = zip(table.columns, zip(*rows, strict=True), strict=True)
    series = [pl.Series(column.name, list(values), _kind(column)) for column, values in columns]
    insert_frame(connection, table, pl.DataFrame(series))


def _kind(column: Column[Any]) -> type[pl.DataType]:
    if isinstance(column.type, LargeBinary):
        return pl.Binary
    return pl.String if isinstance(column.type, AnyText) else pl.Int64


def _count(db: Database, table: Table) -> int:
    """How many rows a table has, for the progress alone: MariaDB's own estimate, whose count would read all of it."""
    if db.dialect == "sqlite":
        return int(db.scalar(f"SELECT COUNT(*) FROM {table.name}"))  # noqa: S608 - names are ours
    about = "SELECT table_rows FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = :name"
    return int(db.scalar(about, name=table.name) or 0)


# -- compared ------------------------------------------------------------


def _compare(source: Database, target: Database, tables: Iterable[Table], told: Told) -> None:
    """Raise Conflict where a table differs; what is in the target by then stays for whoever wants to look."""
    for table in tables:
        sides = [sum_of(db, table, told) for db in (source, target)]
        if sides[0] != sides[1]:
            there, here = (one.rows for one in sides)
            raise Conflict(
                f"The table {table.name} differs: {there:,} rows in the source, {here:,} in the target"
                + (", with other contents." if there == here else "."),
                hint=f"The source was written to since the copy began. {EMPTY_IT} Then copy again.",
            )


def sum_of(db: Database, table: Table, told: Told = lambda *_progress: None) -> Sum:
    """Every value of every row in the order of the key; the same on every kind of store."""
    total, done = _count(db, table), 0
    whole = hashlib.blake2b(digest_size=16)
    encoder = msgspec.msgpack.Encoder(enc_hook=_plain)
    for rows in pages(db, table):
        whole.update(b"".join(map(encoder.encode, rows)))
        done += len(rows)
        told("comparing", table.name, done, total)
    return Sum(done, whole.hexdigest())


def _plain(value: Any) -> bytes:
    """Numbers of a vector as the store that keeps the fewest bits of them has them."""
    if isinstance(value, np.ndarray):
        return value.astype("<f2").tobytes()
    raise NotImplementedError(type(value))
