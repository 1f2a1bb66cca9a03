"""Leases are handed back at the end, so that the next process need not wait for them to run out."""

from __future__ import annotations


def test_a_house_that_closes_hands_its_leases_back(make_mesh):
    """A second house on the same store runs the same loop at once, with the next term."""
    first = make_mesh()
    first.runner.once("template-totals")
    first.close()
    second = make_mesh()
    assert second.runner.once("template-totals") == 0
    assert {state.name for state in second.runner.states() if state.owner == second.runner._owner} == {
        "template-totals"
    }
