"""The pages cannot lie: settings, endpoints, commands, options, loops, tables, metrics, dependencies are all there."""

from __future__ import annotations

import importlib
import re
import runpy
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from sqlalchemy import Table

from devmesh import errors
from devmesh.analysis.tools import TAKES
from devmesh.api import make_app
from devmesh.cli.app import app
from devmesh.mesh import Mesh
from devmesh.metrics import exposition

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
ROOMS = (
    "accounts",
    "nodes",
    "templates",
    "events",
    "intake",
    "embeddings",
    "search",
    "memory",
    "graph",
    "detectors",
    "incidents",
    "investigations",
    "notifications",
    "analysis",
)
FOR_ALL_COMMANDS = {"--json", "--help"}
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def page(name: str) -> str:
    """The text of a page below docs/."""
    return (DOCS / name).read_text()


def sections(text: str) -> dict[str, str]:
    """The parts of a page by their headings of the second level."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def commands(group: Any, path: str = "devmesh") -> Iterator[tuple[str, Any]]:
    """Every command that does something, by its full name."""
    for name, command in group.commands.items():
        inner = hasattr(command, "commands")
        if not inner or command.invoke_without_command:
            yield f"{path} {name}", command
        if inner:
            yield from commands(command, f"{path} {name}")


COMMANDS = dict(commands(typer.main.get_command(app)))


def test_the_table_of_settings_is_that_of_the_code():
    """Names, defaults and meanings; `python scripts/make_docs.py` writes them anew."""
    make = runpy.run_path(str(ROOT / "scripts" / "make_docs.py"))
    text = page("settings.md")
    assert make["with_table"](text) == text
    assert text.count("\n| `DEVMESH_") == len(make["Settings"].model_fields)


def test_every_endpoint_has_its_heading_and_no_other_has_one(mesh: Mesh):
    """As the OpenAPI document lists them."""
    paths = make_app(mesh).openapi()["paths"]
    there = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    told = {heading for heading in sections(page("http.md")) if re.match(r"[A-Z]+ /", heading)}
    assert told == there


def test_every_parameter_of_an_endpoint_is_named(mesh: Mesh):
    """In backticks, somewhere on the page."""
    text = page("http.md")
    for path, methods in make_app(mesh).openapi()["paths"].items():
        for method in methods.values():
            for parameter in method.get("parameters", []):
                if parameter["in"] == "query":
                    assert f"`{parameter['name']}`" in text, f"{path} takes {parameter['name']}"


def test_every_error_code_and_status_stands_in_the_table_of_errors():
    """Of the whole tree that HTTP can answer with, and its exit codes in the command line's table."""
    http, cli = sections(page("http.md"))["Errors"], sections(page("cli.md"))["Exit codes"]
    known = [one for one in vars(errors).values() if isinstance(one, type) and issubclass(one, errors.DevMeshError)]
    for error in known:
        assert f"| {error.exit_code} |" in cli, f"{error.__name__} ends commands with {error.exit_code}"
        if error not in {errors.Conflict, errors.ConfigError}:  # never answered as they are
            assert f"| {error.status} |" in http
            assert f"`{error.code}`" in http


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_its_heading_with_its_options_and_an_example(name):
    """The heading is the command as it is typed."""
    section = sections(page("cli.md")).get(name)
    assert section is not None, f"docs/cli.md has no heading '## {name}'"
    assert "```\n$ " in section
    for parameter in COMMANDS[name].params:
        for option in parameter.opts:
            if option.startswith("--") and option not in FOR_ALL_COMMANDS:
                assert option in section, f"{name} takes {option}"


def test_no_page_names_a_command_that_is_none():
    """Headings of commands that were taken out go, too."""
    told = {heading for heading in sections(page("cli.md")) if heading.startswith("devmesh ")}
    assert told == set(COMMANDS)


def test_every_loop_stands_in_the_table_with_its_rhythm(make_mesh):
    """In base.md, and nothing else does."""
    loops = {state.name: state.every_s for state in make_mesh(embedding_provider="local").runner.states()}
    rows = re.findall(r"^\| `([a-z-]+)` \| .*? \| (\d+) (s|min|h) \|", page("rooms/base.md"), re.MULTILINE)
    seconds = {"s": 1, "min": 60, "h": 3600}
    assert {name: int(count) * seconds[unit] for name, count, unit in rows} == loops


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_has_its_page_with_its_tables(room):
    """Under "Tables", by name."""
    named = next(line for line in page(f"rooms/{room}.md").splitlines() if line.startswith("**Tables**"))
    try:
        module = importlib.import_module(f"devmesh.{room}.tables")
    except ModuleNotFoundError:
        assert "none" in named
        return
    owned = {one.name for one in vars(module).values() if isinstance(one, Table)}
    assert owned
    assert {name for name in owned if f"`{name}`" in named} == owned


def test_every_tool_has_its_heading_with_its_arguments():
    """In the page of the room that calls them, and nothing else has one."""
    parts = re.split(r"^### (.+)$", page("rooms/analysis.md"), flags=re.MULTILINE)
    told = dict(zip(parts[1::2], parts[2::2], strict=True))
    assert told.keys() == TAKES.keys()
    for name, takes in TAKES.items():
        assert {one for one in takes.model_fields if f"`{one}`" not in told[name]} == set(), name


def test_every_metric_is_named(mesh: Mesh):
    """By the name that Prometheus sees."""
    text = page("http.md")
    for name in re.findall(r"^# TYPE (\S+)", exposition(mesh).decode(), re.MULTILINE):
        assert f"`{name}" in text, name


def test_every_dependency_has_its_reason():
    """Those that run in the table, with what each replaces; those for development by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    text = page("decisions.md").lower()
    table = "\n".join(line for line in text.splitlines() if line.startswith("|"))
    for wanted in project["dependencies"]:
        name = re.match(r"[\w-]+", wanted)[0]
        assert name in table, name
    for wanted in project["optional-dependencies"]["dev"]:
        name = re.match(r"[\w-]+", wanted)[0]
        assert name.lower() in text, name


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path):
    """To a file that is there, and a heading in it."""
    for link in LINK.findall(path.read_text()):
        name, _hash, anchor = link.partition("#")
        assert not re.match(r"\w+:", name), f"{link} leaves the project"
        target = (path.parent / name).resolve() if name else path
        assert target.is_file(), f"{path.name} links to {link}"
        assert not anchor or anchor in anchors(target), f"{path.name} links to {link}"


def anchors(path: Path) -> set[str]:
    """The anchors that Git forges make of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
