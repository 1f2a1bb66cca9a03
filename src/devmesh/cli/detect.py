"""`devmesh detect --replay`: what would have been told."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated, Any

import typer

from devmesh.cli.opening import reading, settings_of
from devmesh.cli.words import Json, examples
from devmesh.errors import InvalidInput

if TYPE_CHECKING:
    from datetime import tzinfo

MINUTE_CHARS = len("2026-11-22 13:46")
SHOWN_LINES, SHOWN_SUSPECTS, LINE_CHARS = 3, 3, 90


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples(
            "devmesh detect --replay",
            "devmesh detect --replay --since 7d --json",
            "devmesh detect --replay --since 30d --tell-from 4 --off louder",
            "devmesh detect --replay --as-seen --since 2d",
        ),
        short_help="What would have been told of the past.",
    )(detect)


def detect(
    context: typer.Context,
    again: Annotated[bool, typer.Option("--replay", help="Look at the past, by the time of the lines.")] = False,
    since: Annotated[str, typer.Option(metavar="TIME", help="From here: 7d, 'yesterday 14:00', ISO.")] = "35d",
    until: Annotated[str | None, typer.Option(metavar="TIME", help="To here (default: now).")] = None,
    learn: Annotated[
        int | None, typer.Option(metavar="HOURS", help="Only learn from the first so many hours, 1 to 672.")
    ] = None,
    tell_from: Annotated[
        float | None, typer.Option(metavar="N", help="Tell from so much evidence on, 2 (more is told) to 6 (less).")
    ] = None,
    off: Annotated[
        str | None, typer.Option(metavar="NAMES", help="Without these detectors, with commas; '': with all.")
    ] = None,
    as_seen: Annotated[
        bool, typer.Option("--as-seen", help="By when lines arrived, minute by minute, as the watch saw them; slower.")
    ] = False,
    json: Json = False,
) -> None:
    """Run the detectors over what is stored, and print the incidents that they would have told.

    With other settings than the server's (--learn, --tell-from, --off) it says what they would tell more or less than
    was told. Nothing is written. Also for a store that an import has just filled. The time is the lines' own.
    """
    from devmesh.cli.terminal import emit, viewer_zone, write
    from devmesh.detecting import replay

    if not again:
        raise InvalidInput("Say what to look at.", hint="devmesh detect --replay looks at the past.")
    settings = settings_of(context)
    with reading(settings) as mesh:
        found = replay(mesh, since=since, until=until, learn_h=learn, tell_from=tell_from, off=off, as_seen=as_seen)
    if json:
        emit(found["incidents"])
        return
    zone = viewer_zone(settings.timezone)
    for one in found["incidents"]:
        for line in _lines(one, zone):
            write(line)
        write("")
    write(_sum(found, zone))
    for line in [*_beside(found, zone), *_to_keep(found["to_set"])]:
        write(line)


def _beside(found: dict[str, Any], zone: tzinfo) -> list[str]:
    """What would be told more and less than was; what people called real and would be missed comes first."""
    from devmesh.cli.terminal import many, safe

    if found["compared_since_us"] is None:
        return []
    since, out = _minute(found["compared_since_us"], zone), list[str]()
    for one in found["less"]:
        voted = ", which was voted real" if one["real"] else ""
        out.append(f"  it would miss: incident {one['id']}{voted}: {safe(one['title'])}")
    for one in found["more"]:
        first = one["suspects"][0] if one["suspects"] else {"service": "?", "node": "?"}
        who = f"{safe(first['service'])} on {safe(first['node'])}"
        out.append(f"  it would tell, too: {_minute(one['onset_us'], zone)} {one['severity']}, {who}")
    for one in found["same"]:
        if one["later_s"]:
            when = f"{abs(one['later_s']) // 60} min {'later' if one['later_s'] > 0 else 'earlier'}"
            out.append(f"  it would tell incident {one['id']} {when}")
    sums, week = found["messages"], found["a_week"]
    told = f"{many(sums['told'], 'message')} then, {sums['would']} would be"
    told += f", {week['told']:.1f} -> {week['would']:.1f} a week" if week else ""
    return [f"Beside what was told since {since}: {told}{':' if out else ', the same ones.'}", *out]


def _to_keep(to_set: dict[str, str]) -> list[str]:
    """How to make the server watch so."""
    some = " ".join(f"{name}={shlex.quote(value)}" for name, value in to_set.items())
    return [f"To watch so, set {some} and start the server anew."] if some else []


def _lines(one: dict[str, Any], zone: tzinfo) -> list[str]:
    """One incident for people."""
    from textwrap import shorten

    from devmesh.cli.terminal import safe

    closed = _minute(one["closed_us"], zone) if one["closed_us"] else "still open"
    out = [f"{_minute(one['onset_us'], zone)} to {closed}  {one['severity']}  on {', '.join(map(safe, one['nodes']))}"]
    for number, suspect in enumerate(one["suspects"][:SHOWN_SUSPECTS]):
        why = "; ".join(safe(reason) for reason in suspect["reasons"]) or "what others said"
        title = "suspect" if number == 0 else "or"
        out.append(f"  {title:>8}: {safe(suspect['service'])} on {safe(suspect['node'])} ({why})")
    for seen in one["evidence"][:SHOWN_LINES]:
        line = f": {shorten(safe(seen['line']), LINE_CHARS)}" if seen["line"] else ""
        out.append(f"  {'seen':>8}: {safe(seen['service'])} on {safe(seen['node'])}, {safe(seen['text'])}{line}")
    if before := one["seen_before"]:
        out.append(f"  {'before':>8}: {_minute(before['onset_us'], zone)} was {before['alike']:.0%} like it")
    return out


def _sum(found: dict[str, Any], zone: tzinfo) -> str:
    """What was looked at, in one line."""
    from devmesh.cli.terminal import many

    if found["learned_us"] is None:
        return "Nothing is stored in this time."
    learned = _minute(found["learned_us"], zone)
    if found["learned_us"] >= found["until_us"]:
        return f"It would only learn until {learned}: more time is needed, or a smaller --learn."
    told = many(len(found["incidents"]), "incident")
    return f"{told} from {learned} to {_minute(found['until_us'], zone)}; it learned from the time before."


def _minute(ts_us: int, zone: tzinfo) -> str:
    from devmesh.cli.terminal import stamp

    return stamp(ts_us, zone)[:MINUTE_CHARS]
