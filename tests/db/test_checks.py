"""`db check`: each property is broken for real, and named with what is found, what is wanted and what to type."""

from __future__ import annotations

import sqlite3

import pytest

from bodies import NOW_US, line, take
from devmesh.db import checks_mariadb, open_database, schema, sqlite
from devmesh.db.checks import WRONG, check
from devmesh.embeddings.stored import tables_of
from mariadb_server import private_server, said_to

DAY_US = 86_400_000_000


def wrong(db, now_us=NOW_US):
    """What is wrong with a store, by name."""
    return {one.name: one for one in check(db, now_us, tables_of) if one.state == WRONG and one.name != "clock"}


def spoil(db):
    """Let no other test have this database: its schema was changed."""
    if db.dialect != "sqlite":
        with db.change_schema() as connection:
            connection.exec_driver_sql("CREATE TABLE spoilt (id INT)")


@pytest.fixture
def mesh(make_mesh):
    """A house whose schema may be changed."""
    made = make_mesh()
    yield made
    spoil(made.db)


def change(mesh, *statements):
    """Do this to the store, past every room."""
    with mesh.db.change_schema() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_a_fresh_store_is_well(make_mesh):
    """Every row is ok, with vectors of a model in it as well and an index over them, after the server made its
    partitions.
    """
    mesh = make_mesh(embedding_provider="local")
    take(mesh, line("disk is dying", service="svc"))
    for name in ("assign-families", "embed-families", "expire-events"):
        mesh.runner.once(name)
    with mesh.db.read() as connection:
        assert len(tables_of(connection)) == 1
    if mesh.db.dialect != "sqlite":
        change(mesh, "ALTER TABLE family_vectors_1 ADD VECTOR INDEX by_cosine (`vector`) DISTANCE=cosine")
    found = list(check(mesh.db, mesh.clock.now_us(), tables_of))
    assert wrong(mesh.db) == {}
    assert len(found) >= 9


BROKEN = {
    "DROP INDEX ix_log_templates_key{on}": ("index ix_log_templates_key of log_templates", "CREATE UNIQUE INDEX ix_lo"),
    "CREATE INDEX ix_mine ON tokens (kind)": ("index ix_mine of tokens", "DROP INDEX ix_mine"),
    "ALTER TABLE heartbeats DROP COLUMN sources": ("column heartbeats.sources", "restore a backup"),
    "ALTER TABLE gaps ADD COLUMN colour INTEGER": ("column gaps.colour", "DROP COLUMN colour"),
    "DROP TABLE template_values": ("table template_values", "CREATE TABLE template_values"),
    "CREATE TABLE mine (id INTEGER)": ("table mine", "DROP TABLE mine"),
}


def test_what_differs_from_the_declared_schema_is_named(mesh):
    """A missing or foreign index, column or table: each by its name, with the statement or the way that mends it, and
    nothing else is.
    """
    on = "" if mesh.db.dialect == "sqlite" else " ON log_templates"
    change(mesh, *(statement.format(on=on) for statement in BROKEN))
    found = wrong(mesh.db)
    assert found.keys() == {name for name, _cure in BROKEN.values()}
    for name, cure in BROKEN.values():
        assert cure in found[name].hint
        assert found[name].found != found[name].wanted
    change(mesh, *(found[name].hint.split("it: ")[-1].split("one: ")[-1] for name in found if "gaps" in name))
    change(mesh, *(found[name].hint.split("it: ")[-1] for name in found if name.startswith("index")))
    assert len(wrong(mesh.db)) == len(BROKEN) - 3, "what to type helps"


