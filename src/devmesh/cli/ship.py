"""`devmesh ship`: the agent alone, as it also stands by itself in devmesh-shipper.pyz."""

from __future__ import annotations

import signal
import threading
from typing import Annotated

import typer

from devmesh.cli.opening import log_to_stderr, settings_of
from devmesh.cli.words import examples
from devmesh.errors import ConfigError, InvalidInput

CONNECTIONS = typer.Option(
    "--connections",
    envvar="DEVMESH_SHIP_CONNECTIONS",
    help="Tell which services of this machine connect where, too.",
)


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples(
            "devmesh ship --to http://server:8000 --token-file /etc/devmesh/token",
            "devmesh ship --to http://server:8000 --file /var/log/app.log --once",
            "devmesh ship --to http://server:8000 --again --since 2026-11-01",
        ),
        short_help="The agent alone: send this machine's logs to a server.",
    )(ship)


def ship(
    context: typer.Context,
    to: Annotated[str, typer.Option(metavar="URL", help="The server, such as http://server:8000.")],
    token_file: Annotated[str | None, typer.Option(metavar="F", help="File that holds the node's token.")] = None,
    tls_ca: Annotated[
        str | None, typer.Option(metavar="F", help="File with the authority of the server's certificate (PEM).")
    ] = None,
    node: Annotated[str | None, typer.Option(metavar="NAME", help="This node's name (default: the host name).")] = None,
    journal_dir: Annotated[str | None, typer.Option(metavar="DIR", help="Read the journal files in DIR.")] = None,
    journal_file: Annotated[str | None, typer.Option(metavar="F", help="Read one journal file.")] = None,
    file: Annotated[list[str], typer.Option("--file", metavar="PATH", help="Follow a text log (repeatable).")] = [],  # noqa: B006 - typer copies it
    filters: Annotated[str | None, typer.Option(metavar="F", help="filters.yaml: what stays here.")] = None,
    state_dir: Annotated[str | None, typer.Option(metavar="DIR", help="Where to remember what was sent.")] = None,
    connections: Annotated[bool, CONNECTIONS] = False,
    once: Annotated[bool, typer.Option("--once", help="Send what there is, then end.")] = False,
    again: Annotated[bool, typer.Option("--again", help="Send what former filters dropped (needs --since).")] = False,
    since: Annotated[
        str | None, typer.Option(metavar="T", help='With --again: from then on (2d, "yesterday", ISO).')
    ] = None,
) -> None:
    """Send this machine's journal and logs to a DevMesh server, each entry exactly once.

    With no source named it takes the local journal, and the text logs below /var/log that no journal holds.
    """
    from devmesh.ship.agent import run
    from devmesh.ship.errors import OptionsError
    from devmesh.ship.options import Options

    if again != (since is not None):
        raise InvalidInput("--again and --since belong together.", hint="devmesh ship … --again --since 2026-11-01")
    log_to_stderr(settings_of(context).log_level)
    options = Options(
        to=to,
        token_file=token_file,
        tls_ca=tls_ca,
        node=node,
        journal_dir=journal_dir,
        journal_file=journal_file,
        files=tuple(file),
        filters=filters,
        state_dir=state_dir,
        once=once,
        again=again,
        since_us=_instant(since),
        connections=connections,
    )
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    try:
        code = run(options, stop)
    except OptionsError as error:
        raise ConfigError(f"The agent cannot start: {error}.", hint="See: devmesh ship --help") from error
    raise typer.Exit(code)


def _instant(since: str | None) -> int | None:
    from devmesh.clock import SystemClock
    from devmesh.when import parse_when, zone_of

    return None if since is None else parse_when(since, SystemClock().now_us(), zone_of(""))
