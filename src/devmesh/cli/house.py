"""`devmesh stats`: the house in sums."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import typer

from devmesh.cli.opening import holder_of, reading, settings_of
from devmesh.cli.words import Json, examples
from devmesh.errors import DevMeshError

if TYPE_CHECKING:
    from devmesh.settings import Settings

log = logging.getLogger(__name__)


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=examples("devmesh stats", "devmesh stats --json"), short_help="How much is stored.")(stats)


def stats(context: typer.Context, json: Json = False) -> None:
    """How much is stored, in how many patterns, and what it takes on disk."""
    from devmesh import house
    from devmesh.cli.terminal import count, emit, size, write

    settings = settings_of(context)
    with reading(settings) as mesh:
        sums = house.stats(mesh)
    sums["redacted"] = _redacted(settings)
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
    if sums["redacted"]:
        rows.append(("masked", count(sum(sums["redacted"].values())), "secrets, since the server's start"))
    for name, value, remark in rows:
        write(f"{name:<12}{value:>12}  ", (remark, "dim"))


def _redacted(settings: Settings) -> dict[str, int]:
    """What the server that holds the store has masked since its start, by rule; nothing where none runs."""
    from devmesh.cli.remote import Remote

    holder = holder_of(settings)
    if holder is None or not holder.url:
        return {}
    try:
        with Remote(holder.url, holder.token) as remote:
            return dict(remote.call("GET", "/stats")["redacted"])
    except DevMeshError as error:  # the sums are whole without it
        log.debug("server cannot be asked reason=%r", error.message)
        return {}
