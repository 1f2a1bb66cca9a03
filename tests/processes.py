"""The real server as a process: started on a free port, ready when /health answers, ended by its pid."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SERVE = """
import logging
from devmesh.mesh import open_mesh
from devmesh.server import serve
from devmesh.settings import load_settings
logging.basicConfig(level=logging.WARNING)
serve(open_mesh(load_settings()), lambda url: print(url, flush=True))
"""
START_S = 40.0


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@dataclass
class ServerProcess:
    """A server of ours, alive or not."""

    process: subprocess.Popen[str]
    url: str
    data_dir: Path

    def get(self, path: str, timeout_s: float = 10.0) -> dict[str, object]:
        """The JSON of a GET that must work."""
        with urllib.request.urlopen(self.url + path, timeout=timeout_s) as answer:  # noqa: S310 - our own server
            return dict(json.load(answer))

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL, and gone when this returns."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.process.pid, signal.SIGKILL)
        self._gone()

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        if self.alive:
            self.process.terminate()
        self._gone()
        return int(self.process.returncode)

    def _gone(self) -> None:
        self.process.wait(30)
        if self.process.stdout is not None:
            self.process.stdout.close()


def start_server(data_dir: Path, *, port: int = 0, env: Mapping[str, str] | None = None) -> ServerProcess:
    """A server over `data_dir` that answers /health; raises AssertionError with its log when it does not."""
    log = data_dir.with_name(data_dir.name + ".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    whole = {
        **os.environ, "DEVMESH_DATA_DIR": str(data_dir), "DEVMESH_PORT": str(port), "DEVMESH_EMBEDDING_PROVIDER": "off",
        "POLARS_MAX_THREADS": "2",
        "DEVMESH_RETENTION_DAYS": "20000",  # the entries of tests are as old as the tests
        **(env or {}),
    }  # fmt: skip
    with log.open("a") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE], env=whole, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=log.parent
        )
    assert process.stdout is not None
    server = ServerProcess(process, process.stdout.readline().strip(), data_dir)
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and server.alive and server.url:
        with contextlib.suppress(OSError, urllib.error.URLError):
            if server.get("/health", 2.0):
                return server
    server.kill()
    raise AssertionError(f"the server did not start:\n{log.read_text()[-4000:]}")


@contextlib.contextmanager
def serving(data_dir: Path, **more: object) -> Iterator[ServerProcess]:
    """A server for the length of a block."""
    server = start_server(data_dir, **more)  # type: ignore[arg-type]
    try:
        yield server
    finally:
        server.kill()
