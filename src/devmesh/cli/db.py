"""`devmesh db`: the store itself. Its schema, whether it is as it must be, and how it moves."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from devmesh.cli import adopting, copying, shard
from devmesh.cli.opening import settings_of, store_exists, store_path
from devmesh.cli.words import Json, examples
from devmesh.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from devmesh.db import Database
    from devmesh.db.checks import Finding
    from devmesh.settings import Settings

commands = typer.Typer(rich_markup_mode=None, no_args_is_help=True)


def install(app: typer.Typer) -> None:
    """Add the group and its commands."""
    shard.install(commands)
    app.add_typer(
        commands,
        name="db",
        short_help="The store: upgrade, check, move.",
        help="The store itself: its schema, its health, and moving to another one.",
        epilog=examples("devmesh db check", "devmesh db copy --to mysql+pymysql://devmesh@localhost/devmesh"),
    )
    copying.install(commands)
    adopting.install(commands)


@commands.command(epilog=examples("devmesh db upgrade", "DEVMESH_DATABASE_URL=mysql+pymysql://… devmesh db upgrade"))
def upgrade(context: typer.Context, json: Json = False) -> None:
    """Bring the schema up to date, or make it.

    Every start of the server does the same; this is for those who want to see it done. A backup first costs little.
    """
    from devmesh.cli.terminal import emit, write
    from devmesh.db import schema

    with _opened(settings_of(context)) as db:
        if not db.writable:
            raise Unavailable(
                "Another process holds the store.", hint="It brought the schema up to date when it started."
            )
        before = schema.version(db)
        schema.upgrade(db)
        after = schema.version(db)
    if json:
        emit({"from": before, "to": after})
    elif before == after:
        write(f"The schema is {after} already, which is the newest.")
    else:
        write(f"schema: from {before or 'nothing'} to {after}")


@commands.command(epilog=examples("devmesh db check", "devmesh db check --json"))
def check(context: typer.Context, json: Json = False) -> None:
    """Whether the store is as it must be.

    Looks at the schema, at the settings of the server or file, and for damage; changes nothing.
    A row for each property: ok, or what is found, what is wanted and what to type. Ends with 1 where something is
    wrong. On SQLite every page of the file is read: some seconds a gigabyte.
    """
    from devmesh.cli.terminal import emit, note
    from devmesh.db.checks import WRONG

    findings = []
    settings = settings_of(context)
    _must_exist(settings)
    for one in _findings(settings):
        findings.append(one)
        if not json:
            _print(one)
    wrong = [one for one in findings if one.state == WRONG]
    if json:
        emit({"checks": [asdict(one) for one in findings]})
    elif wrong:
        note(f"{len(wrong)} of {len(findings)} are wrong.")
    if wrong:
        raise typer.Exit(1)


def _findings(settings: Settings) -> Iterator[Finding]:
    from devmesh.clock import SystemClock
    from devmesh.db.checks import check as look
    from devmesh.embeddings.stored import tables_of

    with _opened(settings, read_only=True) as db:
        yield from look(db, SystemClock().now_us(), tables_of)


def _print(one: Finding) -> None:
    from devmesh.cli.terminal import safe, write
    from devmesh.db.checks import OK

    write(
        (f"{one.state:<7}", "green" if one.state == OK else "bold red"),
        (safe(one.name), "bold"),
        f"  {safe(one.found)}",
        (f"  (wanted: {safe(one.wanted)})", "dim") if one.wanted else "",
    )
    if one.hint:
        write(("       what to type: ", "dim"), safe(one.hint))
    sys.stdout.flush()


@contextlib.contextmanager
def _opened(settings: Settings, *, read_only: bool = False) -> Iterator[Database]:
    """The store of the settings as it is, not brought up to date."""
    import devmesh.mesh  # noqa: F401 - brings every room's tables into the metadata
    from devmesh.db import open_database

    db = open_database(settings.store_url, read_only=read_only, allow_unsafe=True)
    try:
        yield db
    finally:
        db.close()


def _must_exist(settings: Settings) -> None:
    path = store_path(settings)
    if path is not None and not store_exists(path):
        raise NotFound(f"There is no store in {path.parent} yet.", hint="devmesh up, or devmesh db upgrade")
