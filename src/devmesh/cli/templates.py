"""`devmesh templates`: the catalogue of families, and one family or template in full."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer

from devmesh.cli.opening import reading, settings_of
from devmesh.cli.words import Json, examples

if TYPE_CHECKING:
    from datetime import tzinfo

HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
MINUTE_CHARS = len("2026-11-22 13:46")
VALUES_SHOWN = 8
MEMBERS_SHOWN = 10
WEEK_HOURS = 24 * 7
WIDE = 96
commands = typer.Typer(rich_markup_mode=None)


def install(app: typer.Typer) -> None:
    """Add the command and its subcommands."""
    app.add_typer(
        commands,
        name="templates",
        short_help="What kinds of things are said.",
        epilog=examples(
            "devmesh templates", "devmesh templates --service sshd --sort last", "devmesh templates show f12"
        ),
    )


@commands.callback(invoke_without_command=True)
def templates(
    context: typer.Context,
    service: Annotated[
        list[str], typer.Option("--service", "-s", metavar="NAME", help="Only of this service (repeatable).")
    ] = [],  # noqa: B006 - typer copies it
    sort: Annotated[
        str, typer.Option(metavar="BY", help="count, new (by first arrival), last (seen) or rate (events a day).")
    ] = "count",
    limit: Annotated[int, typer.Option("--limit", "-l", metavar="N", help="How many.")] = 50,
    json: Json = False,
) -> None:
    """What kinds of things are said: families, that is events of one service that differ only in words that vary."""
    if context.invoked_subcommand is not None:
        return
    from devmesh.catalogue import list_families
    from devmesh.cli.terminal import ago, count, emit, note, table

    with reading(settings_of(context)) as mesh:
        listed = list_families(mesh, service=service, sort=sort, limit=limit)
        now = mesh.clock.now_us()
    if json:
        emit({"templates": listed})
        return
    table(
        ["id", "events", "a day", "last seen", "service", "pattern"],
        [
            [
                one["id"],
                count(one["events"]),
                count(one["events_per_day"]),
                ago(one["last_seen_us"], now),
                one["service"],
                one["text"],
            ]
            for one in listed
        ],
        right=["events", "a day"],
        styles={"id": "bold", "service": "cyan"},
    )
    if not listed:
        note(f"No family of a service {service}. See: devmesh services" if service else "There are no families yet.")


@commands.command(epilog=examples("devmesh templates show f12", "devmesh templates show t345 --json"))
def show(
    context: typer.Context,
    template_id: Annotated[str, typer.Argument(metavar="ID", help="A family (f12) or a template (t345).")],
    json: Json = False,
) -> None:
    """Everything about one pattern: text, times, nodes, counts of all time and of a week, values its placeholders took,
    examples.
    """
    from devmesh import catalogue
    from devmesh.cli.terminal import emit, viewer_zone

    settings = settings_of(context)
    with reading(settings) as mesh:
        found, now = catalogue.show(mesh, template_id), mesh.clock.now_us()
    if json:
        emit(found)
        return
    zone = viewer_zone(settings.timezone)
    _head(found, zone)
    _history(found["history"], found["days"], now, zone)
    _values(found["values"])
    _examples(found["examples"], zone)
    _members(found)


@commands.command(epilog=examples("devmesh templates migrate"))
def migrate(context: typer.Context, json: Json = False) -> None:
    """After an upgrade with better rules: give every stored pattern its place under the new ones.

    The server does the same by itself, batch by batch; this waits for the end. Old ids stay good, no count is lost.
    """
    from devmesh.cli.loops import run_steps
    from devmesh.cli.terminal import count, emit, write

    done, _steps = run_steps(settings_of(context), "migrate-templates")
    if json:
        emit({"migrated": done})
    else:
        write(f"{count(done)} templates migrated" if done else "Every template is of the present version.")


def _head(found: dict[str, Any], zone: tzinfo) -> None:
    from devmesh.cli.terminal import count, level_style, safe, stamp, write

    write((found["id"], "bold"), " ", (safe(found["service"]), "cyan"))
    write("  ", (safe(found["text"]), level_style(found.get("level"))))
    if found.get("explained"):
        write("  ", (found["explained"], "dim"))
    if found.get("family"):
        write("family      ", (found["family"]["id"], "bold"), " ", safe(found["family"]["text"]))
    write(f"events      {count(found['events'])}")
    for name, key in (("first seen", "first_seen_us"), ("last seen", "last_seen_us")):
        # Counted by minute: seconds would be made up.
        write(f"{name:<12}{stamp(found[key], zone)[:MINUTE_CHARS] if found[key] is not None else 'not counted yet'}")
    write(
        "nodes       ", ", ".join(f"{safe(one['node'])} ({count(one['events'])})" for one in found["nodes"]) or "none"
    )


def _history(history: list[dict[str, int]], days: list[dict[str, int]], now_us: int, zone: tzinfo) -> None:
    """A sparkline of the last week and one of all time, if that is longer; bars as the terminal's width asks for."""
    from devmesh.cli.terminal import count, sparkline, stamp, width, write

    wide = (width() or 100) >= WIDE
    if days and now_us - days[0]["day_us"] > WEEK_HOURS * HOUR_US:
        span = (now_us - days[0]["day_us"]) // DAY_US + 1
        step = -(-span // (WEEK_HOURS // (2 if wide else 4)))
        bars = [0] * -(-span // step)
        for one in days:  # aligned to the end, as the week is; what claims to be of tomorrow belongs to the last bar
            bars[min(-1 - (now_us - one["day_us"]) // DAY_US // step, -1)] += one["n"]
        write("all days    ", sparkline(bars))
        note = f"since {stamp(days[0]['day_us'], zone)[:10]}, a bar is {step} days; the highest {count(max(bars))}"
        write((f"            {note}", "dim"))
    last_hour = now_us // HOUR_US
    hours = [0] * WEEK_HOURS
    for one in history:
        place = WEEK_HOURS - 1 - (last_hour - one["hour_us"] // HOUR_US)
        if 0 <= place < WEEK_HOURS:
            hours[place] += one["n"]
    step = 2 if wide else 4
    bars = [sum(hours[at : at + step]) for at in range(0, WEEK_HOURS, step)]
    write("last 7 days ", sparkline(bars))
    write((f"            a bar is {step} hours; the highest {count(max(bars))}, together {count(sum(bars))}", "dim"))


def _values(values: list[dict[str, Any]]) -> None:
    from devmesh.cli.terminal import count, safe, write

    if values:
        write(("values of placeholders (from samples)", "dim"))
    for position, group in groupby(values, key=lambda one: one["position"]):
        listed = list(group)
        shown = ", ".join(f"{safe(one['value'])} ({count(one['n'])})" for one in listed[:VALUES_SHOWN])
        write(f"  {position + 1}. {shown}{' …' if len(listed) > VALUES_SHOWN else ''}")


def _examples(examples_: list[dict[str, Any]], zone: tzinfo) -> None:
    from devmesh.cli.terminal import safe, safe_lines, stamp, write

    if examples_:
        write(("examples", "dim"))
    for one in examples_:
        first, *others = safe_lines(one["message"])
        write("  ", (stamp(one["ts_us"], zone), "dim"), " ", (safe(one["node"]), "cyan"), " ", first)
        for line in others:
            write(("    │ ", "dim"), line)


def _members(found: dict[str, Any]) -> None:
    from devmesh.cli.terminal import count, table, write

    members = found["members"]
    if found["id"].startswith("t") or len(members) == 1:
        return
    write((f"{count(found['templates'])} templates", "dim"))
    table(
        ["id", "events", "template"],
        [[one["id"], count(one["events"]), one["text"]] for one in members[:MEMBERS_SHOWN]],
        right=["events"],
    )
