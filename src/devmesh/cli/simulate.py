"""`devmesh simulate`: a fleet that logs, with faults whose cause is known, to a file, a pipe, the store or a server."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from devmesh.cli.opening import log_to_stderr, settings_of
from devmesh.cli.simulated import Told, Way, deliver
from devmesh.cli.words import Json, examples
from devmesh.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from devmesh.settings import Settings
    from devmesh.simulate import Inventory, Simulation, Truth, Wish

DAY_US = 86_400_000_000
MOST_DAYS = 3_660


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        "simulate",
        epilog=examples(
            "devmesh simulate --days 7 --random-faults 3 --to week.ndjson --truth week.truth",
            "devmesh simulate --fault oom-loop@+2h --format export --to - | devmesh import -",
            "devmesh --data-dir ./try simulate --days 7 --fault database-outage --store",
            "devmesh simulate --speed 60 --server http://127.0.0.1:8000",
        ),
        short_help="A fleet that logs, for trying and measuring.",
    )(simulate)


def simulate(
    context: typer.Context,
    inventory: Annotated[
        Path | None, typer.Option(metavar="F", help="The fleet, as inventory.yaml (default: 8 nodes of a home).")
    ] = None,
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, help="The same seed, fleet and span give the same bytes.")
    ] = 1,
    since: Annotated[
        str | None, typer.Option(metavar="T", help="When it begins (default: as many days ago; with --speed: now).")
    ] = None,
    days: Annotated[float, typer.Option(metavar="D", min=0.001, max=MOST_DAYS, help="How long.")] = 1.0,
    fault: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND[@T]", help="Let this happen, at a time or +2h after the start; repeatable."),
    ] = None,
    random_faults: Annotated[int, typer.Option(metavar="N", min=0, max=1_000, help="N faults by chance.")] = 0,
    harmless: Annotated[
        int, typer.Option(metavar="N", min=0, max=1_000, help="N things by chance that only look like faults.")
    ] = 0,
    speed: Annotated[
        float | None, typer.Option(metavar="X", min=0.01, help="X times real time (default: as fast as it goes).")
    ] = None,
    form: Annotated[
        str, typer.Option("--format", metavar="F", help="ndjson, or export as journalctl has it.")
    ] = "ndjson",
    to: Annotated[str, typer.Option(metavar="FILE", help="A file, or - for stdout (the default).")] = "-",
    truth: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what really happened, as JSON lines.")
    ] = None,
    store: Annotated[bool, typer.Option("--store", help="Into the store, or the server that holds it.")] = False,
    server: Annotated[str | None, typer.Option(metavar="URL", help="Into this server.")] = None,
    token_file: Annotated[
        Path | None, typer.Option(metavar="F", help="With --server: file with a relay or admin token.")
    ] = None,
    json: Json = False,
) -> None:
    """Let a fleet log as its programs really do, with faults whose cause is known.

    The kinds of faults stand in docs/rooms/simulate.md, and in the message that a wrong one gets.
    """
    if (to != "-") + store + (server is not None) > 1:
        raise InvalidInput("It can go to one place alone.", hint="One of --to FILE, --store and --server URL.")
    settings = settings_of(context)
    log_to_stderr("warning" if settings.log_level == "info" else settings.log_level)
    span = _span(since, days, settings, live=speed is not None)
    made = _made(inventory, seed, span, fault or [], (random_faults, harmless), settings)
    if truth is not None:
        truth.write_text("".join(one.json() + "\n" for one in made.truths), "utf-8")
    way = Way(settings, form, to, server, token_file, store=store)
    told = deliver(made, span[0], speed, way)
    _report(told, made.truths, span, settings, json=json, aside=way.on_stdout)


def _made(
    inventory: Path | None,
    seed: int,
    span: tuple[int, int],
    faults: Sequence[str],
    more: tuple[int, int],
    settings: Settings,
) -> Simulation:
    from devmesh.simulate import Simulation, SimulationError

    wishes = [_wish(one, span[0], settings) for one in faults]
    try:
        return Simulation(_inventory(inventory), seed, *span, wishes, random_faults=more[0], harmless=more[1])
    except SimulationError as error:
        raise InvalidInput(error.message, hint=error.hint) from None


def _span(since: str | None, days: float, settings: Settings, *, live: bool) -> tuple[int, int]:
    from devmesh.clock import SystemClock
    from devmesh.when import parse_when

    now_us = SystemClock().now_us()
    length_us = round(days * DAY_US)
    if since is None:
        return (now_us, now_us + length_us) if live else (now_us - length_us, now_us)
    since_us = parse_when(since, now_us, _zone(settings))
    return since_us, since_us + length_us


def _zone(settings: Settings) -> tzinfo:
    from devmesh.when import zone_of

    return zone_of(settings.timezone)


def _wish(text: str, since_us: int, settings: Settings) -> Wish:
    """KIND, KIND@TIME or KIND@+DURATION after the start."""
    from devmesh.simulate import Wish
    from devmesh.when import parse_when

    kind, at, when = text.partition("@")
    if not at:
        return Wish(kind)
    if when.startswith("+"):
        after_us = since_us - parse_when(when[1:], since_us, _zone(settings))
        return Wish(kind, since_us + after_us)
    return Wish(kind, parse_when(when, since_us, _zone(settings)))


def _inventory(path: Path | None) -> Inventory:
    from devmesh.simulate import default_inventory, read_inventory

    if path is None:
        return default_inventory()
    try:
        return read_inventory(path.read_text("utf-8"), str(path))
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}.", hint="--inventory takes an inventory.yaml.") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is no text in UTF-8.", hint="--inventory takes an inventory.yaml.") from None


def _report(
    told: Told, truths: Sequence[Truth], span: tuple[int, int], settings: Settings, *, json: bool, aside: bool
) -> None:
    """Sums and what happened; beside the stream (on stderr) where that is on stdout."""
    from dataclasses import asdict

    import msgspec

    from devmesh.cli.terminal import count, emit, stamp, write

    if json:
        sums = {name: value for name, value in asdict(told).items() if value is not None}
        said = {
            **sums,
            "since_us": span[0],
            "until_us": span[1],
            "truth": [msgspec.json.decode(one.json()) for one in truths],
        }
        if aside:
            sys.stderr.write(msgspec.json.encode(said).decode() + "\n")
        else:
            emit(said)
        return
    zone = _zone(settings)
    lines = [f"{count(told.events)} events from {stamp(span[0], zone)[:19]} to {stamp(span[1], zone)[:19]}"]
    if told.stored is not None:
        lines[0] += (
            f"; {count(told.stored)} stored, {count(told.repeated or 0)} repeated, {count(told.rejected or 0)} rejected"
        )
    for one in truths:
        what = "harmless  " if one.harmless else "fault     "
        lines.append(f"{what}{stamp(one.start_us, zone)[:19]}  {one.kind}  {one.cause[0]} on {one.cause[1]}")
    say: Callable[[str], object] = (lambda line: sys.stderr.write(line + "\n")) if aside else write
    for line in lines:
        say(line)
