"""The command line on MariaDB: it finds the server of its data folder and its database, and no other."""

from __future__ import annotations

import stat

from devmesh.cli import doctor
from devmesh.cli.opening import holder_of
from devmesh.settings import load_settings
from processes import serving


def checks(folder, url):
    """The rows of `devmesh doctor` by name."""
    told = load_settings(data_dir=folder, database_url=url, embedding_provider="off")
    return {check.name: check for check in doctor._checks(told)}


def holder(folder, url):
    """The server that a command of this folder and this database asks."""
    return holder_of(load_settings(data_dir=folder, database_url=url))


def test_doctor_finds_the_server(mariadb, url, tmp_path):
    """While one runs it is named; a second one in the folder runs as well, and the first stays the one that is asked.
    On another database, or once it is gone, none is.
    """
    folder, env = tmp_path / "data", {"DEVMESH_DATABASE_URL": url}
    with serving(folder, env=env) as server:
        found = checks(folder, url)
        assert (found["server"].state, server.url in found["server"].reason) == ("ok", True)
        assert (found["store"].state, "MariaDB" in found["store"].reason) == ("ok", True)
        assert [stat.S_IMODE(lock.stat().st_mode) for lock in folder.glob("*.lock")] == [0o600]
        with serving(folder, env=env) as second:
            assert second.get("/health")["status"]
            assert holder(folder, url).url == server.url
        other = mariadb.take()
        assert holder(folder, other) is None
        mariadb.give_back(other)
        server.stop()
    assert holder(folder, url) is None
