"""`devmesh notify`: try a channel, and see what was told to people."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from devmesh.cli.opening import reading, settings_of, writing
from devmesh.cli.words import Cursor, Json, Limit, examples, note_more
from devmesh.paging import LIMIT_DEFAULT

commands = typer.Typer(rich_markup_mode=None, no_args_is_help=True)


def install(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(
        commands,
        name="notify",
        short_help="Who is told of incidents: try a channel, see what was sent.",
        epilog=examples("devmesh notify test team", "devmesh notify list"),
    )


@commands.callback()
def notify() -> None:
    """Messages about incidents. Channels stand in devmesh.toml: see docs/settings.md."""


@commands.command("test", epilog=examples("devmesh notify test team", "devmesh notify test mail --json"))
def try_channel(
    context: typer.Context,
    channel: Annotated[str, typer.Argument(metavar="CHANNEL", help="Its name in the settings.")],
    json: Json = False,
) -> None:
    """Send a test message by a channel, and say what happened. A running server sends it, with its settings."""
    from devmesh.cli.remote import Remote
    from devmesh.cli.terminal import emit, safe, write

    with writing(settings_of(context)) as store:
        if isinstance(store, Remote):
            answer = str(store.call("POST", "/notifications/test", json={"channel": channel})["answer"])
        else:
            answer = store.notifications.test(channel).answer
    if json:
        emit({"channel": channel, "answer": answer})
    else:
        write((safe(channel), "bold"), f": {safe(answer)}")


@commands.command("list", epilog=examples("devmesh notify list", "devmesh notify list --limit 1000 --json"))
def list_(context: typer.Context, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None, json: Json = False) -> None:
    """What was told to whom, the newest incident first: waiting, held for the end of quiet hours, failing or sent."""
    from devmesh.cli.terminal import ago, count, emit, note, table

    with reading(settings_of(context)) as mesh:
        page, now = mesh.notifications.deliveries(limit, cursor), mesh.clock.now_us()
    if json:
        emit({"notifications": [asdict(one) for one in page.rows], "cursor": page.cursor})
        return
    rows = [
        [
            str(one.incident_id),
            one.channel,
            one.severity,
            one.status,
            one.state,
            ago(one.sent_us if one.state == "sent" else one.changed_us, now),
            f"{one.reason} (tries: {count(one.tries)})" if one.reason else one.title,
        ]
        for one in page.rows
    ]
    if rows:
        table(["incident", "channel", "severity", "is", "state", "when", "what"], rows, right=["incident"])
    else:
        note("Nothing was told to anybody yet." if cursor is None else "Nothing comes after that one.")
    note_more(page.cursor)
