"""Fixtures of the command line's tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from cli_house import HOSTILE, Runner, fill, line


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that no test changes: sshd, nginx and a disk of two nodes, and a hostile line."""
    folder = tmp_path_factory.mktemp("store")
    lines = [
        line(f"Accepted password for alice from 10.0.0.{n} port {4000 + n}", 600 - n, service="sshd", pid=n)
        for n in range(1, 40)
    ]
    lines += [line(f"GET /item/{n} took {n} ms", 300 - n, service="nginx", node="web2") for n in range(1, 20)]
    lines += [
        line("blk_update_request: I/O error, dev sda, sector 12345", 100, service="kernel", priority=3, node="nas")
    ]
    lines += [
        line('Traceback (most recent call last):\n  File "x.py", line 1\nValueError: no', 50, service="app", priority=3)
    ]
    lines += [line(HOSTILE, 10, service="evil", node="web2")]
    fill(folder, lines)
    return folder


@pytest.fixture
def cli(filled: Path) -> Runner:
    """Commands over the filled store."""
    return Runner(filled)


@pytest.fixture
def empty(tmp_path: Path) -> Runner:
    """Commands over no store at all."""
    return Runner(tmp_path / "data")


@pytest.fixture
def importing(tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """Commands over a fresh store of their own that keeps everything and learns nothing of meaning."""
    monkeypatch.setenv("DEVMESH_RETENTION_DAYS", "36500")
    monkeypatch.setenv("DEVMESH_EMBEDDING_PROVIDER", "off")
    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(empty_store, data / "devmesh.db")
    return Runner(data)
