"""`devmesh doctor` where things are wrong: each is a row with its reason, and the rest is still looked at."""

from __future__ import annotations

import os
import subprocess
import sys

import msgspec
import pytest
from cli_house import Runner, environment

from devmesh.cli import doctor as face

ALWAYS = {"store", "server", "journal", "text logs", "embeddings"}


def checks(runner: Runner, code: int = 1) -> dict[str, dict]:
    """The rows of a report by name; it must end with `code`."""
    said = msgspec.json.decode(runner("doctor", "--json", code=code).stdout)
    return {one["name"]: one for one in said["checks"]}


@pytest.mark.parametrize("url", ["gateway:4000", "ftp://gateway", "http://", "http://[gateway", "http://gateway:99999"])
def test_a_gateway_that_is_no_address_is_a_row(cli, monkeypatch, url):
    """The store is sound for all that, and the row names the setting."""
    monkeypatch.setenv("GATEWAY_URL", url)
    found = checks(cli)
    assert found["embeddings"]["state"] == "broken"
    assert "GATEWAY_URL" in found["embeddings"]["reason"]
    assert found["store"]["state"] == "ok"
    assert found.keys() >= ALWAYS


@pytest.mark.parametrize(("url", "named"), [("nonsense", "DEVMESH_DATABASE_URL"), ("foo://x/y", "'foo'")])
def test_a_database_that_is_none_is_a_row(cli, monkeypatch, url, named):
    """A URL that cannot be read, and a store of an unknown kind."""
    monkeypatch.setenv("DEVMESH_DATABASE_URL", url)
    found = checks(cli)
    assert found["store"]["state"] == "broken"
    assert named in found["store"]["reason"] + found["store"]["hint"]
    assert found.keys() >= ALWAYS


def test_a_setting_that_cannot_be_used_is_a_row(cli, monkeypatch):
    """Nothing that hangs on settings can be looked at, what this machine has to send can."""
    monkeypatch.setenv("DEVMESH_PORT", "eighty")
    found = checks(cli)
    assert found["settings"]["state"] == "broken"
    assert "port" in found["settings"]["reason"]
    assert "DEVMESH_PORT" in found["settings"]["hint"]
    assert found.keys() >= {"journal", "text logs"}


@pytest.mark.parametrize("folder", ["x" * 300, "a file/data"])
def test_a_data_folder_that_cannot_be_is_a_row(tmp_path, folder):
    """A name that is too long, a folder below a file."""
    (tmp_path / "a file").touch()
    found = checks(Runner(tmp_path / folder))
    assert found["store"]["state"] == "broken"
    assert found.keys() >= ALWAYS


def test_a_data_folder_that_may_not_be_read_is_a_row(filled, tmp_path):
    """As a user without rights: why, and what to do; the rest goes on."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "devmesh.db").write_bytes((filled / "devmesh.db").read_bytes())
    folder.chmod(0)
    # Root reads everything; without these two rights it is like anybody.
    drop = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    try:
        done = subprocess.run(
            [*drop, sys.executable, "-m", "devmesh", "doctor", "--json"],
            env=environment(folder), capture_output=True, timeout=60, check=False, cwd=tmp_path,
        )  # fmt: skip
    finally:
        folder.chmod(0o700)
    assert done.returncode == 1, done.stderr.decode()
    found = {one["name"]: one for one in msgspec.json.decode(done.stdout)["checks"]}
    assert found["store"]["state"] == "broken"
    assert "may not be read" in found["store"]["reason"]
    assert found["store"]["hint"]
    assert found.keys() >= ALWAYS


def test_a_check_that_fails_itself_is_a_row(cli, monkeypatch):
    """A fault of ours in one of them does not take the others along."""

    def broken(*_arguments: object) -> object:
        raise RuntimeError

    monkeypatch.setattr(face, "_sources", broken)
    found = checks(cli)
    assert found["sources"]["state"] == "broken"
    assert "RuntimeError" in found["sources"]["reason"]
    assert found["embeddings"]["state"] == "ok"


def test_what_is_off_by_a_setting_is_told_once():
    """A channel that is not set has its own row; what the server cannot do now has one of the server's."""
    parts = [
        {"name": name, "state": state, "reason": "…"}
        for name in ("notifications", "intake")
        for state in ("off", "degraded", "ok")
    ]
    told = [(one.name, one.state) for one in face._amiss(parts)]
    assert told == [("server: notifications", "broken"), ("server: intake", "off"), ("server: intake", "broken")]
