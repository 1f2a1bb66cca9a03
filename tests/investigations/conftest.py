"""A house in which something broke, with the incident that was told of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from broken_fleet import BROKE_US, MINUTE_US, happen
from devmesh.clock import FakeClock
from devmesh.mesh import Mesh


@pytest.fixture
def troubled(make_mesh) -> Callable[..., Mesh]:
    """Makes a house that watched it happen; its clock stands ten minutes after the onset."""

    def make(*bodies: bytes) -> Mesh:
        mesh: Mesh = make_mesh(clock=FakeClock(BROKE_US - 10 * MINUTE_US))
        happen(mesh, *bodies)
        return mesh

    return make
