"""The command line on MariaDB: it finds the server of its data folder and its database, and no other."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys

import pytest

from processes import serving


@pytest.fixture
def url(mariadb):
    """A database with the schema of today."""
    taken = mariadb.take()
    yield taken
    mariadb.give_back(taken)


def checks(folder, url):
    """The rows of `devmesh doctor` by name, and its exit code."""
    env = {
        **os.environ, "DEVMESH_DATA_DIR": str(folder), "DEVMESH_DATABASE_URL": url, "DEVMESH_EMBEDDING_PROVIDER": "off",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "devmesh", "doctor", "--json"], env=env, capture_output=True, text=True, check=False
    )
    return {check["name"]: check for check in json.loads(done.stdout)["checks"]}


def test_doctor_finds_the_server(mariadb, url, tmp_path):
    """While one runs it is named, with what ails it; on another database, or once it is gone, none is."""
    folder = tmp_path / "data"
    with serving(folder, env={"DEVMESH_DATABASE_URL": url}) as server:
        found = checks(folder, url)
        assert (found["server"]["state"], server.url in found["server"]["reason"]) == ("ok", True)
        assert found["store"]["state"] == "ok"
        assert "MariaDB" in found["store"]["reason"]
        locks = list(folder.glob("*.lock"))
        assert [stat.S_IMODE(lock.stat().st_mode) for lock in locks] == [0o600]
        other = mariadb.take()
        assert checks(folder, other)["server"]["state"] == "off"
        mariadb.give_back(other)
    assert checks(folder, url)["server"]["state"] == "off"


def test_a_second_server_in_the_folder(url, tmp_path):
    """It runs as well; the command line goes on with the first."""
    env = {"DEVMESH_DATABASE_URL": url}
    with serving(tmp_path / "data", env=env) as first, serving(tmp_path / "data", env=env):
        assert first.url in checks(tmp_path / "data", url)["server"]["reason"]
