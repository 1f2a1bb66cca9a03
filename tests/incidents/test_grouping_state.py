"""A law of stored incidents: however often the watch looks, and is restarted, the same findings make the same ones."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from bodies import HOUR_US, NOW_US
from devmesh.clock import FakeClock
from devmesh.detectors import About, Finding, Live, Looked, Tuning
from devmesh.detectors.watch import Watch
from devmesh.graph import read_inventory, snapshot_of
from devmesh.incidents.holding import Holding
from devmesh.incidents.ties import Ties
from devmesh.incidents.watching import Watching
from devmesh.memory import Minutes
from devmesh.mesh import open_mesh
from devmesh.settings import load_settings

MINUTE_US = 60_000_000
BEGIN = NOW_US // HOUR_US * 60
SPAN = 8 * 60
KINDS = (
    ("primitive", "disk full", 6.0, True), ("new", "new error", 2.0, False), ("louder", "louder in 5 min", 1.0, False),
    ("silence", "silence", 4.0, False), ("silence", "node silent", 4.0, True),
)  # fmt: skip
WHO = st.integers(1, 3)
NAMES = {1: "one", 2: "two", 3: "three"}
TIES = Ties(
    snapshot_of(read_inventory("services:\n  one: {hosts: [one], depends_on: [two]}\n  two: {hosts: [two]}\n"), ()),
    lambda _ids: NAMES, lambda _ids: NAMES,
)  # fmt: skip


class Scripted(Live):
    """A watch that finds what a test wrote down."""

    moved = False

    def __init__(self, findings, said):
        self.watch, self.outdated, self.late = Watch({}), False, False
        self._findings, self._said, self._first = findings, said, BEGIN // 60

    def look(self, until, *, complete=None):  # noqa: ARG002 - it is asked as any other
        """All of it before a minute; counts of the hours that are not over for good."""
        minute = self._said[:, 0]
        rows = self._said[(minute >= self._first * 60) & (minute < until)]
        ones = np.ones(len(rows), dtype=np.int64)
        self._first = (until - 5) // 60
        counts = Minutes(0, until, *rows.T, ones, ones)
        return Looked(until, tuple(one for one in self._findings if one.minute < until), counts, 0)


@pytest.fixture(scope="module")
def house(empty_store, tmp_path_factory):
    """An empty house; each example forgets the one before."""
    folder = tmp_path_factory.mktemp("law")
    shutil.copy(empty_store, folder / "devmesh.db")
    mesh = open_mesh(load_settings(data_dir=folder, embedding_provider="off"), clock=FakeClock(NOW_US))
    yield mesh
    mesh.close()


def forget(mesh):
    """Let nothing have been found."""
    with mesh.db.write() as connection:
        for table in (
            "incident_findings",
            "incident_parts",
            "evidence",
            "notes",
            "incidents",
            "findings",
            "watch_state",
        ):
            connection.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - ours


def watched(mesh, findings, said, looks, ties):
    """The incidents in the store after looks at these minutes, with a restart after each that says so."""
    forget(mesh)
    live, watching = Scripted(findings, said), None
    for until, restart in looks:
        clock = FakeClock(until * MINUTE_US)
        if watching is None or restart:
            room = mesh.incidents
            holding = Holding(clock, mesh.nodes, mesh.detectors, room.mutes, room.maintenance)
            watching = Watching(
                mesh.db, clock, mesh.nodes, mesh.templates, mesh.events, mesh.detectors, holding, Tuning(), lambda: ties
            )
            watching._begin = lambda _progress, _until: live
        watching._clock = clock
        watching.step(1, SimpleNamespace(write=mesh.db.write))
    return stored(mesh)


def stored(mesh):
    """What the store says of each incident that a person could see."""
    out = []
    for case in sorted(mesh.incidents.list(thin=True, limit=1_000).rows, key=lambda one: one.id):
        joined = [(one.finding, one.reason) for one in mesh.incidents.findings(case.id)]
        life = (
            case.onset_us,
            case.enough_us,
            case.last_us,
            case.closed_us,
            case.reopened,
            case.status,
            case.severity,
            case.eased_us,
        )
        out.append((life, sorted(joined, key=repr)))
    return out


@st.composite
def lives(draw):
    """Findings in order of time, lines that were said, and the minutes at which the watch looks."""
    findings = {}
    for _ in range(draw(st.integers(1, 8))):
        detector, kind, weight, critical = draw(st.sampled_from(KINDS))
        family = None if detector == "silence" else draw(WHO)
        one = Finding(
            BEGIN + draw(st.integers(0, SPAN - 60)), detector, kind, draw(WHO), draw(WHO), family, weight, critical,
            About.SELF, "text",
        )  # fmt: skip
        findings[one.minute, one.service, one.node, one.family, one.detector, one.kind] = one
    said = draw(st.lists(st.tuples(st.integers(0, SPAN - 1), WHO, WHO, WHO), max_size=60))
    rows = np.array(sorted(said), dtype=np.int64).reshape(-1, 4) + np.array([BEGIN, 0, 0, 0])
    looks = draw(st.lists(st.tuples(st.integers(1, SPAN - 1), st.booleans()), max_size=12))
    order = sorted(findings.values(), key=lambda one: (one.minute, -one.weight, one.service, one.node, one.family or 0))
    return order, rows, sorted({BEGIN + minute: restart for minute, restart in looks}.items())


def alone(minute):
    """A finding that is worth a message."""
    return Finding(BEGIN + minute, "primitive", "disk full", 1, 1, 1, 6.0, True, About.SELF, "text")


NOTHING = np.zeros((0, 4), dtype=np.int64)
MISSED = Finding(BEGIN, "silence", "silence", 1, 1, None, 4.0, False, About.SELF, "text")


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(lives(), st.sampled_from([None, TIES]))
@example(([alone(0), alone(150)], NOTHING, [(BEGIN + 60, False)]), None).via("what came back while nobody watched")
@example(([MISSED], np.array([[BEGIN + 50, 1, 1, 1]]), [(BEGIN + 40, True)]), None).via("who came back within a look")
def test_however_often_it_looks_the_same_findings_make_the_same_incidents(house, life, ties):
    """In one go, or in many with restarts between them; by what the store says at the end."""
    findings, said, looks = life
    end = [(BEGIN + SPAN, False)]
    assert watched(house, findings, said, [*looks, *end], ties) == watched(house, findings, said, end, ties)
