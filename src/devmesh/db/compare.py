"""The schema as it is beside the schema as it is declared: what is missing, what is there besides, what differs.

Alembic's comparison (the one that writes migrations) finds the differences; here each gets its words and, where one
statement mends it, that statement. Comments are people's own. What the plan of shards.py changed is no difference.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ClauseElement, Column, Connection, Dialect, MetaData, Table, inspect
from sqlalchemy.exc import SAWarning
from sqlalchemy.schema import CreateColumn, CreateIndex, CreateTable, DropIndex

from devmesh.db import shards
from devmesh.db.types import metadata

ANEW = "Copy the store into a new one, which has it as declared: devmesh db copy --from … --to …"
LOST = "What it held is lost: restore a backup. Or copy what is left into a new store: devmesh db copy"
FOREIGN = "It is none of DevMesh's. If nothing else needs it: "


@dataclass(frozen=True)
class Difference:
    """One: what it is about (table, column, index, key), what is found, what is wanted, what to type."""

    aspect: str
    name: str
    found: str
    wanted: str
    hint: str


def differences(connection: Connection, more: Sequence[Table] = ()) -> list[Difference]:
    """Between the store and the declared tables with `more` beside them; empty where they are the same."""
    declared = MetaData(naming_convention=metadata.naming_convention)
    for table in (*metadata.sorted_tables, *more):
        table.to_metadata(declared)
    with warnings.catch_warnings():
        # An index over vectors, which SQLAlchemy does not know and leaves out; people make and drop it as they like.
        warnings.filterwarnings("ignore", "Unknown schema content: '  VECTOR KEY", SAWarning)
        linked = shards.linked(connection)
        own = [table for table in declared.sorted_tables if table.name not in linked]
        return [*_by_alembic(connection, declared, linked), *_keys(connection, own)]


def _by_alembic(connection: Connection, declared: MetaData, linked: frozenset[str]) -> Iterator[Difference]:
    logging.getLogger("alembic").setLevel(logging.WARNING)
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    context = MigrationContext.configure(connection, opts={"compare_type": True})
    for one in _flat(compare_metadata(context, declared)):
        if not (one[0].endswith("comment") or _is_planned(one, linked)):
            yield from _told(one, connection.dialect, declared)


def _is_planned(one: Any, linked: frozenset[str]) -> bool:
    """Whether the plan of shards.py made it so: of a table whose rows are elsewhere, or of a key to such a one."""
    kind, thing = one[0], one[-1]
    if isinstance(thing, Table):
        return thing.name in linked
    table = thing.table.name if kind.endswith(("index", "_fk", "constraint")) else one[2]
    if kind == "remove_column" and (table, thing.name) == shards.HOME:
        return bool(linked)
    return table in linked or (kind.endswith("_fk") and thing.referred_table.name in linked)


def _flat(found: Iterable[Any]) -> Iterator[Any]:
    for one in found:
        yield from one if isinstance(one, list) else [one]


def _told(one: Any, dialect: Dialect, declared: MetaData) -> Iterator[Difference]:
    kind, thing = one[0], one[-1]
    aspect = kind.split("_")[1]
    if aspect == "table":
        yield _table(kind, thing, dialect)
    elif kind in {"add_column", "remove_column"}:
        yield _column(kind, one[2], thing)
    elif kind.startswith("modify_"):
        yield _modified(one, dialect, declared)
    elif aspect == "index":
        yield _index(kind, thing, dialect)
    else:  # foreign and unique keys; SQLite cannot change those of a table
        columns = ", ".join(column.name for column in thing.columns)
        there, not_there = f"a key on {columns}", "none"
        add = kind.startswith("add_")
        yield Difference(
            "key", f"{thing.table.name}", *((not_there, there) if add else (there, not_there)), ANEW
        )  # fmt: skip


def _table(kind: str, table: Table, dialect: Dialect) -> Difference:
    if kind == "add_table":
        return Difference(
            "table", table.name, "missing", "there", f"{LOST}. Empty: {_sql(CreateTable(table), dialect)}"
        )
    return Difference("table", table.name, "there", "no such table", f"{FOREIGN}DROP TABLE {table.name}")


def _column(kind: str, table: str, column: Column[Any]) -> Difference:
    name = f"{table}.{column.name}"
    if kind == "add_column":
        return Difference("column", name, "missing", "there", LOST)
    return Difference(
        "column", name, "there", "no such column", f"{FOREIGN}ALTER TABLE {table} DROP COLUMN {column.name}"
    )


def _modified(one: Any, dialect: Dialect, declared: MetaData) -> Difference:
    kind, _schema, table, column, _more, found, wanted = one
    if kind == "modify_nullable":
        found, wanted = ("may be null" if null else "never null" for null in (found, wanted))
    elif kind == "modify_type":
        found, wanted = (one.compile(dialect=dialect) for one in (found, wanted))
    hint = ANEW
    if dialect.name != "sqlite":
        spec = _sql(CreateColumn(declared.tables[table].c[column]), dialect)
        hint = f"ALTER TABLE {table} MODIFY COLUMN {spec}"
    return Difference("column", f"{table}.{column}", str(found), str(wanted), hint)


def _index(kind: str, index: Any, dialect: Dialect) -> Difference:
    columns = ", ".join(column.name for column in index.columns)
    named, over = f"{index.name} of {index.table.name}", f"{'unique ' if index.unique else ''}over {columns}"
    if kind == "add_index":
        return Difference("index", named, "missing", over, _sql(CreateIndex(index), dialect))
    return Difference("index", named, over, "no such index", f"{FOREIGN}{_sql(DropIndex(index), dialect)}")


def _keys(connection: Connection, tables: Iterable[Table]) -> Iterator[Difference]:
    """Primary keys, which Alembic does not compare."""
    looked = inspect(connection)
    there = set(looked.get_table_names())
    for table in tables:
        if table.name not in there:
            continue
        found = looked.get_pk_constraint(table.name)["constrained_columns"]
        wanted = [column.name for column in table.primary_key]
        if found != wanted:
            yield Difference("key", table.name, ", ".join(found) or "no primary key", ", ".join(wanted), ANEW)


def _sql(element: ClauseElement, dialect: Dialect) -> str:
    return " ".join(str(element.compile(dialect=dialect)).split())
