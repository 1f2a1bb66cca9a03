"""Words that several commands' help texts share."""

from __future__ import annotations

import shlex
import shutil
import sys
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON, as the HTTP API gives it.")]

Limit = Annotated[int, typer.Option("--limit", "-l", metavar="N", help="How many, 1 to 1,000.")]
Cursor = Annotated[str | None, typer.Option(metavar="C", help="Go on after this one, as a list that was cut says.")]


def program() -> str:
    """What to type to call this program: its name, or where it is if it is on no path (a fresh `make demo`)."""
    if shutil.which("devmesh"):
        return "devmesh"
    return f"{sys.executable} -m devmesh" if sys.argv[0].endswith("__main__.py") else shlex.quote(sys.argv[0])


def examples(*lines: str, title: str = "Examples:") -> str:
    """The end of a help text: commands to copy, each on its line (the leading backspace asks for that)."""
    return "\x08\n" + title + "\n" + "\n".join(f"  {line}" for line in lines)


def note_more(cursor: str | None) -> None:
    """Say so where a list was cut, and how to see the rest."""
    from devmesh.cli.terminal import note, safe

    if cursor is not None:
        note(f"There are more: --limit N for a longer list, or go on with --cursor {safe(shlex.quote(cursor))}")
