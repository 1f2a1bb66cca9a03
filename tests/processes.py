"""The real server as a process: started on a free port, ready when /health answers, ended by its pid.

A start is imports but for a tenth of it. So a server is forked from a process that has imported what it imports, and
done nothing with it: polars has not begun its pool of threads. One that is asked to be `fresh` is a new interpreter.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import logging
import multiprocessing
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
    from multiprocessing.connection import Connection
    from pathlib import Path

SERVE = """
import logging, time
from devmesh.db.waiting import when_there
from devmesh.mesh import open_mesh
from devmesh.server import serve
from devmesh.settings import load_settings
logging.basicConfig(level=logging.WARNING)
settings = load_settings()
anew = serve(open_mesh(settings), lambda url: print(url, flush=True))
while anew:  # the command line starts a new process for it
    anew = serve(when_there(settings.store_url, lambda: open_mesh(settings), time.sleep), lambda _url: None)
"""
START_S = 40.0
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["devmesh.db.waiting", "devmesh.server", "pymysql"])


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _become(env: dict[str, str], log: Path) -> None:
    """A process of its own: this environment, what it says in a log, the folder of that."""
    os.environ.clear()
    os.environ.update(env)
    with log.open("ab") as errors:
        for number in (1, 2):
            os.dup2(errors.fileno(), number)
    os.chdir(log.parent)
    importlib.reload(importlib.import_module("devmesh.crash"))  # it read the environment of who was forked


def _serve(env: dict[str, str], log: Path, say: Connection) -> None:
    """What SERVE does, in a process that was forked."""
    _become(env, log)
    from devmesh.db.waiting import when_there
    from devmesh.mesh import open_mesh
    from devmesh.server import serve
    from devmesh.settings import load_settings

    logging.basicConfig(level=logging.WARNING)
    settings = load_settings()
    anew = serve(open_mesh(settings), say.send)
    while anew:  # the command line starts a new process for it
        anew = serve(when_there(settings.store_url, lambda: open_mesh(settings), time.sleep), lambda _url: None)


def _do(env: dict[str, str], log: Path, code: str, arguments: tuple[str, ...]) -> None:
    _become(env, log)
    sys.argv = ["-c", *arguments]
    exec(code, {"__name__": "__main__"})  # noqa: S102 - a test's own


def run_forked(code: str, *arguments: str, env: Mapping[str, str], log: Path) -> int:
    """Run code as `python -c` would, in a process that was forked; its exit code, negative for a signal."""
    process = FORKS.Process(target=_do, args=(dict(env), log, code, arguments), daemon=True)
    process.start()
    process.join(60.0)
    assert process.exitcode is not None, log.read_text()
    return process.exitcode


class Forked:
    """A server that was forked, as far as it is spoken to like a Popen."""

    stdout = None

    def __init__(self, env: dict[str, str], log: Path) -> None:
        self._said, said = FORKS.Pipe(duplex=False)
        self._process = FORKS.Process(target=_serve, args=(env, log, said), daemon=True)
        self._process.start()
        said.close()

    def first_line(self) -> str:
        """The address that it says; empty where it ended before."""
        with self._said, contextlib.suppress(EOFError):
            return str(self._said.recv())
        return ""

    @property
    def pid(self) -> int:
        """Its process id."""
        return int(self._process.pid or 0)

    @property
    def returncode(self) -> int | None:
        """Its exit code, negative for a signal; None while it lives."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """The same."""
        return self.returncode

    def wait(self, timeout_s: float) -> int:
        """Its exit code, once it has ended."""
        self._process.join(timeout_s)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("serve", timeout_s)
        return self.returncode

    def terminate(self) -> None:
        """SIGTERM."""
        self._process.terminate()


@dataclass
class ServerProcess:
    """A server of ours, alive or not."""

    process: subprocess.Popen[str] | Forked
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
        return int(self.process.returncode or 0)

    def _gone(self) -> None:
        self.process.wait(30)
        if self.process.stdout is not None:
            self.process.stdout.close()


def _fresh(env: dict[str, str], log: Path) -> tuple[subprocess.Popen[str], str]:
    """A new interpreter that serves, and its address."""
    with log.open("a") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE], env=env, stdout=subprocess.PIPE, stderr=errors, text=True, cwd=log.parent
        )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def start_server(
    data_dir: Path, *, port: int = 0, env: Mapping[str, str] | None = None, fresh: bool = False
) -> ServerProcess:
    """A server over `data_dir` that answers /health; raises AssertionError with its log when it does not."""
    log = data_dir.with_name(data_dir.name + ".log")
    log.parent.mkdir(parents=True, exist_ok=True)
    whole = {
        **os.environ, "DEVMESH_DATA_DIR": str(data_dir), "DEVMESH_PORT": str(port), "DEVMESH_EMBEDDING_PROVIDER": "off",
        "POLARS_MAX_THREADS": "2",
        "DEVMESH_UI": "false",  # half a second of imports
        "DEVMESH_RETENTION_DAYS": "20000",  # the entries of tests are as old as the tests
        **(env or {}),
    }  # fmt: skip
    if fresh:
        server = ServerProcess(*_fresh(whole, log), data_dir)
    else:
        forked = Forked(whole, log)
        server = ServerProcess(forked, forked.first_line(), data_dir)
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
