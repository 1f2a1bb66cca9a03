"""scripts/galera for the tests: a cluster of three, in networks that only this process and its children see."""

from __future__ import annotations

import os
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest

PROGRAM = Path(__file__).parents[1] / "scripts" / "galera"


def start_cluster() -> Any:
    """A running `Cluster`. Skips with the reason where none can run; with CI set it fails."""
    spec = spec_from_loader("devmesh_galera", SourceFileLoader("devmesh_galera", str(PROGRAM)))
    assert spec is not None
    assert spec.loader is not None
    program = module_from_spec(spec)
    sys.modules[spec.name] = program
    spec.loader.exec_module(program)
    try:
        cluster = program.Cluster()
    except (program.mariadb.Missing, OSError) as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing))
        pytest.skip(str(missing))
    try:
        cluster.start()
    except BaseException:
        cluster.stop()
        raise
    return cluster
