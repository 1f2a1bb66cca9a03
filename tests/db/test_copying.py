"""`db copy`: everything of a store is in the other one, whatever kind they are, wherever it was broken off."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time

import pytest
from sqlalchemy import create_engine, inspect, make_url, text
from sqlalchemy.exc import DBAPIError

from bodies import DAY_US, NOW_US, assert_counts, line, messages, numbered, rows, run_whole, take
from devmesh.clock import FakeClock
from devmesh.db import copying, metadata, open_database, pages, schema
from devmesh.db.checks import check
from devmesh.db.copying import copy, progress
from devmesh.embeddings.stored import tables_of
from devmesh.errors import ConfigError, Conflict, Unavailable
from devmesh.events import partitions
from devmesh.mesh import open_mesh
from devmesh.nodes import Gap, Heartbeat, StreamKey
from devmesh.settings import load_settings

ODD = ["a\0b\0", "\U0001f600\u202e", "tab\tand\nline\r\n", "\\N", "NULL", '"', "ssh", "SSH", "ssh ", "", "é", "e\u0301"]


@pytest.fixture
def places(store, tmp_path, mariadb):
    """Two URLs: a store of the kind `store` to fill and read, and an empty place of the other kind."""
    url = mariadb.take() if store == "mariadb" else mariadb.empty()
    file = f"sqlite:///{tmp_path / 'other' / 'devmesh.db'}"
    yield (url, file) if store == "mariadb" else (file, url)
    mariadb.give_back(url)


def house(url, folder, clock, **more):
    """A house over this store, taking events in."""
    told = {"database_url": url, "data_dir": folder, "embedding_provider": "local", "disk_reserve_mb": 1}
    mesh = open_mesh(load_settings(**{**told, **more}), clock=clock)
    mesh.intake.start()
    return mesh


def fill(mesh):
    """Something in every table: hostile text, streams with holes, gaps, tokens, vectors, minutes, folded days."""
    for number, odd in enumerate(ODD):
        take(
            mesh,
            line(odd + " disk is dying", service=f"svc {number} {odd!r}", fields={"x": odd}, ts_us=NOW_US + number),
        )
    take(mesh, numbered(1, 150), stream="s", ranges=((1, 150),), marks=((150, "x150"),))
    take(mesh, numbered(500, 540), node="n2", stream="s", ranges=((500, 540),), idempotency_key="k")
    take(mesh, line("keyed"), idempotency_key="key\t1")
    take(mesh, numbered(1, 50, at_us=NOW_US - 70 * DAY_US), node="old", stream="o", ranges=((1, 50),))
    mesh.accounts.create_token("node", "n1")
    gap = Gap(StreamKey("s", 0), 151, 160, exact=True, reason="vacuumed")
    mesh.nodes.heartbeat("n1", Heartbeat(agent="1", gaps=(gap,)))
    for loop in ("template-totals", "template-samples", "assign-families", "embed-families", "fold-days"):
        run_whole(mesh, loop)


@contextlib.contextmanager
def opened(url):
    """The store at `url`, and closed again."""
    db = open_database(url)
    try:
        yield db
    finally:
        db.close()


def change(url, *statements):
    """Do this to a store, past every room."""
    with opened(url) as db, db.change_schema() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
        connection.commit()


def moved(source_url, target_url):
    """Copy as the command does."""
    with opened(source_url) as source, opened(target_url) as target:
        return copy(source, target, tables_of, prepare=lambda: partitions.prepare(target, source, NOW_US))


def everything(url):
    """Every table of ours with all its rows as plain values, past our own reading."""
    db = open_database(url)
    with db.read() as connection:
        names = set(inspect(connection).get_table_names())
        found = {
            name: sorted(
                tuple(bytes(value) if isinstance(value, bytes | bytearray) else value for value in row)
                for row in connection.execute(text(f"SELECT * FROM {name}"))  # noqa: S608
            )
            for name in names - {"family_vectors_1"}
        }
        if "family_vectors_1" in names:
            table = next(iter(tables_of(connection)))
            found["vectors"] = [
                (row.family_id, bytes(row.text_hash), row.vector.astype("<f2").tobytes())
                for row in connection.execute(table.select().order_by(table.c.family_id))
            ]
    db.close()
    return found


def test_a_store_moves_and_goes_on(places, tmp_path, clock):
    """Every value of every table is the same, text and blobs byte by byte; then the new store takes events in, with
    ids, writers and streams that go on where the old ones ended.
    """
    source_url, target_url = places
    old = house(source_url, tmp_path / "one", clock)
    fill(old)
    before = messages(old)
    old.close()
    copied = moved(source_url, target_url)
    truth, there = everything(source_url), everything(target_url)
    assert there == truth
    filled = {name for name, found in truth.items() if found}
    assert filled >= {"log_events", "day_counts", "minute_counts", "gaps", "tokens", "vectors", "template_values"}
    assert sum(one.rows for one in copied) == sum(map(len, truth.values())) - 1  # alembic_version is no table of ours

    new = house(target_url, tmp_path / "two", clock)
    assert messages(new) == before
    assert take(new, numbered(140, 160), stream="s", ranges=((140, 160),)).stored == 0, "and the gap is covered"
    assert take(new, numbered(161, 170), stream="s", ranges=((161, 170),)).stored == 10
    assert take(new, line("keyed"), idempotency_key="key\t1").repeated == 1
    assert rows(new, "SELECT COUNT(*) - COUNT(DISTINCT id) FROM log_events") == [(0,)]
    assert rows(new, "SELECT COUNT(*) FROM minute_counts WHERE writer_id = 1 AND last_id > 1000000") == [(0,)]
    assert_counts(new)
    run_whole(new, "template-totals")
    run_whole(new, "expire-events")
    assert new.search.templates("disk is dying", 5).hits
    new.close()


@pytest.mark.sqlite_only
def test_days_have_their_partitions_before_they_are_loaded(places, tmp_path, clock, monkeypatch):
    """From SQLite to MariaDB, so that expiry drops them, and nothing is split under a lock later; at most so many."""
    monkeypatch.setattr(partitions, "MOST_AT_ONCE", 10)
    source_url, target_url = places
    old = house(source_url, tmp_path / "one", clock, embedding_provider="off")
    for days in (0, 1, 5, 900):
        take(old, line("x", ts_us=NOW_US - days * DAY_US))
    old.close()
    moved(source_url, target_url)
    with opened(target_url) as db:
        found = {one.name: one for one in check(db, NOW_US, tables_of)}
    assert found["partitions"].found == "14, 3 days ahead", "and those that a server would make, before it ran"
    new = house(target_url, tmp_path / "two", clock, embedding_provider="off", retention_days=3)
    parts = "SELECT partition_name, table_rows FROM information_schema.partitions WHERE table_name = 'log_events'"
    names = [name for name, _rows in rows(new, f"{parts} AND table_schema = DATABASE()")]
    assert len(names) == 15
    run_whole(new, "expire-events")
    assert len(messages(new)) == 2
    new.close()


class Died(BaseException):
    """The process ended here."""


def test_it_goes_on_after_any_transaction(places, tmp_path, clock, monkeypatch):
    """Ended before and after every single commit of it, over and over: each call brings it on, and at the end the
    stores are the same. No server starts on the half of it, and no other copy goes into it.
    """
    monkeypatch.setattr(pages, "ROWS", 40)
    source_url, target_url = places
    old = house(source_url, tmp_path / "one", clock)
    fill(old)
    old.close()
    calls = refused = 0
    while True:
        calls += 1
        source, target = open_database(source_url), open_database(target_url)
        _die_at(target, monkeypatch, commits=2 + calls % 3, after=bool(calls % 2))
        try:
            copy(source, target, tables_of)
            break
        except Died:
            pass
        except Conflict as whole:  # it died after its very last commit
            if "copy of this store already" not in whole.message:
                raise
            break
        finally:
            source.close()
            target.close()
        refused += _no_server_starts(target_url, tmp_path, clock)
    assert calls > 10
    assert refused > 5
    assert everything(target_url) == everything(source_url)


def _die_at(db, monkeypatch, commits, *, after):
    """End the process before or after the commit of this number."""
    write, left = db.write, [commits]

    @contextlib.contextmanager
    def dying(*arguments):
        left[0] -= 1
        with write(*arguments) as connection:
            yield connection
            if not left[0] and not after:
                raise Died
        if not left[0]:
            raise Died

    monkeypatch.setattr(db, "write", dying)


def _no_server_starts(url, tmp_path, clock):
    """Nor does a look at the half of it show it as if it were all."""
    db = open_database(url)
    half = schema.version(db) == schema.COPYING
    db.close()
    if half:
        with pytest.raises(ConfigError, match="broken off"):
            house(url, tmp_path / "half", clock)
        with pytest.raises(ConfigError, match="broken off"):
            open_mesh(load_settings(database_url=url, data_dir=tmp_path / "half"), read_only=True)
    return half


SLOWLY = """
import sys, time
from devmesh.db import copying, pages
from devmesh.cli.app import main
pages.ROWS = 20
insert, copying._insert = copying._insert, lambda *more: (time.sleep(0.01), insert(*more))
sys.argv = ["devmesh", "db", "copy", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize("goals", [(300,), pytest.param(range(50, 1_050, 100), marks=pytest.mark.soak)])
def test_it_goes_on_after_kill_9(places, tmp_path, clock, goals):
    """The real command, killed while rows go in, in the long form ten times."""
    source_url, target_url = places
    old = house(source_url, tmp_path / "one", clock)
    fill(old)
    take(old, numbered(1, 1000, service="more"), stream="m", ranges=((1, 1000),))
    old.close()
    command = [sys.executable, "-c", SLOWLY, "--from", source_url, "--to", target_url]
    for goal in goals:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while _copied(target_url) < goal:
            assert process.poll() is None, process.stderr.read()
            assert time.monotonic() < deadline
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
        process.wait(10)
    assert subprocess.run(command, check=True, capture_output=True).stdout
    assert everything(target_url) == everything(source_url)


def _copied(url):
    """Rows of log_events that a copy has brought so far, looked at from outside: a connection of the database itself
    would be somebody who works on it.
    """
    where, no_tls = progress.name, {}
    if url.startswith("mysql"):
        there = make_url(url).set(drivername="mariadb+pymysql")
        where, no_tls = f"{there.database}.{progress.name}", {"ssl_disabled": True}
        url = there.set(database=None).render_as_string(hide_password=False)
    engine = create_engine(url, connect_args=no_tls)
    query = text(f"SELECT copied FROM {where} WHERE table_name = 'log_events'")  # noqa: S608
    try:
        with engine.connect() as connection:
            return connection.execute(query).scalar() or 0
    except DBAPIError:  # there is no such table yet
        return 0
    finally:
        engine.dispose()


# -- refused ------------------------------------------------------------


def test_a_target_that_holds_something_is_refused(places, tmp_path, clock):
    """Events, tables of another program, or the half of another store; nothing in it changes. An empty schema is
    taken.
    """
    source_url, target_url = places
    house(source_url, tmp_path / "one", clock).close()
    house(target_url, tmp_path / "two", clock).close()
    held = everything(target_url)
    with pytest.raises(Conflict, match="redaction_keys"):
        moved(source_url, target_url)
    assert everything(target_url) == held

    with opened(target_url) as db, db.write() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    change(target_url, "DROP TABLE gaps", "CREATE TABLE theirs (id INTEGER)")
    with pytest.raises(Conflict, match="theirs"):
        moved(source_url, target_url)
    change(target_url, "DROP TABLE theirs")
    with opened(target_url) as db, db.change_schema() as connection:
        metadata.tables["gaps"].create(connection)
    with opened(target_url) as db:
        copying._begin(db, "another store")
    with pytest.raises(Conflict, match="another store"):
        moved(source_url, target_url)
    change(target_url, "DELETE FROM copy_progress", f"UPDATE alembic_version SET version_num = '{schema.HEAD}'")  # noqa: S608
    moved(source_url, target_url)
    assert everything(target_url) == everything(source_url)


def test_a_store_in_use_is_refused(places, tmp_path, clock, monkeypatch):
    """While a server has either open, and for MariaDB while a lease says that one of another node has."""
    monkeypatch.setattr("devmesh.db.in_use.SystemClock", FakeClock)
    source_url, target_url = places
    house(source_url, tmp_path / "one", clock).close()
    for url in places:
        running = open_database(url)
        with running.read():
            pass
        with pytest.raises(Unavailable, match=r"in use: connection \d+ of root@|Another process holds"):
            moved(source_url, target_url)
        running.close()
    url = source_url if source_url.startswith("mysql") else target_url
    db = open_database(url)
    schema.upgrade(db)
    until = (time.time() + 30) * 1e6
    with db.write() as connection:
        connection.execute(text("INSERT INTO loops VALUES ('l', 'far', 1, :until, 1, 1, '', 0)"), {"until": until})
    db.close()
    with pytest.raises(Unavailable, match="server far works"):
        moved(source_url, target_url)


@pytest.mark.sqlite_only
def test_what_changed_meanwhile_is_found(places, tmp_path, clock, monkeypatch):
    """A row that was written to the source after its page was copied: the copy does not end as if it were whole."""
    source_url, target_url = places
    mesh = house(source_url, tmp_path / "one", clock)
    take(mesh, line("x"))
    mesh.close()
    compare = copying._compare

    def changed(source, *more):
        with source.write() as connection:
            connection.execute(text("UPDATE log_events SET message = 'y'"))
        compare(source, *more)

    with monkeypatch.context() as patch:
        patch.setattr(copying, "_compare", changed)
        with pytest.raises(Conflict, match=r"log_events differs: 1 rows .* other contents"):
            moved(source_url, target_url)
    db = open_database(target_url)
    assert schema.version(db) == schema.COPYING
    db.close()


@pytest.mark.sqlite_only
def test_a_value_that_does_not_fit_is_named(places, tmp_path, clock):
    """SQLite keeps texts of any length, MariaDB does not: the table, the column and how to find it, but
    nothing of the text.
    """
    source_url, target_url = places
    house(source_url, tmp_path / "one", clock).close()
    change(source_url, f"INSERT INTO services VALUES (7, 'a', 1), (8, '{'secret' * 50}', 1)")  # noqa: S608
    with pytest.raises(Conflict, match=r"services .* column 'name'") as caught:
        moved(source_url, target_url)
    assert "secret" not in caught.value.message
    query = caught.value.hint.split(": ")[1].split(";")[0]
    with opened(source_url) as source:
        assert source.scalar(query) == 8
    change(source_url, "UPDATE services SET name = 'b' WHERE id = 8")
    moved(source_url, target_url)
    assert everything(target_url) == everything(source_url)


def test_a_page_is_bounded_by_bytes(places, tmp_path, clock, monkeypatch):
    """Long lines come a few at a time, and all of them come."""
    monkeypatch.setattr(pages, "BYTES", 100_000)
    monkeypatch.setattr(pages, "STEP", 2)
    mesh = house(places[0], tmp_path / "one", clock, embedding_provider="off")
    take(mesh, b"".join(line(f"{number:03}" + "x" * 20_000, ts_us=NOW_US + number) for number in range(100)))
    found = list(pages.pages(mesh.db, metadata.tables["log_events"]))
    assert max(map(len, found)) < 10
    assert [row[10][:3] for page in found for row in page] == [f"{number:03}" for number in range(100)]
    mesh.close()
