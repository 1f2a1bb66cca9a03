"""`devmesh graph`: the inventory, and who fails when somebody does."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from devmesh.cli import graph_learned, graph_read
from devmesh.cli.opening import reading, settings_of, writing
from devmesh.cli.words import Cursor, Json, Limit, examples, note_more
from devmesh.errors import InvalidInput, NotFound
from devmesh.paging import LIMIT_DEFAULT

if TYPE_CHECKING:
    from devmesh.graph import Reach, Step
    from devmesh.settings import Settings

commands = typer.Typer(rich_markup_mode=None, no_args_is_help=True)
SIGNS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow")}
NAMES_SHOWN = 10

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="A service (its name or an alias) or a host; host:NAME says which.")
]


def install(app: typer.Typer) -> None:
    """Add the commands."""
    graph_learned.install(commands)
    graph_read.install(commands)
    app.add_typer(
        commands,
        name="graph",
        short_help="Who needs whom; what fails when something does.",
        help="Who needs whom: an inventory that you own, and questions over it.",
        epilog=examples(
            "devmesh graph init > inventory.yaml",
            "devmesh graph load inventory.yaml --dry-run",
            "devmesh graph blast mariadb",
            "devmesh graph causes shop-api",
        ),
    )


# -- the inventory ----------------------------------------------------------------------------------------------------


@commands.command(epilog=examples("devmesh graph init > inventory.yaml", "devmesh graph init --days 30"))
def init(
    context: typer.Context,
    days: Annotated[float, typer.Option(metavar="N", help="Take who spoke in the last N days.")] = 14.0,
    json: Json = False,
) -> None:
    """Propose a first inventory from what the logs show: services, nodes, types by name, edges that lines told of."""
    import sys

    from devmesh.cli.terminal import emit, note

    with reading(settings_of(context)) as mesh:
        text = mesh.graph.propose(days)
    if json:
        emit({"text": text})
        return
    sys.stdout.write(text)
    note("Save it, correct it, then: devmesh graph load inventory.yaml --dry-run")


@commands.command(
    epilog=examples("devmesh graph load inventory.yaml --dry-run", "devmesh graph load inventory.yaml"),
    short_help="Make a file the inventory in force.",
)
def load(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The inventory, YAML.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "--check", help="Only show every error, or what it would change.")
    ] = False,
    json: Json = False,
) -> None:
    """Make a file the inventory in force, whole or not at all, and show what changes. Errors name line and column."""
    from devmesh.cli.terminal import emit

    text = _checked(file)
    done = _load(settings_of(context), text, file.name, dry_run=dry_run)
    if json:
        emit(done)
        return
    _tell(done)


def _checked(file: Path) -> str:
    """The text of a file in which nothing is wrong; else every error is shown. Raises InvalidInput, NotFound."""
    from devmesh.cli.terminal import note, safe
    from devmesh.graph import MOST_BYTES, Refused, read_inventory

    try:
        with file.open("rb") as opened:
            raw = opened.read(MOST_BYTES + 1)
    except FileNotFoundError:
        hint = "devmesh graph init > inventory.yaml"
        raise NotFound(f"There is no file {safe(str(file))}.", hint=f"A first one: {hint}") from None
    try:
        text = raw.decode("utf-8-sig")
        read_inventory(text, file.name)
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{file.name} is no UTF-8 text (byte {error.start + 1}).", hint="Save it so.") from error
    except Refused as refused:
        for one in refused.faults:
            note(safe(f"{file}:{one}"))
        told = "There is 1 error" if len(refused.faults) == 1 else f"There are {len(refused.faults)} errors"
        raise InvalidInput(f"{told} in {file.name}; nothing was loaded.", hint="Correct it and try again.") from None
    return text


def _load(settings: Settings, text: str, source: str, *, dry_run: bool) -> dict[str, Any]:
    from devmesh.cli.remote import Remote

    if dry_run:
        with reading(settings) as mesh:
            return asdict(mesh.graph.load(text, source=source, apply=False))
    with writing(settings) as store:
        if isinstance(store, Remote):
            return store.call("POST", "/graph/inventory", json={"text": text, "source": source})
        return asdict(store.graph.load(text, source=source))


def _tell(done: dict[str, Any]) -> None:
    from devmesh.cli.terminal import many, note, safe, write

    for one in done["changes"]:
        sign, style = SIGNS[one["did"]]
        detail = f"  {safe(one['detail'])}" if one["detail"] else ""
        write((f"{sign} {one['what']} {safe(one['name'])}", style), detail)
    sums = f"{many(done['services'], 'service')}, {many(done['edges'], 'edge')}, {many(done['hosts'], 'host')}"
    if not done["changes"]:
        write(f"Nothing differs: {sums}, version {done['version']}.")
    elif done["applied"]:
        write(f"Loaded: {sums}, version {done['version']}.")
    else:
        write(f"It would be: {sums}. Nothing was changed.")
    for what in ("services", "hosts"):
        if some := done[f"unheard_{what}"]:
            more = f" and {len(some) - NAMES_SHOWN} more" if len(some) > NAMES_SHOWN else ""
            hint = " (aliases: [NAME] says what logs call a service)" if what == "services" else ""
            note(f"In no log so far: {what} {safe(', '.join(some[:NAMES_SHOWN]))}{more}{hint}")


@commands.command(epilog=examples("devmesh graph show", "devmesh graph show --json"))
def show(context: typer.Context, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None, json: Json = False) -> None:
    """The services of the inventory, where they run, and their edges."""
    from devmesh.cli.terminal import emit, note, table

    with reading(settings_of(context)) as mesh:
        page = mesh.graph.list(limit, cursor)
    if json:
        emit({"services": [asdict(one) for one in page.rows], "cursor": page.cursor})
        return
    table(
        ["service", "type", "hosts", "edges"],
        [[one.name, one.type, ", ".join(one.hosts), ", ".join(one.edges)] for one in page.rows],
        styles={"service": "cyan"},
    )
    if not page.rows:
        note("No inventory is loaded. A first one: devmesh graph init > inventory.yaml")
    note_more(page.cursor)


# -- questions --------------------------------------------------------------------------------------------------------


@commands.command(
    epilog=examples("devmesh graph blast mariadb", "devmesh graph blast host:nas01"),
    short_help="What fails when this does.",
)
def blast(context: typer.Context, name: Name, limit: Limit = LIMIT_DEFAULT, json: Json = False) -> None:
    """Everything that surely fails when this service or host does, the nearest first, with the way."""
    from devmesh.cli.terminal import emit, note, safe

    with reading(settings_of(context)) as mesh:
        found = mesh.graph.blast(name, limit)
    if json:
        emit(asdict(found))
        return
    _reached(found, f"Nothing else fails with {safe(found.of.name)}, as far as the inventory says.")
    if found.weakened:
        note(f"Weakened, for they run elsewhere, too: {safe(', '.join(found.weakened))}")


@commands.command(epilog=examples("devmesh graph causes shop-api"), short_help="What may be why this fails.")
def causes(context: typer.Context, name: Name, limit: Limit = LIMIT_DEFAULT, json: Json = False) -> None:
    """Everything whose failure may be why this service fails, the nearest first, with the way."""
    from devmesh.cli.terminal import emit, safe

    with reading(settings_of(context)) as mesh:
        found = mesh.graph.causes(name, limit)
    if json:
        emit(asdict(found))
        return
    _reached(found, f"{safe(found.of.name)} needs nothing, as far as the inventory says.")


def _reached(found: Reach, nothing: str) -> None:
    from devmesh.cli.terminal import note, table, write

    if not found.total:
        write(nothing)
        return
    rows = [
        [str(one.hops), one.kind, one.name, one.type, "" if one.sure else "one of several", _way(one.way)]
        for one in found.rows
    ]
    table(["hops", "", "name", "type", "", "way"], rows, right=["hops"], styles={"name": "cyan"})
    if found.total > len(found.rows):
        note(f"{found.total:,} in all; --limit N shows more.")


def _way(way: tuple[Step, ...]) -> str:
    parts = (f"-{'/'.join(step.types)}-> {step.what}" for step in way)
    return " ".join((way[0].who, *parts)) if way else ""


@commands.command(epilog=examples("devmesh graph path nginx host:nas01"), short_help="How one needs another.")
def path(
    context: typer.Context,
    start: Annotated[str, typer.Argument(metavar="A", help="Who needs.")],
    end: Annotated[str, typer.Argument(metavar="B", help="What is needed.")],
    json: Json = False,
) -> None:
    """The shortest ways by which A needs B, ten at most: A fails when B does."""
    from devmesh.cli.terminal import emit, safe, write

    with reading(settings_of(context)) as mesh:
        found = mesh.graph.path(start, end)
    if json:
        emit(asdict(found))
        return
    for way in found.ways:
        write(safe(_way(way)))
    if not found.ways:
        write(f"{safe(found.start.name)} does not need {safe(found.end.name)}, as far as the inventory says.")


@commands.command(epilog=examples("devmesh graph risks"), short_help="Single points of failure, and rings.")
def risks(context: typer.Context, limit: Limit = LIMIT_DEFAULT, json: Json = False) -> None:
    """What runs only once and takes two services or more along, the worst first; and rings of services."""
    from devmesh.cli.terminal import count, emit, safe, table, write

    with reading(settings_of(context)) as mesh:
        found = mesh.graph.risks(limit)
    if json:
        emit(asdict(found))
        return
    table(
        ["services that fail", "", "with", "type"],
        [[count(one.ends), one.kind, one.name, one.type] for one in found.points],
        right=["services that fail"],
        styles={"with": "cyan"},
    )
    for ring in found.rings:
        write(safe(f"They need each other: {', '.join(ring)}"))
