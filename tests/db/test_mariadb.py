"""The server's store: what it refuses to run on, how its errors are told, and that every text comes back."""

from __future__ import annotations

import pymysql
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select, text
from sqlalchemy.exc import DBAPIError

from bodies import NOW_US, assert_counts, line, messages, numbered, rows, take
from devmesh.db import load, mariadb, metadata, open_database, schema
from devmesh.db.again import Contended
from devmesh.errors import ConfigError, StorageFull, Unavailable
from devmesh.mesh import open_mesh
from devmesh.settings import load_settings
from processes import free_port


class Said:
    """A connection to a server that says this of itself."""

    def __init__(self, version, flush):
        self._row = (version, flush)

    def exec_driver_sql(self, _query):
        """What the server answers."""
        return self

    def one(self):
        """Its version and its flush setting."""
        return self._row


@pytest.mark.parametrize(
    "version",
    ["10.11.6-MariaDB-0+deb12u1", "5.5.5-10.4.1-MariaDB", "8.4.3", "8.0.35-0ubuntu0.22.04.1", "11.6.2-MariaDB"],
)
def test_an_old_server_or_another_product_is_refused(version):
    """The message names the version found and the one needed."""
    with pytest.raises(ConfigError) as caught:
        mariadb.check(Said(version, 1), allow_unsafe=False)
    assert version in caught.value.message
    assert "11.7" in caught.value.message


def test_new_servers_are_taken():
    """From 11.7 on, whatever the build calls itself."""
    for version in ("11.8.6-MariaDB-0+deb13u1 from Debian-log", "11.7.2-MariaDB", "12.0.1-MariaDB-log"):
        mariadb.check(Said(version, 1), allow_unsafe=False)


def test_a_server_that_does_not_flush_is_refused_unless_told_to():
    """What was acknowledged would be lost in a power cut; who accepts that says so (F40)."""
    for flush in (0, 2):
        with pytest.raises(ConfigError, match=f"innodb_flush_log_at_trx_commit={flush}"):
            mariadb.check(Said("11.8.6-MariaDB", flush), allow_unsafe=False)
        mariadb.check(Said("11.8.6-MariaDB", flush), allow_unsafe=True)


@pytest.mark.parametrize(
    ("code", "said", "expected"),
    [
        (2013, "Lost connection to MySQL server during query", Unavailable),
        (2003, "Can't connect to MySQL server", Unavailable),
        (1040, "Too many connections", Unavailable),
        (1205, "Lock wait timeout exceeded", Contended),
        (1213, "Deadlock found", Contended),
        (1020, "Record has changed since last read", Contended),
        (1114, "The table 'log_events' is full", StorageFull),
        (1026, "Error writing file './x' (Errcode: 28 \"No space left on device\")", StorageFull),
        (1030, 'Got error 122 "Disk quota exceeded" from storage engine InnoDB', Unavailable),
        (1290, "The MariaDB server is running with the --read-only option", Unavailable),
        (1047, "WSREP has not yet prepared node for application use", Unavailable),
        (1180, "Got error 6 during COMMIT", Unavailable),
        (1153, "Got a packet bigger than 'max_allowed_packet' bytes", Unavailable),
        (1129, "Host 'web' is blocked because of many connection errors", Unavailable),
        (1045, "Access denied for user 'x'@'localhost'", ConfigError),
        (1130, "Host 'web' is not allowed to connect to this MariaDB server", ConfigError),
        (1142, "INSERT command denied to user 'x'@'localhost' for table `devmesh`.`nodes`", ConfigError),
        (1820, "You must SET PASSWORD before executing this statement", ConfigError),
        (2059, "Authentication plugin 'gssapi' not configured", ConfigError),
        (4151, "Access denied, this account is locked", ConfigError),
    ],
)
def test_driver_errors_become_errors_of_ours(code, said, expected):
    """Each with its number, so that the server's documentation can be asked."""
    known = mariadb.translate(pymysql.err.OperationalError(code, said))
    assert type(known) is expected
    assert expected is ConfigError or known.retry_after_s
    assert known.hint or expected is Contended, "whoever reads it at night is told what to do"


def test_who_does_not_answer_is_named_with_the_reason():
    """Connection refused, no such host and no such file are three different things to do."""
    said = "Can't connect to MySQL server on 'db1' ([Errno 111] Connection refused)"
    known = mariadb.translate(pymysql.err.OperationalError(2003, said))
    assert known.message == f"The database server does not answer: {said} (MariaDB error 2003)."


