"""Fixtures of the tests of meaning."""

from __future__ import annotations

import pytest

from bodies import line, take
from vector_models import LINES


@pytest.fixture
def families(make_mesh):
    """A house with six families and nothing embedded."""
    mesh = make_mesh()
    for text in LINES:
        take(mesh, line(text, service="a"))
    mesh.runner.once("assign-families")
    return mesh
