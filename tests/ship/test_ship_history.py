"""What the agent makes of the coverage in an answer: the ranges around its batch, not all that the server has."""

from __future__ import annotations

import pytest

from devmesh.ship.batch import Batch
from devmesh.ship.history import History
from devmesh.ship.piece import Lost
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