def test_mistakes_of_ours_stay_what_they_are():
    """A duplicate key, a wrong statement or a value that does not fit does not hide behind a 503."""
    for code in (1062, 1064, 1366, 1406):
        assert mariadb.translate(pymysql.err.ProgrammingError(code, "x")) is None
    assert mariadb.translate(ValueError()) is None


def test_sessions_are_strict_in_utc_and_tell_cases_apart(db):
    """For readers and writers alike."""
    for block in (db.read, db.write):
        with block() as connection:
            mode, zone = connection.exec_driver_sql("SELECT @@sql_mode, @@time_zone").one()
            assert "STRICT_ALL_TABLES" in mode
            assert zone == "+00:00"
            assert connection.exec_driver_sql("SELECT 'ssh' = 'SSH', 'ssh' = 'ssh ', @@local_infile").one() == (0, 0, 1)


def test_every_table_compares_byte_by_byte(db):
    """No table and no column has another collation than utf8mb4_nopad_bin."""
    with db.read() as connection:
        for column, view in (("table_collation", "tables"), ("collation_name", "columns")):
            query = f"SELECT DISTINCT {column} FROM information_schema.{view} WHERE table_schema = DATABASE()"  # noqa: S608
            assert set(connection.exec_driver_sql(query).scalars()) - {None} == {"utf8mb4_nopad_bin"}


def test_the_schema_is_as_declared(db):
    """Every index of the tables is there, and none is a hash, which could not be looked up by its first columns."""
    with db.read() as connection:
        query = "SELECT index_name, index_type FROM information_schema.statistics WHERE table_schema = DATABASE()"
        found = dict(map(tuple, connection.exec_driver_sql(query)))
    assert set(found.values()) == {"BTREE"}
    assert {index.name for table in metadata.tables.values() for index in table.indexes} <= found.keys()


def test_a_value_that_does_not_fit_is_an_error(db):
    """Nothing is cut in silence (F43)."""
    with pytest.raises(DBAPIError), db.write() as connection:
        connection.execute(text("INSERT INTO nodes (name, created_us) VALUES (:name, 1)"), {"name": "x" * 256})


def test_a_first_schema_that_was_broken_off_is_made_anew(mariadb):
    """Killed between two tables, the next start finishes (F45)."""
    url = mariadb.empty()
    half = open_database(url)
    with half.change_schema() as connection:
        for name in ("nodes", "streams", "alembic_version"):
            connection.exec_driver_sql(f"CREATE TABLE {name} (version_num VARCHAR(32))")
    schema.upgrade(half)
    assert schema.version(half) == schema.HEAD
    schema.upgrade(half)
    half.close()
    mariadb.give_back(url)


def test_a_database_of_another_program_is_refused(mariadb):
    """Its tables have rows and no version of ours: nothing in it is touched."""
    url = mariadb.empty()
    other = open_database(url)
    with other.change_schema() as connection:
        connection.exec_driver_sql("CREATE TABLE log_events (id INT)")
        connection.exec_driver_sql("INSERT INTO log_events VALUES (42)")
    with pytest.raises(ConfigError, match="log_events"):
        schema.upgrade(other)
    with other.read() as connection:
        assert connection.exec_driver_sql("SELECT id FROM log_events").scalars().all() == [42]
    other.close()
    mariadb.give_back(url)


def test_a_wrong_password_or_no_database_is_said(mariadb):
    """As a setting that cannot work, without the password."""
    url = mariadb.empty()
    for wrong in (url.replace("root@", "nobody:secret@"), url.replace("/devmesh_", "/none_")):
        with pytest.raises(ConfigError) as caught:
            open_database(wrong)
        assert "secret" not in caught.value.message
    mariadb.give_back(url)


def test_a_server_that_is_away_is_503():
    """Not a crash: whoever starts the server is told that the store does not answer."""
    with pytest.raises(Unavailable) as caught:
        open_database(f"mysql+pymysql://root@127.0.0.1:{free_port()}/x")
    assert caught.value.retry_after_s


def test_two_servers_over_one_database(url, tmp_path, clock):
    """Both take events in; streams stay exactly-once between them, and each has ids and a writer of its own."""
    told = {"database_url": url, "embedding_provider": "off", "disk_reserve_mb": 1}
    first, second = (open_mesh(load_settings(data_dir=tmp_path / name, **told), clock=clock) for name in ("one", "two"))
    for mesh in (first, second):
        mesh.intake.start()
    assert take(first, numbered(1, 5), stream="s", ranges=((1, 5),)).stored == 5
    assert take(second, numbered(4, 8), stream="s", ranges=((4, 8),)).stored == 3
    assert take(first, numbered(8, 9), stream="s", ranges=((8, 9),)).stored == 1
    assert sorted(messages(first)) == [f"entry {number}" for number in range(1, 10)]
    assert rows(first, "SELECT COUNT(DISTINCT id) FROM log_events") == [(9,)]
    assert rows(first, "SELECT COUNT(DISTINCT writer_id) FROM minute_counts") == [(2,)]
    assert_counts(second)
    first.close()
    second.close()


