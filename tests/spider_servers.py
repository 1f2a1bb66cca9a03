"""Servers with Spider for the tests, from a copy of the root of scripts/mariadb that has mariadb-plugin-spider."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mariadb_server import OPTIONS, program, said_to

PLUGIN = "usr/lib/mysql/plugin/ha_spider.so"
SPIDER = ("--plugin-load-add=ha_spider.so", "--plugin-maturity=gamma", "--spider-conn-recycle-mode=2")


def spider_install() -> Any:
    """A mariadbd that has the plugin, of the system or of a copy. Skips with the reason, fails in CI."""
    mariadb = program()
    try:
        found = mariadb.find()
        if (found.root / PLUGIN).exists():
            return found
        return _copy_with_plugin(mariadb, found.root)
    except mariadb.Missing as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing))
        pytest.skip(str(missing))


def _copy_with_plugin(mariadb: ModuleType, root: Path) -> Any:
    """Once: a second and a half for the copy, as long for the package."""
    if root == Path("/"):
        raise mariadb.Missing("mariadb-plugin-spider is not installed")
    place = root.with_name("mariadb-spider-root")
    if not (place / PLUGIN).exists():
        made = Path(tempfile.mkdtemp(prefix="spider-root-", dir=root.parent))
        subprocess.run(["cp", "-a", f"{root}/.", str(made)], check=True)
        shutil.rmtree(made / "var/tmp", ignore_errors=True)  # servers that run in the other root
        (made / "var/tmp").mkdir(mode=0o1777)
        shutil.copyfile("/etc/resolv.conf", made / "etc/resolv.conf")
        shell = "apt-get -q update && apt-get -qy install --no-install-recommends mariadb-plugin-spider"
        done = subprocess.run(
            ["chroot", str(made), "sh", "-c", shell], env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            shutil.rmtree(made, ignore_errors=True)
            raise mariadb.Missing(f"mariadb-plugin-spider cannot be installed: {(done.stdout + done.stderr)[-300:]}")
        with contextlib.suppress(OSError):  # another one was faster
            made.rename(place)
    return mariadb.Install(("chroot", str(place)), place)


class SpiderServers:
    """A head and data servers, each with an empty database `devmesh`."""

    def __init__(self, servers: int) -> None:
        mariadb, self._install = program(), spider_install()
        self.servers = [mariadb.Server(self._install, (*OPTIONS, *SPIDER)) for _number in range(servers + 1)]
        self.servers[0].create()
        for server in self.servers[1:]:
            shutil.copytree(self.servers[0].data, server.data)
        for server in self.servers:
            server.start()
            said_to(server, "CREATE DATABASE devmesh")

    def url(self, number: int, database: str = "devmesh") -> str:
        """The URL of the head (0) or of a data server for programs outside of the root."""
        return f"mysql+pymysql://root@localhost/{database}?unix_socket={self.servers[number].socket}"

    def url_inside(self, number: int) -> str:
        """The same for the servers themselves."""
        return self.url(number).replace(str(self._install.root), "", 1) if self._install.prefix else self.url(number)

    def feed(self, number: int, script: str) -> None:
        """Run a script with the client `mariadb`, as a person would."""
        socket = make_socket(self.url_inside(number))
        subprocess.run(
            [*self._install.prefix, "mariadb", "--no-defaults", "-uroot", f"--socket={socket}", "devmesh"],
            input=script, text=True, check=True,
        )  # fmt: skip

    def stop(self) -> None:
        """End all of them."""
        for server in self.servers:
            server.stop()


def make_socket(url: str) -> str:
    """The socket in a URL."""
    return url.partition("unix_socket=")[2]
