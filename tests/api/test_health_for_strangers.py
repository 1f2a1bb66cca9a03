"""`/health` answers everybody, and tells strangers nothing but the overall state."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from devmesh.api import make_app


@pytest.fixture
def stranger(mesh):
    """A client from another machine."""
    return TestClient(make_app(mesh), base_url="http://mesh.example", client=("192.0.2.7", 50000))


@pytest.mark.parametrize("token", [None, "Bearer junk", "Basic junk", "Bearer "])
def test_without_a_known_token_the_parts_are_not_told(stranger, token):
    """No token, or one that nobody made: parts name nodes and reasons, so they stay untold."""
    answer = stranger.get("/health", headers={"Authorization": token} if token else {})
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_a_reader_sees_the_parts_and_a_sender_does_not(mesh, stranger):
    """What one may read decides."""
    seen = {}
    for kind in ("read", "admin", "relay"):
        secret = mesh.accounts.create_token(kind)
        seen[kind] = "parts" in stranger.get("/health", headers={"Authorization": f"Bearer {secret}"}).json()
    assert seen == {"read": True, "admin": True, "relay": False}
