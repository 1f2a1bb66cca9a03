"""`devmesh loops`: the side work of the house, how it stands, and one step of it by hand."""

from __future__ import annotations

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from devmesh.cli.opening import reading, settings_of, writing
from devmesh.cli.words import Json, examples

if TYPE_CHECKING:
    from devmesh.settings import Settings

MOST_STEPS = 10_000
commands = typer.Typer(rich_markup_mode=None)


def install(app: typer.Typer) -> None:
    """Add the command and its subcommand."""
    app.add_typer(
        commands,
        name="loops",
        short_help="The side work of the house.",
        epilog=examples("devmesh loops", "devmesh loops run assign-families --once"),
    )


@commands.callback(invoke_without_command=True)
def loops(context: typer.Context, json: Json = False) -> None:
    """The loops that work beside the way in: when each ran last, and what ails it."""
    if context.invoked_subcommand is not None:
        return
    from devmesh.cli.terminal import ago, count, emit, table

    with reading(settings_of(context)) as mesh:
        states, now = mesh.runner.states(), mesh.clock.now_us()
    if json:
        emit({"loops": [asdict(state) for state in states]})
        return
    rows = [
        [
            state.name,
            f"{state.every_s:g} s",
            ago(state.last_run_us, now),
            "" if state.last_done is None else count(state.last_done),
            f"failed {state.failures} times: {state.last_error}"
            if state.failures
            else "ok"
            if state.last_run_us
            else "runs in each server"
            if state.everywhere
            else "has not worked yet",
        ]
        for state in states
    ]
    table(["loop", "every", "last worked", "did", "state"], rows, right=["every", "did"], styles={"loop": "bold"})


@commands.command(epilog=examples("devmesh loops run assign-families --once", "devmesh loops run expire-events"))
def run(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A loop's name, as 'devmesh loops' shows it.")],
    once: Annotated[
        bool, typer.Option("--once", help="One bounded step; without it, steps until one finds nothing to do.")
    ] = False,
    json: Json = False,
) -> None:
    """Run a loop now, in the process that holds the store."""
    from devmesh.cli.terminal import count, emit, many, write

    done, steps = run_steps(settings_of(context), name, 1 if once else MOST_STEPS)
    if json:
        emit({"loop": name, "done": done, "steps": steps})
    else:
        write(f"{name}: {count(done)} done in {many(steps, 'step')}")


def run_steps(settings: Settings, name: str, most: int = MOST_STEPS) -> tuple[int, int]:
    """Steps of a loop until one finds nothing to do, in the process that holds the store; (things done, steps)."""
    from devmesh.cli.remote import Remote
    from devmesh.cli.terminal import count

    done = steps = 0
    with writing(settings) as store:
        while steps < most:
            if isinstance(store, Remote):
                step = int(store.call("POST", f"/loops/{name}/run")["done"])
            else:
                step = store.runner.once(name)
            done, steps = done + step, steps + 1
            if not step:
                break
            if sys.stderr.isatty():
                sys.stderr.write(f"\r{name}: {count(done)} …\r")
    return done, steps
