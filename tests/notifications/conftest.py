"""Fixtures of the tests of telling people."""

from __future__ import annotations

import pytest
from far_side import DISCORD, aim, far_side

STEP = "send-notifications"


@pytest.fixture
def discord():
    """A server that answers like Discord."""
    with far_side() as server:
        yield server


@pytest.fixture
def house(make_mesh, discord):
    """A house whose channel `team` is that Discord."""

    def make(**settings):
        mesh = make_mesh(**{"channels": {"team": DISCORD}, **settings})
        aim(mesh, "team", discord)
        return mesh

    return make


@pytest.fixture
def step():
    """One step of the loop that sends."""
    return lambda mesh: mesh.runner.once(STEP)
