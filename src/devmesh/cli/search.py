"""`devmesh search`: patterns, or their events, found by words and by meaning."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from devmesh.cli.opening import reading, settings_of
from devmesh.cli.words import Json, examples

if TYPE_CHECKING:
    from datetime import tzinfo


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples(
            'devmesh search "disk is dying"', 'devmesh search "who logged in" --events', "devmesh logs --template f12"
        ),
        short_help="Find what was said, by words and by meaning.",
    )(search)


def search(
    context: typer.Context,
    question: Annotated[list[str], typer.Argument(metavar="QUESTION", help="What you look for, in your own words.")],
    events: Annotated[bool, typer.Option("--events", help="Show the newest events, not the patterns.")] = False,
    limit: Annotated[int, typer.Option("--limit", "-l", metavar="N", min=1, max=200, help="How many.")] = 10,
    json: Json = False,
) -> None:
    """What was said about something, the best answer first, each with the reason why it was found.

    An answer is a family: a pattern (f12) that stands for all events that differ only in words that vary.
    """
    from shlex import quote

    from devmesh.cli.terminal import emit, note, safe, viewer_zone
    from devmesh.finding import find_events, find_families

    settings, asked = settings_of(context), " ".join(question)
    with reading(settings) as mesh:
        found = (find_events if events else find_families)(mesh, asked, limit)
        now, families = mesh.clock.now_us(), mesh.templates.counts()[1]
    if json:
        emit(found)
        return
    for ranking, reason in found["missing"].items():
        note(f"Searched without {ranking}: {reason}")
    if not found["results"]:
        lines = f"No pattern speaks of that. In the lines themselves: devmesh logs --contains {safe(quote(asked))}"
        note(lines if families else "There are no patterns to search yet. See: devmesh stats")
    if events:
        _show_events(found["results"], viewer_zone(settings.timezone))
    else:
        _show_families(found["results"], now)


def _show_families(results: list[dict[str, Any]], now_us: int) -> None:
    from devmesh.cli.terminal import ago, level_style, many, safe, safe_lines, shortened, width, write

    columns = width()

    for one in results:
        write(
            (one["id"], "bold"),
            " ",
            (safe(one["service"]), "cyan"),
            f"  {many(one['events'], 'event')}, last {ago(one['last_seen_us'], now_us)}",
        )
        write("  ", (safe(one["text"]), level_style(one["level"])))
        for example in one["examples"][:1]:
            if example != one["text"]:
                first = safe_lines(example)[0]
                write(("  e.g. ", "dim"), first if columns is None else shortened(first, 2 * columns - 7))
        write((f"  why: {safe(_reason(one['why']))}", "dim"))


def _show_events(results: list[dict[str, Any]], zone: tzinfo) -> None:
    from devmesh.cli.terminal import level_style, safe, safe_lines, stamp, write

    for one in results:
        write(
            (stamp(one["ts_us"], zone), "dim"),
            " ",
            (safe(one["node"]), "cyan"),
            " ",
            safe(one["service"]),
            " ",
            (one["family"], "dim"),
        )
        for line in safe_lines(one["message"]):
            write("  ", (line, level_style(one["priority"])))


def _reason(why: dict[str, Any]) -> str:
    """The words that it shares with the question, the values that have one, and the pairs that are near in meaning."""
    parts = [f"'{word}'" for word in why["words"]]
    parts += [f"'{one['question']}' in a value of {one['placeholder']}: {one['value']}" for one in why["values"]]
    parts += [
        f"{pair['question']} ~ {pair['found']} {pair['cosine']:.2f}"
        for pair in why["meaning"]
        if pair["question"] != pair["found"]
    ]
    return ", ".join(parts) or "near as a sentence"
