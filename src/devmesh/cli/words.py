"""Words that several commands' help texts share."""

from __future__ import annotations

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON, as the HTTP API gives it.")]


def examples(*lines: str, title: str = "Examples:") -> str:
    """The end of a help text: commands to copy, each on its line (the leading backspace asks for that)."""
    return "\x08\n" + title + "\n" + "\n".join(f"  {line}" for line in lines)
