"""Help for people: `PATH...`, where Typer writes `PATH <list[str]>` and `{PATH}...`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def speak_plainly(group: Any) -> None:
    """Let the help of every command below this group name its arguments without the types of Python."""
    for command in group.commands.values():
        for param in command.params:
            if param.param_type_name == "argument":
                param.get_usage_pieces = _usage(param)
                param.get_help_record = _record(param.get_help_record)
        if hasattr(command, "commands"):
            speak_plainly(command)


def _usage(argument: Any) -> Callable[[Any], list[str]]:
    name = f"{argument.metavar}{'...' if argument.nargs != 1 else ''}"
    return lambda _context: [name if argument.required else f"[{name}]"]


def _record(told: Callable[[Any], tuple[str, str] | None]) -> Callable[[Any], tuple[str, str] | None]:
    def record(context: Any) -> tuple[str, str] | None:
        name, text = told(context) or ("", "")
        return (name.split(" <")[0], text.replace("  [required]", "")) if name else None

    return record
