"""`devmesh db adopt`: a database of the old schema comes in whole, once, redacted, and is not changed by it."""

from __future__ import annotations

import datetime as dt
import os
from collections import Counter
from dataclasses import dataclass

import msgspec
import pytest
from cli_house import Runner, Served, environment
from sqlalchemy.engine import make_url

from bodies import assert_counts, rows
from devmesh.cli.history.old_rows import line_of, time_us
from devmesh.db.old import shape_of
from devmesh.errors import ConfigError
from devmesh.mesh import open_mesh
from devmesh.settings import load_settings
from mariadb_server import as_root
from processes import run_forked

EVENTS = """
CREATE TABLE log_events (
  id BIGINT NOT NULL AUTO_INCREMENT, timestamp DATETIME(6) NOT NULL, host VARCHAR(255) NOT NULL, service VARCHAR(255),
  severity TINYINT, raw_message TEXT NOT NULL, template_id BIGINT, embedding_vector VECTOR(4096), metadata LONGTEXT,
  facility VARCHAR(20), PRIMARY KEY (id)
) CHARACTER SET utf8mb4"""
TEMPLATES = """
CREATE TABLE log_templates (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, canon_hash CHAR(64), canon_version INT, template TEXT,
  embedding_model VARCHAR(100), embedding_dim INT, chunk_version INT, created_at DATETIME, updated_at DATETIME,
  embedding VECTOR(4096) NOT NULL, VECTOR INDEX (embedding)
) CHARACTER SET utf8mb4"""
BEGAN = dt.datetime.fromisoformat("2026-01-20T10:00:00")
VECTOR = bytes(4 * 4096)


@dataclass(frozen=True)
class OldDatabase:
    """One of the old schema, with a user who may only look."""

    url: str
    admin: str

    def run(self, *statements, many=()):
        """Do this to it, as its owner."""
        with as_root(self.admin, autocommit=True) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            if many:
                cursor.executemany(
                    "INSERT INTO log_events (timestamp, host, service, severity, raw_message, template_id, metadata,"
                    " facility, embedding_vector) VALUES (%s, %s, %s, %s, %s, 1, %s, 'auth', %s)",
                    many,
                )
            return cursor.fetchall()

    def checksums(self):
        """Of all that is in it."""
        return self.run("CHECKSUM TABLE log_events, log_templates EXTENDED"), self.run("SHOW CREATE TABLE log_events")

    def add(self, count, first=0):
        """So many events, one a second, of three hosts."""
        self.run(
            many=[
                (
                    BEGAN + dt.timedelta(seconds=number), f"web{number % 3}", "sshd", number % 8,
                    f"session {number} opened \U0001f600\t for user", f'{{"unit": "ssh", "n": {number}}}',
                    VECTOR if number % 50 == 0 else None,
                )
                for number in range(first, first + count)
            ]
        )  # fmt: skip


@pytest.fixture
def old(mariadb):
    """An old database with 300 events, a hole in their ids, and a template with its vector."""
    admin = mariadb.empty()
    name = make_url(admin).database
    made = OldDatabase(admin.replace("root@", "looker:only@"), admin)
    made.run(
        EVENTS,
        TEMPLATES,
        f"INSERT INTO log_templates VALUES (1, 'ab', 1, 'session <n>', 'm', 4096, 1, NOW(), NOW(), x'{VECTOR.hex()}')",  # noqa: S608
        "CREATE OR REPLACE USER looker@localhost IDENTIFIED BY 'only'",
        f"GRANT SELECT ON `{name}`.* TO looker@localhost",
    )
    made.add(200)
    made.run("ALTER TABLE log_events AUTO_INCREMENT=1000")
    made.add(100, 200)
    yield made
    made.run("DROP USER looker@localhost", f"DROP DATABASE `{name}`")


def house(folder):
    """The new store, opened for the tests' own look."""
    return open_mesh(load_settings(data_dir=folder, embedding_provider="off"))


@pytest.fixture
def cli(tmp_path, monkeypatch):
    """Commands over a new store that keeps old events."""
    monkeypatch.setenv("DEVMESH_RETENTION_DAYS", "20000")
    monkeypatch.setenv("DEVMESH_DISK_RESERVE_MB", "1")
    return Runner(tmp_path / "new")


