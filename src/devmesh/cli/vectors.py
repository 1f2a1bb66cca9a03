"""`devmesh vectors`: the vectors of families, and the index over them on MariaDB."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from devmesh.cli.opening import reading, settings_of, store_path
from devmesh.cli.words import Json, examples

if TYPE_CHECKING:
    from devmesh.mesh import Mesh
    from devmesh.settings import Settings

commands = typer.Typer(rich_markup_mode=None)


def install(app: typer.Typer) -> None:
    """Add the command and its subcommand."""
    app.add_typer(
        commands,
        name="vectors",
        short_help="What search by meaning holds.",
        epilog=examples("devmesh vectors", "devmesh vectors index"),
    )


@commands.callback(invoke_without_command=True)
def vectors(context: typer.Context, json: Json = False) -> None:
    """The vectors of each embedding model that was used: how many, whether all are there, how they are searched."""
    if context.invoked_subcommand is not None:
        return
    from devmesh.cli.terminal import count, emit, table

    with reading(settings_of(context)) as mesh:
        kept = mesh.embeddings.kept()
    if json:
        emit({"models": [asdict(one) for one in kept]})
        return
    rows = [
        [
            one.model,
            count(one.dim),
            count(one.vectors),
            "complete" if one.complete else "being made",
            one.index,
            "yes" if one.answering else "",
        ]
        for one in kept
    ]
    table(["model", "numbers", "vectors", "state", "index", "answers"], rows, right=["numbers", "vectors"])


@commands.command(epilog=examples("devmesh vectors index", "devmesh vectors index --again"))
def index(
    context: typer.Context,
    again: Annotated[bool, typer.Option("--again", help="Make it anew: after many families changed or went.")] = False,
    json: Json = False,
) -> None:
    """Make the index over the vectors on MariaDB, once they are complete.

    It takes minutes; searches and new vectors go on meanwhile. After Ctrl-C the same command goes on there.
    """
    from devmesh.cli.terminal import emit, many, note, write

    began = time.monotonic()
    with _opened(settings_of(context)) as mesh:
        made = mesh.embeddings.make_index(_progress(began), again=again)
    seconds = round(time.monotonic() - began, 1)
    if json:
        emit({**asdict(made), "seconds": seconds})
        return
    if made.made:
        write(f"{made.model}: {many(made.vectors, 'vector')} indexed in {seconds:,} s")
    else:
        write(f"{made.model}: {many(made.vectors, 'vector')}, nothing to do")
    if made.advice:
        note(made.advice)


@contextlib.contextmanager
def _opened(settings: Settings) -> Iterator[Mesh]:
    """For writing on a server's store. A SQLite file may be held by another process, and nothing is written there."""
    if store_path(settings) is not None:
        with reading(settings) as mesh:
            yield mesh
        return
    from devmesh.mesh import open_mesh

    mesh = open_mesh(settings)
    try:
        yield mesh
    finally:
        mesh.close()


def _progress(began: float) -> Callable[[float], None]:
    """Says on a terminal how far it is, and how long it may take yet."""

    def tell(share: float) -> None:
        if sys.stderr.isatty():
            past = time.monotonic() - began
            left = f", about {past / share - past:,.0f} s left" if share > 0 else ""
            sys.stderr.write(f"\rindex: {share:.0%} in {past:,.0f} s{left} …   \r")

    return tell
