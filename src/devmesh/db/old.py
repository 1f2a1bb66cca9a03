"""The events of a DevMesh database of the old schema, read and never changed.

Every question is a transaction of its own that is read-only by the server's word; a user who may only SELECT is enough.
What is known of that schema for certain is `log_events` with its `template_id` and `embedding_vector`; how the other
columns are named is looked up and compared with the names that are likely, and what is missing is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError

from devmesh.db import mariadb
from devmesh.errors import ConfigError

TABLE = "log_events"
MORE = "more"  # where a row keeps the columns that are no part of an event
ROWS = 2_000  # a row may hold a vector of 16 KB, and the server reads whole pages of its disk

# What an event is made of, and the columns of the old table that may hold it, likeliest first.
LIKELY: dict[str, tuple[str, ...]] = {
    "id": ("id", "event_id", "log_id", "log_event_id"),
    "message": ("message", "raw_message", "msg", "log_message", "raw", "text", "line", "log", "body", "content"),
    "ts": ("ts_us", "ts", "event_ts", "timestamp_us", "timestamp", "event_time", "log_ts", "time", "logged_at",
           "occurred_at", "received_at", "created_at"),
    "node": ("host", "hostname", "host_name", "node", "node_name", "machine", "source_host", "server"),
    "service": ("service", "service_name", "unit", "systemd_unit", "syslog_identifier", "identifier", "app",
                "application", "program", "process", "container", "container_name", "job"),
    "priority": ("priority", "severity", "level", "log_level", "prio", "syslog_priority"),
    "pid": ("pid", "process_id", "_pid"),
    "fields": ("fields", "metadata", "meta", "extra", "attributes", "labels", "structured", "data", "raw_json", "json"),
}  # fmt: skip
NEEDED = ("id", "message", "ts")
# Where the name itself is in a table of its own.
LOOKUPS = {"node": (("node_id", "nodes"), ("host_id", "hosts")), "service": (("service_id", "services"),)}
# Ours to make anew: patterns are found by this version's rules, vectors by the model of today.
MADE_ANEW = ("template_id", "family_id", "canon", "embedding", "chunk_version", "vector")
WHOLE = {"tinyint", "smallint", "mediumint", "int", "bigint"}
BYTES = {"vector", "blob", "tinyblob", "mediumblob", "longblob", "binary", "varbinary"}


@dataclass(frozen=True)
class Shape:
    """Which column holds what: `columns` part → column, `lookups` part → (column, table of names), `more` columns that
    become fields, `left` those that do not, `types` of all.
    """

    columns: Mapping[str, str]
    lookups: Mapping[str, tuple[str, str]]
    more: Sequence[str]
    left: Sequence[str]
    types: Mapping[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> list[str]:
        """Parts of an event that no column holds."""
        return [part for part in LIKELY if part not in self.columns and part not in self.lookups]


def shape_of(types: Mapping[str, str], tables: Mapping[str, Sequence[str]], told: Mapping[str, str]) -> Shape:
    """The shape of a log_events with columns of these types (by name); `tables`: all tables with their columns; `told`:
    what a person said (part → column).

    Raises ConfigError that names what is missing and what is there.
    """
    by_name = {name.lower(): name for name in types}
    wrong = [f"{part}={column}" for part, column in told.items() if part not in LIKELY or column.lower() not in by_name]
    if wrong:
        raise ConfigError(
            f"{TABLE} has no such column, or an event no such part: {', '.join(wrong)}.",
            hint=f"Parts are {', '.join(LIKELY)}; columns are {', '.join(types)}.",
        )
    columns: dict[str, str] = {}
    for part, names in LIKELY.items():
        for name in (told[part],) if part in told else names:
            if name.lower() in by_name and by_name[name.lower()] not in columns.values():
                columns[part] = by_name[name.lower()]
                break
    lookups = {
        part: (by_name[column], table)
        for part, pairs in LOOKUPS.items()
        for column, table in reversed(pairs)
        if part not in columns and column in by_name and {"id", "name"} <= set(tables.get(table, ()))
    }
    used = {*columns.values(), *(column for column, _table in lookups.values())}
    left = [name for name in types if name not in used and (_is_anew(name) or types[name] in BYTES)]
    shape = Shape(columns, lookups, [name for name in types if name not in used and name not in left], left, types)
    lacking = [part for part in NEEDED if part in shape.missing]
    if lacking:
        raise ConfigError(
            f"No column of {TABLE} is known to hold: {', '.join(lacking)}. It has {', '.join(types)}.",
            hint=" ".join(f"--column {part}=NAME" for part in lacking),
        )
    if types[columns["id"]] not in WHOLE:
        raise ConfigError(
            f"The column {columns['id']} is {types[columns['id']]}, a whole number is needed to go on from.",
            hint="--column id=NAME of one that is, and that has an index",
        )
    return shape


def _is_anew(name: str) -> bool:
    return name.lower().startswith(MADE_ANEW)


class Old:
    """An old database, opened for looking."""

    def __init__(self, url: str, told: Mapping[str, str]) -> None:
        self._engine = mariadb.make_patient_engine(url)
        event.listen(
            self._engine,
            "begin",
            lambda connection: connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"),
        )
        self.database = str(mariadb.as_url(url).database)
        try:
            with self._reading() as connection:
                tables = _tables(connection)
                _refuse_today(tables, self.database)
                self.shape = shape_of(_types(connection), tables, told)
                self._names = {
                    part: dict(map(tuple, connection.exec_driver_sql(f"SELECT id, name FROM `{table}`")))  # noqa: S608
                    for part, (_column, table) in self.shape.lookups.items()
                }
        except DBAPIError as error:
            raise mariadb.translate(error) or error from error

    @property
    def id_column(self) -> str:
        """The column that pages go by."""
        return self.shape.columns["id"]

    def span(self) -> tuple[int, int, int] | None:
        """The lowest and the highest id, and about how many rows; None for an empty table."""
        with self._reading() as connection:
            run = connection.exec_driver_sql
            low, high = run(f"SELECT MIN(`{self.id_column}`), MAX(`{self.id_column}`) FROM {TABLE}").one()  # noqa: S608
            about = run(
                "SELECT table_rows FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = %s",
                (TABLE,),
            ).scalar()
        return None if low is None else (int(low), int(high), int(about or 0))

    def pages(self, first: int, last: int) -> Iterator[list[dict[str, Any]]]:
        """Rows with ids from `first` to `last` in order, by their parts: {"id": 1, "message": …, "more": {…}}."""
        at = first
        while at <= last:
            rows = self._rows(
                f"`{self.id_column}` BETWEEN %s AND %s ORDER BY `{self.id_column}` LIMIT {ROWS}", (at, last)
            )
            if not rows:
                return
            yield rows
            at = int(rows[-1]["id"]) + 1

    def row(self, number: int) -> dict[str, Any] | None:
        """The row of this id."""
        found = self._rows(f"`{self.id_column}` = %s", (number,))
        return found[0] if found else None

    def close(self) -> None:
        """Let go."""
        self._engine.dispose()

    def _rows(self, where: str, values: tuple[int, ...]) -> list[dict[str, Any]]:
        parts = {**self.shape.columns, **{part: column for part, (column, _table) in self.shape.lookups.items()}}
        wanted = ", ".join(f"`{column}`" for column in [*parts.values(), *self.shape.more])
        with self._reading() as connection:
            found = connection.exec_driver_sql(f"SELECT {wanted} FROM {TABLE} WHERE {where}", values)  # noqa: S608
            rows = [
                dict(zip(parts, row, strict=False)) | {MORE: dict(zip(self.shape.more, row[len(parts) :], strict=True))}
                for row in found
            ]
        for part, known in self._names.items():
            for row in rows:
                row[part] = known.get(row[part])
        return rows

    def _reading(self) -> Any:
        return self._engine.begin()


def _types(connection: Connection) -> dict[str, str]:
    found = connection.exec_driver_sql(
        "SELECT column_name, LOWER(data_type) FROM information_schema.columns"
        " WHERE table_schema = DATABASE() AND table_name = %s ORDER BY ordinal_position",
        (TABLE,),
    )
    types = dict(map(tuple, found))
    if not types:
        raise ConfigError(f"The database has no table {TABLE}.", hint="Is it the old DevMesh's?")
    return types


def _refuse_today(tables: Mapping[str, Sequence[str]], database: str) -> None:
    """A database of today's schema has a log_events as well, and would come in under other numbers."""
    if {"stream_ranges", "id_blocks"} <= tables.keys():
        raise ConfigError(
            f"The database {database} has today's schema.", hint="devmesh db copy --from URL --to URL moves it whole."
        )


def _tables(connection: Connection) -> dict[str, list[str]]:
    found = connection.exec_driver_sql(
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE()"
    )
    tables: dict[str, list[str]] = {}
    for table, column in found:
        tables.setdefault(table, []).append(column)
    return tables
