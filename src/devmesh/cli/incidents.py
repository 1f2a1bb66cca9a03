"""`devmesh incidents`: what is wrong, and what was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from devmesh.cli.opening import reading, settings_of
from devmesh.cli.words import Cursor, Json, Limit, examples, note_more
from devmesh.paging import LIMIT_DEFAULT

if TYPE_CHECKING:
    from datetime import tzinfo

SINCE = "7d"
MINUTE_CHARS = len("2026-11-22 13:46")
NAMES_SHOWN = 3
STYLES = {"critical": "bold red", "warning": "yellow"}


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples(
            "devmesh incidents",
            "devmesh incidents --status active --severity critical",
            "devmesh incidents --node nas --since 30d",
            "devmesh incidents --all",
        ),
        short_help="What is wrong, and what was.",
    )(incidents)


def incidents(
    context: typer.Context,
    status: Annotated[
        str | None, typer.Option(metavar="S", help="open, investigating, closed, or active: the first two.")
    ] = None,
    severity: Annotated[str | None, typer.Option(metavar="S", help="critical, warning or info.")] = None,
    service: Annotated[
        list[str],
        typer.Option("--service", "-s", metavar="NAME", help="Only if this service has a part (repeatable)."),
    ] = [],  # noqa: B006 - typer copies it
    node: Annotated[
        list[str], typer.Option("--node", "-n", metavar="NAME", help="Only if this node has a part (repeatable).")
    ] = [],  # noqa: B006
    since: Annotated[
        str | None, typer.Option(metavar="TIME", help="Open ones, and what went on after this (default: 7d).")
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="What began before this.")] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Of all time, and with too little evidence to be told.")
    ] = False,
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
    json: Json = False,
) -> None:
    """What is wrong, and what was in the last week: the newest first, each with who is suspected."""
    from devmesh.cli.terminal import emit, note, viewer_zone
    from devmesh.incidenting import Wanted, list_incidents

    settings = settings_of(context)
    wanted = Wanted(
        status=status, severity=severity, service=service, node=node, since=since or (None if everything else SINCE),
        until=until, thin=everything, limit=limit, cursor=cursor,
    )  # fmt: skip
    with reading(settings) as mesh:
        found = list_incidents(mesh, wanted)
        now = mesh.clock.now_us()
    if json:
        emit(found)
        return
    if found["incidents"]:
        _table(found["incidents"], now, viewer_zone(settings.timezone))
    else:
        note("No incident that matches. See also: devmesh detectors, devmesh incidents --all")
    note_more(found["cursor"])


def _table(rows: list[dict[str, Any]], now_us: int, zone: tzinfo) -> None:
    from devmesh.cli.terminal import ago, stamp, table

    table(
        ["id", "severity", "status", "began", "", "where", "suspect", "what"],
        [
            [
                str(one["id"]),
                one["severity"],
                one["status"],
                stamp(one["onset_us"], zone)[:MINUTE_CHARS],
                ago(one["onset_us"], now_us),
                names(one["nodes"]),
                suspect(one),
                one["title"],
            ]
            for one in rows
        ],
        right=["id"],
        styles={"id": "bold", "where": "cyan"},
    )


def names(some: list[str]) -> str:
    """A few of them, and how many more."""
    more = len(some) - NAMES_SHOWN
    return ", ".join(some[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def suspect(one: dict[str, Any]) -> str:
    """The first suspect, if the report is sure enough to name one."""
    if one["confidence"] is None:
        return "not yet known"
    if one["inconclusive"] or not one["suspects"]:
        return "inconclusive"
    first = one["suspects"][0]
    return f"{first['service']} on {first['node']}"
