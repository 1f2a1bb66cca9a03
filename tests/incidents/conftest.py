"""Fixtures of a watched life."""

from __future__ import annotations

import pytest

from devmesh.clock import FakeClock
from watched_life import BEGIN_US, ordinary, send


@pytest.fixture
def fleet(make_mesh, tmp_path):
    """Three days and a half were stored before the watch began."""
    mesh = make_mesh(tmp_path / "fleet", clock=FakeClock(BEGIN_US))
    send(mesh, ordinary(0, 83 * 60))
    mesh.runner.once("watch")
    return mesh
