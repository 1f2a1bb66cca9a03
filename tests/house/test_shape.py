"""The house rules on shape: nothing grows too long, every test says what must hold, nothing knows this machine."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CODE = sorted(path for part in ("src", "tests", "bench") for path in (ROOT / part).rglob("*.py"))
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
# Paths and names of the machine on which this was written; put together here so that this file has none.
MACHINE = re.compile("/" + "work/|/" + r"root/|/home/\w+/(?!\.)|farm" + "-")


def name_of(path: Path) -> str:
    """The path as people say it."""
    return str(path.relative_to(ROOT))


def functions(path: Path):
    """Every function of a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize("path", CODE, ids=name_of)
def test_nothing_grows_too_long(path):
    """No file over 400 lines, no function over 60."""
    if "migrations" in path.parts:  # one function by Alembic's rule, and a list of tables, not logic
        return
    assert len(path.read_text().splitlines()) <= MAX_FILE_LINES
    for node in functions(path):
        length = (node.end_lineno or 0) - node.lineno + 1
        assert length <= MAX_FUNCTION_LINES, f"{node.name} has {length} lines"


def test_every_test_says_what_must_hold():
    """Each test function and each rule of a state machine has a docstring."""
    silent = [
        f"{name_of(path)}::{node.name}"
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for node in functions(path)
        if node.name.startswith("test_") and not ast.get_docstring(node)
    ]
    assert not silent


def test_every_module_says_what_it_is_for():
    """Each file begins with a docstring."""
    assert not [
        name_of(path)
        for path in CODE
        if path.read_text().strip() and not ast.get_docstring(ast.parse(path.read_text()))
    ]


def test_names_of_test_files_are_unique():
    """Test folders are no packages: two files of one name would hide each other."""
    names = [path.name for path in (ROOT / "tests").rglob("*.py") if path.name not in {"conftest.py", "__init__.py"}]
    assert len(names) == len(set(names))


def test_nothing_knows_this_machine():
    """No file that is kept names a path of the machine it was written on."""
    kept = [
        path
        for path in ROOT.rglob("*")
        if path.suffix in {".py", ".md", ".toml", ".yaml", ".yml", ".txt"} or path.name == "Makefile"
    ]
    inside = [
        path
        for path in kept
        if not any(part.startswith(".") or part == "dist" for part in path.relative_to(ROOT).parts)
    ]
    assert not [name_of(path) for path in inside if MACHINE.search(path.read_text(errors="replace"))]
