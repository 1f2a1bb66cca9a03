"""`devmesh user`: who may sign in to the pages; `devmesh audit`: who did what."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from devmesh.cli.opening import reading, settings_of, writing
from devmesh.cli.words import Cursor, Json, Limit, examples, note_more
from devmesh.errors import InvalidInput

commands = typer.Typer(rich_markup_mode=None, no_args_is_help=True)


def install(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog=examples("devmesh audit", "devmesh audit --json"), short_help="Who did what.")(audit)
    app.add_typer(
        commands,
        name="user",
        short_help="Who may sign in.",
        epilog=examples("devmesh user add anna", "devmesh user list", "devmesh user remove anna"),
    )


@commands.callback()
def user() -> None:
    """People who sign in to the pages. From the first one on, this machine needs a token or a session as others do."""


@commands.command(
    epilog=examples("devmesh user add anna", "devmesh user add ben --operate", "devmesh user add screen --read")
)
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What they sign in with.")],
    read: Annotated[bool, typer.Option("--read", help="May read everything, change nothing.")] = False,
    operate: Annotated[
        bool, typer.Option("--operate", help="May read everything, and label, merge and split templates.")
    ] = False,
) -> None:
    """Let somebody sign in, as admin unless an option says less. Asks for the password; without a terminal it is the
    first line of stdin.
    """
    from devmesh.cli.remote import Remote
    from devmesh.cli.terminal import note, safe, write

    if read and operate:
        raise InvalidInput("A user is of one kind.", hint="--read or --operate")
    password = _password()
    kind = "read" if read else "operate" if operate else "admin"
    with writing(settings_of(context)) as store:
        if isinstance(store, Remote):
            store.call("POST", "/users", json={"name": name, "password": password, "kind": kind})
        else:
            store.accounts.people.add(name, password, kind)
    write(f"{safe(name)} may sign in now.")
    note("From now on requests of this machine need a session or a token, too: devmesh token create")


@commands.command("list")
def list_(context: typer.Context, json: Json = False) -> None:
    """Everyone who may sign in."""
    from devmesh.cli.terminal import emit, note, stamp, table, viewer_zone

    settings = settings_of(context)
    with reading(settings) as mesh:
        found = mesh.accounts.people.list()
    if json:
        emit({"users": [asdict(one) for one in found]})
        return
    zone = viewer_zone(settings.timezone)
    table(["name", "may", "made"], [[one.name, one.kind, stamp(one.created_us, zone)] for one in found])
    if not found:
        note("Nobody signs in: only this machine itself, and who has a token, may use the server.")


@commands.command(epilog=examples("devmesh user remove anna"))
def remove(
    context: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME", help="As in 'devmesh user list'.")]
) -> None:
    """Forget a user and end their sessions. Adding them again is how a forgotten password is replaced."""
    from urllib.parse import quote

    from devmesh.cli.remote import Remote
    from devmesh.cli.terminal import safe, write

    with writing(settings_of(context)) as store:
        if isinstance(store, Remote):
            store.call("DELETE", f"/users/{quote(name, safe='')}")
        else:
            store.accounts.people.remove(name)
    write(f"{safe(name)} may no longer sign in.")


def audit(context: typer.Context, limit: Limit = 50, cursor: Cursor = None, json: Json = False) -> None:
    """Who did what, the newest first: tokens, users, sign-ins, retired nodes, words of people, merges and splits."""
    from devmesh.cli.terminal import emit, note, stamp, table, viewer_zone

    settings = settings_of(context)
    with reading(settings) as mesh:
        page = mesh.accounts.audit.list(limit, cursor)
    if json:
        emit({"audit": [asdict(one) for one in page.rows], "cursor": page.cursor})
        return
    zone = viewer_zone(settings.timezone)
    table(["when", "who", "did", "what"], [[stamp(one.at_us, zone), one.who, one.did, one.what] for one in page.rows])
    if not page.rows:
        note("Nothing was changed yet." if cursor is None else "Nothing is older than that.")
    note_more(page.cursor)


def _password() -> str:
    if sys.stdin.isatty():
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")