def test_an_old_database_comes_in_and_is_not_changed(old, cli):
    """Message, time, host, service, priority and the rest of the columns; by a user who may only SELECT; patterns and
    counts are of this version.
    """
    before = old.checksums()
    told = cli("db", "adopt", old.url)
    assert "300 read: 300 stored, 0 repeated, 0 rejected" in told.stdout
    assert "message   raw_message" in told.stdout
    assert "none for  pid" in told.stdout
    assert "made anew template_id, embedding_vector" in told.stdout
    assert old.checksums() == before

    event = cli.json("logs", "--contains", "session 299 opened", "--since", "2026-01-20T00:00")["events"][0]
    assert event["message"] == "session 299 opened \U0001f600\t for user"
    assert (event["node"], event["service"], event["priority"]) == ("web2", "sshd", 299 % 8)
    assert event["ts_us"] == round((BEGAN + dt.timedelta(seconds=299)).replace(tzinfo=dt.UTC).timestamp() * 1e6)
    assert event["fields"] == {"unit": "ssh", "n": 299, "facility": "auth"}
    mesh = house(cli.data_dir)
    assert_counts(mesh)
    assert rows(mesh, "SELECT COUNT(*) FROM log_templates") == [(1,)]
    mesh.close()


def test_a_second_run_brings_what_came_since(old, cli):
    """And nothing twice. Another database of the same name is not taken for this one."""
    cli.json("db", "adopt", old.url)
    again = cli.json("db", "adopt", old.url)
    assert (again["read"], again["stored"]) == (0, 0)
    old.add(5, 300)
    assert cli.json("db", "adopt", old.url)["stored"] == 5
    old.run("UPDATE log_events SET raw_message = CONCAT('other ', raw_message)")
    assert cli.json("db", "adopt", old.url)["stored"] == 305


def test_secrets_are_masked_on_the_way(old, cli):
    """What the old one kept in clear, the new one does not."""
    old.run("UPDATE log_events SET raw_message = 'login password=hunter2secret ok' WHERE id = 7")
    cli.json("db", "adopt", old.url)
    (event,) = cli.json("logs", "--contains", "login", "--since", "2026-01-20T00:00")["events"]
    assert "hunter2secret" not in event["message"]


KILLED = """
import sys
from devmesh.db import old
from devmesh.cli.app import main
from devmesh.intake import service
old.ROWS, service.GROUP_BYTES = 20, 1
sys.argv = ["devmesh", "db", "adopt", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize("points", [("after_claim:2", "before_commit:3", "after_commit:4")])
def test_nothing_is_doubled_or_lost_after_kill_9(old, cli, points):
    """Killed in the middle of a transaction, before its commit and after it; then the same command ends the work."""
    stored, log = [], cli.data_dir.with_suffix(".log")
    for point in points:
        env = environment(
            cli.data_dir, DEVMESH_CRASH_AT=point, DEVMESH_RETENTION_DAYS="20000", DEVMESH_DISK_RESERVE_MB="1",
            DEVMESH_EMBEDDING_PROVIDER="off",
        )  # fmt: skip
        assert run_forked(KILLED, old.url, env=env, log=log) == -9, log.read_text()
        mesh = house(cli.data_dir)
        stored.append(rows(mesh, "SELECT COUNT(*) FROM log_events")[0][0])
        mesh.close()
    assert 0 < stored[0] < stored[1] < stored[2] < 300
    assert cli.json("db", "adopt", old.url)["stored"] == 300 - stored[-1]
    mesh = house(cli.data_dir)
    found = Counter(message for (message,) in rows(mesh, "SELECT message FROM log_events"))
    assert found == Counter(f"session {number} opened \U0001f600\t for user" for number in range(300))
    assert_counts(mesh)
    mesh.close()


def test_it_goes_into_mariadb_as_well(old, cli, mariadb, monkeypatch):
    """The store that an old database comes from is of that kind most likely."""
    url = mariadb.take()
    monkeypatch.setenv("DEVMESH_DATABASE_URL", url)
    assert cli.json("db", "adopt", old.url)["stored"] == 300
    assert cli.json("db", "adopt", old.url)["read"] == 0
    mesh = open_mesh(load_settings(data_dir=cli.data_dir, database_url=url, embedding_provider="off"))
    assert_counts(mesh)
    mesh.close()
    mariadb.give_back(url)


def test_it_goes_through_a_server_that_holds_the_store(old, cli):
    """As every command that writes."""
    told = {name: os.environ[name] for name in ("DEVMESH_RETENTION_DAYS", "DEVMESH_DISK_RESERVE_MB")}
    served = Served(cli.data_dir, "serve", "--port", "0", DEVMESH_EMBEDDING_PROVIDER="off", **told)
    try:
        assert cli.json("db", "adopt", old.url)["stored"] == 300
        assert cli.json("db", "adopt", old.url)["read"] == 0
    finally:
        assert served.stop() == 0


def test_a_column_that_is_not_known_is_named(old, cli):
    """With what there is, and how to say which it is; said so, it works."""
    old.run("ALTER TABLE log_events RENAME COLUMN raw_message TO gossip, RENAME COLUMN host TO box")
    told = cli("db", "adopt", old.url, code=3).stderr
    assert "hold: message." in told
    assert "gossip" in told
    assert "--column message=NAME" in told
    done = msgspec.json.decode(
        cli("db", "adopt", old.url, "--column", "message=gossip", "--column", "node=box", "--json").stdout
    )
    assert done["stored"] == 300
    assert done["columns"]["node"] == "box"
    assert "no such column" in cli("db", "adopt", old.url, "--column", "message=none", code=3).stderr
    assert "PART=NAME" in cli("db", "adopt", old.url, "--column", "message", code=2).stderr


def test_names_in_tables_of_their_own_are_found(old, cli):
    """host_id and a table hosts."""
    old.run(
        "CREATE TABLE hosts (id INT PRIMARY KEY, name VARCHAR(50))",
        "INSERT INTO hosts VALUES (1, 'far-away')",
        "ALTER TABLE log_events DROP COLUMN host, ADD COLUMN host_id INT DEFAULT 1",
    )
    done = cli.json("db", "adopt", old.url)
    assert done["columns"]["node"] == "host_id"
    assert {event["node"] for event in cli.json("logs", "--since", "2026-01-20T00:00")["events"]} == {"far-away"}


def test_what_is_no_old_database_is_said(mariadb, cli):
    """No such table; a database of today's schema, which would come in as its own copy; an empty one is no fault."""
    today = mariadb.take()
    assert "devmesh db copy" in cli("db", "adopt", today, code=3).stderr
    mariadb.give_back(today)
    url = mariadb.empty()
    assert "has no table log_events" in cli("db", "adopt", url, code=3).stderr
    db = OldDatabase(url, url)
    db.run(EVENTS)
    assert cli.json("db", "adopt", url)["read"] == 0
    db.run(f"DROP DATABASE `{make_url(url).database}`")


