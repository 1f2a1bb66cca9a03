"""One row that the server does not take costs no neighbour: found by halves, rejected alone (F43, F44)."""

from __future__ import annotations

import pymysql
import pytest

from bodies import NOW_US, assert_counts, line, messages, rows, take
from devmesh.db import load, metadata, open_database
from devmesh.mesh import open_mesh
from devmesh.settings import load_settings
from mariadb_server import as_root, asked


@pytest.fixture
def narrow(mariadb):
    """A database whose column for process ids ends at 32,767; it is thrown away afterwards."""
    url = mariadb.take()
    with as_root(url) as connection:
        asked(connection, "ALTER TABLE log_events MODIFY pid SMALLINT")
        asked(connection, "CREATE TABLE not_as_declared (id INT)")  # so that no other test gets it
    yield url
    mariadb.give_back(url)


@pytest.fixture(params=["load", "statements"])
def road(request, monkeypatch):
    """Both ways into the server."""
    monkeypatch.setattr(load.notices, "load_forbidden", request.param == "statements")


@pytest.fixture
def mesh(narrow, tmp_path, clock, road):
    """A house over it."""
    told = {"database_url": narrow, "embedding_provider": "off", "disk_reserve_mb": 1}
    opened = open_mesh(load_settings(data_dir=tmp_path, **told), clock=clock)
    opened.intake.start()
    yield opened
    opened.close()


def lines(*pids):
    """A line for each process id, the newest first, so that the server's order is not the sender's."""
    return b"".join(
        line(f"entry {number}", seq=number, pid=pid, ts_us=NOW_US - number * 1_000_000, service="svc")
        for number, pid in enumerate(pids, start=1)
    )


def test_a_row_that_does_not_fit_is_rejected_alone(mesh):
    """By line, field and reason, without its text; its neighbours are stored and counted, and it is covered."""
    body = lines(*[1] * 40, 70_000, *[2] * 40, 80_000, 3)
    answer = take(mesh, body, stream="s", ranges=((1, 83),))
    assert (answer.stored, answer.repeated, answer.rejected) == (81, 0, 2)
    assert [(one.line, one.field) for one in answer.errors] == [(41, "pid"), (82, "pid")]
    assert "70" not in answer.errors[0].reason
    assert sorted(messages(mesh)) == sorted(f"entry {number}" for number in range(1, 84) if number not in {41, 82})
    assert_counts(mesh)
    again = take(mesh, body, stream="s", ranges=((1, 83),))
    assert (again.stored, again.repeated) == (0, 83)


def test_it_costs_no_other_request_and_no_repeat(mesh):
    """Requests that wait together: the row is that of its own request, wherever repeats were left out before it."""
    take(mesh, lines(1, 1, 1), stream="s", ranges=((1, 3),))
    tickets = [
        mesh.intake.submit(one)
        for one in (
            _request(lines(1, 1, 1, 1), "n1", ((1, 4),)),
            _request(lines(1, 70_000, 1), "n2", ((1, 3),)),
            _request(b'{"broken\n' + lines(1, 70_000), "n3", ((1, 2),)),
        )
    ]
    told = [ticket.future.result(30) for ticket in tickets]
    assert [(one.stored, one.repeated, one.rejected) for one in told] == [(1, 3, 0), (2, 0, 1), (1, 0, 2)]
    assert [[error.line for error in one.errors] for one in told] == [[], [2], [1, 3]]
    assert_counts(mesh)


def _request(body, node, ranges):
    from bodies import request

    return request(body, node, stream="s", ranges=ranges)


def test_a_batch_of_nothing_else(mesh):
    """Every row refused: all are named, nothing is stored, and what comes next is taken."""
    answer = take(mesh, lines(70_000, 70_000), stream="s", ranges=((1, 2),))
    assert (answer.stored, answer.rejected) == (0, 2)
    assert rows(mesh, "SELECT COUNT(*) FROM log_events UNION ALL SELECT COUNT(*) FROM minute_counts") == [(0,), (0,)]
    assert take(mesh, lines(1), "n2").stored == 1


def test_what_must_be_whole_is_not_stored_in_part(mariadb):
    """Whoever does not ask for the rows that were refused gets the error."""
    import polars as pl

    url = mariadb.take()
    db, table = open_database(url), metadata.tables["nodes"]
    frame = pl.DataFrame({"id": [1, 2], "name": ["fits", "x" * 300], "created_us": [1, 1]})
    with pytest.raises(pymysql.err.DataError), db.write() as connection:
        load.insert_frame(connection, table, frame)
    db.close()
    mariadb.give_back(url)
