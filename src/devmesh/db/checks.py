"""`devmesh db check`: is the store as it must be? Looks only, and changes nothing.

Each `Finding` says what is found, what is wanted and what to type. A check that fails itself is a finding, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Table, inspect, text

from devmesh.db import schema, shards
from devmesh.db.compare import differences
from devmesh.db.engine import Database
from devmesh.db.types import metadata
from devmesh.errors import ConfigError, DevMeshError

OK, WRONG = "ok", "wrong"
MOST_NAMED = 5  # rows of damage that one finding names


@dataclass(frozen=True)
class Finding:
    """One property of the store: ok, or wrong with what is found, what is wanted and what to type."""

    name: str
    state: str
    found: str
    wanted: str = ""
    hint: str = ""


def finding(name: str, found: object, wanted: object, hint: str) -> Finding:
    """Ok where found is what is wanted."""
    if found == wanted:
        return Finding(name, OK, str(found))
    return Finding(name, WRONG, str(found), str(wanted), hint)


def check(db: Database, now_us: int, more: Callable[[Connection], Sequence[Table]]) -> Iterator[Finding]:
    """Everything that is looked at, in order. `more`: what tables this store has beside the declared ones (vectors).

    Raises ConfigError for a store that has no schema of ours yet.
    """
    at = schema.version(db)
    if at is None:
        raise ConfigError("The store is empty: it has no schema yet.", hint="devmesh db upgrade")
    yield finding("schema version", at, schema.HEAD, schema.advice(at))
    for name, looked in (("schema", _schema(db, more)), ("store", _of_its_kind(db, now_us))):
        try:
            yield from looked
        except DevMeshError as error:  # damage may end any question, and people want to see the others' answers
            yield Finding(name, WRONG, error.message, "an answer", error.hint)


def _schema(db: Database, more: Callable[[Connection], Sequence[Table]]) -> Iterator[Finding]:
    with db.read() as connection:
        yield from schema_findings(connection, more(connection))


def _of_its_kind(db: Database, now_us: int) -> Iterator[Finding]:
    if db.dialect == "sqlite":
        from devmesh.db import checks_sqlite

        yield from checks_sqlite.findings(db)
        return
    from devmesh.db import checks_mariadb

    with db.read() as connection:
        yield from checks_mariadb.findings(connection, now_us)


def schema_findings(connection: Connection, more: Sequence[Table]) -> Iterator[Finding]:
    """Tables, columns, indexes and keys beside the declared ones: a row for each difference, else one for all."""
    wrong, linked = differences(connection, more), shards.linked(connection)
    tables = [table for table in (*metadata.sorted_tables, *more) if table.name not in linked]
    counts = {
        "table": len(tables),
        "column": sum(len(table.columns) for table in tables),
        "index": sum(len(table.indexes) for table in tables),
        "key": len(tables),
    }
    for aspect, count in counts.items():
        here = [one for one in wrong if one.aspect == aspect]
        if not here:
            yield Finding({"index": "indexes"}.get(aspect, f"{aspect}s"), OK, f"all {count} as declared")
        for one in here:
            yield Finding(f"{aspect} {one.name}", WRONG, one.found, one.wanted, one.hint)
    if linked:
        yield Finding("tables on other servers", OK, ", ".join(sorted(linked)))


def orphans(connection: Connection) -> dict[str, int]:
    """Foreign facts: rows that point at rows which are not there, counted by "table.column → table"."""
    found = {}
    there = set(inspect(connection).get_table_names())
    linked = shards.linked(connection)  # whose rows are looked at where they are
    for table in metadata.sorted_tables:
        for key in table.foreign_keys:
            parent, column = key.column.table, key.parent
            if not {table.name, parent.name} <= there or table.name in linked:
                continue
            lost = connection.execute(
                text(
                    f"SELECT COUNT(*) FROM {table.name} AS child LEFT JOIN {parent.name} AS parent"  # noqa: S608 - ours
                    f" ON parent.{key.column.name} = child.{column.name}"
                    f" WHERE child.{column.name} IS NOT NULL AND parent.{key.column.name} IS NULL"
                )
            ).scalar_one()
            if lost:
                found[f"{table.name}.{column.name} → {parent.name}"] = int(lost)
    return found


def orphan_finding(connection: Connection) -> Finding:
    """`orphans` as a finding."""
    lost = orphans(connection)
    if not lost:
        return Finding("foreign keys", OK, "every row points at one that is there")
    said = ", ".join(f"{count:,} rows of {name}" for name, count in lost.items())
    return Finding("foreign keys", WRONG, f"{said} point at nothing", "none", RESTORE)


RESTORE = "Stop the server, keep a copy, then restore a backup."


def joined(names: Iterable[str]) -> str:
    """The first few of `names`, and how many more."""
    known = list(names)
    more = f" and {len(known) - MOST_NAMED} more" if len(known) > MOST_NAMED else ""
    return ", ".join(known[:MOST_NAMED]) + more
