"""What changes how the house runs is for admins alone."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/tokens"),
        ("POST", "/tokens"),
        ("DELETE", "/tokens/1"),
        ("POST", "/nodes/n1/retire"),
        ("GET", "/loops"),
        ("POST", "/loops/x/run"),
    ],
)
def test_admins_alone(call, method: str, path: str):
    """Tokens that send or read may not administer; strangers are not even known."""
    body = {"json": {"kind": "read"}} if (method, path) == ("POST", "/tokens") else {}
    for kind, node in (("node", "n1"), ("relay", None), ("read", None)):
        token = call.mesh.accounts.create_token(kind, node)
        assert call(method, path, token=token, **body).json()["code"] == "forbidden"
    assert call(method, path, peer=("192.0.2.7", 1), host="house:8000", **body).status_code == 401


def test_tokens_are_made_listed_and_revoked(call):
    """A token is told once, listed without its secret, and refused after it was revoked."""
    made = call("POST", "/tokens", json={"kind": "node", "node": "nas"}).json()
    assert call("POST", "/ingest", token=made["token"], content=b'{"message":"x"}\n').json()["stored"] == 1
    listed = call("GET", "/tokens")
    assert [(one["kind"], one["node"], one["revoked_us"]) for one in listed.json()["tokens"]] == [("node", "nas", None)]
    assert made["token"] not in listed.text
    assert call("DELETE", "/tokens/1").json() == {"revoked": 1}
    call.mesh.clock.advance(6)
    assert call("POST", "/ingest", token=made["token"], content=b"").status_code == 401
    assert call("DELETE", "/tokens/1").status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "god"},
        {"kind": "node"},
        {"kind": "read", "node": "n"},
        {"kind": "node", "node": "a\nb"},
        {"kind": "node", "node": ""},
        {"kind": "node", "node": " "},
        {"kind": "node", "node": "nas "},
        {"kind": "node", "node": "n" * 256},
        {},
    ],
)
def test_tokens_that_make_no_sense(call, body: dict):
    """A token of no kind, a node token without its node and the reverse are refused in words."""
    answer = call("POST", "/tokens", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert call.mesh.accounts.list_tokens().rows == []


def test_any_name_of_a_node_can_have_a_token(call):
    """What /ingest takes as a node's name, a token can name, also beyond ASCII."""
    made = call("POST", "/tokens", json={"kind": "node", "node": "büro"}).json()
    assert call("POST", "/ingest", token=made["token"], content=b'{"message":"x"}\n').json()["stored"] == 1


def test_a_loop_runs_one_step(call):
    """A loop's step is done now and told; one that nobody knows is a 404."""
    call("POST", "/ingest", headers={"DevMesh-Node": "n1"}, content=b'{"message":"x"}\n')
    assert call("POST", "/loops/template-totals/run").json() == {"loop": "template-totals", "done": 1}
    states = {one["name"]: one for one in call("GET", "/loops").json()["loops"]}
    assert states["template-totals"]["last_done"] == 1
    assert call("POST", "/loops/nonsense/run").json()["code"] == "not_found"
