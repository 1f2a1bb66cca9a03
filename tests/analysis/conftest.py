"""A house in which a database broke an hour ago, and its incident was told; made once, nobody writes to it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest

from broken_fleet import BROKE_US, MINUTE_US, happen
from devmesh.analysis import Answer
from devmesh.answering import ask
from devmesh.clock import FakeClock
from devmesh.mesh import Mesh, open_mesh
from devmesh.settings import load_settings


@pytest.fixture(scope="module")
def troubled(tmp_path_factory, empty_store) -> Iterator[Mesh]:
    """Its clock stands ten minutes after the database broke."""
    folder = tmp_path_factory.mktemp("troubled")
    shutil.copy(empty_store, folder / "devmesh.db")
    settings = load_settings(data_dir=folder, embedding_provider="off", disk_reserve_mb=1)
    mesh = open_mesh(settings, clock=FakeClock(BROKE_US - 10 * MINUTE_US))
    mesh.intake.start()
    happen(mesh)
    mesh.runner.once("write-reports")
    mesh.runner.once("template-totals")
    yield mesh
    mesh.close()


@pytest.fixture
def answer(troubled) -> Callable[[str], Answer]:
    """Asks it."""
    return lambda question: ask(troubled, question, timezone="UTC")
