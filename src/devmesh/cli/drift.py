"""`devmesh drift`: what slowly changes over weeks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from devmesh.cli.opening import reading, settings_of
from devmesh.cli.words import Json, examples

if TYPE_CHECKING:
    from datetime import tzinfo

TITLES = {"rising": "Rising slowly:", "falling": "Falling slowly:"}
DAY_CHARS = len("2026-11-22")
FEW, SHOWN_MEMBERS = 10.0, 8


def install(app: typer.Typer) -> None:
    """Add the command."""
    app.command(epilog=examples("devmesh drift", "devmesh drift --json"), short_help="What slowly changes over weeks.")(
        drift
    )


def drift(
    context: typer.Context,
    limit: Annotated[int, typer.Option("--limit", "-l", metavar="N", help="How many, 1 to 1,000.")] = 20,
    json: Json = False,
) -> None:
    """Patterns whose rate rises or falls slowly, over weeks: a leak, a dying sensor. Nobody is told of them.

    Compares Mondays with Mondays over the last 55 whole days. Then: patterns of different services that came to move
    together in the last week, hour by hour, and did not in the three weeks before.
    """
    from devmesh.cli.terminal import count, emit, many, note, viewer_zone, write
    from devmesh.drifting import list_drift

    settings = settings_of(context)
    with reading(settings) as mesh:
        found = list_drift(mesh, limit=limit)
    if json:
        emit(found)
        return
    if found["days"] < found["least_days"]:
        days = many(found["days"], "whole day")
        write(f"A drift is seen after {found['least_days']} whole days; {days} are stored.")
        return
    compared = f"{many(found['compared'], 'pattern')} compared over {many(found['days'], 'day')}"
    write(f"{compared}." if found["drifts"] else f"Nothing drifts; {compared}.")
    _write_drifts(found["drifts"], viewer_zone(settings.timezone))
    if found["found"] > len(found["drifts"]):
        note(f"There are {count(found['found'] - len(found['drifts']))} more: --limit N")
    _write_groups(found["together"])


def _write_drifts(drifts: list[dict[str, Any]], zone: tzinfo) -> None:
    from devmesh.cli.terminal import safe, stamp, write

    for kind, title in TITLES.items():
        rows = [one for one in drifts if one["kind"] == kind]
        if rows:
            write("")
            write(title)
        for one in rows:
            numbers = f"{_rate(one['before'])} a day, now {_rate(one['now'])}"
            since = stamp(one["since_us"], zone)[:DAY_CHARS]
            who = f"{safe(one['service'])} on {safe(one['node'])}"
            more = f"  (and {one['alike']} more of it)" if one["alike"] else ""
            write(f"{numbers:>26}  since {since}  {one['id']:<5} {who}: {safe(one['text'])}{more}")


def _write_groups(groups: list[dict[str, Any]]) -> None:
    from devmesh.cli.terminal import safe, write

    for one in groups:
        write("")
        write(f"Move together since a week (correlation {one['before']:.2f} before, {one['now']:.2f} now):")
        for member in one["members"][:SHOWN_MEMBERS]:
            write(f"  {member['id']:<5} {safe(member['service'])} on {safe(member['node'])}: {safe(member['text'])}")
        if len(one["members"]) > SHOWN_MEMBERS:
            write(f"  and {len(one['members']) - SHOWN_MEMBERS} more")


def _rate(per_day: float) -> str:
    from devmesh.cli.terminal import count

    return f"{per_day:.1f}" if per_day < FEW else count(round(per_day))
