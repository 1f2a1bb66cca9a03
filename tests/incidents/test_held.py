"""What is held for two reasons, or for long, and when it is let go."""

from __future__ import annotations

import numpy as np
import pytest

from bodies import DAY_US, HOUR_US, NOW_US, line, run_whole, take
from devmesh.detectors import About, Finding, Looked, Progress, queries
from devmesh.incidents.held_then import HeldThen
from devmesh.incidents.holding import Holding
from devmesh.memory import Minutes

MINUTE_US = 60_000_000
NOW = NOW_US // MINUTE_US

pytestmark = pytest.mark.sqlite_only


class House:
    """One node, one service, one family, and what the watch sifts."""

    def __init__(self, mesh, clock):
        self.mesh, self.clock, self.room = mesh, clock, mesh.incidents
        take(mesh, line("disk is full", ts_us=NOW_US - HOUR_US, service="db", priority=3))
        run_whole(mesh, "assign-families")
        self.holding = Holding(clock, mesh.nodes, mesh.detectors, self.room.mutes, self.room.maintenance)

    def found(self, minute, held, kind="disk full", detector="primitive"):
        """A finding that is stored."""
        family = None if kind == "silence" else 1
        one = Finding(minute, detector, kind, 1, 1, family, 6.0, True, About.SELF, "text")
        with self.mesh.db.write() as connection:
            self.mesh.detectors.note(connection, [(one, held)], minute * MINUTE_US)
        return one

    def looked(self):
        """The watch looked until now."""
        with self.mesh.db.write() as connection:
            queries.keep_progress(connection, Progress(self.clock.now_us() // MINUTE_US, NOW, None, None))

    def look(self, *said, fresh=()):
        """What a look sifts, where the family was said in these minutes."""
        counts = self.counts(*said)
        return self.holding.sift(fresh, Looked(counts.until, (), counts, 0))

    def counts(self, *said):
        """Until now."""
        minutes, ones = np.array(said, dtype=np.int64), np.ones(len(said), dtype=np.int64)
        return Minutes(0, self.clock.now_us() // MINUTE_US, minutes, ones, ones, ones, ones, ones)

    def sift(self, *said, fresh=()):
        """What that look lets go, and what it tells."""
        sifted = self.look(*said, fresh=fresh)
        return [one.finding for one in sifted.released], [(one.kind, held) for one, held in sifted.fresh]


@pytest.fixture
def house(mesh, clock):
    """An empty one but for a line."""
    return House(mesh, clock)


def test_who_went_missing_early_in_a_long_window_is_told_after_it(house):
    """Nothing finds it anew: it was found, hours before the window's end."""
    window = house.room.maintenance.plan(NOW_US, NOW_US + 6 * HOUR_US, [], [], "new disks", "anna")
    missing = house.found(NOW + 30, window.held, "silence", "silence")
    house.clock.advance(6 * 3600)
    assert house.sift() == ([], [])
    house.clock.advance(660)
    assert house.sift() == ([missing], [])


@pytest.mark.parametrize(
    ("kind", "detector", "said", "minute"),
    [("silence", "silence", (), 370), ("new error", "new", (359, 362, 363), 362)],
)
def test_what_goes_on_is_told_as_of_when_it_did(house, kind, detector, said, minute):
    """Who is missing by then ten minutes after the window, a line in the minute in which it was said again."""
    window = house.room.maintenance.plan(NOW_US, NOW_US + 6 * HOUR_US, [], [], "new disks", "anna")
    house.found(NOW + 20, window.held, kind, detector)
    house.clock.advance(6 * 3600 + 660)
    sifted = house.look(*(NOW + one for one in said))
    assert [(one.minute, one.since) for one in sifted.told] == [(NOW + minute, NOW + 20)]
    held = HeldThen(house.mesh.nodes, [], [window], 3.0)
    counts = house.counts(*(NOW + one for one in said))
    held.sift([one.finding for one in sifted.released], NOW + 21, house.counts())
    assert held.sift([], NOW + 371, counts) == sifted.told


def test_what_is_muted_stays_so_when_a_window_is_over(house):
    """It was held for both."""
    house.room.maintenance.plan(NOW_US, NOW_US + HOUR_US, [], [], "new disks", "anna")
    mute = house.room.mutes.mute(1, "known", NOW_US + DAY_US, "anna", most_per_hour=100)
    house.found(NOW + 50, mute.held)
    house.clock.advance(3660)
    assert house.sift(NOW + 61) == ([], [])
    house.room.mutes.end(mute.id, "anna")
    assert len(house.sift(NOW + 61)[0]) == 1


def test_in_maintenance_no_end_of_a_mute_is_told(house):
    """The window holds what the mute held, and that it ended."""
    mute = house.room.mutes.mute(1, "known", NOW_US + DAY_US, "anna", most_per_hour=1)
    window = house.room.maintenance.plan(NOW_US, NOW_US + 6 * HOUR_US, [], [], "new disks", "anna")
    house.found(NOW + 50, mute.held)
    house.clock.advance(3600)
    assert house.sift(NOW + 50, NOW + 51) == ([], [("unmuted", window.held)])


def test_the_end_of_a_mute_lets_go_what_it_held(house):
    """And is told itself."""
    mute = house.room.mutes.mute(1, "known", NOW_US + DAY_US, "anna", most_per_hour=1)
    found = house.found(NOW + 50, mute.held)
    house.clock.advance(3600)
    assert house.sift(NOW + 50, NOW + 51) == ([found], [("unmuted", "")])


def test_what_a_mute_held_is_told_when_somebody_ends_it(house):
    """Of the last hour."""
    mute = house.room.mutes.mute(1, "known", NOW_US + DAY_US, "anna", most_per_hour=100)
    found = [house.found(NOW + minute, mute.held) for minute in (10, 90)]
    house.clock.advance(6_000)
    assert house.sift() == ([], [])
    house.room.mutes.end(mute.id, "anna")
    assert house.sift() == (found[1:], [])


def test_two_mutes_of_a_family_that_end_at_once_are_one_finding(house):
    """Each for a reason of its own: the store holds what is the same but for its words once."""
    for nodes, most in (((), 1), ((1,), 2)):
        house.room.mutes.mute(1, "known", NOW_US + DAY_US, "anna", nodes, most_per_hour=most)
    house.clock.advance(3_600)
    assert house.sift(NOW + 50, NOW + 51, NOW + 52) == ([], [("unmuted", "")])


def test_a_window_holds_what_is_found_long_after_it(house):
    """The server was away, and looks at what was said while the window lasted, hours after its end."""
    window = house.room.maintenance.plan(NOW_US, NOW_US + HOUR_US, [], [], "new disks", "anna")
    house.clock.advance(5 * 3_600)
    one = Finding(NOW + 30, "primitive", "disk full", 1, 1, 1, 6.0, True, About.SELF, "text")
    assert house.sift(fresh=[one]) == ([], [("disk full", window.held)])


@pytest.mark.parametrize("ended", ["window", "mute"])
def test_what_ended_while_the_server_was_down_is_let_go_at_the_first_look(house, ended):
    """It looked in the first hour, and again five hours after the end."""
    if ended == "window":
        held = house.room.maintenance.plan(NOW_US, NOW_US + HOUR_US, [], [], "new disks", "anna").held
    else:
        held = house.room.mutes.mute(1, "known", NOW_US + HOUR_US, "anna", most_per_hour=100).held
    found = house.found(NOW + 30, held)
    house.clock.advance(40 * 60)
    house.looked()
    house.clock.advance(5 * 3_600 + 20 * 60)
    assert house.sift(NOW + 30, NOW + 70)[0] == [found]


def test_however_much_evidence_is_asked_for_the_end_of_a_mute_is_told(house):
    """Nobody who muted a line finds out otherwise that it is one no more."""
    house.holding = Holding(
        house.clock, house.mesh.nodes, house.mesh.detectors, house.room.mutes, house.room.maintenance, 6.0
    )
    house.room.mutes.mute(1, "known", NOW_US + DAY_US, "anna", most_per_hour=1)
    house.clock.advance(3600)
    (unmuted,) = house.look(NOW + 50, NOW + 51).told
    assert unmuted.weight >= 6.0