# -- one row ------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1_768_917_600, 1_768_917_600_000_000),
        (1_768_917_600_123, 1_768_917_600_123_000),
        (1_768_917_600_123_456, 1_768_917_600_123_456),
        (1_768_917_600_123_456_789, 1_768_917_600_123_456),
        (1_768_917_600.5, 1_768_917_600_500_000),
        (dt.datetime.fromisoformat("2026-01-20T14:00:00"), 1_768_917_600_000_000),
        ("2026-01-20T14:00:00Z", None),
        (float("nan"), None),
        (True, None),
        (None, None),
    ],
)
def test_times_of_any_unit(value, expected):
    """Seconds, milliseconds, microseconds or nanoseconds by their size; texts are left to the way in."""
    assert time_us(value, dt.UTC) == expected


def test_a_row_of_odd_values_is_still_an_event():
    """Levels as numbers or words, JSON that is none, a name that is none, bytes, no message at all."""
    row = {
        "id": 5, "message": None, "ts": "yesterday?", "node": " \t", "service": "", "priority": 40, "pid": "77x",
        "fields": "[1", "more": {"extra": float("inf"), "raw": b"\xff", "message": "another column's", "none": None},
    }  # fmt: skip
    event = msgspec.json.decode(line_of(row, "n", dt.UTC))
    assert event == {
        "message": "", "seq": 5, "ts": "yesterday?", "node": "n", "priority": 3,
        "fields": {"fields": "[1", "extra": "inf", "raw": "\ufffd", "message": "another column's"},
    }  # fmt: skip
    assert msgspec.json.decode(line_of({**row, "priority": "WARNING"}, "n", dt.UTC))["priority"] == 4
    assert msgspec.json.decode(line_of({**row, "priority": "odd"}, "n", dt.UTC))["fields"]["priority"] == "odd"


def test_an_id_must_be_a_number():
    """Else nobody knows where to go on."""
    with pytest.raises(ConfigError, match="id is varchar"):
        shape_of({"id": "varchar", "message": "text", "ts": "bigint"}, {}, {})
