"""What the agent makes of the coverage in an answer: the ranges around its batch, not all that the server has."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from devmesh.ship.batch import Batch
from devmesh.ship.clock import Clock
from devmesh.ship.heartbeat import GAPS_AT_ONCE, Heart
from devmesh.ship.history import History
from devmesh.ship.in_vain import InVain
from devmesh.ship.piece import Lost
from devmesh.ship.server import Answer
from devmesh.ship.state import StateFile
from devmesh.ship.track import Track

SENT = [(0, 10), (20, 30), (40, 50), (60, 70), (80, 90), (100, 110)]


@pytest.mark.parametrize(
    ("coverage", "in_step"),
    [
        ([(40, 50), (60, 72), (80, 90)], True),  # what the server tells where nothing was lost
        ([(0, 10), (20, 30), (40, 50), (60, 72), (80, 90), (100, 110)], True),  # all of it, too
        ([(40, 50), (53, 55), (60, 72), (80, 90)], True),  # a gap that we told and whose answer was lost
        ([(71, 72), (80, 90)], False),  # a restored backup: what this continued is gone
        ([(20, 30), (60, 72), (80, 90)], False),  # the range below is gone
        ([(40, 50), (60, 72), (100, 110)], False),  # the range above is gone
        ([(40, 50), (60, 76), (80, 90)], False),  # more than we ever sent: another history
        ([(40, 50), (60, 72), (75, 76), (80, 90)], False),
    ],
)
def test_an_answer_names_the_ranges_around_the_batch(tmp_path, coverage, in_step):
    """A server that lost what lies beside the batch, or has more than was sent, is noticed; holes alone are no sign."""
    history = History(StateFile(str(tmp_path)), None, None, [])
    track = history.tracks["s"] = Track("s", "journal")
    track.done, track.gaps, history.current = list(SENT), [Lost(53, 55, True, "vacuumed")], True
    history.stored(Batch("s;0", 71, 72, "x", None, []), {"coverage": [list(part) for part in coverage]})
    assert history.current is in_step


def test_more_gaps_than_a_heartbeat_holds_are_told_in_several(tmp_path):
    """Each gap is told once, in as few heartbeats as hold them; what was told counts as done, the rest does not."""
    beats = []

    def heard(said):
        beats.append(said["gaps"])
        return Answer(200, {}, None, "")

    history = History(StateFile(str(tmp_path)), None, None, [])
    track = history.tracks["s"] = Track("s", "journal")
    track.gaps = [Lost(10 * n, 10 * n + 3, True, "poison") for n in range(GAPS_AT_ONCE)]
    history.untold = [("old;0", Lost(5, 9, False, "forked"))]
    heart = Heart(SimpleNamespace(heartbeat=heard, skew=SimpleNamespace(best=None), in_vain=InVain()), Clock(), 30.0)
    for left in (1, 0, 0):
        assert heart.beat(history, [], [], {})
        assert len(history.gaps()) == left
        assert history.has_gaps() is bool(left)
    assert [len(told) for told in beats] == [GAPS_AT_ONCE, 1, 0]
    assert len({(gap["stream"], gap["from"]) for told in beats for gap in told}) == GAPS_AT_ONCE + 1
    assert len(track.done) == GAPS_AT_ONCE
