"""`devmesh nodes` and `devmesh services`: who speaks."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from devmesh.cli.opening import reading, settings_of
from devmesh.cli.words import Json, examples

if TYPE_CHECKING:
    from devmesh.nodes.model import Node

SKEW_US = 5_000_000


def install(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(epilog=examples("devmesh nodes", "devmesh nodes --json"), short_help="The machines that send.")(nodes)
    app.command(
        epilog=examples("devmesh services", "devmesh logs --service sshd"), short_help="The services that were heard."
    )(services)


def nodes(context: typer.Context, json: Json = False) -> None:
    """The machines that send: whether they still do, what waits there, what was lost."""
    from devmesh.cli.terminal import ago, count, emit, note, table

    with reading(settings_of(context)) as mesh:
        listed, now = mesh.nodes.list(), mesh.clock.now_us()
    if json:
        emit({"nodes": [asdict(node) for node in listed]})
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
        for node in listed
    ]
    table(
        ["node", "state", "last event", "backlog", "lost", "remarks"],
        rows,
        right=["backlog", "lost"],
        styles={"node": "cyan"},
    )
    if not listed:
        note("No node has sent anything yet.")


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


def services(
    context: typer.Context,
    limit: Annotated[
        int | None, typer.Option("--limit", "-l", metavar="N", min=1, help="How many, the busiest (default: all).")
    ] = None,
    json: Json = False,
) -> None:
    """The services that were heard, the busiest first."""
    from devmesh.cli.terminal import count, emit, note, table

    with reading(settings_of(context)) as mesh:
        totals = mesh.events.by_service()
        listed = [{**asdict(one), "events": totals.get(one.id, 0)} for one in mesh.nodes.services()]
    listed.sort(key=lambda one: (-one["events"], one["name"]))
    listed = listed[:limit]
    if json:
        emit({"services": listed})
        return
    table(["events", "service"], [[count(one["events"]), one["name"]] for one in listed], right=["events"])
    if not listed:
        note("No service was heard yet.")
