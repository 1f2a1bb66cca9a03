"""`devmesh demo`: a fleet that does not exist, a week of its past, and something that breaks while one looks.

Nothing but the fleet is made up: its lines come in by the front door, and what is found and told is found and told by
the loops of a server like any other. No setting of the machine reaches it, and nothing outside of its folder changes.
"""

from __future__ import annotations

import contextlib
import logging
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from devmesh.cli.words import examples, program
from devmesh.errors import Conflict, InvalidInput

if TYPE_CHECKING:
    from devmesh.cli.demo_fleet import Play
    from devmesh.settings import Settings

CHANNEL = "terminal"
NOT_TOLD = 1


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples(
            "devmesh demo",
            "devmesh demo --fault oom-loop --spoil",
            "devmesh demo --keep ./demo",
            "devmesh demo --for 180; echo $?",
        ),
        short_help="See it at work: a fleet that does not exist, and something breaks.",
    )(demo)


def demo(
    context: typer.Context,
    fault: Annotated[
        str, typer.Option(metavar="KIND", help="What breaks; docs/rooms/simulate.md lists the kinds.")
    ] = "database-outage",
    days: Annotated[
        float, typer.Option(metavar="D", min=0.01, max=35, help="Days of history; it learns from the first two.")
    ] = 7.0,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Another fleet's life, another victim.")] = 1,
    port: Annotated[int, typer.Option(metavar="N", min=0, max=65535, help="Port (default: a free one).")] = 0,
    keep: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Keep the store there (default: it goes at the end).")
    ] = None,
    spoil: Annotated[bool, typer.Option("--spoil", help="Say at once what breaks, not at the end.")] = False,
    for_s: Annotated[
        int | None,
        typer.Option("--for", metavar="SECONDS", min=1, help="End by itself: 0 if it was told, 1 if not."),
    ] = None,
) -> None:
    """See it at work: a server on a fresh store, a week of a fleet's logs, and then something breaks.

    Within two minutes the pages and this terminal show what was found, who is suspected, and what people are told. No
    setting of yours is used, no store of yours is touched, nobody is told anything outside of this terminal. Ctrl-C
    ends it and removes everything.
    """
    if (context.find_root().obj or {}).get("data_dir") is not None:
        raise InvalidInput("The demo has a store of its own.", hint="--keep FOLDER says where, and keeps it.")
    from devmesh.cli.demo_fleet import Play
    from devmesh.clock import SystemClock

    play = Play(fault, seed, round(days * 86_400), SystemClock())
    _end_on_signals()
    with _folder(keep) as folder:
        said = _show(play, alone(folder, port), spoil=spoil, for_s=for_s)
    sys.stdout.write("" if keep is None else f"The store is kept: {program()} --data-dir {keep} serve\n")
    if for_s is not None and said:
        sys.stderr.write(f"devmesh: {said}\n")
        raise typer.Exit(NOT_TOLD)


def alone(folder: Path, port: int) -> Settings:
    """The settings of a demo in `folder`: what stands here and defaults, nothing of the environment or of files."""
    from pydantic_settings import SettingsConfigDict

    from devmesh.settings import Settings

    class Alone(Settings):
        """Settings that nobody else gives."""

        model_config = SettingsConfigDict(env_file=None, toml_file=None)

        @staticmethod
        def _places(settings_cls: object) -> list[object]:  # type: ignore[override]
            del settings_cls
            return []

    port = port or _free_port()
    given: dict[str, Any] = {
        "data_dir": folder,
        "port": port,
        "public_url": f"http://127.0.0.1:{port}",
        "log_level": "warning",
        "channels": {CHANNEL: {"kind": "console"}},
    }
    return Alone(**given)


def _free_port() -> int:
    """A port that nobody listens on: links in messages name it, so it must be known before."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextlib.contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    """Where the store is: a folder that goes, or one that is kept. Raises Conflict where there is a store already."""
    from devmesh.cli.opening import store_exists

    if keep is None:
        with tempfile.TemporaryDirectory(prefix="devmesh-demo-", ignore_cleanup_errors=True) as name:
            yield Path(name)
        return
    if store_exists(keep / "devmesh.db"):
        raise Conflict(
            f"There is a store in {keep} already.", hint=f"Choose another folder, or look: devmesh --data-dir {keep} up"
        )
    keep.mkdir(parents=True, exist_ok=True, mode=0o700)
    yield keep.resolve()


def _end_on_signals() -> None:
    """Ctrl-C ends it in good order, as does a terminal that is closed: else the folder would stay."""
    from devmesh.cli.serve import end_on_signals

    end_on_signals()
    signal.signal(signal.SIGHUP, lambda _number, _frame: signal.raise_signal(signal.SIGTERM))


def _show(play: Play, settings: Settings, *, spoil: bool, for_s: int | None) -> str:
    """History, then the server and the fleet until it is ended; why nothing was told, empty where it was."""
    from devmesh.cli.demo_show import CONSOLE, Show
    from devmesh.cli.opening import log_to_stderr
    from devmesh.cli.serve import open_to_serve, serve_until_signal

    log_to_stderr("warning")
    play.announce(settings)
    play.fill(settings)
    mesh = open_to_serve(settings)
    show = Show(play, settings, spoil=spoil, for_s=for_s)
    for handler in logging.getLogger().handlers:  # it would say the same a second time
        handler.addFilter(lambda record: record.name != CONSOLE)
    logging.getLogger(CONSOLE).addHandler(show.heard)
    serve_until_signal(mesh, show.begin, show.end)
    return show.verdict()