def test_a_table_with_other_keys_and_types_is_named(mesh):
    """Types that hold less, null where it must not be, no primary key: one row each. The version's, too."""
    change(
        mesh,
        "DROP TABLE followers",
        "CREATE TABLE followers (name VARCHAR(20) NOT NULL, created_us BIGINT, seen BLOB NOT NULL)",
        "UPDATE alembic_version SET version_num = '0000'",
    )
    found = wrong(mesh.db)
    columns = {f"column followers.{name}" for name in ("name", "created_us", "seen")}
    assert found.keys() == {*columns, "key followers", "schema version"}
    assert "VARCHAR(20)" in found["column followers.name"].found
    assert "VARCHAR(64)" in found["column followers.name"].wanted
    assert found["column followers.created_us"].wanted == "never null"
    assert found["key followers"].wanted == "name"
    assert found["schema version"].hint == "devmesh db upgrade"


@pytest.mark.parametrize(("at", "advice"), [("9999", "Upgrade DevMesh"), ("copying", "devmesh db copy")])
def test_a_schema_that_an_upgrade_cannot_mend_is_told_so(mesh, at, advice):
    """Of a newer version, or half a copy: `devmesh db upgrade` would only refuse."""
    change(mesh, f"UPDATE alembic_version SET version_num = '{at}'")  # noqa: S608 - ours
    assert advice in wrong(mesh.db)["schema version"].hint


@pytest.mark.mariadb_only
def test_comments_are_peoples_own(mesh):
    """A note on a table or a column is no difference; it was once a table to be dropped."""
    change(mesh, "ALTER TABLE nodes COMMENT='ours', MODIFY name VARCHAR(255) NOT NULL COMMENT 'who'")
    assert not wrong(mesh.db)


def test_rows_that_point_at_nothing_are_counted(mesh):
    """Foreign facts: a stream's range without its stream."""
    off = "PRAGMA foreign_keys=OFF" if mesh.db.dialect == "sqlite" else "SET SESSION foreign_key_checks=0"
    change(mesh, off, "INSERT INTO stream_ranges VALUES (77, 1, 2)")
    assert "1 rows of stream_ranges.stream_id → streams" in wrong(mesh.db)["foreign keys"].found


# -- SQLite ------------------------------------------------------------


@pytest.mark.sqlite_only
def test_another_journal_mode_is_named(mesh):
    """Before our own connections would set it right in silence."""
    path = sqlite.path_of(mesh.db.url)
    mesh.close()
    other = sqlite3.connect(path)
    assert other.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
    other.close()
    db = open_database(f"sqlite:///{path}")
    found = wrong(db)
    db.close()
    assert list(found) == ["journal mode"]
    assert (found["journal mode"].found, found["journal mode"].wanted) == ("delete", "wal")
    other = sqlite3.connect(path)
    assert other.execute("PRAGMA journal_mode").fetchone() == ("delete",), "a look changes nothing"
    other.close()


@pytest.mark.sqlite_only
def test_commits_that_are_not_flushed_are_named(mesh, monkeypatch):
    """synchronous=NORMAL loses acknowledged rows in a power cut."""
    setup = sqlite.setup_writer

    def careless(connection, record):
        setup(connection, record)
        connection.execute("PRAGMA synchronous=NORMAL")

    url = mesh.db.url
    mesh.close()
    monkeypatch.setattr(sqlite, "setup_writer", careless)
    db = open_database(url)
    assert wrong(db)["synchronous"].found == "NORMAL"
    db.close()


@pytest.mark.sqlite_only
def test_a_damaged_file_is_named(mesh):
    """Bytes that rotted in the middle of a table: found, said, and no traceback."""
    for number in range(40):
        take(mesh, line(f"{number} " + "x" * 20_000))
    path = sqlite.path_of(mesh.db.url)
    mesh.db.checkpoint()
    mesh.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size - 5 * sqlite.PAGE_BYTES)
        file.write(b"\xa5" * 3 * sqlite.PAGE_BYTES)
    db = open_database(f"sqlite:///{path}")
    found = wrong(db)
    db.close()
    assert found.keys() & {"integrity", "store"}
    assert any("backup" in one.hint or "disk" in one.hint for one in found.values())


