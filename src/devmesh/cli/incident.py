"""`devmesh incident`: one incident in full, and what people do to it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from devmesh.cli.opening import reading, settings_of, writing
from devmesh.cli.words import Json, examples
from devmesh.errors import InvalidInput

commands = typer.Typer(rich_markup_mode=None, no_args_is_help=True)

Number = Annotated[int, typer.Argument(metavar="ID", help="A number in 'devmesh incidents'.")]


def install(app: typer.Typer) -> None:
    """Add the command's subcommands."""
    app.add_typer(
        commands,
        name="incident",
        short_help="One incident: what it is, and what to do with it.",
        help="One incident in full, and what people do to it. Each deed stands in its story and in the audit log.",
        epilog=examples(
            "devmesh incident show 7",
            'devmesh incident note 7 "the pump was off"',
            "devmesh incident vote 7 real",
            "devmesh incident close 7",
        ),
    )


@commands.command(epilog=examples("devmesh incident show 7", "devmesh incident show 7 --report > incident-7.md"))
def show(
    context: typer.Context,
    number: Number,
    report: Annotated[bool, typer.Option("--report", help="Only the report, as Markdown.")] = False,
    json: Json = False,
) -> None:
    """What it is, where, since when and who is suspected; what was found and said, what changed, what to check next."""
    from devmesh.cli.incident_page import page
    from devmesh.cli.terminal import emit, note, safe, viewer_zone, viewer_zone_name, write
    from devmesh.incidenting import one_incident

    settings = settings_of(context)
    with reading(settings) as mesh:
        found, now = one_incident(mesh, number, timezone=viewer_zone_name(settings.timezone)), mesh.clock.now_us()
    if json:
        emit(found)
    elif report:
        for line in found["report_md"].splitlines():
            write(safe(line))
        if not found["report_md"]:
            note("No report is written yet: a running server writes it within seconds.")
    else:
        page(found, now, viewer_zone(settings.timezone))


@commands.command(epilog=examples('devmesh incident note 7 "the pump was off"'))
def note(
    context: typer.Context,
    number: Number,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What you saw or did.")],
    json: Json = False,
) -> None:
    """Write down what you saw or did. It is shown when the same happens again."""
    done = _do(context, number, "note", text=text)
    _say(done, f"Noted at incident {number}.", json)


@commands.command(epilog=examples("devmesh incident vote 7 real", "devmesh incident vote 7 noise"))
def vote(
    context: typer.Context,
    number: Number,
    verdict: Annotated[str, typer.Argument(metavar="real|noise", help="real: it was worth looking at.")],
    json: Json = False,
) -> None:
    """Say whether it was real or noise: the detectors are measured by it. Your last word counts."""
    done = _do(context, number, "vote", verdict=verdict)
    _say(done, f"Your vote on incident {number}: {verdict}.", json)


@commands.command(epilog=examples("devmesh incident investigate 7"))
def investigate(context: typer.Context, number: Number, json: Json = False) -> None:
    """Say that you look into it."""
    done = _do(context, number, "investigate")
    _say(done, f"Incident {number} is being looked into.", json)


@commands.command(epilog=examples("devmesh incident close 7"))
def close(context: typer.Context, number: Number, json: Json = False) -> None:
    """Close it. What it knows does not open it again for an hour; what is new opens another one."""
    done = _do(context, number, "close")
    _say(done, f"Incident {number} is closed.", json)


@commands.command(epilog=examples("devmesh incident reopen 7"))
def reopen(context: typer.Context, number: Number, json: Json = False) -> None:
    """Open it again."""
    done = _do(context, number, "reopen")
    _say(done, f"Incident {number} is open again.", json)


@commands.command(epilog=examples("devmesh incident merge 8 --into 7"))
def merge(
    context: typer.Context,
    number: Number,
    into: Annotated[int, typer.Option(metavar="ID", help="The incident that it goes into.")],
    json: Json = False,
) -> None:
    """Let all of it go into another incident: one fault that was taken for two."""
    done = _do(context, number, "merge", into=into)
    _say(done, f"Incident {number} went into {into}.", json)


