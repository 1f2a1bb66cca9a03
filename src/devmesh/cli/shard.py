"""`devmesh db shard`: the plan of a house whose events lie on several database servers."""

from __future__ import annotations

from typing import Annotated

import typer

from devmesh.cli.opening import settings_of
from devmesh.cli.words import Json, examples
from devmesh.errors import InvalidInput

Url = Annotated[list[str], typer.Argument(metavar="URL", help="The data servers, in an order that stays.")]


def install(commands: typer.Typer) -> None:
    """Add the command to the group `db`."""
    commands.command(
        epilog=examples(
            "devmesh db shard --plan mysql+pymysql://devmesh@db1/devmesh mysql+pymysql://devmesh@db2/devmesh",
            "devmesh db shard --plan --only head URL URL | mariadb -h head devmesh",
            "devmesh db shard --plan --only 1 URL URL | mariadb -h db1 devmesh",
        )
    )(shard)


def shard(
    context: typer.Context,
    servers: Url,
    plan: Annotated[bool, typer.Option("--plan", help="Print the SQL. Nothing is run.")] = False,
    head: Annotated[
        str | None, typer.Option(metavar="URL", help="The head as the data servers see it (default: the store's URL).")
    ] = None,
    only: Annotated[
        str | None, typer.Option(metavar="WHICH", help="The SQL of one server alone: head, or a number from 1 on.")
    ] = None,
    json: Json = False,
) -> None:
    """The SQL that spreads the events over several MariaDB servers, with one head that reads them all (Spider).

    Each server needs a database that 'devmesh db upgrade' has made and that holds nothing, and the package
    mariadb-plugin-spider. What it costs and when it pays: docs/scale.md.
    """
    import devmesh.mesh  # noqa: F401 - brings every room's tables into the metadata
    from devmesh.cli.terminal import emit
    from devmesh.db import shards

    if not plan:
        raise InvalidInput("This command only prints a plan.", hint="Say --plan, read it, then feed it to 'mariadb'.")
    made = shards.plan(
        shards.server_url(head or settings_of(context).database_url), [shards.server_url(url) for url in servers]
    )
    parts = {"head": made.head} | {str(number): sql for number, sql in enumerate(made.servers, 1)}
    if only is not None and only not in parts:
        raise InvalidInput(f"The plan has no server {only!r}.", hint=f"One of: {', '.join(parts)}.")
    chosen = parts if only is None else {only: parts[only]}
    if json:
        emit({name: list(statements) for name, statements in chosen.items()})
        return
    for name, statements in chosen.items():
        typer.echo(
            f"-- {'the head' if name == 'head' else f'data server {name}'}\n{shards.script(statements)}", nl=False
        )
