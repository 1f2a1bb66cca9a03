"""Fixtures of the HTTP tests."""

from __future__ import annotations

import pytest
from asgi import Caller


@pytest.fixture
def call(mesh):
    """Calls the app over an empty house; `call.mesh` is that house."""
    return Caller(mesh)
