"""`devmesh graph proposals|accept|refuse|stale`: edges that nobody declared, and declared ones that nobody sees."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from devmesh.cli.opening import reading, settings_of, writing
from devmesh.cli.words import Cursor, Json, Limit, examples, note_more
from devmesh.paging import LIMIT_DEFAULT

if TYPE_CHECKING:
    from devmesh.settings import Settings

Start = Annotated[str, typer.Argument(metavar="FROM", help="The service that needs the other.")]
End = Annotated[str, typer.Argument(metavar="TO", help="The service that is needed.")]
DECISIONS = {"accepted": "green", "refused": "red", "": ""}


def install(commands: typer.Typer) -> None:
    """Add the commands to those of the graph."""
    commands.command(
        epilog=examples(
            "devmesh graph proposals", "devmesh graph proposals --all", "devmesh graph proposals --unresolved"
        ),
        short_help="Edges that logs and agents show, and nobody declared.",
    )(proposals)
    commands.command(
        epilog=examples("devmesh graph accept paperless postgresql"), short_help="Put a proposed edge in force."
    )(accept)
    commands.command(
        epilog=examples("devmesh graph refuse paperless postgresql"), short_help="Never propose this edge again."
    )(refuse)
    commands.command(
        epilog=examples("devmesh graph stale", "devmesh graph stale --days 30"),
        short_help="Edges in force that nobody sees.",
    )(stale)


def proposals(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Also those that are too weak, or decided.")] = False,
    unresolved: Annotated[bool, typer.Option("--unresolved", help="Instead: what nobody can place, and why.")] = False,
    limit: Limit = LIMIT_DEFAULT,
    cursor: Cursor = None,
    json: Json = False,
) -> None:
    """Edges that logs and agents show and nobody declared, the surest first, for you to accept or refuse."""
    from devmesh.cli.terminal import emit, note, safe, write

    if unresolved:
        _unresolved(settings_of(context), limit, json=json)
        return
    with reading(settings_of(context)) as mesh:
        page = mesh.graph.learning.proposals(limit, cursor, everything=everything)
    if json:
        emit({"proposals": [asdict(one) for one in page.rows], "cursor": page.cursor})
        return
    for one in page.rows:
        write(
            f"{one.confidence:.2f}  {safe(one.text)}",
            (f"  {one.decision}" if one.decision else "", DECISIONS[one.decision]),
        )
    note_more(page.cursor)
    if not page.rows:
        note("Nothing to decide." if everything else "Nothing to decide. What is too weak to propose: --all")
    elif any(not one.decision for one in page.rows):
        note("In force with: devmesh graph accept FROM TO. Never again: devmesh graph refuse FROM TO")


def _unresolved(settings: Settings, limit: int, *, json: bool) -> None:
    from devmesh.cli.terminal import count, emit, note, table

    with reading(settings) as mesh:
        rows = mesh.graph.learning.unresolved(limit)
    if json:
        emit({"unresolved": [asdict(one) for one in rows]})
        return
    table(
        ["service", "node", "target", "seen", "why nobody knows whom it means"],
        [[one.service, one.node, one.target, count(one.n), one.why] for one in rows],
        right=["seen"],
        styles={"service": "cyan"},
    )
    if not rows:
        note("Everything that was seen has its place.")


def accept(context: typer.Context, start: Start, end: End, json: Json = False) -> None:
    """Put a proposed edge in force: FROM fails when TO does. It stays, whatever file is loaded, until it is refused."""
    _decide(settings_of(context), "accept", start, end, json=json)


def refuse(context: typer.Context, start: Start, end: End, json: Json = False) -> None:
    """Never propose this edge again; one that was accepted is in force no more."""
    _decide(settings_of(context), "refuse", start, end, json=json)


def _decide(settings: Settings, what: str, start: str, end: str, *, json: bool) -> None:
    from devmesh.cli.remote import Remote
    from devmesh.cli.terminal import emit, safe, write

    done: dict[str, Any]
    with writing(settings) as store:
        if isinstance(store, Remote):
            done = store.call("POST", "/graph/proposals", json={"start": start, "end": end, "decision": what})
        else:
            decide = store.graph.learning.accept if what == "accept" else store.graph.learning.refuse
            done = asdict(decide(start, end))
    if json:
        emit(done)
    else:
        write(f"{done['decision'].capitalize()}: {safe(done['start'])} -> {safe(done['end'])}")


def stale(
    context: typer.Context,
    days: Annotated[float, typer.Option(metavar="N", help="Nothing was seen of them for N days.")] = 90.0,
    json: Json = False,
) -> None:
    """Edges in force that nothing was seen of for 90 days, though whoever would touch was watched all the time."""
    from devmesh.cli.terminal import ago, emit, note, safe, write

    with reading(settings_of(context)) as mesh:
        rows, now = mesh.graph.learning.stale(days), mesh.clock.now_us()
    if json:
        emit({"edges": [asdict(one) for one in rows]})
        return
    for one in rows:
        write(safe(one.text), f" {ago(one.last_us, now)}" if one.last_us else "")
    if not rows:
        note("Every edge that could be seen was seen.")
