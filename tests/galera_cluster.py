"""scripts/galera for the tests: a cluster of three, in networks that only this process and its children see."""

from __future__ import annotations

import os
from typing import Any

import pytest

from mariadb_server import program


def start_cluster() -> Any:
    """A running `Cluster`. Skips with the reason where none can run; with CI set it fails."""
    galera = program("galera")
    try:
        cluster = galera.Cluster()
    except (galera.mariadb.Missing, OSError) as missing:
        if os.environ.get("CI"):
            pytest.fail(str(missing))
        pytest.skip(str(missing))
    try:
        cluster.start()
    except BaseException:
        cluster.stop()
        raise
    return cluster
