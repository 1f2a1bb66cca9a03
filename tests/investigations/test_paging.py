"""Inconclusive is a result that does not page: from lines through the watch and the report to the channel."""

from __future__ import annotations

import logging

import pytest

from bodies import line
from devmesh.clock import FakeClock
from watched_life import BEGIN_US, MINUTE_US, START_US, live, ordinary, send

pytestmark = pytest.mark.sqlite_only  # what the report comes to is tested on both

LOOPS = ("write-reports", "announce-incidents", "send-notifications")
TERMINAL = {"terminal": {"kind": "console"}}


def told(caplog) -> list[str]:
    """The first lines of what the terminal was told."""
    return [one.getMessage().splitlines()[0] for one in caplog.records if one.name == "devmesh.incidents"]


def two_at_once(mesh, *, more=b""):
    """Two programs of one node say new errors in the same minute: nobody can know whose fault it is."""
    send(mesh, ordinary(0, (BEGIN_US - START_US) // MINUTE_US))
    live(mesh, 2)

    def said(minute):
        ts_us = START_US + minute * MINUTE_US
        names = "cart", "shop"
        return more + b"".join(
            line(f"ERROR: {name} lost its place", service=name, ts_us=ts_us, node="apps") for name in names
        )

    for _ in range(3):
        live(mesh, 1, said)
        for loop in LOOPS:
            mesh.runner.once(loop)


@pytest.mark.parametrize(("least", "expected"), [("warning", []), ("info", ["incident=1 Info"])])
def test_what_is_inconclusive_pages_nobody_who_did_not_ask_for_it(make_mesh, tmp_path, caplog, least, expected):
    """The incident is there, with its report; channels for warnings stay silent, one for all that there is does not."""
    caplog.set_level(logging.WARNING)
    routes = [{"channels": ["terminal"], "severity": least}]
    mesh = make_mesh(tmp_path / "house", clock=FakeClock(BEGIN_US), channels=TERMINAL, routes=routes)
    two_at_once(mesh)
    (case,) = mesh.incidents.list().rows
    assert case.severity == "warning"
    report = mesh.investigations.report(case.id)
    assert (report.version, report.inconclusive) == (case.version, True)
    assert report.title.startswith("Trouble with no clear cause; perhaps ")
    assert [one.split(":")[0] for one in told(caplog)] == expected
    assert mesh.incidents.to_announce(10) == []


def test_what_is_critical_pages_whoever_it_was(make_mesh, tmp_path, caplog):
    """Not to know who it was is no reason to let a full disk go by."""
    caplog.set_level(logging.WARNING)
    mesh = make_mesh(tmp_path / "house", clock=FakeClock(BEGIN_US), channels=TERMINAL)
    full = "EXT4-fs error: No space left on device"
    two_at_once(mesh, more=line(full, service="kernel", ts_us=mesh.clock.now_us() + 2 * MINUTE_US, node="apps"))
    assert told(caplog)[0].startswith("incident=1 Critical: ")
