"""The days of log_events on MariaDB: made ahead, dropped whole, and none needed to store an event of any day."""

from __future__ import annotations

import pytest

from bodies import DAY_US, NOW_US, assert_counts, line, messages, rows, take
from devmesh.errors import Unavailable
from devmesh.events import Filter, partitions

pytestmark = pytest.mark.mariadb_only


def parts(mesh):
    """Rows in each partition, by name."""
    with mesh.db.read() as connection:
        return {
            name: connection.exec_driver_sql(f"SELECT COUNT(*) FROM log_events PARTITION ({name})").scalar()  # noqa: S608
            for name in partitions._ends(connection)
        }


def test_days_are_made_ahead_and_each_event_goes_to_its_own(mesh, clock):
    """Today and three more days have partitions; older events go to `past`, later ones to `rest`."""
    mesh.runner.once("expire-events")
    assert list(parts(mesh)) == ["past", "d20251122", "d20251123", "d20251124", "d20251125", "rest"]
    for days in (-40, -1, 0, 1):
        take(mesh, line(f"day {days}", ts_us=NOW_US + days * DAY_US - (1 if days == 1 else 0)))
    assert parts(mesh) == {"past": 2, "d20251122": 1, "d20251123": 1, "d20251124": 0, "d20251125": 0, "rest": 0}
    mesh.runner.once("expire-events")
    clock.advance(2 * 86_400)
    mesh.runner.once("expire-events")
    assert list(parts(mesh))[-3:] == ["d20251126", "d20251127", "rest"]
    assert_counts(mesh)


def test_events_that_came_before_the_first_partition_move_to_their_days(mesh):
    """A server that is older than its loops' first turn loses nothing."""
    for days in (-2, 0):
        take(mesh, line(f"day {days}", ts_us=NOW_US + days * DAY_US))
    assert parts(mesh) == {"rest": 2}
    mesh.runner.once("expire-events")
    found = parts(mesh)
    assert (found["past"], found["d20251122"], found["rest"]) == (1, 1, 0)


def test_old_days_are_dropped_whole_and_what_is_late_goes_too(make_mesh, clock):
    """After the retention a day's partition is gone, with it what came late for days before; counts stay."""
    mesh = make_mesh(retention_days=10)
    mesh.runner.once("expire-events")
    take(mesh, b"".join(line(f"old {number}", ts_us=NOW_US + number) for number in range(50)))
    clock.advance(5 * 86_400)
    mesh.runner.once("expire-events")
    take(mesh, line("young", ts_us=clock.now_us()), received_us=clock.now_us())
    clock.advance(7 * 86_400)
    mesh.runner.once("expire-events")
    assert "d20251122" not in parts(mesh)
    assert messages(mesh) == ["young"]
    take(mesh, line("late for a day that is gone", ts_us=NOW_US), received_us=clock.now_us())
    assert len(messages(mesh)) == 2
    mesh.runner.once("expire-events")
    assert messages(mesh) == ["young"]
    assert mesh.events.counted() == 52


def test_imported_history_expires_row_by_row(make_mesh):
    """Events from before the first partition go as they do on SQLite."""
    mesh = make_mesh(retention_days=10)
    mesh.runner.once("expire-events")
    for days in (400, 30, 9):
        take(mesh, line(f"{days} days old", ts_us=NOW_US - days * DAY_US))
    mesh.runner.once("expire-events")
    assert messages(mesh) == ["9 days old"]
    assert "past" in parts(mesh)


def test_a_long_read_does_not_hold_up_what_comes_in(mesh, clock):
    """The change gives up after its short wait, events are stored, and the next turn does it (M18 of a drop)."""
    mesh.runner.once("expire-events")
    clock.advance(2 * 86_400)
    begun_us = clock.now_us()
    with mesh.db.read() as connection:
        connection.exec_driver_sql("SELECT COUNT(*) FROM log_events").scalar()
        with pytest.raises(Unavailable):
            mesh.runner.once("expire-events")
        assert clock.now_us() == begun_us, "no pause was made for another try"
        assert take(mesh, line("meanwhile")).stored == 1
    mesh.runner.once("expire-events")
    assert list(parts(mesh))[-2] == "d20251127"


def test_a_question_looks_only_into_its_days(mesh):
    """The server leaves the other partitions out."""
    mesh.runner.once("expire-events")
    take(mesh, line("today", ts_us=NOW_US))
    take(mesh, line("long ago", ts_us=NOW_US - 30 * DAY_US))
    with mesh.db.read() as connection:
        query = f"EXPLAIN PARTITIONS SELECT * FROM log_events WHERE ts_us BETWEEN {NOW_US} AND {NOW_US + 1}"  # noqa: S608
        plan = connection.exec_driver_sql(query).mappings().one()
    assert plan["partitions"] == "d20251122"
    since = Filter(since_us=NOW_US - DAY_US)
    assert [event.message for event in mesh.events.query(since).events] == ["today"]
    assert rows(mesh, "SELECT COUNT(*) FROM log_events") == [(2,)]
