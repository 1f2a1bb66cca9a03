"""`devmesh notify`: a channel is tried and says exactly what happened; what was told is listed; no secret is shown."""

from __future__ import annotations

import json

import pytest

from bodies import NOW_US
from devmesh.mesh import open_mesh
from devmesh.notifications import Notice
from devmesh.settings import load_settings
from processes import free_port

SECRET = "geheim-0123456789"  # noqa: S105 - of nobody


@pytest.fixture
def channels(monkeypatch):
    """A terminal that works, a webhook where nobody listens, a Discord."""
    told = {
        "terminal": {"kind": "console"},
        "hook": {"kind": "webhook", "url": f"http://127.0.0.1:{free_port()}/{SECRET}", "key": SECRET, "private": True},
        "team": {"kind": "discord", "url": f"https://discord.com/api/webhooks/1/{SECRET}"},
    }
    monkeypatch.setenv("DEVMESH_CHANNELS", json.dumps(told))


def test_a_channel_is_tried(importing, channels):
    """What the other side answered; what failed, why, and what to do; a name that there is not."""
    assert importing.json("notify", "test", "terminal") == {
        "channel": "terminal", "answer": "written to the server's log"
    }  # fmt: skip
    failed = importing("notify", "test", "hook", code=8)
    assert "The test message did not arrive: 127.0.0.1 cannot be reached" in failed.stderr
    assert "hint: " in failed.stderr
    assert SECRET not in failed.output
    unknown = importing("notify", "test", "nobody", code=4)
    assert "Channels: hook, team, terminal." in unknown.stderr


def test_what_was_told_is_listed(importing, channels):
    """A row for each incident and channel, with its state; hostile titles are shown as they are."""
    assert "Nothing was told" in importing("notify", "list").stderr
    mesh = open_mesh(load_settings(data_dir=importing.data_dir))
    mesh.notifications.tell(Notice(1, 1, "critical", "open", "evil \x1b[2J\u202e title", NOW_US))
    mesh.close()
    rows = importing.json("notify", "list")["notifications"]
    assert {one["channel"]: one["state"] for one in rows} == dict.fromkeys(("hook", "team", "terminal"), "waiting")
    shown = importing("notify", "list").stdout
    assert "\x1b" not in shown
    assert r"evil \x1b[2J\u202e title" in shown
    assert importing.json("notify", "list", "--limit", "1")["cursor"]


def test_the_doctor_names_channels_and_shows_no_secret(importing, channels, monkeypatch):
    """In words and as JSON, with every setting."""
    monkeypatch.setattr("devmesh.cli.doctor._sources", list)  # what this machine could send is no matter here
    for form in ("--all", "--json"):
        told = importing("doctor", form).output
        assert "team (discord)" in told
        assert SECRET not in told


def test_an_address_that_cannot_be_used_ends_the_start(importing, monkeypatch):
    """A Discord channel that leads elsewhere is named, its URL is not shown."""
    told = {"team": {"kind": "discord", "url": f"https://discord.com.evil.example/api/webhooks/1/{SECRET}"}}
    monkeypatch.setenv("DEVMESH_CHANNELS", json.dumps(told))
    failed = importing("stats", code=3)
    assert "The URL of channel team is no Discord webhook." in failed.stderr
    assert SECRET not in failed.output
