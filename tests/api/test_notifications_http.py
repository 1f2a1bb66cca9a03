"""`/notifications` over HTTP: the outbox in pages, a test of a channel, and its part in `/health`."""

from __future__ import annotations

import pytest
from asgi import Caller

from bodies import NOW_US
from devmesh.notifications import Notice

CHANNELS = {"terminal": {"kind": "console"}, "away": {"kind": "discord", "url": "https://discord.com/api/webhooks/1/x"}}


@pytest.fixture
def told(make_mesh):
    """Calls to a house with two channels that was told of three incidents."""
    mesh = make_mesh(channels=CHANNELS, routes=[{"channels": "terminal"}])
    for number in (1, 2, 3):
        mesh.notifications.tell(Notice(number, 1, "critical", "open", f"incident {number}", NOW_US))
    return Caller(mesh)


def test_the_outbox_comes_in_pages(told):
    """The newest incident first; `cursor` asks for the rest."""
    first = told("GET", "/notifications?limit=2").json()
    assert [one["incident_id"] for one in first["notifications"]] == [3, 2]
    assert {one["state"] for one in first["notifications"]} == {"waiting"}
    rest = told("GET", f"/notifications?limit=2&cursor={first['cursor']}").json()
    assert ([one["incident_id"] for one in rest["notifications"]], rest["cursor"]) == ([1], None)
    told.mesh.runner.once("send-notifications")
    sent = told("GET", "/notifications").json()["notifications"]
    assert {(one["state"], one["tries"], one["sent_us"]) for one in sent} == {("sent", 1, NOW_US)}
    assert told("GET", "/notifications?limit=0").status_code == 422


def test_a_channel_is_tried(told):
    """What was answered, or which channels there are."""
    body = {"channel": "terminal"}
    assert told("POST", "/notifications/test", json=body).json() == {**body, "answer": "written to the server's log"}
    unknown = told("POST", "/notifications/test", json={"channel": "x"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    assert "away, terminal" in unknown.json()["hint"]


def test_health_has_a_part_for_each_channel(told, make_mesh, tmp_path):
    """And says so where nobody is told."""
    parts = {one["name"]: one for one in told("GET", "/health").json()["parts"]}
    assert parts["channel terminal"]["state"] == parts["channel away"]["state"] == "ok"
    [none] = [
        one
        for one in Caller(make_mesh(tmp_path / "other"))("GET", "/health").json()["parts"]
        if one["name"] == "notifications"
    ]
    assert (none["state"], none["reason"]) == ("off", "No channel is set: nobody is told of incidents.")
