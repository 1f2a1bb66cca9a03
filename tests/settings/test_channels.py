"""Channels and routes as people write them; a slip is named, a secret never shown."""

from __future__ import annotations

import traceback

import pytest

from devmesh.errors import ConfigError
from devmesh.house import configured
from devmesh.settings import load_settings

SECRET = "geheim-0123456789"  # noqa: S105 - of nobody
TOML = f"""
quiet_hours = "22:00-07:00"

[channels.team]
kind = "discord"
url = "https://discord.com/api/webhooks/1/{SECRET}"

[channels.mail]
kind = "email"
server = "smtp.example.org"
user = "mesh"
sender = "mesh@example.org"
to = "a@example.org, b@example.org"

[[routes]]
channels = "team, mail"
severity = "critical"
services = ["db*"]
"""


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    """A folder with such a devmesh.toml."""
    (tmp_path / "devmesh.toml").write_text(TOML)
    monkeypatch.chdir(tmp_path)


def test_the_file_and_the_environment_make_one_channel(monkeypatch):
    """The password need not stand in the file; names may stand with commas between them."""
    monkeypatch.setenv("DEVMESH_CHANNELS__MAIL__PASSWORD", SECRET)
    monkeypatch.setenv("DEVMESH_CHANNELS__MAIL__TO", "c@example.org,d@example.org")
    settings = load_settings()
    mail = settings.channels["mail"]
    assert (mail.port, mail.security, mail.to) == (587, "starttls", ("c@example.org", "d@example.org"))
    assert mail.password.get_secret_value() == SECRET
    assert settings.channels.keys() == {"team", "mail"}
    assert settings.routes[0].channels == ("team", "mail")
    told = {one["name"]: one["value"] for one in configured(settings, everything=True)}
    assert told["channels"] == "team (discord), mail (email)"
    assert told["routes"] == "critical to team and mail"
    assert SECRET not in f"{told} {settings!r} {settings.model_dump()}"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"CHANNELS__TEAM__KIND": "disc0rd"}, "channels.team cannot be used: kind must be discord, email, webhook"),
        ({"CHANNELS__TEAM__URI": "x"}, "channels.team.uri cannot be used: nothing is called so here"),
        ({"CHANNELS__X__KIND": "ntfy"}, "channels.x.url cannot be used: it is missing"),
        ({"CHANNELS__MAIL__TO": "a@b\nBcc: c@d"}, "channels.mail.to cannot be used: must look like name@example.org"),
        ({"CHANNELS__MAIL__SENDER": "Me <me@example.org>"}, "channels.mail.sender"),
        ({"CHANNELS__MAIL__SECURITY": "none", "CHANNELS__MAIL__PASSWORD": SECRET}, "a password needs security"),
        ({"CHANNELS__PH__KIND": "ntfy", "CHANNELS__PH__URL": "x", "CHANNELS__PH__TOKEN": SECRET + "\n"}, "ph.token"),
        ({"CHANNELS__W__KIND": "webhook", "CHANNELS__W__URL": "x", "CHANNELS__W__KEY": SECRET[:9]}, "channels.w.key"),
        ({"CHANNELS": "{" + SECRET}, "channels cannot be used: it is no JSON"),
        ({"ROUTES": '[{"channels": ["phone"]}]'}, "there is no channel 'phone'; there are: mail, team"),
        ({"QUIET_HOURS": "22-7"}, "must be two times of day, such as 22:00-07:00"),
        ({"QUIET_HOURS": "07:00-07:00"}, "must be two times of day"),
        ({"PUBLIC_URL": "mesh.example.org"}, "must look like https://devmesh.example.org"),
    ],
)  # fmt: skip
def test_a_slip_is_named_and_no_secret_shown(monkeypatch, given, named):
    """Nor in the traceback that debugging prints."""
    for name, value in given.items():
        monkeypatch.setenv(f"DEVMESH_{name}", value)
    with pytest.raises(ConfigError) as told:
        load_settings()
    assert named in told.value.message
    assert SECRET[:9] not in told.value.message + told.value.hint + "".join(traceback.format_exception(told.value))
