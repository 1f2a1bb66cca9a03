"""How sure a report is, and when it is not."""

from __future__ import annotations

from dataclasses import replace

from devmesh.detectors import About, Finding
from devmesh.investigations import Suspect
from devmesh.investigations.suspects import confidence_of, inconclusive, unclear

ONE = Finding(600, "louder", "louder in 5 min", 1, 1, 7, 3.0, False, About.SELF, "")


def test_who_is_far_ahead_with_much_evidence_is_sure():
    """A rival as strong halves it, little evidence lowers it, nothing makes it certain."""
    assert confidence_of([Suspect(1, 1, 9.0)], 0) == 0.95
    assert confidence_of([Suspect(1, 1, 9.0), Suspect(2, 1, 9.0)], 0) == 0.5
    assert confidence_of([Suspect(1, 1, 9.0), Suspect(2, 1, 3.0)], 1) == 0.12
    assert confidence_of([Suspect(1, 1, 3.0)], 0) == 0.5
    assert confidence_of([Suspect(1, 1, 0.0), Suspect(2, 1, 0.0)], 0) == 0.0


def test_a_tie_on_one_node_is_inconclusive_but_not_what_is_critical_or_seen_by_two():
    """Two nodes that cannot reach each other page, though nobody knows whose fault it is."""
    tied, clear = [Suspect(1, 1, 4.0), Suspect(2, 1, 3.9)], [Suspect(1, 1, 4.0), Suspect(2, 1, 3.0)]
    assert unclear(tied)
    assert not unclear(clear)
    assert inconclusive(tied, [ONE])
    assert not inconclusive(clear, [ONE])
    assert not inconclusive(tied, [ONE, replace(ONE, critical=True)])
    assert not inconclusive(tied, [ONE, replace(ONE, node=2)])
    assert not inconclusive(tied[:1], [ONE])
