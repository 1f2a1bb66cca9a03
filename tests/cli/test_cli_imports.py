"""What a command loads before it does anything: every start pays for it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from cli_house import environment

HEAVY = {
    "alembic", "fastapi", "httpcore", "httpx", "numpy", "polars", "prometheus_client", "re2", "sqlalchemy", "uvicorn",
    "tokenizers", "wordllama",
}  # fmt: skip
RUN = """
import json, sys
from devmesh.cli.app import app
try:
    app(json.loads(sys.argv[1]), prog_name="devmesh")
except SystemExit:
    pass
"""
LOADED = "import sys; print(' '.join(sorted({name.split('.')[0] for name in sys.modules})))"


def loaded(code: str, tmp_path, *arguments: str) -> set[str]:
    """The packages that are loaded after `code` was run in a process of its own."""
    program = f"{code}\nprint()\n{LOADED}\n"
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], env=environment(tmp_path), capture_output=True, timeout=60,
        text=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "command",
    [["--help"], ["logs", "--help"], ["ship", "--help"], ["ship", "--to", "http://127.0.0.1:1", "--tls-ca", "/x"]],
)
def test_help_and_the_agent_load_nothing_of_the_store(tmp_path, command):
    """Neither the store's libraries nor those of the server or the models."""
    assert loaded(RUN, tmp_path, json.dumps(command)) & HEAVY == set()


def test_a_command_that_reads_loads_nothing_of_the_server(tmp_path):
    """The house without its faces: no HTTP on either side, no model, no migration."""
    unwanted = HEAVY - {"numpy", "polars", "re2", "sqlalchemy"}
    assert loaded("import devmesh.mesh", tmp_path) & unwanted == set()


def test_a_server_loads_what_it_serves_with(tmp_path):
    """What only a migration, a gateway, a scrape or a question needs comes when it is needed."""
    unwanted = HEAVY - {"fastapi", "numpy", "polars", "re2", "sqlalchemy", "uvicorn"}
    assert loaded("import devmesh.server", tmp_path) & unwanted == set()
