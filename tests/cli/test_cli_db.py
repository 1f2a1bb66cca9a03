"""`devmesh db upgrade` and `devmesh db check`, as they are typed."""

from __future__ import annotations

import sqlite3

import msgspec
from cli_house import Runner, fill, line

from devmesh.db import schema
from devmesh.db.lock import StoreLock


def test_upgrade_makes_a_store_and_says_from_where_to_where(empty):
    """From nothing to the newest; a second time there is nothing to do."""
    assert empty("db", "upgrade").stdout == f"schema: from nothing to {schema.HEAD}\n"
    assert "already" in empty("db", "upgrade").stdout
    assert empty.json("db", "upgrade") == {"from": schema.HEAD, "to": schema.HEAD}
    empty("db", "check")


def test_upgrade_refuses_what_a_newer_devmesh_made(empty):
    """With what to do, and without touching it."""
    empty("db", "upgrade")
    with sqlite3.connect(empty.data_dir / "devmesh.db") as store:
        store.execute("UPDATE alembic_version SET version_num = '9999'")
    store.close()
    assert "schema 9999" in empty("db", "upgrade", code=3).stderr


def test_check_says_what_is_wrong_and_what_to_type(tmp_path):
    """A row each, what to type below it, exit code 1; the same as JSON."""
    cli = Runner(tmp_path / "data")
    fill(cli.data_dir, [line("disk is dying", service="svc")])
    assert " wrong" not in cli("db", "check").stdout
    with sqlite3.connect(cli.data_dir / "devmesh.db") as store:
        store.execute("DROP INDEX ix_gaps_once")
    store.close()
    told = cli("db", "check", code=1)
    assert "wrong  index ix_gaps_once of gaps  missing" in told.stdout
    assert "what to type: CREATE UNIQUE INDEX ix_gaps_once ON gaps" in told.stdout
    assert "1 of " in told.stderr
    rows = msgspec.json.decode(cli("db", "check", "--json", code=1).stdout)["checks"]
    wrong = [row for row in rows if row["state"] == "wrong"]
    assert [(row["name"], row["found"]) for row in wrong] == [("index ix_gaps_once of gaps", "missing")]


def test_check_of_no_store_says_so(empty):
    """And makes none."""
    assert "There is no store" in empty("db", "check", code=4).stderr
    assert not empty.data_dir.exists()


def test_copy_fills_another_store_and_says_what_came(filled, tmp_path):
    """Rows by table, and what to type next; the copy answers like the first. A second copy finds it full."""
    cli = Runner(filled)
    target = tmp_path / "grown"
    target.mkdir()
    told = cli("db", "copy", "--to", str(target)).stdout
    assert "log_events" in told
    assert "every row was compared and is the same" in told
    assert told.splitlines()[-1] == f"next: devmesh --data-dir {target} up"
    assert Runner(target).json("logs", "--limit", "1000") == cli.json("logs", "--limit", "1000")
    Runner(target)("db", "check")
    assert "copy of this store already" in cli("db", "copy", "--to", str(target), code=6).stderr
    second = cli.json("db", "copy", "--to", f"sqlite:///{tmp_path}/third/devmesh.db")
    assert {one["table"]: one["rows"] for one in second["tables"]}["log_events"] == len(cli.messages())


def test_copy_says_what_cannot_work(filled, empty):
    """No source, both the same, a store of a kind that is none."""
    assert "no store at" in empty("db", "copy", "--to", "/nowhere/x.db", code=4).stderr
    cli = Runner(filled)
    assert "same store" in cli("db", "copy", "--to", str(filled), code=2).stderr
    assert "postgresql" in cli("db", "copy", "--to", "postgresql://x/y", code=3).stderr


def test_a_store_that_a_server_holds_can_be_looked_at(empty):
    """Checked, but neither upgraded nor copied."""
    empty("db", "upgrade")
    with StoreLock(empty.data_dir / "devmesh.db.lock") as lock:
        assert lock.take()
        empty("db", "check")
        assert "holds the store" in empty("db", "upgrade", code=8).stderr
        assert "holds the store" in empty("db", "copy", "--to", str(empty.data_dir / "x.db"), code=8).stderr
