"""The past, watched in a house of either kind of store."""

from __future__ import annotations

import pytest

from bodies import DAY_US, HOUR_US, NOW_US, line, run_whole, take
from devmesh.clock import FakeClock
from devmesh.detecting import replay

START_US = NOW_US // DAY_US * DAY_US - 4 * DAY_US
NOON_US = START_US + 3 * DAY_US + 12 * HOUR_US


@pytest.fixture
def fleet(make_mesh):
    """Three days and a half of an api and a database; an hour ago the database failed."""
    mesh = make_mesh(clock=FakeClock(NOON_US))
    body = b""
    for minute in range(0, 84 * 60, 6):
        ts_us = START_US + minute * 60_000_000
        body += line("served 12 requests", service="api", ts_us=ts_us, node="apps")
        if minute < 83 * 60:
            body += line("checkpoint 7 done", service="mariadb", ts_us=ts_us, node="store")
    for n in range(4):
        ts_us = START_US + 83 * HOUR_US + n * 60_000_000
        body += line("mariadb.service: Failed with result 'core-dump'.", service="mariadb", ts_us=ts_us, node="store")
        body += line("ERROR: mariadb at store: connection refused", service="api", ts_us=ts_us + 1, node="apps")
    take(mesh, body, "relay", received_us=NOON_US, may_name_nodes=True)
    for loop in (*mesh.templates.loops(), *mesh.events.loops()):
        run_whole(mesh, loop.name)
    return mesh


def test_the_past_tells_one_incident_and_blames_who_failed(fleet):
    """Twice the same, on both stores; the witness is not the suspect."""
    found = replay(fleet)
    assert found == replay(fleet)
    assert [one["suspects"][0]["service"] for one in found["incidents"]] == ["mariadb"]
    assert found["incidents"][0]["services"] == ["api", "mariadb"]
    assert "named by api" in found["incidents"][0]["suspects"][0]["reasons"]


def test_what_ended_before_is_not_told_of_a_shorter_time(fleet):
    """A look at the first three days finds nothing."""
    assert replay(fleet, until="2h")["incidents"] == []
