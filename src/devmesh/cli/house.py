"""`devmesh stats`: the house in sums."""

from __future__ import annotations

import typer

from devmesh.cli.opening import reading, settings_of
from devmesh.cli.words import Json, examples


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=examples("devmesh stats", "devmesh stats --json"), short_help="How much is stored.")(stats)


def stats(context: typer.Context, json: Json = False) -> None:
    """How much is stored, in how many patterns, and what it takes on disk."""
    from devmesh import house
    from devmesh.cli.terminal import count, emit, size, write

    with reading(settings_of(context)) as mesh:
        sums = house.stats(mesh)
    if json:
        emit(sums)
        return
    rows = [
        ("events", count(sums["events"]), "of all time"),
        ("templates", count(sums["templates"]), "canonical texts"),
        ("families", count(sums["families"]), "templates that differ only in words that vary"),
        ("compression", count(sums["compression"]), "events a template"),
        ("on disk", size(sums["store_bytes"]), f"{count(sums['bytes_per_event'])} bytes an event"),
        ("rate", f"{sums['events_per_s']:,}/s", "events of the last 5 minutes"),
    ]
    for name, value, remark in rows:
        write(f"{name:<12}{value:>12}  ", (remark, "dim"))
