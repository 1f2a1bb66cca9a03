"""From a line in the log to a message in a channel: the watch, its report, the outbox, all of them real."""

from __future__ import annotations

import logging

import pytest

from bodies import DAY_US, NOW_US, line, run_whole, take
from devmesh.clock import FakeClock
from devmesh.detectors import Habit
from opened import found, open_incident

pytestmark = pytest.mark.sqlite_only  # the rooms' own tests run on both

MINUTE_US = 60_000_000
BEGIN_US = NOW_US // DAY_US * DAY_US - DAY_US
TO_TERMINAL = {"terminal": {"kind": "console"}}
PANIC = "Kernel panic - not syncing: @everyone VFS: unable to mount root fs"


@pytest.fixture
def house(make_mesh, tmp_path):
    """Three days of an api were stored; the terminal is the channel."""
    mesh = make_mesh(tmp_path / "house", clock=FakeClock(BEGIN_US), channels=TO_TERMINAL)
    life = b"".join(
        line("served 12 requests", service="api", ts_us=BEGIN_US - minute * MINUTE_US)
        for minute in range(0, 72 * 60, 20)
    )
    take(mesh, life, "apps", received_us=BEGIN_US)
    minute(mesh)
    return mesh


def minute(mesh):
    """Let a minute pass: families, a look, and what follows from it."""
    for loop in mesh.templates.loops():
        run_whole(mesh, loop.name)
    mesh.clock.advance(60)
    for loop in ("watch", "write-reports", "announce-incidents", "send-notifications"):
        mesh.runner.once(loop)


def told(caplog):
    """The first lines of what the terminal was told."""
    return [one.getMessage().splitlines()[0] for one in caplog.records if one.name == "devmesh.incidents"]


def test_a_fault_is_told_explained_and_closed_in_one_channel(house, caplog):
    """A message with the report's title at once, nothing while nothing changes, and the end of it."""
    caplog.set_level(logging.WARNING)
    take(house, line(PANIC, service="kernel", ts_us=house.clock.now_us()), "apps", received_us=house.clock.now_us())
    minute(house)
    (case,) = house.incidents.list().rows
    report = house.investigations.report(case.id)
    assert report.version == case.version
    assert told(caplog) == [f"incident={case.id} Critical: {report.title}"]
    assert "@everyone" in caplog.text
    for _ in range(5):
        minute(house)
    assert len(told(caplog)) == 1
    for _ in range(35):
        minute(house)
    assert len(told(caplog)) == 2
    assert "Closed after" in told(caplog)[1]


def test_without_a_report_it_is_told_late_but_told(house, caplog, monkeypatch):
    """Reports fail: after fifteen seconds it is told as the watch saw it."""
    caplog.set_level(logging.WARNING)
    monkeypatch.setattr(house.investigations, "report", lambda _number: None)
    take(house, line(PANIC, service="kernel", ts_us=house.clock.now_us()), "apps", received_us=house.clock.now_us())
    minute(house)
    assert told(caplog) == []
    house.clock.advance(16)
    house.runner.once("announce-incidents")
    house.runner.once("send-notifications")
    (case,) = house.incidents.list().rows
    assert told(caplog) == [f"incident={case.id} Critical: {case.title}"]
    assert (case.detected_us, case.told_us) == (BEGIN_US + 2 * MINUTE_US, BEGIN_US + 2 * MINUTE_US + 16_000_000)
    assert case.onset_us < case.detected_us
    assert [(one.kind, one.text) for one in house.incidents.notes(case.id)] == [("told", "")]


def test_a_crash_between_outbox_and_note_is_no_second_message(house, caplog, monkeypatch):
    """Both are one transaction: a step that rolls back puts nothing into the outbox."""
    caplog.set_level(logging.WARNING)
    take(house, line(PANIC, service="kernel", ts_us=house.clock.now_us()), "apps", received_us=house.clock.now_us())
    with monkeypatch.context() as crash:
        crash.setattr(house.incidents, "announced", lambda *_told, **_more: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            minute(house)
    house.runner.once("send-notifications")
    assert told(caplog) == []
    for loop in ("announce-incidents", "send-notifications", "announce-incidents", "send-notifications"):
        house.runner.once(loop)
    assert len(told(caplog)) == 1


def test_what_is_told_is_no_news_to_the_watch(house, caplog):
    """F57: the server's own log comes in again, line by line, with all the bad words of the fault: nothing is found."""
    caplog.set_level(logging.INFO)
    take(house, line(PANIC, service="kernel", ts_us=house.clock.now_us()), "apps", received_us=house.clock.now_us())
    minute(house)
    (case,) = house.incidents.list().rows
    said = [
        f"2026-01-20 14:00:00,123 {one.levelname} {one.name} {one.getMessage()}"
        for one in caplog.records
        if one.name.startswith("devmesh.")
    ]
    lines = [text for one in said for text in one.splitlines()]
    assert len(lines) > len(said) > 1
    body = b"".join(line(text, service="devmesh", ts_us=house.clock.now_us()) for text in lines * 5)
    take(house, body, "apps", received_us=house.clock.now_us())
    minute(house)
    minute(house)
    devmesh = house.nodes.service_names.ids(["devmesh"], create=False)["devmesh"]
    assert devmesh not in {one.service_id for one in house.incidents.parts([case.id])[case.id]}
    assert len(house.incidents.list(thin=True).rows) == 1


def test_nobody_else_hides_behind_our_words(house):
    """Another service that writes like us is looked at like any other."""
    bad = line("incident=7 Kernel panic - not syncing", service="kernel", ts_us=house.clock.now_us())
    take(house, bad, "apps", received_us=house.clock.now_us())
    minute(house)
    assert [one.severity for one in house.incidents.list().rows] == ["critical"]


def test_a_line_that_did_not_come_is_told_with_its_plan_by_the_servers_clock(make_mesh, tmp_path, caplog):
    """What a person needs at night: what comes when, how surely, and since when it is missed."""
    caplog.set_level(logging.WARNING)
    mesh = make_mesh(tmp_path / "late", clock=FakeClock(NOW_US), channels=TO_TERMINAL, timezone="Asia/Kolkata")
    day = NOW_US // DAY_US * 1440
    habit = Habit(1440, day + 190, day + 220, 6, 41, 42, "Finished borg")
    open_incident(mesh, [found(mesh, day + 220, "borg", "nas", detector="overdue", kind="overdue", habit=habit)])
    for loop in ("write-reports", "announce-incidents", "send-notifications"):
        mesh.runner.once(loop)
    assert "`Finished borg` normally comes at 08:40 ±6 min (41 of 42 days); not seen by 09:10 IST.\n" in caplog.text