# -- loading ------------------------------------------------------------

ODD = [
    "",
    "NULL",
    "\\N",
    "\\",
    '"',
    '""',
    "'",
    "\t",
    "\n",
    "\r\n",
    "\0",
    "a\0b",
    '"\t"',
    '\\"\n',
    "\x1a",
    "\u2028",
    "1e5",
]
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=60) | st.sampled_from(ODD)


@pytest.fixture
def slow_road(monkeypatch):
    """A server that forbids LOAD DATA LOCAL, as far as this process knows."""
    monkeypatch.setattr(load.notices, "load_forbidden", True)


def _store(db, texts):
    """Insert these texts as events, and read them back in their order."""
    import polars as pl

    size = len(texts)
    frame = pl.DataFrame(
        {
            "ts_us": list(range(size)), "id": list(range(size)), "received_us": [0] * size, "node_id": [1] * size,
            "service_id": [1] * size, "priority": [6] * size, "pid": [None, *range(size - 1)],
            "template_id": [1] * size, "message": texts, "fields": [None, *texts[1:]],
        }
    )  # fmt: skip
    table = metadata.tables["log_events"]
    with db.write() as connection:
        connection.execute(table.delete())
        load.insert_frame(connection, table, frame)
    with db.read() as connection:
        found = connection.execute(select(table.c.pid, table.c.message, table.c.fields).order_by(table.c.ts_us)).all()
    assert [row.pid for row in found] == [None, *range(size - 1)]
    assert [row.fields for row in found] == [None, *texts[1:]]
    return [row.message for row in found]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ANY_TEXT, min_size=1, max_size=30))
def test_any_text_comes_back(db, texts):
    """Byte for byte, null as null and the word NULL as that word, through LOAD DATA."""
    assert _store(db, texts) == texts
    assert not load.notices.load_forbidden


def test_every_code_point_comes_back(db):
    """All 1,112,064 of them, by both roads."""
    points = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    texts = ["".join(points[start : start + 4096]) for start in range(0, len(points), 4096)]
    assert _store(db, texts) == texts
    assert not load.notices.load_forbidden


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ANY_TEXT, min_size=1, max_size=30))
def test_any_text_comes_back_by_statements(db, slow_road, texts):
    """The slow road stores the same."""
    assert _store(db, texts) == texts


def test_statements_are_split_by_bytes(db, slow_road):
    """Rows of 32 KiB each go in many statements, none near the server's packet (F44)."""
    sent = []
    texts = [f"{number:02}" + "\U0001f600" * 8_000 for number in range(40)]
    event.listen(db._writer, "checkout", lambda raw, *_more: _listen(raw, sent))
    assert _store(db, texts) == texts
    assert len(sent) > 4
    assert max(sent) < 1 << 20


def _listen(raw, sent):
    """Note the size of each statement that a connection sends."""
    query = raw.query
    raw.query = lambda sql, *more: (sent.append(len(sql.encode() if isinstance(sql, str) else sql)), query(sql, *more))[
        1
    ]


def test_a_load_that_was_cut_is_not_believed(db):
    """LOAD DATA LOCAL only warns of a value that does not fit: the rows are rolled back, and the insert says what is
    wrong (F43).
    """
    import polars as pl

    table = metadata.tables["nodes"]
    frame = pl.DataFrame({"id": [1, 2], "name": ["fits", "x" * 300], "created_us": [1, 1]})
    with pytest.raises(pymysql.err.DataError), db.write() as connection:
        load.insert_frame(connection, table, frame)
    with db.read() as connection:
        assert connection.execute(select(table.c.id)).all() == []


def test_what_a_server_forbids_is_told_in_health(make_mesh, slow_road, store):
    """The store works all the same, and says that it is slower than it could be."""
    from devmesh.house import health

    mesh = make_mesh()
    assert take(mesh, line("x", ts_us=NOW_US)).stored == 1
    told = {part.name: part.reason for part in health(mesh)}
    assert ("LOAD DATA LOCAL" in told["store"]) == (store == "mariadb")
