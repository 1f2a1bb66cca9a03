"""`devmesh logs`: events, their neighbours, and the live tail."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, replace
from datetime import tzinfo
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from devmesh.cli.opening import reading, settings_of
from devmesh.cli.words import Json, examples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from devmesh.events import Event, Filter
    from devmesh.mesh import Mesh

POLL_S = 0.5
NARROW = 100
WARNING = 4
FIRST_OF_FOLLOW = 10

Names = list[str]
commands = typer.Typer(rich_markup_mode=None)


def install(app: typer.Typer) -> None:
    """Add the command and its subcommand."""
    app.add_typer(
        commands,
        name="logs",
        short_help="What was said: events, live too.",
        epilog=examples(
            "devmesh logs --since 2h --priority err",
            "devmesh logs --service nginx --contains timeout --follow",
            'devmesh logs --node nas --since "yesterday 14:00" --until "yesterday 15:00"',
            "devmesh logs --template f12 --ids",
        ),
    )


@commands.callback(invoke_without_command=True)
def logs(
    context: typer.Context,
    node: Annotated[Names, typer.Option("--node", "-n", metavar="NAME", help="Only of this node (repeatable).")] = [],  # noqa: B006 - typer copies it
    service: Annotated[
        Names, typer.Option("--service", "-s", metavar="NAME", help="Only of this service (repeatable).")
    ] = [],  # noqa: B006
    priority: Annotated[
        str | None, typer.Option("--priority", "-p", metavar="LEVEL", help="This severe or worse: err, warning, 0..7 …")
    ] = None,
    since: Annotated[
        str | None, typer.Option(metavar="WHEN", help='From then on: 2h, "yesterday 14:00", 2026-01-20T14:00.')
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="WHEN", help="Until then, in the same words.")] = None,
    template: Annotated[
        Names, typer.Option("--template", "-t", metavar="ID", help="Only of this family (f12) or template (t345).")
    ] = [],  # noqa: B006
    contains: Annotated[
        str | None, typer.Option("--contains", "-c", metavar="TEXT", help="With this text, upper or lower case.")
    ] = None,
    regex: Annotated[
        str | None,
        typer.Option("--regex", "-e", metavar="RE", help="Matching this regular expression (Rust's syntax)."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-l", metavar="N", min=1, help="How many, the newest (default 100).")
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with new lines as they are stored; Ctrl-C ends.")
    ] = False,
    ids: Annotated[bool, typer.Option("--ids", help="Show each event's id, for: devmesh logs context ID.")] = False,
    json: Json = False,
) -> None:
    """What was said: the newest events that match, the latest at the bottom."""
    if context.invoked_subcommand is not None:
        return
    from devmesh.asking import make_filter
    from devmesh.cli.terminal import viewer_zone, viewer_zone_name

    settings = settings_of(context)
    zone = viewer_zone(settings.timezone)
    with reading(settings) as mesh:
        ask = partial(
            make_filter,
            mesh,
            node=node,
            service=service,
            priority=priority,
            since=since,
            until=until,
            template=template,
            contains=contains,
            regex=regex,
            timezone=viewer_zone_name(settings.timezone),
        )
        printer = Printer(zone, ids=ids, json=json)
        asked = ask()
        if follow:
            _follow(mesh, partial(_renewed, ask, asked), limit or FIRST_OF_FOLLOW, printer)
        else:
            _page(mesh, asked, limit or 100, printer)


@commands.command(
    epilog=examples(
        "devmesh logs --ids --contains 'Out of memory'", "devmesh logs context 1768917600000000-42 --before 50"
    )
)
def context(
    context: typer.Context,
    event_id: Annotated[str, typer.Argument(metavar="ID", help="An event's id, as 'devmesh logs --ids' shows it.")],
    before: Annotated[int, typer.Option(metavar="N", min=0, help="Lines before it.")] = 20,
    after: Annotated[int, typer.Option(metavar="N", min=0, help="Lines after it.")] = 20,
    json: Json = False,
) -> None:
    """The lines of the same node around one event, in order of time."""
    from devmesh.cli.terminal import emit, note, stamp, viewer_zone

    settings = settings_of(context)
    with reading(settings) as mesh:
        around = mesh.events.context(event_id, before, after)
    if json:
        emit({"id": event_id, **asdict(around)})
        return
    zone = viewer_zone(settings.timezone)
    Printer(zone, marked=event_id).show(around.events)
    for reached, way in ((around.looked_from_us, "back"), (around.looked_to_us, "on")):
        if reached is not None:
            note(f"Looked {way} to {stamp(reached, zone)}; there may be more beyond.")


def _page(mesh: Mesh, asked: Filter, limit: int, printer: Printer) -> None:
    from devmesh.cli.terminal import emit, note, stamp

    page = mesh.events.query(asked, limit)
    if printer.json:
        emit(
            {
                "events": [asdict(event) for event in page.events],
                "cursor": page.cursor,
                "searched_to_us": page.searched_to_us,
            }
        )
        return
    printer.show(reversed(page.events))
    if page.searched_to_us is not None and len(page.events) < limit and page.cursor:
        note(f"Searched back to {stamp(page.searched_to_us, printer.zone)}; go on with --until that time.")
    elif not page.events:
        note("Nothing matches." if mesh.events.counted() else "Nothing is stored yet.")


def _renewed(ask: Callable[..., Filter], first: Filter) -> Filter:
    return replace(ask(since=None, until=None), since_us=first.since_us, until_us=first.until_us)


def _follow(mesh: Mesh, ask: Callable[[], Filter], limit: int, printer: Printer) -> None:
    """`ask` is asked again each time: a new name, or a new member of a family, may have come."""
    from devmesh.cli.terminal import many, note

    at = mesh.events.here()
    shown = mesh.events.query(ask(), limit).events
    printer.show(reversed(shown))
    seen = {event.id for event in shown}  # stored between the two questions
    try:
        while True:
            followed = mesh.events.follow(ask(), at)
            at = followed.position
            if followed.missed:
                note(f"{many(followed.missed, 'event')} more came at once and are left out: devmesh logs shows them.")
            printer.show(event for event in followed.events if event.id not in seen)
            time.sleep(POLL_S)
    except KeyboardInterrupt:
        return


class Printer:
    """Events as lines for people, or as JSON."""

    def __init__(self, zone: tzinfo, *, ids: bool = False, json: bool = False, marked: str = "") -> None:
        from devmesh.cli.terminal import width

        self.zone, self.json, self._ids, self._marked = zone, json, ids, marked
        columns = width()
        self._narrow = columns is not None and columns < NARROW
        self._day = ""

    def show(self, events: Iterable[Event]) -> None:
        """Print them in the order given."""
        from devmesh.cli.terminal import as_json

        for event in events:
            if self.json:
                sys.stdout.write(as_json(asdict(event)) + "\n")
            else:
                self._line(event)
        sys.stdout.flush()

    def _line(self, event: Event) -> None:
        from devmesh.cli.terminal import PRIORITIES, level_style, safe, safe_lines, stamp, write

        when = stamp(event.ts_us, self.zone)
        if self._narrow:
            day, when = when[:10], when[11:19]
            if day != self._day:
                write((f"── {day} ──", "dim"))
                self._day = day
        style = level_style(event.priority)
        level = PRIORITIES[event.priority] if event.priority <= WARNING else ""
        parts: list[str | tuple[str, str]] = []
        if self._marked:
            parts.append(("> ", "bold") if event.id == self._marked else "  ")
        if self._ids:
            parts.append((event.id + " ", "dim"))
        pid = f"[{event.pid}]" if event.pid is not None else ""
        parts += [(when, "dim"), " ", (safe(event.node), "cyan"), " ", safe(event.service) + pid, " "]
        if level:
            parts.append((level + " ", style))
        first, *others = safe_lines(event.message)
        write(*parts, (first, style))
        for line in others:
            write(("    │ ", "dim"), line)
