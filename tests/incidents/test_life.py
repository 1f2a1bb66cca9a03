"""The law of the whole life: looks, restarts, crashes, late lines and people in any order. Nothing is lost, nothing is
doubled, each change is told once, and all of it ends.
"""

from __future__ import annotations

import contextlib
import copy
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from test_grouping_state import BEGIN, KINDS, MINUTE_US, NOTHING, WHO, Scripted, forget, house

from bodies import rows
from devmesh.clock import FakeClock
from devmesh.detectors import About, Finding
from devmesh.errors import InvalidInput
from devmesh.incidents import watching as module
from devmesh.incidents.holding import Holding

__all__ = ["house"]  # the fixture

LONGEST = 18 * 60  # what is older than a day is nobody's business
PLACE = st.integers(0, 30)


class Killed(BaseException):
    """The process is gone."""


class Life(RuleBasedStateMachine):
    """A store of incidents, a watch over it that finds what the rules write down, and who tells of it."""

    mesh = None

    @initialize()
    def begin(self):
        """An empty store, and a first look."""
        forget(self.mesh)
        self.clock, self.live = FakeClock(BEGIN * MINUTE_US), Scripted([], NOTHING)
        self.seen, self.told, self.first_told, self.word = set(), [], {}, {}
        self.by_hand = set()  # incidents that were split or merged
        self.mesh.incidents._clock = self.clock
        self.restart()
        self.look(0)

    @property
    def now(self):
        """The minute."""
        return self.clock.now_us() // MINUTE_US

    @rule(minutes=st.sampled_from([1, 2, 5, 25, 70, 200]))
    @precondition(lambda self: self.now < BEGIN + LONGEST)
    def look(self, minutes):
        """Some minutes later."""
        self.clock.advance(60 * minutes)
        self._step()

    def _step(self):
        self.watch.step(1, SimpleNamespace(write=self.mesh.db.write))
        self.seen = {one for one in self.live._findings if one.minute < self.now}

    @rule()
    def restart(self):
        """Another process goes on."""
        room, mesh = self.mesh.incidents, self.mesh
        holding = Holding(self.clock, mesh.nodes, mesh.detectors, room.mutes, room.maintenance)
        self.watch = copy.copy(room._watching)  # which never looked itself, so nothing is kept in it
        self.watch._clock, self.watch._holding = self.clock, holding
        self.watch._begin = lambda _progress, _until: self.live

    @rule(point=st.sampled_from(["watch_before_commit", "watch_after_commit"]))
    def crash(self, point):
        """In the middle of the next look."""

        def killed(name):
            if name == point:
                raise Killed

        real, module.crash_point = module.crash_point, killed
        self.clock.advance(60)
        try:
            with contextlib.suppress(Killed):
                self._step()
        finally:
            module.crash_point = real
        self.restart()
        self._step()

    @rule(kind=st.sampled_from(KINDS), service=WHO, node=WHO, family=WHO, back=st.sampled_from([0, 0, 0, 3, 40, 170]))
    def happens(self, kind, service, node, family, back):
        """Something, in this minute; or it comes to be known so many minutes late."""
        detector, kind, weight, critical = kind
        family = None if detector == "silence" else family
        minute = max(BEGIN, self.now - back)
        one = Finding(minute, detector, kind, service, node, family, weight, critical, About.SELF, "text")
        if one not in self.live._findings:
            self.live._findings.append(one)
            self.live._findings.sort(key=lambda one: (one.minute, -one.weight, one.service, one.node, one.family or 0))

    @rule(service=WHO, node=WHO, family=WHO)
    def says(self, service, node, family):
        """A line, in this minute."""
        self.live._said = np.concatenate([self.live._said, [[self.now, family, service, node]]])

    @rule(verb=st.sampled_from(["close", "reopen", "investigate"]), place=PLACE)
    def acts(self, verb, place):
        """Somebody does something; what cannot be done is refused."""
        with contextlib.suppress(InvalidInput):
            for case in self._one(place):
                getattr(self.mesh.incidents, verb)(case.id, "ada")

    @rule(one=PLACE, other=PLACE)
    def merges(self, one, other):
        """Two were one."""
        for case in self._one(one):
            for into in self._one(other):
                with contextlib.suppress(InvalidInput):
                    self.mesh.incidents.merge(case.id, into.id, "ada")
                    self.by_hand |= {case.id, into.id}

    @rule(place=PLACE, which=st.integers(1, 7))
    def splits(self, place, which):
        """One was two."""
        for case in self._one(place):
            chosen = [one.id for one in self.mesh.incidents.findings(case.id)][::which]
            with contextlib.suppress(InvalidInput):
                self.by_hand |= {case.id, self.mesh.incidents.split(case.id, chosen, "ada").id}

    @rule()
    def tells(self):
        """What changed goes to the channels."""
        room = self.mesh.incidents
        for case in room.to_announce(100):
            self.told.append((case.id, case.version))
            self.word[case.id] = case.status == "closed", case.severity, case.reopened
            with self.mesh.db.write() as connection:
                room.announced(connection, case.id, case.version, told=True)

    def _one(self, place):
        cases = self._cases()
        return [cases[place % len(cases)]] if cases else []

    def _cases(self):
        return sorted(self.mesh.incidents.list(thin=True, limit=1_000).rows, key=lambda one: one.id)

    @invariant()
    def nothing_is_lost_or_doubled(self):
        """Each finding that a look saw is stored once, and in one incident."""
        if not hasattr(self, "seen"):
            return
        keys = "minute, detector, kind, service_id, node_id, family_id"
        stored = rows(self.mesh, f"SELECT {keys} FROM findings")  # noqa: S608 - ours
        assert sorted(stored) == sorted(
            (one.minute, one.detector, one.kind, one.service, one.node, one.family or 0) for one in self.seen
        )
        assert rows(self.mesh, "SELECT COUNT(*) FROM incident_findings") == [(len(stored),)]
        shown = [one for case in self._cases() for one in self.mesh.incidents.findings(case.id)]
        assert sum(one.times for one in shown) == len(stored)

    @invariant()
    def each_incident_is_consistent(self):
        """By what a person sees of it."""
        if not hasattr(self, "seen"):
            return
        for case in self._cases():
            joined = self.mesh.incidents.findings(case.id)
            assert joined
            assert case.onset_us == joined[0].finding.minute * MINUTE_US
            parts = {
                (one.service_id, one.node_id, one.detector) for one in self.mesh.incidents.parts([case.id])[case.id]
            }
            assert parts == {(x.finding.service, x.finding.node, x.finding.detector) for x in joined}
            assert (case.status == "closed") == (case.closed_us is not None)
            assert (case.severity == "info") == (case.enough_us is None) == (case.detected_us is None)
            assert case.severity == "critical" or not any(one.finding.critical for one in joined) or not case.enough_us
            tellings = [one.kind for one in self.mesh.incidents.notes(case.id)].count("told")
            assert tellings == (case.enough_us is not None) or (case.id in self.by_hand and tellings <= 1)
            assert self.first_told.setdefault(case.id, case.told_us or 0) in (0, case.told_us)
            self.first_told[case.id] = case.told_us or 0

    @invariant()
    def each_version_is_told_once(self):
        """However often it is asked."""
        assert len(set(getattr(self, "told", ()))) == len(getattr(self, "told", ()))

    def teardown(self):
        """A day and some hours later all have ended, and their ends are told."""
        if not hasattr(self, "seen"):
            return
        for hours in (1, 25, 2):
            self.clock.advance(hours * 3_600)
            self.watch.step(1, SimpleNamespace(write=self.mesh.db.write))
        self.tells()
        cases = self._cases()
        assert {one.status for one in cases} <= {"closed"}
        ended = {one.id: (True, one.severity, one.reopened) for one in cases if one.enough_us is not None}
        assert {number: word for number, word in self.word.items() if number in ended} == ended
        assert self.mesh.incidents.to_announce(1) == []


@pytest.mark.sqlite_only
def test_nothing_is_lost_doubled_or_told_twice_whatever_happens(house):
    """In any order."""
    real = house.incidents._clock
    bounds = settings(
        max_examples=15, stateful_step_count=25, deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    )  # fmt: skip
    try:
        run_state_machine_as_test(type("ALife", (Life,), {"mesh": house}), settings=bounds)
    finally:
        house.incidents._clock = real
