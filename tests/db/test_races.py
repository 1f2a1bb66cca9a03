"""Two servers that make the same thing at the same moment: whoever is second reads again and finds it (F38)."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy import event

from bodies import NOW_US, assert_counts, line, messages, rows, take
from devmesh.db import open_database
from devmesh.events.ids import WRITER_LEASE_US, lease_writer
from devmesh.mesh import open_mesh
from devmesh.nodes import Heartbeat
from devmesh.settings import load_settings

NUL_TEXT = "said a\0b"


def house(url, folder, clock):
    """A house over the database; its intake waits."""
    told = {"database_url": url, "embedding_provider": "off", "disk_reserve_mb": 1}
    return open_mesh(load_settings(data_dir=folder, **told), clock=clock)


@pytest.fixture
def two(url, tmp_path, clock):
    """Two houses over one database."""
    houses = [house(url, tmp_path / name, clock) for name in ("one", "two")]
    yield houses
    for each in houses:
        each.close()


def meet(databases, table):
    """Let the first insert of each into `table` happen only once both are about to: both have looked, none has found.

    Gives the list of those that met.
    """
    met, barrier = [], threading.Barrier(2, timeout=20)
    for db in databases:
        left = [1]

        def wait(_connection, _cursor, statement, *_rest, left=left):
            if statement.startswith(f"INSERT INTO {table} ") and left:
                left.clear()
                barrier.wait()
                met.append(1)

        event.listen(db._writer, "before_cursor_execute", wait)
    return met


def both(*calls):
    """What two calls at the same time return; raises what one of them raises."""
    found, errors = {}, []

    def run(number):
        try:
            found[number] = calls[number]()
        except Exception as error:  # noqa: BLE001 - shown by the test
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if errors:
        raise errors[0]
    return found[0], found[1]


@pytest.mark.parametrize("table", ["nodes", "services"])
def test_a_name_that_both_see_first(two, table):
    """It has one number, which both know."""
    met = meet([one.db for one in two], table)
    first, second = ((one.nodes.node_names if table == "nodes" else one.nodes.service_names) for one in two)
    told = both(lambda: first.ids(["a", "b"]), lambda: second.ids(["b", "c"]))
    assert len(met) == 2
    assert told[0]["b"] == told[1]["b"]
    assert sorted(rows(two[0], f"SELECT name FROM {table}")) == [("a",), ("b",), ("c",)]  # noqa: S608


def test_a_template_that_both_see_first(two):
    """It has one number, which both know."""
    met = meet([one.db for one in two], "log_templates")
    texts = [[(1, "only one"), (1, "both")], [(1, "both"), (1, "only two")]]
    told = both(
        *(
            (lambda one=one, said=said: one.templates._registry.resolve(said))
            for one, said in zip(two, texts, strict=True)
        )
    )
    assert len(met) == 2
    assert told[0][1] == told[1][0]
    assert rows(two[0], "SELECT COUNT(*), COUNT(DISTINCT id) FROM log_templates") == [(3, 3)]


def test_the_key_of_marks_is_one(two):
    """Two servers that start on an empty database mask alike."""
    met = meet([one.db for one in two], "redaction_keys")
    keys = both(two[0].intake._load_key, two[1].intake._load_key)
    assert len(met) == 2
    assert keys[0] == keys[1]


@pytest.mark.parametrize("table", ["streams", "idempotency_keys", "id_blocks", "writers"])
def test_a_batch_that_both_get_first(two, table):
    """One stores it, the other says that it is a repeat, whatever both were about to insert; keys, too."""
    for one in two:
        one.intake.start()
    met = meet([one.db for one in two], table)
    body = line(NUL_TEXT, ts_us=NOW_US, seq=1) + line("said c", ts_us=NOW_US + 1, seq=2)
    more = {"idempotency_key": "k"} if table == "idempotency_keys" else {"stream": "s", "ranges": ((1, 2),)}
    told = both(*((lambda one=one: take(one, body, **more)) for one in two))
    assert len(met) == 2
    assert sorted((answer.stored, answer.repeated) for answer in told) == [(0, 2), (2, 0)]
    assert messages(two[0]) == [NUL_TEXT, "said c"]
    assert_counts(two[0])


def test_heartbeats_at_the_same_moment(two):
    """A node's first heartbeat, at both: both are taken, one row stays."""
    for one in two:
        one.nodes.node_names.ids(["n1"])
    met = meet([one.db for one in two], "heartbeats")
    both(*((lambda one=one: one.nodes.heartbeat("n1", Heartbeat(agent="x"))) for one in two))
    assert len(met) == 2
    assert rows(two[0], "SELECT COUNT(*) FROM heartbeats") == [(1,)]


def test_where_nul_was_said_only_grows(two):
    """Both begin the span, then widen it at the same moment, one to each side: neither takes the other's side back."""
    for one in two:
        one.intake.start()
    first = meet([one.db for one in two], "nul_span")
    both(
        *(
            (lambda one=one, node=node: take(one, line(NUL_TEXT, ts_us=NOW_US), node))
            for one, node in zip(two, "ab", strict=True)
        )
    )
    assert len(first) == 2
    met, barrier = [], threading.Barrier(2, timeout=20)
    for one in two:

        def wait(_connection, _cursor, statement, *_rest):
            if statement.startswith("UPDATE nul_span "):
                met.append(1)
                barrier.wait()

        event.listen(one.db._writer, "before_cursor_execute", wait)
    both(
        lambda: take(two[0], line(NUL_TEXT, ts_us=NOW_US - 1_000_000), "n2"),
        lambda: take(two[1], line(NUL_TEXT, ts_us=NOW_US + 1_000_000), "n3"),
    )
    assert len(met) == 2
    assert rows(two[0], "SELECT first_ts_us, last_ts_us FROM nul_span") == [(NOW_US - 1_000_000, NOW_US + 1_000_000)]


def test_a_writers_number_that_ran_out_goes_to_one(url, clock):
    """Two servers that find the same number free have two numbers in the end."""
    databases = [open_database(url), open_database(url)]
    lease_writer(databases[0], clock, "gone")
    clock.advance(WRITER_LEASE_US / 1e6 + 1)
    barrier = threading.Barrier(2, timeout=20)
    for db in databases:
        left = [1]

        def wait(_connection, _cursor, statement, *_rest, left=left):
            if statement.startswith("UPDATE writers ") and left:
                left.clear()
                barrier.wait()

        event.listen(db._writer, "before_cursor_execute", wait)
    told = both(
        *((lambda db=db, name=name: lease_writer(db, clock, name)) for db, name in zip(databases, "ab", strict=True))
    )
    assert sorted(told) == [1, 2]
    for db in databases:
        db.close()
