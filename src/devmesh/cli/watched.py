"""`devmesh detectors`, `mutes`, `maintenance` and `blind`: how the watch stands, and what it leaves out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import typer

from devmesh.cli.opening import reading, settings_of, writing
from devmesh.cli.words import Json, examples

MINUTE_CHARS = len("2026-11-22 13:46")
NOTHING = {"mutes": "Nothing is muted.", "maintenance": "No maintenance is planned."}
Column = Callable[[dict[str, Any], Callable[[int], str]], str]  # of a row, with what writes a time
mute_commands = typer.Typer(rich_markup_mode=None)
windows = typer.Typer(rich_markup_mode=None, no_args_is_help=True)

Ended = Annotated[bool, typer.Option("--ended", help="Show also those that are over.")]


def install(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(
        epilog=examples("devmesh detectors", "devmesh detectors --normal"),
        short_help="What is looked for, and how well that works.",
    )(detectors)
    app.add_typer(
        mute_commands,
        name="mutes",
        short_help="Patterns of which you want to hear nothing.",
        epilog=examples("devmesh mutes", "devmesh mutes --ended", "devmesh mutes end 3"),
    )
    app.add_typer(
        windows,
        name="maintenance",
        short_help="Times in which nobody is told.",
        help="Times in which what is found is kept and told nobody. What still goes on after them is told.",
        epilog=examples(
            'devmesh maintenance add --node "web-*" --until 2h --reason "new disks"', "devmesh maintenance list"
        ),
    )
    app.command(
        epilog=examples("devmesh blind", "devmesh blind --since 7d --node nas"),
        short_help="When nodes could not be seen.",
    )(blind)


def detectors(
    context: typer.Context,
    normal: Annotated[
        bool, typer.Option("--normal", help="How many errors are normal of each service, and from how many on is told.")
    ] = False,
    json: Json = False,
) -> None:
    """What each detector looks for; until when it only learns; how much it found; how often people called it real."""
    from devmesh.cli.terminal import count, emit, note, stamp, table, viewer_zone
    from devmesh.watched import list_detectors, list_normal

    settings = settings_of(context)
    with reading(settings) as mesh:
        found = {**list_detectors(mesh), **list_normal(mesh)}
    if json:
        emit(found)
        return
    if normal:
        _show_normal(found["normal"])
        return
    listed = found["detectors"]
    table(
        ["detector", "24 h", "30 days", "incidents", "real", "finds"],
        [
            [
                one["name"],
                *(count(one[key]) for key in ("findings_24h", "findings_30d", "incidents_30d")),
                _precision(one),
                f"(off) {one['finds']}" if one["off"] else one["finds"],
            ]
            for one in listed
        ],
        right=["24 h", "30 days", "incidents"],
        styles={"detector": "cyan"},
    )
    if listed[0]["learning"]:
        learned = listed[0]["learned_us"]
        until = "" if learned is None else f" until {stamp(learned, viewer_zone(settings.timezone))[:MINUTE_CHARS]}"
        note(f"They only learn what is normal{until}, and tell nothing." if until else "Nothing is watched yet.")


def _show_normal(some: list[dict[str, Any]]) -> None:
    """Errors of each service in five minutes."""
    from devmesh.cli.terminal import count, note, table

    if not some:
        note("No service has had an error in the hours that were learned.")
        return
    table(
        ["service", "node", "errors in 5 min", "give or take", "found from", "learned, h"],
        [
            [
                one["service"],
                one["node"],
                f"{one['mean']:.2f}",
                f"{one['deviation']:.2f}",
                count(one["found_from"]),
                count(one["hours"]),
            ]
            for one in some
        ],
        right=["errors in 5 min", "give or take", "found from", "learned, h"],
        styles={"service": "cyan"},
    )


def _precision(one: dict[str, Any]) -> str:
    """What people said of incidents that it has a part in."""
    voted = one["real"] + one["noise"]
    return f"{one['real']} of {voted}" if voted else "no votes"


# -- mutes ------------------------------------------------------------------------------------------------------------


@mute_commands.callback(invoke_without_command=True)
def mutes(context: typer.Context, ended: Ended = False, json: Json = False) -> None:
    """Patterns of which you want to hear nothing, why, and until when. They come from 'devmesh incident mute'."""
    if context.invoked_subcommand is not None:
        return
    from devmesh.watched import list_mutes

    with reading(settings_of(context)) as mesh:
        found = list_mutes(mesh, ended=ended)
    _show_mutes(context, found, json)


@mute_commands.command("end", epilog=examples("devmesh mutes end 3"))
def end_mute(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="ID", help="A number in 'devmesh mutes'.")],
    json: Json = False,
) -> None:
    """Hear of it again. What was held is told."""
    from devmesh.accounts import COMMAND_LINE
    from devmesh.cli.remote import Remote
    from devmesh.watched import list_mutes

    with writing(settings_of(context)) as store:
        if isinstance(store, Remote):
            found = store.call("POST", f"/mutes/{number}/end")
        else:
            store.incidents.mutes.end(number, COMMAND_LINE)
            found = list_mutes(store)
    _show_mutes(context, found, json)


def _show_mutes(context: typer.Context, found: dict[str, Any], json: bool) -> None:
    _show(context, found, json, {
        "pattern": lambda one, _at: one["family"],
        "service": lambda one, _at: one["service"],
        "nodes": lambda one, _at: ", ".join(one["nodes"]) or "all",
        "until": lambda one, at: at(one["until_us"]) if one["active"] else f"over: {one['ended_why'] or 'its time'}",
        "by": lambda one, _at: one["who"],
        "why": lambda one, _at: one["reason"],
        "says": lambda one, _at: one["line"],
    })  # fmt: skip


def _show(context: typer.Context, found: dict[str, Any], json: bool, columns: dict[str, Column]) -> None:
    """A list of what people told the watch to leave out: by the heads of its columns what they show."""
    from devmesh.cli.terminal import emit, note, stamp, table, viewer_zone

    if json:
        emit(found)
        return
    ((kind, listed),) = found.items()
    if not listed:
        note(NOTHING[kind])
        return
    zone = viewer_zone(settings_of(context).timezone)
    rows = [
        [str(one["id"]), *(column(one, lambda us: stamp(us, zone)[:MINUTE_CHARS]) for column in columns.values())]
        for one in listed
    ]
    table(["id", *columns], rows, right=["id"], styles={"pattern": "bold", "service": "cyan"})


# -- maintenance ------------------------------------------------------------------------------------------------------


@windows.command("list", epilog=examples("devmesh maintenance list", "devmesh maintenance list --ended"))
def list_windows(context: typer.Context, ended: Ended = False, json: Json = False) -> None:
    """Those that last or are to come."""
    from devmesh.watched import list_maintenance

    with reading(settings_of(context)) as mesh:
        found = list_maintenance(mesh, ended=ended)
    _show_windows(context, found, json)


@windows.command(
    epilog=examples(
        'devmesh maintenance add --node "web-*" --until 2h --reason "new disks"',
        'devmesh maintenance add --since "tomorrow 02:00" --until "tomorrow 04:00" --reason upgrade',
    )
)
def add(
    context: typer.Context,
    until: Annotated[str, typer.Option(metavar="TIME", help="2h, 'tomorrow 04:00', ISO; 30 days long at most.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why: who reads it later knows nothing else.")],
    since: Annotated[str, typer.Option(metavar="TIME", help="It begins now, or then: 1h, 'tomorrow 02:00', ISO.")] = (
        "now"
    ),
    node: Annotated[
        list[str], typer.Option("--node", "-n", metavar="GLOB", help="Of these nodes (repeatable; default: any).")
    ] = [],  # noqa: B006 - typer copies it
    service: Annotated[
        list[str], typer.Option("--service", "-s", metavar="GLOB", help="Of these services (repeatable; default: any).")
    ] = [],  # noqa: B006
    json: Json = False,
) -> None:
    """Tell nobody of what is found of these nodes and services until then. What still goes on after it is told."""
    from devmesh.acting import plan_maintenance
    from devmesh.cli.remote import Remote
    from devmesh.cli.terminal import emit, stamp, viewer_zone, viewer_zone_name, write

    settings = settings_of(context)
    zone = viewer_zone_name(settings.timezone)
    said: dict[str, Any] = {
        "since": since, "until": until, "nodes": node, "services": service, "reason": reason, "timezone": zone,
    }  # fmt: skip
    with writing(settings) as store:
        if isinstance(store, Remote):
            made = store.call("POST", "/maintenance", json=said)
        else:
            made = plan_maintenance(store, **said)
    if json:
        emit(made)
        return
    begin, end = (stamp(made[key], viewer_zone(settings.timezone))[:MINUTE_CHARS] for key in ("since_us", "until_us"))
    write(f"Maintenance {made['id']}, {begin} to {end}: nobody is told of {_of(made)}.")


@windows.command("end", epilog=examples("devmesh maintenance end 3"))
def end_window(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="ID", help="A number in 'devmesh maintenance list'.")],
    json: Json = False,
) -> None:
    """End one before its time, or take it back. What still goes on is told."""
    from devmesh.accounts import COMMAND_LINE
    from devmesh.cli.remote import Remote
    from devmesh.watched import list_maintenance

    with writing(settings_of(context)) as store:
        if isinstance(store, Remote):
            found = store.call("POST", f"/maintenance/{number}/end")
        else:
            store.incidents.maintenance.end(number, COMMAND_LINE)
            found = list_maintenance(store)
    _show_windows(context, found, json)


def _show_windows(context: typer.Context, found: dict[str, Any], json: bool) -> None:
    _show(context, found, json, {
        "state": lambda one, _at: one["state"],
        "from": lambda one, at: at(one["since_us"]),
        "to": lambda one, at: at(min(one["until_us"], one["ended_us"] or one["until_us"])),
        "of": lambda one, _at: _of(one),
        "by": lambda one, _at: one["who"],
        "why": lambda one, _at: one["reason"],
    })  # fmt: skip


def _of(one: dict[str, Any]) -> str:
    """Whom a window is about."""
    from devmesh.cli.terminal import safe

    services, nodes = (", ".join(map(safe, one[key])) for key in ("services", "nodes"))
    return f"{services or 'all services'} on {nodes or 'all nodes'}"


# -- blind ------------------------------------------------------------------------------------------------------------


def blind(
    context: typer.Context,
    since: Annotated[str, typer.Option(metavar="TIME", help="From here: 7d, 'yesterday 14:00', ISO.")] = "24h",
    until: Annotated[str | None, typer.Option(metavar="TIME", help="To here (default: now).")] = None,
    node: Annotated[
        list[str], typer.Option("--node", "-n", metavar="NAME", help="Only of this node (repeatable).")
    ] = [],  # noqa: B006 - typer copies it
    json: Json = False,
) -> None:
    """Times in which nothing could be seen of a node, and why. What could not be seen teaches the detectors nothing."""
    from devmesh.cli.terminal import emit, note, stamp, table, viewer_zone
    from devmesh.watched import list_blind

    settings = settings_of(context)
    with reading(settings) as mesh:
        found = list_blind(mesh, since=since, until=until, node=node)
    if json:
        emit(found)
        return
    if not found["blind"]:
        note("Every node that has an agent was seen all the time; one without is never called blind.")
        return
    zone = viewer_zone(settings.timezone)
    table(
        ["node", "from", "to", "verdict", "lines", "why"],
        [
            [
                one["node"],
                stamp(one["since_us"], zone)[:MINUTE_CHARS],
                "it lasts" if one["until_us"] is None else stamp(one["until_us"], zone)[:MINUTE_CHARS],
                one["verdict"].replace("_", " "),
                "came later" if one["filled"] else "missing",
                one["reason"],
            ]
            for one in found["blind"]
        ],
        styles={"node": "cyan"},
    )
