"""This machine's agent inside `devmesh up`: a thread with a token and a state folder of its own.

It ships through the server's front door like any other agent. Its lines and the server's come from one process id,
which the agent leaves out, so they never feed back. A fault of the agent never ends the server: it is started again,
ever more slowly.
"""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from devmesh.errors import ConfigError, DevMeshError

if TYPE_CHECKING:
    from devmesh.mesh import Mesh

log = logging.getLogger(__name__)
STOP_S = 10.0
RESTART_MAX_S = 300.0


class LocalAgent:
    """Starts when the server listens, stops before it does."""

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.folder = mesh.settings.data_dir / "shipper"

    def start(self, url: str) -> None:
        """Begin to ship to `url`."""
        from devmesh.ship.identity import node_name
        from devmesh.ship.options import Options

        node = node_name()
        token_file = self._token_file(node)
        options = Options(
            to=_reachable(url),
            token_file=str(token_file),
            node=node,
            state_dir=str(self.folder),
            connections=self._mesh.settings.ship_connections,
        )
        self._thread = threading.Thread(target=self._keep, args=(options,), name="agent", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let it send what it holds, then end; at most 10 s."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(STOP_S)

    def _keep(self, options: object) -> None:
        from devmesh.ship.agent import run
        from devmesh.ship.options import Options

        assert isinstance(options, Options)  # noqa: S101
        pause = 1.0
        while not self._stop.is_set():
            try:
                code = run(options, self._stop)
            except Exception:  # whatever befalls the agent, the server stays up and says so
                log.exception("agent=failed restart_s=%d", pause)
            else:
                if self._stop.is_set():
                    return
                log.warning("agent=ended code=%d restart_s=%d", code, pause)
            self._stop.wait(pause)
            pause = min(pause * 2, RESTART_MAX_S)

    def _token_file(self, node: str) -> Path:
        """A file with a living token for `node`; the one from last time where it still holds."""
        path = self.folder / "token"
        accounts = self._mesh.accounts
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if path.exists():
                try:
                    grant = accounts.check(path.read_text().strip())
                except DevMeshError:
                    grant = None
                if grant is not None and (grant.kind, grant.node) == ("node", node):
                    return path
            fresh = path.with_name("token.new")
            with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write(accounts.create_token("node", node) + "\n")
            fresh.replace(path)
        except OSError as error:
            raise ConfigError(
                f"The agent's folder {self.folder} cannot be used: {error.strerror}.", hint="Choose another --data-dir."
            ) from error
        return path


def _reachable(url: str) -> str:
    """The server's address as this machine reaches it: a wildcard address is no place to connect to."""
    parts = urlsplit(url)
    if parts.hostname == "0.0.0.0":  # noqa: S104 - compared, not bound
        return f"{parts.scheme}://127.0.0.1:{parts.port}"
    return f"{parts.scheme}://[::1]:{parts.port}" if parts.hostname == "::" else url
