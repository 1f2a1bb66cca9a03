"""`devmesh ask`: a question in plain words, answered from what is stored."""

from __future__ import annotations

from typing import Annotated

import typer

from devmesh.cli.opening import reading, settings_of
from devmesh.cli.words import Json, examples


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        epilog=examples(
            'devmesh ask "what failed on web1 last night?"',
            'devmesh ask "how often was nginx killed since monday"',
            'devmesh ask "explain incident 3"',
        ),
        short_help="Ask in plain words what happened.",
    )(ask)


def ask(
    context: typer.Context,
    question: Annotated[list[str], typer.Argument(metavar="QUESTION", help="What you want to know.")],
    timezone: Annotated[
        str | None,
        typer.Option(metavar="ZONE", help="Your zone, such as Europe/Berlin (default: TZ, or the server's)."),
    ] = None,
    json: Json = False,
) -> None:
    """What failed, how something is, what happened, what changed, how often, why: answered in seconds, without a model.

    Each number, time and name in an answer was read from the store; what it cites stands in brackets: families (f12),
    lines and incidents (i3).
    """
    from devmesh.answering import as_text, as_values
    from devmesh.answering import ask as answer
    from devmesh.cli.terminal import emit, viewer_zone_name, write

    settings = settings_of(context)
    zone = viewer_zone_name(settings.timezone) if timezone is None else timezone
    with reading(settings) as mesh:
        found = answer(mesh, " ".join(question), timezone=zone)
    if json:
        emit(as_values(found))
        return
    for line in as_text(found).split("\n"):
        write(line)
