"""`devmesh nodes`, `devmesh nodes retire` and `devmesh services`: who speaks."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from devmesh.cli.opening import reading, settings_of, writing
from devmesh.cli.words import Cursor, Json, Limit, examples, note_more
from devmesh.paging import LIMIT_DEFAULT

if TYPE_CHECKING:
    from devmesh.nodes.model import Node

SKEW_US = 5_000_000


commands = typer.Typer(rich_markup_mode=None)


def install(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(
        commands,
        name="nodes",
        short_help="The machines that send.",
        epilog=examples("devmesh nodes", "devmesh nodes --json", "devmesh nodes retire old-nas"),
    )
    app.command(
        epilog=examples("devmesh services", "devmesh logs --service sshd"), short_help="The services that were heard."
    )(services)


@commands.callback(invoke_without_command=True)
def nodes(
    context: typer.Context,
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
    retired: Annotated[bool, typer.Option("--retired", help="Show also the nodes that were retired.")] = False,
    json: Json = False,
) -> None:
    """The machines that send: whether they still do, what waits there, what was lost."""
    if context.invoked_subcommand is not None:
        return
    from devmesh.cli.terminal import ago, count, emit, note, table

    with reading(settings_of(context)) as mesh:
        page, now = mesh.nodes.list(limit, cursor, retired=retired), mesh.clock.now_us()
        hidden = not page.rows and bool(mesh.nodes.list(1, cursor, retired=True).rows)
    if json:
        emit({"nodes": [asdict(node) for node in page.rows], "cursor": page.cursor})
        return
    rows = [
        [
            node.name,
            node.state,
            ago(node.last_received_us, now),
            "" if node.backlog_events is None else count(node.backlog_events),
            count(node.lost_entries),
            "; ".join(_remarks(node, now)),
        ]
        for node in page.rows
    ]
    table(
        ["node", "state", "last event", "backlog", "lost", "remarks"],
        rows,
        right=["backlog", "lost"],
        styles={"node": "cyan"},
    )
    if hidden:
        note("Only nodes that were retired. See: devmesh nodes --retired")
    elif not page.rows:
        note("No node has sent anything yet." if cursor is None else "No node comes after that one.")
    note_more(page.cursor)


@commands.command(epilog=examples("devmesh nodes retire old-nas"))
def retire(
    context: typer.Context, name: Annotated[str, typer.Argument(metavar="NAME", help="A name in 'devmesh nodes'.")]
) -> None:
    """Leave a node that is gone out of health and of the list. Its events stay; when it speaks again, it is back."""
    from urllib.parse import quote

    from devmesh.cli.remote import Remote
    from devmesh.cli.terminal import safe, write

    with writing(settings_of(context)) as store:
        if isinstance(store, Remote):
            store.call("POST", f"/nodes/{quote(name, safe='')}/retire")
        else:
            store.nodes.retire(name)
    write(f"Node {safe(name)} is retired. When it speaks again, it is back.")


def _remarks(node: Node, now_us: int) -> list[str]:
    """Agent, what waits for how long, clock, what filters dropped, sources in trouble."""
    from devmesh.cli.terminal import ago

    said = [f"agent {node.agent}"] if node.agent else ["no agent (imported, or another client)"]
    if node.backlog_events and node.oldest_unsent_us is not None:
        said.append(f"oldest unsent {ago(node.oldest_unsent_us, now_us)}")
    if node.skew_us is not None and abs(node.skew_us) > SKEW_US + (node.skew_error_us or 0):
        unsure = "" if node.skew_error_us is None else f" (± {node.skew_error_us / 1e6:.2f} s)"
        said.append(f"clock is {node.skew_us / 1e6:+.1f} s off{unsure}")
    if node.dropped:
        said.append(f"filters dropped {sum(node.dropped.values()):,}")
    said += [
        f"{one['path']}: {one['trouble']}"
        for one in node.sources
        if isinstance(one, dict) and "trouble" in one and "path" in one
    ]
    return said


def services(context: typer.Context, limit: Limit = LIMIT_DEFAULT, cursor: Cursor = None, json: Json = False) -> None:
    """The services that were heard, the busiest first."""
    from devmesh.catalogue import list_services
    from devmesh.cli.terminal import count, emit, note, table

    with reading(settings_of(context)) as mesh:
        page = list_services(mesh, limit=limit, cursor=cursor)
    if json:
        emit({"services": page.rows, "cursor": page.cursor})
        return
    table(["events", "service"], [[count(one["events"]), one["name"]] for one in page.rows], right=["events"])
    if not page.rows:
        note("No service was heard yet." if cursor is None else "No service comes after that one.")
    note_more(page.cursor)
