"""The house rules on who may import what: to the left or down to the base, never round in a circle."""

from __future__ import annotations

import ast
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import devmesh

SRC = Path(devmesh.__file__).parent
ROOMS = [
    "accounts", "nodes", "templates", "events", "intake", "embeddings", "search", "memory", "graph", "detectors",
    "incidents", "investigations", "notifications", "analysis",
]  # fmt: skip
BASE = {
    "settings", "errors", "clock", "when", "heap", "paging", "safe", "channels", "exchange", "backoff", "crash",
    "db", "llm", "loops",
}  # fmt: skip
FACES = {"api", "cli", "ui", "mcp"}
# The server mounts the faces; the pages take the API's rule on who may, as the command line takes its app.
FACES_OF_FACES = {("server", "api"), ("server", "ui"), ("ui", "api"), ("cli", "api")}
ENTRY = "__main__"  # python -m devmesh is the command line
SHARED = {
    "acting", "answering", "asking", "backtest", "catalogue", "changing", "charting", "detecting", "drifting",
    "explaining", "finding", "house", "incidenting", "metrics", "mesh", "server", "watched",
}  # fmt: skip
OUTSIDE = {"ship", "simulate"}
FILES = sorted(SRC.rglob("*.py"))


def part_of(module: str) -> str:
    """The room or file of the house that a module of devmesh belongs to: devmesh.db.lock is of db."""
    return module.split(".")[1] if "." in module else "devmesh"


def module_of(path: Path) -> str:
    """The dotted name of a file."""
    names = ("devmesh", *path.relative_to(SRC).with_suffix("").parts)
    return ".".join(names[:-1] if names[-1] == "__init__" else names)


@cache
def imports_of(path: Path) -> frozenset[str]:
    """Every module that a file imports anywhere, its own package's included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            module = node.module or ""
            found.update(_target(module, alias.name) for alias in node.names)
    return frozenset(found)


def _target(module: str, name: str) -> str:
    """`from devmesh.events import queries` imports the file, `from devmesh.events import Events` the door."""
    path = SRC.parent / Path(*module.split("."), name)
    inside = module.split(".", maxsplit=1)[0] == "devmesh" and (
        path.with_suffix(".py").exists() or (path / "__init__.py").exists()
    )
    return f"{module}.{name}" if inside else module


def ours(path: Path) -> set[str]:
    """The modules of the house that a file imports."""
    return {name for name in imports_of(path) if name.split(".")[0] == "devmesh"}


def allowed(here: str, there: str) -> bool:
    """May a file of part `here` import one of part `there`?"""
    if there in (here, "devmesh"):  # the package itself holds the version
        return True
    if here == ENTRY:
        return there == "cli"
    if here in OUTSIDE:
        return False
    if here in BASE:
        return there in BASE
    if here in ROOMS:
        left = there in ROOMS and ROOMS.index(there) < ROOMS.index(here)
        return there in BASE or left or there == "ship"
    return (here in FACES | SHARED and there not in FACES) or (here, there) in FACES_OF_FACES


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_run_left_or_to_the_base(path):
    """Rooms import rooms to their left, the base imports the base, faces import rooms and the shared layer."""
    here = part_of(module_of(path))
    assert here in {"devmesh", *ROOMS, *BASE, *FACES, *SHARED, *OUTSIDE, ENTRY}, f"{here} has no place in the house"
    wrong = sorted(name for name in ours(path) if not allowed(here, part_of(name)))
    assert not wrong


def test_no_import_cycle():
    """No file imports itself round a corner; imports for type checkers alone do not run."""
    graph = {module_of(path): _running_imports(path) - {module_of(path)} for path in FILES}
    list(TopologicalSorter(graph).static_order())


def _running_imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    found: set[str] = set()
    for node in tree.body:  # what a function imports when it is called closes no circle
        if isinstance(node, ast.ImportFrom):
            found.update(_target(node.module or "", alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return {name for name in found if name.split(".")[0] == "devmesh"}


def test_the_agent_stands_alone():
    """ship/ imports the standard library and PyYAML, nothing of the house and nothing else."""
    import sys

    for path in (SRC / "ship").rglob("*.py"):
        foreign = {name for name in imports_of(path) if name.split(".")[0] not in {*sys.stdlib_module_names, "yaml"}}
        assert all(name.startswith("devmesh.ship") for name in foreign), f"{path.name}: {foreign}"


def test_rooms_use_leaves_of_the_agent_alone():
    """What the house takes from ship/ imports, in turn, nothing but leaves of ship/."""
    used = {
        name for path in FILES for name in ours(path)
        if part_of(name) == "ship" and part_of(module_of(path)) in ROOMS
    }  # fmt: skip
    for name in used:
        path = SRC.parent / Path(*name.split(".")).with_suffix(".py")
        assert path.exists(), f"rooms import files of ship/, not its door: {name}"
        deep = {leaf for leaf in ours(path) if ours(SRC.parent / Path(*leaf.split(".")).with_suffix(".py"))}
        assert not deep, f"{name} is no leaf: {deep}"


def test_one_room_writes_a_table():
    """The tables of a room are imported only inside of it: no other can write them. `db` may know them all."""
    for path in FILES:
        here = part_of(module_of(path))
        for name in ours(path):
            if name.endswith(".tables") and here != "db":
                assert part_of(name) == here, f"{module_of(path)} imports {name}"


def test_sql_stays_in_rooms():
    """SQLAlchemy is imported by rooms, loops and db alone: faces and the agent never write SQL."""
    for path in FILES:
        if any(name.split(".")[0] == "sqlalchemy" for name in imports_of(path)):
            here = part_of(module_of(path))
            assert here in {*ROOMS, "db", "loops", "mesh"}, module_of(path)
