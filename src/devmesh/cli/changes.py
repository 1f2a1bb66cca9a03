"""`devmesh changes`: what is not as it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from devmesh.cli.opening import reading, settings_of
from devmesh.cli.words import Json, examples

if TYPE_CHECKING:
    from datetime import tzinfo

TITLES = {
    "new": "New, never seen before:",
    "gone": "Gone:",
    "louder": "Louder:",
    "quieter": "Quieter:",
}
SLIGHT = 1e-3
SERVICES = 12  # that are named
FEW = 10.0
HOUR_US = 3_600_000_000
MINUTE_CHARS = len("2026-11-22 13:46")


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples(
            "devmesh changes",
            "devmesh changes --since 2h --node nas",
            'devmesh changes --since "yesterday 14:00"',
            "devmesh changes --after 1795360864569955-42",
        ),
        short_help="What is new, gone, louder or quieter.",
    )(changes)


def changes(
    context: typer.Context,
    since: Annotated[str, typer.Option(metavar="TIME", help="The window begins here: 2h, 'yesterday 14:00', ISO.")] = (
        "24h"
    ),
    until: Annotated[str | None, typer.Option(metavar="TIME", help="It ends here (default: now).")] = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Normal is from here to the window (default: a week before it)."),
    ] = None,
    node: Annotated[
        list[str], typer.Option("--node", "-n", metavar="NAME", help="Only of this node (repeatable).")
    ] = [],  # noqa: B006 - typer copies it
    service: Annotated[
        list[str], typer.Option("--service", "-s", metavar="NAME", help="Only of this service (repeatable).")
    ] = [],  # noqa: B006
    after: Annotated[
        str | None, typer.Option(metavar="EVENT", help="What changed on an event's node after it, to --until or a day.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-l", metavar="N", help="How many, 1 to 1,000.")] = 20,
    json: Json = False,
) -> None:
    """What is new, gone, louder or quieter in a window of time than before, with the chance that it is luck.

    Compares counts of families, hour by hour, with the rhythm that their service has. A node that said nothing is named
    instead of all that it did not say.
    """
    from devmesh.changing import changes_after, list_changes
    from devmesh.cli.terminal import emit, viewer_zone, write

    settings = settings_of(context)
    with reading(settings) as mesh:
        if after is not None:
            found = changes_after(mesh, after, until=until, limit=limit)
        else:
            found = list_changes(
                mesh, since=since, until=until, against=against, node=node, service=service, limit=limit
            )
    if json:
        emit(found)
        return
    zone = viewer_zone(settings.timezone)
    write(_spans(found, zone))
    if after is not None:
        _write_strip(found, zone)
    _write_changes(found)
    _write_downstream(found.get("downstream"), zone)


def _write_changes(found: dict[str, Any]) -> None:
    """The families by kind."""
    from devmesh.cli.terminal import count, many, note, safe, write

    for name in found["quiet_nodes"]:
        write(f"{safe(name)} said nothing in this time; what it usually says is left out.")
    widest = max((len(safe(one["service"])) for one in found["changes"]), default=0)
    for kind, title in TITLES.items():
        rows = [one for one in found["changes"] if one["kind"] == kind]
        if rows:
            write("")
            write(title)
        for one in rows:
            who = safe(one["service"]).ljust(widest)
            write(f"{_numbers(one):>20}  {one['id']:<5} {who}  {safe(one['text'])}{_luck(one)}")
    if not found["changes"]:
        write(f"Nothing changed but by luck; {many(found['compared'], 'pattern')} compared.")
    elif found["found"] > len(found["changes"]):
        note(f"There are {count(found['found'] - len(found['changes']))} more: --limit N")


def _write_strip(found: dict[str, Any], zone: tzinfo) -> None:
    """The event, and what people and programs changed on its node after it."""
    from devmesh.cli.terminal import safe, stamp, write

    event = found["event"]
    who = f"{safe(event['service'])} on {safe(event['node'])}"
    write(f"After {stamp(event['ts_us'], zone)}, {who}: {safe(event['message'])}")
    write("")
    write("Changed there by people and programs:" if found["strip"] else "People and programs changed nothing there.")
    for one in found["strip"]:
        times = f" ({one['n']} of them)" if one["n"] > 1 else ""
        write(f"  {stamp(one['at_us'], zone)}  {one['kind']:<13} {safe(one['service'])}: {safe(one['text'])}{times}")


def _write_downstream(below: dict[str, Any] | None, zone: tzinfo) -> None:
    """What changed in who needs it, on other nodes, by hops."""
    from devmesh.cli.terminal import count, many, note, safe, stamp, write

    if below is None:
        return
    write("")
    if not below["services"]:
        write(f"By the inventory nobody on another node needs {safe(below['of'])}.")
        return
    some = ", ".join(f"{safe(one['service'])} ({many(one['hops'], 'hop')})" for one in below["services"][:SERVICES])
    more = len(below["services"]) - SERVICES
    write(f"Downstream, needing {safe(below['of'])}: {some}{f' and {more} more' if more > 0 else ''}")
    for one in below["strip"]:
        who = f"{safe(one['service'])} on {safe(one['node'])}"
        write(f"  {stamp(one['at_us'], zone)}  {one['kind']:<13} {who}: {safe(one['text'])}")
    for one in below["changes"]:
        hops = many(one["hops"], "hop")
        who = f"{one['kind']:<7} {one['id']:<5} {safe(one['service'])}"
        write(f"{_numbers(one):>20}  {hops:<6}  {who}  {safe(one['text'])}{_luck(one)}")
    if not below["changes"]:
        write("Nothing changed there but by luck.")
    elif below["found"] > len(below["changes"]):
        note(f"There are {count(below['found'] - len(below['changes']))} more downstream: --limit N")


def _spans(found: dict[str, Any], zone: tzinfo) -> str:
    """The window and what it is compared with."""
    from devmesh.cli.terminal import many

    window, normal = found["window"], found["normal"]
    begin, end, before = (_minute(us, zone) for us in (window["since_us"], window["until_us"], normal["since_us"]))
    return f"{begin} to {end}, against the {many(_hours(normal), 'hour')} from {before} on"


def _minute(ts_us: int, zone: tzinfo) -> str:
    from devmesh.cli.terminal import stamp

    return stamp(ts_us, zone)[:MINUTE_CHARS]


def _hours(span: dict[str, int]) -> int:
    return (span["until_us"] - span["since_us"]) // HOUR_US


def _numbers(one: dict[str, Any]) -> str:
    """Its count, and what is normal."""
    from devmesh.cli.terminal import count

    if one["kind"] == "new":
        return count(one["n"])
    usual = f"{one['expected']:.1f}" if one["expected"] < FEW else count(round(one["expected"]))
    return f"{count(one['n'])}, usual {usual}"


def _luck(one: dict[str, Any]) -> str:
    """The chance that it is luck, where it is worth a word."""
    chance = one["chance"] if one["kind"] == "new" else one["doubt"]
    return f"  (luck {chance:.1%})" if chance is not None and chance >= SLIGHT else ""
