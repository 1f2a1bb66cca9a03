"""What people can set, call or type stands in the docs: a setting, an endpoint or a command without its line fails."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from devmesh.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"


def lines_of(name: str) -> list[str]:
    """Headings and table rows of a page."""
    return [line for line in (DOCS / name).read_text().splitlines() if line.startswith(("#", "|"))]


def test_every_setting_is_documented():
    """docs/settings.md has a row or heading for each setting, by its name in the environment."""
    page = "\n".join(lines_of("settings.md"))
    missing = [name for name in Settings.model_fields if not re.search(rf"\bDEVMESH_{name.upper()}\b", page)]
    assert not missing


def test_every_endpoint_is_documented(mesh):
    """docs/http.md has a row or heading for each method and path."""
    from devmesh.api import make_app

    page = lines_of("http.md")
    missing = [
        f"{method.upper()} {path}"
        for path, methods in make_app(mesh).openapi()["paths"].items()
        for method in methods
        if not any(f"{method.upper()} {path}" in line for line in page)
    ]
    assert not missing


def _commands(group, prefix="devmesh"):
    for name, command in sorted(group.commands.items()):
        whole = f"{prefix} {name}"
        if hasattr(command, "commands"):
            yield from _commands(command, whole)
        else:
            yield whole


def test_every_command_is_documented():
    """docs/cli.md has a row or heading for each command."""
    typer = pytest.importorskip("typer")
    from devmesh.cli.app import app

    page = lines_of("cli.md")
    missing = [name for name in _commands(typer.main.get_command(app)) if not any(name in line for line in page)]
    assert not missing
