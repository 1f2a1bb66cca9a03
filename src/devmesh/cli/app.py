"""`devmesh`: the root command, and how every command ends.

An error of the house is one line (what and why), its hint, and its exit code; a traceback only with
DEVMESH_LOG_LEVEL=debug. A reader that went away (`| head`) ends the command quietly, as does Ctrl-C.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from devmesh import __version__
from devmesh.cli import (
    accounts,
    ask,
    changes,
    db,
    demo,
    detect,
    doctor,
    drift,
    graph,
    house,
    imports,
    incident,
    incidents,
    logs,
    loops,
    nodes,
    notify,
    people,
    search,
    serve,
    ship,
    simulate,
    templates,
    vectors,
    watched,
)
from devmesh.cli.opening import DataDir
from devmesh.cli.plain import speak_plainly
from devmesh.cli.words import examples
from devmesh.errors import DevMeshError

EXIT_BROKEN_PIPE = 141
EXIT_INTERRUPTED = 130
FAULT = 1
ORDER = (
    "demo",
    "up",
    "import",
    "ask",
    "search",
    "logs",
    "templates",
    "changes",
    "drift",
    "incidents",
    "incident",
    "detectors",
    "mutes",
    "maintenance",
    "blind",
    "graph",
    "nodes",
    "services",
    "stats",
    "doctor",
    "serve",
    "ship",
    "loops",
    "vectors",
    "db",
    "simulate",
    "detect",
    "notify",
    "token",
    "user",
    "audit",
)


class House(TyperGroup):
    """The root group: commands in the order in which people meet them, errors ended in one place."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        speak_plainly(self)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; every exception but typer's own ends here."""
        try:
            done = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            _leave_pipe()
            raise typer.Exit(EXIT_BROKEN_PIPE) from None
        except KeyboardInterrupt:
            raise typer.Exit(EXIT_INTERRUPTED) from None
        except DevMeshError as error:
            _say(error)
            raise typer.Exit(error.exit_code) from None
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            if _debugging() or _is_usage_error(error):
                raise
            _say(_fault(error))
            raise typer.Exit(FAULT) from None
        return done

    def list_commands(self, ctx: Any) -> list[str]:
        """In the order in which people meet them."""
        del ctx
        return sorted(self.commands, key=ORDER.index)


app = typer.Typer(
    cls=House,
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=examples(
        "devmesh up                          this machine's logs, searchable, at http://127.0.0.1:8000",
        'devmesh search "disk is dying"      what was said, found by meaning',
        "devmesh incidents                   what is wrong, who is suspected",
        "devmesh logs --since 2h -p err      errors of the last two hours",
        "devmesh doctor                      what works, what does not, and why",
        title="Begin with:",
    ),
)


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"devmesh {__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    data_dir: Annotated[Path | None, DataDir] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """A memory for a fleet of Linux machines: it makes their logs searchable by meaning, and tells what is wrong."""
    del version
    context.obj = {"data_dir": data_dir}


for room in (
    demo,
    serve,
    imports,
    ask,
    logs,
    search,
    templates,
    changes,
    drift,
    incidents,
    incident,
    watched,
    detect,
    graph,
    nodes,
    house,
    doctor,
    ship,
    loops,
    vectors,
    db,
    simulate,
    notify,
    accounts,
    people,
):
    room.install(app)


def main() -> None:
    """The entry point `devmesh`."""
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    sys.stderr.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
    app(prog_name="devmesh")


def _say(error: DevMeshError) -> None:
    """What and why on one line, what to do on the next."""
    from devmesh.cli.terminal import safe

    if _debugging():
        import traceback

        traceback.print_exception(error)
    sys.stderr.write(f"devmesh: {safe(error.message)}\n")
    if error.hint:
        sys.stderr.write(f"hint: {safe(error.hint)}\n")


def _fault(error: Exception) -> DevMeshError:
    """What the machine refused, in its words; else a fault of ours."""
    if isinstance(error, OSError) and error.filename and error.strerror:
        return DevMeshError(f"{error.filename}: {error.strerror}.", hint="DEVMESH_LOG_LEVEL=debug shows where.")
    return DevMeshError(f"A fault of DevMesh: {type(error).__name__}.", hint="DEVMESH_LOG_LEVEL=debug shows where.")


def _debugging() -> bool:
    return os.environ.get("DEVMESH_LOG_LEVEL", "").lower() == "debug"


def _is_usage_error(error: Exception) -> bool:
    return hasattr(error, "format_message") and hasattr(error, "exit_code")


def _leave_pipe() -> None:
    """Nobody reads stdout any more: let Python's own flush at exit go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
