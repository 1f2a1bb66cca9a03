"""`devmesh up` and `devmesh serve`: the server in the foreground, with or without this machine's agent."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from devmesh.cli.opening import DataDir, log_to_stderr, settings_of, store_path
from devmesh.cli.words import examples

if TYPE_CHECKING:
    from devmesh.mesh import Mesh
    from devmesh.settings import Settings

log = logging.getLogger(__name__)
EXIT_OVERDUE = 1
AGAIN_S = 0.05

Host = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Address to listen on (default 127.0.0.1; another one needs a token first)."),
]
Port = Annotated[
    int | None,
    typer.Option(metavar="N", min=0, max=65535, help="Port to listen on (default 8000; 0 takes a free one)."),
]
Data = Annotated[Path | None, DataDir]


def install(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        epilog=examples("devmesh up", "devmesh up --port 8080", "devmesh up --data-dir /srv/devmesh"),
        short_help="Start here: server and this machine's agent.",
    )(up)
    app.command(
        epilog=examples("devmesh serve", "devmesh token create --admin && devmesh serve --host 0.0.0.0"),
        short_help="The server alone.",
    )(serve)


def up(context: typer.Context, host: Host = None, port: Port = None, data_dir: Data = None) -> None:
    """Start here: server and agent for this machine, in the foreground. Ctrl-C ends both.

    Reads the local journal, and the text logs below /var/log that no journal holds. What it cannot read for want of
    rights 'devmesh doctor' names.
    """
    from devmesh.cli.agent import LocalAgent

    settings = settings_of(context, host=host, port=port, data_dir=data_dir)
    mesh = open_to_serve(settings, quiet=True)
    agent = LocalAgent(mesh)

    def announce(url: str) -> None:
        _print_address(settings, url)
        agent.start(url)

    serve_until_signal(mesh, announce, agent.stop)


def serve(context: typer.Context, host: Host = None, port: Port = None, data_dir: Data = None) -> None:
    """The server alone (HTTP and the loops), in the foreground. Agents on other machines send to it."""
    settings = settings_of(context, host=host, port=port, data_dir=data_dir)
    mesh = open_to_serve(settings)
    serve_until_signal(mesh, lambda url: _print_address(settings, url), lambda: None)


def end_on_signals() -> None:
    """From here on SIGTERM and SIGINT end the process with 0."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)


def open_to_serve(settings: Settings, *, quiet: bool = False) -> Mesh:
    """The house, opened to serve, once a server's store is there; signals end the process with 0."""
    end_on_signals()
    level = settings.log_level
    log_to_stderr("warning" if quiet and level == "info" else level)
    from devmesh.db.waiting import when_there
    from devmesh.mesh import open_mesh

    if store_path(settings) is not None:  # a file is there or it is not
        return open_mesh(settings)
    return when_there(settings.store_url, lambda: open_mesh(settings), time.sleep)


def _end(number: int, frame: FrameType | None) -> None:
    if not _importing(frame):
        raise SystemExit(0)
    # Broken off, an import leaves files open and modules half made, and what still has to be removed fails: once more
    # in a moment, to whoever ends the process by then.
    signal.signal(signal.SIGALRM, lambda _number, _frame: signal.raise_signal(number))
    signal.setitimer(signal.ITIMER_REAL, AGAIN_S)


def _importing(frame: FrameType | None) -> bool:
    """Whether what runs there is called by an import."""
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None


def serve_until_signal(mesh: Mesh, announce: Callable[[str], None], before_stop: Callable[[], None]) -> None:
    """Serve, and close the house; `announce(url)` once it answers, `before_stop()` while it still does."""
    from devmesh.server import serve as serve_house

    overdue = threading.Timer(mesh.settings.stop_timeout_s, _end_at_once, (mesh.settings.stop_timeout_s,))
    overdue.daemon = True

    def stop() -> None:
        overdue.start()
        before_stop()

    try:
        anew = serve_house(mesh, announce, stop)
    finally:
        before_stop()
        mesh.close()
        overdue.cancel()
    if anew:  # as a new process: whatever it remembered is gone with the old one
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - what it was started by


def _end_at_once(after_s: float) -> None:
    """Something hangs and will not end in order: go as the process stands. What was answered as stored is on disk."""
    alive = sorted(thread.name for thread in threading.enumerate() if thread is not threading.current_thread())
    log.error("stop=overdue after_s=%g action=end_at_once threads=%s", after_s, ",".join(alive))
    os._exit(EXIT_OVERDUE)


def _print_address(settings: Settings, url: str) -> None:
    sys.stdout.write(f"DevMesh is up at {url}\n")
    sys.stdout.write(f"  data      {settings.data_dir}\n  HTTP API  {url}/docs\n")
    sys.stdout.write('  search    devmesh search "disk is dying"\n  stop      Ctrl-C\n')
    sys.stdout.flush()