@commands.command(
    epilog=examples("devmesh incident split 7 --service api", "devmesh incident split 7 --finding 31 --finding 32")
)
def split(
    context: typer.Context,
    number: Number,
    finding: Annotated[
        list[int], typer.Option(metavar="ID", help="A finding's number in 'incident show --json' (repeatable).")
    ] = [],  # noqa: B006 - typer copies it
    service: Annotated[
        list[str], typer.Option("--service", "-s", metavar="NAME", help="All that was found of this service.")
    ] = [],  # noqa: B006
    node: Annotated[
        list[str], typer.Option("--node", "-n", metavar="NAME", help="All that was found of this node.")
    ] = [],  # noqa: B006
    json: Json = False,
) -> None:
    """Make an incident of its own of some findings: two faults that were taken for one."""
    from devmesh.incidenting import one_incident

    with reading(settings_of(context)) as mesh:
        listed = one_incident(mesh, number)["findings"]
    chosen = {*finding, *(one["id"] for one in listed if one["service"] in service or one["node"] in node)}
    if not chosen:
        raise InvalidInput("Nothing to split off.", hint="Name what goes: --service, --node or --finding.")
    done = _do(context, number, "split", findings=sorted(chosen))
    _say(done, f"Incident {done['id']} was split off from {number}.", json)


@commands.command(
    epilog=examples(
        'devmesh incident mute 7 --until 7d --reason "ticket 12 is open"',
        'devmesh incident mute 7 --family f4 --node apps --until "tomorrow 08:00" --reason "new disk comes then"',
    )
)
def mute(
    context: typer.Context,
    number: Number,
    until: Annotated[str, typer.Option(metavar="TIME", help="7d, 'tomorrow 08:00', ISO; 90 days ahead at most.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why: who reads it later knows nothing else.")],
    family: Annotated[str, typer.Option(metavar="ID", help="Which pattern of it (needed where it has several).")] = "",
    node: Annotated[
        list[str], typer.Option("--node", "-n", metavar="NAME", help="Only on this node (repeatable; default: all).")
    ] = [],  # noqa: B006
    most_per_hour: Annotated[
        int | None, typer.Option(metavar="N", help="More lines in an hour end it (default: by its past).")
    ] = None,
    json: Json = False,
) -> None:
    """Hear nothing of one of its patterns until then. What is new about it, or far more of it, ends that before."""
    from devmesh.acting import mute_family
    from devmesh.cli.remote import Remote
    from devmesh.cli.terminal import emit, safe, stamp, viewer_zone, viewer_zone_name, write

    settings = settings_of(context)
    zone = viewer_zone_name(settings.timezone)
    said: dict[str, Any] = {
        "family": family, "nodes": node, "until": until, "reason": reason, "most_per_hour": most_per_hour,
        "timezone": zone,
    }  # fmt: skip
    with writing(settings) as store:
        if isinstance(store, Remote):
            done = store.call("POST", f"/incidents/{number}/mute", json=said)
        else:
            done = mute_family(store, number, **said)
    if json:
        emit(done)
        return
    where = ", ".join(map(safe, done["nodes"])) or "all nodes"
    until_when = stamp(done["until_us"], viewer_zone(settings.timezone))[:16]
    write(f"Mute {done['id']}: {done['family']} on {where} until {until_when}: {safe(done['line'])}")


def _do(context: typer.Context, number: int, deed: str, **said: Any) -> dict[str, Any]:
    """One deed, where the store can be written; the row of the incident that there is then."""
    from devmesh.accounts import COMMAND_LINE
    from devmesh.acting import act
    from devmesh.cli.remote import Remote

    with writing(settings_of(context)) as store:
        if isinstance(store, Remote):
            return store.call("POST", f"/incidents/{number}/{deed}", json=said or None)
        return act(store, number, deed, said, COMMAND_LINE)


def _say(done: dict[str, Any], text: str, json: bool) -> None:
    from devmesh.cli.terminal import emit, safe, write

    if json:
        emit(done)
    else:
        write(safe(text))
