"""Which form a file has, by its name, and what it says."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import PurePath

from devmesh.errors import InvalidInput, TooLarge
from devmesh.graph.files import caddy, compose, environment, nginx, unit
from devmesh.graph.files.places import Wanted, refuse

MOST_FILE_BYTES = 1 << 20
MOST_FOUND = 1_000
FORMATS: Mapping[str, Callable[[str, str], list[Wanted]]] = {
    "env": environment.read, "nginx": nginx.read, "caddy": caddy.read, "compose": compose.read, "unit": unit.read,
}  # fmt: skip
# The first that fits a path.
_NAMES = (
    ("compose", re.compile(r".*\.ya?ml")),
    ("caddy", re.compile(r"(?:.*/)?Caddyfile(?:\..*)?|.*\.caddy(?:file)?|.*/caddy/.*\.conf", re.IGNORECASE)),
    ("unit", re.compile(r".*\.service|.*\.service\.d/[^/]*\.conf")),
    ("nginx", re.compile(r".*\.(?:conf|vhost)|.*/(?:sites-(?:enabled|available)|nginx)/[^/]*")),
    ("env", re.compile(r"(?:.*/)?\.env(?:\.[^/]*)?|.*\.env(?:ironment)?|.*/(?:default|sysconfig|conf\.d)/[^/.]*")),
)


@dataclass(frozen=True)
class ReadFile:
    """What a file wants, each (service, target) once, by line."""

    format: str
    found: tuple[Wanted, ...]


def format_of(source: str) -> str:
    """The form that a file's name tells. Raises InvalidInput."""
    found = next((name for name, pattern in _NAMES if pattern.fullmatch(source)), "")
    if not found:
        raise InvalidInput(
            f"{PurePath(source).name} has a name that tells no form.", hint=f"--format {', '.join(FORMATS)}"
        )
    return found


def read_file(text: str, source: str, service: str = "", form: str = "") -> ReadFile:
    """What a file says; `service`: whose it is, where the file itself does not say. Raises Refused with the line,
    TooLarge, InvalidInput.
    """
    if len(text.encode(errors="replace")) > MOST_FILE_BYTES:
        raise TooLarge(f"{source} is larger than {MOST_FILE_BYTES >> 20} MiB.", hint="Is it the right file?")
    if form and form not in FORMATS:
        raise InvalidInput(f"{form[:40]!r} is no form of a file.", hint=f"One of: {', '.join(FORMATS)}.")
    if "\0" in text:
        raise refuse(source, text[: text.index("\0")].count("\n") + 1, "This is no text.", "Is it the right file?")
    form = form or format_of(source)
    found: dict[tuple[str, str], Wanted] = {}
    for one in FORMATS[form](text, source):
        whose = one.service if form == "compose" else service or one.service
        if not whose:
            raise InvalidInput(f"{source} does not say whose it is.", hint="--service NAME, as logs call it.")
        found.setdefault((whose, one.target), Wanted(whose, one.target, one.line))
        if len(found) > MOST_FOUND:
            raise TooLarge(f"{source} names more than {MOST_FOUND:,} targets.", hint="Is it the right file?")
    return ReadFile(form, tuple(sorted(found.values(), key=lambda one: (one.line, one.service, one.target))))
