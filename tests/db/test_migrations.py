"""Migrations: from nothing and from each earlier version with rows in it, on both stores, to the declared schema."""

from __future__ import annotations

import contextlib
import datetime as dt
import shutil

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Boolean, Engine, Integer, LargeBinary, MetaData, event, func, inspect, select

import devmesh.mesh  # noqa: F401 - brings every room's tables into the metadata
from devmesh.db import metadata, open_database, schema
from devmesh.db.compare import differences

NEWEST = schema.HEAD
NEXT_VERSION = f"{int(NEWEST) + 1:04d}"
NEXT = f"""
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "{NEXT_VERSION}", "{NEWEST}", None, None


def upgrade():
    with op.batch_alter_table("nodes") as batch:
        batch.add_column(sa.Column("colour", sa.String(16), nullable=False, server_default="red"))
        batch.create_index("ix_nodes_colour", ["colour"])
"""


def script(folder=None):
    """Alembic's view of a folder of migrations."""
    config = Config()
    config.set_main_option("script_location", str(folder or schema.FOLDER))
    return config


EARLIER = [None, *(one.revision for one in ScriptDirectory.from_config(script()).walk_revisions())]


@pytest.fixture
def db(store, tmp_path, mariadb):
    """A store with nothing in it at all."""
    url = mariadb.empty() if store == "mariadb" else f"sqlite:///{tmp_path / 'devmesh.db'}"
    opened = open_database(url)
    yield opened
    if store == "mariadb":
        with opened.change_schema() as connection:
            connection.exec_driver_sql(f"DROP DATABASE `{opened.scalar('SELECT DATABASE()')}`")
    opened.close()


def bring_to(db, version):
    """The schema of an earlier version, as its release made it."""
    if version is None:
        return
    with db.change_schema() as connection:
        if db.dialect != "sqlite":
            from devmesh.db.mariadb import prepare_schema

            prepare_schema(connection)
        config = script()
        config.attributes["connection"] = connection
        command.upgrade(config, version)


def fill(db):
    """Two rows in every table there is, of whatever columns it has; how many rows each table has."""
    there = MetaData()
    with db.read() as connection:
        there.reflect(connection)
    with db.write() as connection:
        for table in there.sorted_tables:
            if table.name != "alembic_version":
                for number in (1, 2):
                    connection.execute(table.insert().values(_row(table, number)))
    return counts(db, [table for table in there.sorted_tables if table.name != "alembic_version"])


def _row(table, number):
    return {column.name: _value(column, number) for column in table.columns}


def _value(column, number):
    if isinstance(column.type, LargeBinary) or column.type.python_type is bytes:
        return bytes([number]) * (column.type.length or 8)
    if isinstance(column.type, Boolean):
        return True
    if column.type.python_type is float:
        return number / 2
    if isinstance(column.type, Integer) or column.type.python_type is int:
        return number
    if column.type.python_type in (dt.date, dt.datetime):
        return dt.datetime.fromisoformat("2026-01-20")
    return f"{number} \U0001f600"


def counts(db, tables):
    """Rows by table."""
    with db.read() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one() for table in tables
        }


def assert_as_declared(db):
    """Alembic finds nothing to do, and neither does our own comparison, which looks at primary keys as well."""
    with db.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []
        assert differences(connection) == []


@pytest.mark.parametrize("version", EARLIER)
def test_every_earlier_version_comes_to_the_declared_schema(db, version):
    """With rows in every table, which are all still there; from nothing as well. A second time nothing happens."""
    bring_to(db, version)
    before = fill(db) if version else {}
    assert not version or min(before.values()) == 2
    schema.upgrade(db)
    assert schema.version(db) == schema.HEAD
    assert_as_declared(db)
    kept = [table for table in metadata.sorted_tables if table.name in before]
    assert counts(db, kept) == {table.name: before[table.name] for table in kept}
    schema.upgrade(db)


def test_head_is_the_newest_migration():
    """What `schema.HEAD` says is what Alembic would go to."""
    assert ScriptDirectory.from_config(script()).get_current_head() == schema.HEAD


@pytest.fixture
def with_next(tmp_path, monkeypatch):
    """One more migration than there is."""
    folder = tmp_path / "migrations"
    shutil.copytree(schema.FOLDER, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "versions" / f"{NEXT_VERSION}_next.py").write_text(NEXT)
    monkeypatch.setattr(schema, "FOLDER", folder)
    monkeypatch.setattr(schema, "HEAD", NEXT_VERSION)


def test_a_store_with_rows_takes_the_next_migration(db, with_next):
    """The way that every release after the first will go: a column and an index more, every row kept."""
    bring_to(db, NEWEST)
    before = fill(db)
    schema.upgrade(db)
    assert schema.version(db) == NEXT_VERSION
    with db.read() as connection:
        assert connection.exec_driver_sql("SELECT colour FROM nodes").scalars().all() == ["red", "red"]
        assert "ix_nodes_colour" in {index["name"] for index in inspect(connection).get_indexes("nodes")}
    assert counts(db, metadata.sorted_tables) == before


@pytest.mark.sqlite_only
@pytest.mark.parametrize("version", EARLIER)
def test_a_migration_that_is_broken_off_leaves_the_store_as_it_was(db, with_next, monkeypatch, version):
    """On SQLite all of it is one transaction: the next start finds what was there, and finishes."""
    bring_to(db, version)
    before = fill(db) if version else {}
    upgrade = command.upgrade

    def broken_off(*arguments):
        upgrade(*arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(command, "upgrade", broken_off)
        with contextlib.suppress(KeyboardInterrupt):
            schema.upgrade(db)
    assert schema.version(db) == version
    with db.read() as connection:
        assert bool(inspect(connection).get_table_names()) == bool(version)
    schema.upgrade(db)
    assert schema.version(db) == NEXT_VERSION
    assert counts(db, [table for table in metadata.sorted_tables if table.name in before]) == before


@pytest.mark.mariadb_only
@pytest.mark.parametrize("after", [2, 20])
def test_an_upgrade_that_is_broken_off_goes_on_where_nothing_is_rolled_back(db, after):
    """On MariaDB each change of the schema stands at once: the next start takes those that are there for done."""
    earlier = EARLIER[-1]
    bring_to(db, earlier)
    before, done = fill(db), []

    def broken_off(_connection, _cursor, statement, *_more):
        if statement.lstrip().startswith(("CREATE", "ALTER")):
            if len(done) == after:
                raise KeyboardInterrupt
            done.append(statement)

    event.listen(Engine, "before_cursor_execute", broken_off)
    try:
        with contextlib.suppress(KeyboardInterrupt):
            schema.upgrade(db)
    finally:
        event.remove(Engine, "before_cursor_execute", broken_off)
    assert (len(done), schema.version(db)) == (after, earlier)
    schema.upgrade(db)
    assert schema.version(db) == schema.HEAD
    assert_as_declared(db)
    assert counts(db, [table for table in metadata.sorted_tables if table.name in before]) == before
