"""`devmesh token`: who may send and read."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from devmesh.cli.opening import reading, settings_of, writing
from devmesh.cli.words import Cursor, Json, Limit, examples, note_more
from devmesh.errors import InvalidInput
from devmesh.paging import LIMIT_DEFAULT

commands = typer.Typer(rich_markup_mode=None, no_args_is_help=True)


def install(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(
        commands,
        name="token",
        short_help="Who may send and read.",
        epilog=examples("devmesh token create --node nas", "devmesh token list", "devmesh token revoke 3"),
    )


@commands.callback()
def token() -> None:
    """Tokens: who may send events, read, or administer. A secret is shown once, when it is made."""


@commands.command(epilog=examples("devmesh token create --node nas > nas.token", "devmesh token create --read"))
def create(
    context: typer.Context,
    node: Annotated[str | None, typer.Option(metavar="NAME", help="May send events, as this node only.")] = None,
    relay: Annotated[bool, typer.Option("--relay", help="May send events as any node, reads nothing.")] = False,
    read: Annotated[bool, typer.Option("--read", help="May read everything, sends nothing.")] = False,
    admin: Annotated[bool, typer.Option("--admin", help="May do everything.")] = False,
    json: Json = False,
) -> None:
    """Make a token and print its secret, this once."""
    from devmesh.cli.remote import Remote
    from devmesh.cli.terminal import emit, note

    kinds = [
        kind
        for kind, wanted in (("node", node is not None), ("relay", relay), ("read", read), ("admin", admin))
        if wanted
    ]
    if len(kinds) != 1:
        raise InvalidInput(
            "Say what the token may do, one thing of four.", hint="--node NAME, --relay, --read or --admin"
        )
    with writing(settings_of(context)) as store:
        if isinstance(store, Remote):
            secret = store.call("POST", "/tokens", json={"kind": kinds[0], "node": node})["token"]
        else:
            secret = store.accounts.create_token(kinds[0], node)
    if json:
        emit({"token": secret, "kind": kinds[0], "node": node})
        return
    typer.echo(secret)
    note("Keep it now: it is stored as a hash and not shown again.")


@commands.command("list")
def list_(context: typer.Context, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None, json: Json = False) -> None:
    """Tokens in the order in which they were made, without their secrets."""
    from devmesh.cli.terminal import emit, note, stamp, table, viewer_zone

    settings = settings_of(context)
    with reading(settings) as mesh:
        page = mesh.accounts.list_tokens(limit, cursor)
    if json:
        emit({"tokens": [asdict(one) for one in page.rows], "cursor": page.cursor})
        return
    zone = viewer_zone(settings.timezone)
    rows = [
        [str(one.id), one.kind, stamp(one.created_us, zone), "revoked" if one.revoked_us else "living", one.node or ""]
        for one in page.rows
    ]
    table(["id", "may", "made", "state", "node"], rows, right=["id"])
    if not page.rows:
        note(
            "There are no tokens: only this machine itself may use the server."
            if cursor is None
            else "No token comes after that one."
        )
    note_more(page.cursor)


@commands.command(epilog=examples("devmesh token revoke 3"))
def revoke(
    context: typer.Context,
    token_id: Annotated[int, typer.Argument(metavar="ID", help="Its number in 'devmesh token list'.")],
) -> None:
    """Refuse a token from now on (within 5 seconds)."""
    from devmesh.cli.remote import Remote
    from devmesh.cli.terminal import write

    with writing(settings_of(context)) as store:
        if isinstance(store, Remote):
            store.call("DELETE", f"/tokens/{token_id}")
        else:
            store.accounts.revoke(token_id)
    write(f"Token {token_id} is revoked.")