@pytest.mark.sqlite_only
def test_a_file_that_others_may_read_is_named(mesh):
    """It holds everybody's logs."""
    sqlite.path_of(mesh.db.url).chmod(0o644)
    assert wrong(mesh.db)["file mode"].found == "0644"


# -- MariaDB ------------------------------------------------------------


@pytest.fixture
def db(mariadb):
    """A store on the run's server."""
    url = mariadb.take()
    opened = open_database(url)
    yield opened
    spoil(opened)
    opened.close()
    mariadb.give_back(url)


def test_another_collation_is_named(db):
    """Of the database, of a table, of one column; each with the statement that mends it, and it does."""
    name = db.scalar("SELECT DATABASE()")
    with db.change_schema() as connection:
        run = connection.exec_driver_sql
        run(f"ALTER DATABASE `{name}` COLLATE utf8mb4_general_ci")
        run("ALTER TABLE nodes CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
        run("ALTER TABLE tokens MODIFY node VARCHAR(255) COLLATE utf8mb4_bin")
    found = wrong(db)
    assert found.keys() == {"collation of the database", "collation of nodes", "collation of tokens"}
    assert "utf8mb4_general_ci" in found["collation of nodes"].found
    assert found["collation of tokens"].found == "node: utf8mb4_bin"
    with db.change_schema() as connection:
        for one in found.values():
            connection.exec_driver_sql(one.hint.removeprefix("Stop the server, then: "))
    assert wrong(db) == {}


def test_days_that_are_not_made_ahead_are_named(mariadb, tmp_path, clock):
    """A day after the last partition; none behind the last; and none at all are told apart."""
    from devmesh.mesh import open_mesh
    from devmesh.settings import load_settings

    url = mariadb.take()
    mesh = open_mesh(
        load_settings(data_dir=tmp_path, database_url=url, embedding_provider="off", disk_reserve_mb=1), clock=clock
    )
    assert wrong(mesh.db) == {}, "a store that no server has opened yet is well"
    mesh.runner.once("expire-events")
    assert wrong(mesh.db, NOW_US + 2 * DAY_US) == {}
    late = wrong(mesh.db, NOW_US + 4 * DAY_US)["partitions"]
    assert late.hint == "devmesh loops run expire-events"
    change(mesh, "ALTER TABLE log_events DROP PARTITION rest")
    assert "MAXVALUE" in wrong(mesh.db)["partitions"].wanted
    spoil(mesh.db)
    mesh.close()
    mariadb.give_back(url)


def test_a_table_of_another_engine_is_named(db):
    """One that forgets in a crash."""
    with db.change_schema() as connection:
        connection.exec_driver_sql("ALTER TABLE followers ENGINE=MyISAM")
    assert wrong(db)["engine of followers"].hint == "ALTER TABLE `followers` ENGINE=InnoDB"


def test_a_session_of_another_zone_is_named(db):
    """And a clock that is apart from this machine's."""
    with db.read() as connection:
        connection.exec_driver_sql("SET SESSION time_zone='+02:00'")
        found = {one.name: one for one in checks_mariadb.findings(connection, NOW_US) if one.state == WRONG}
        connection.exec_driver_sql("SET SESSION time_zone='+00:00'")
    assert found["time zone of sessions"].found == "+02:00"
    assert "5 s" in found["clock"].wanted


def test_settings_of_a_server_are_named(mariadb):
    """A server that does not flush, forbids LOAD DATA LOCAL and takes small packets: three rows, with the line for its
    configuration.
    """
    server = private_server("--innodb-flush-log-at-trx-commit=2", "--local-infile=0", "--max-allowed-packet=1M")
    try:
        server.create()
        server.start()
        said_to(server, "CREATE DATABASE devmesh")
        db = open_database(server.url.replace("/?", "/devmesh?"), allow_unsafe=True)
        schema.upgrade(db)
        found = wrong(db)
        db.close()
    finally:
        server.stop()
    assert found.keys() == {"flush at commit", "local_infile", "max_allowed_packet"}
    assert all("[mariadbd]" in one.hint for one in found.values())
