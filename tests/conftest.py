"""Fixtures for every test: a house in a folder of its own, over a clock that tests own, and a real server process.

A fresh store is made once a session and copied, so that a test pays for a file copy and not for a migration.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from argon2 import PasswordHasher

from bodies import NOW_US
from devmesh.accounts import people
from devmesh.clock import Clock, FakeClock
from devmesh.mesh import Mesh, open_mesh
from devmesh.settings import load_settings
from mariadb_server import Databases, server_url
from processes import ServerProcess, start_server
from quick_stores import make_quick

if TYPE_CHECKING:
    from pathlib import Path

# Where bytecode is forbidden each worker and each server compiles all of it anew: two minutes of processor time.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

MakeMesh = Callable[..., Mesh]

# The rooms that speak to the store: their tests run on both, but for those that say `sqlite_only` or `mariadb_only`.
ON_BOTH_STORES = {
    "accounts", "db", "embeddings", "events", "graph", "incidents", "intake", "loops", "memory", "nodes",
    "notifications", "search", "templates",
}  # fmt: skip


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests of the rooms that touch the store run once on each."""
    if "store" not in metafunc.fixturenames:
        return
    both = metafunc.definition.path.parent.name in ON_BOTH_STORES
    stores = ["sqlite", "mariadb"] if both else ["sqlite"]
    alone = [store for store in ("sqlite", "mariadb") if metafunc.definition.get_closest_marker(f"{store}_only")]
    metafunc.parametrize("store", alone or stores, indirect=True)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The long form runs only where it is asked for: `-m soak`."""
    if config.getoption("markexpr"):
        return
    long = [item for item in items if item.get_closest_marker("soak")]
    config.hook.pytest_deselected(items=long)
    items[:] = [item for item in items if item not in long]


@pytest.fixture(scope="session", autouse=True)
def _own_environment() -> Iterator[None]:
    """What the person who runs the tests has set does not reach them."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("DEVMESH_", "GATEWAY_", "EMBEDDING_", "LLM_")):
                patch.delenv(name)
        yield


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    """A hash costs a quarter of a second so that guessing does not pay; nobody guesses here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(people, "_hasher", lambda: PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))
        yield


@pytest.fixture(scope="session", autouse=True)
def _quick_stores() -> Iterator[None]:
    """No store of this process compiles what another one has compiled, nor waits for a disk."""
    with pytest.MonkeyPatch.context() as patch:
        make_quick(patch)
        yield


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a store that was migrated and never used."""
    folder = tmp_path_factory.mktemp("empty")
    open_mesh(load_settings(data_dir=folder, embedding_provider="off")).close()
    return folder / "devmesh.db"


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Databases:
    """The databases of this worker on the run's server."""
    alone = worker_id == "master"
    shared = tmp_path_factory.getbasetemp() if alone else tmp_path_factory.getbasetemp().parent
    return Databases(server_url(shared, os.getpid() if alone else os.getppid()), worker_id)


@pytest.fixture
def store(request: pytest.FixtureRequest) -> str:
    """The kind of store that this test runs on: sqlite or mariadb."""
    return str(request.param)


@pytest.fixture
def clock() -> FakeClock:
    """Time that moves only when the test says so."""
    return FakeClock(NOW_US)


@pytest.fixture
def url_of(store: str, request: pytest.FixtureRequest) -> Iterator[Callable[[Path], str]]:
    """The database URL of a house in a folder: empty for SQLite, whose file is there; else a database of its own."""
    taken: dict[Path, str] = {}

    def url_of_folder(place: Path) -> str:
        if store == "sqlite":
            return ""
        if place not in taken:
            taken[place] = request.getfixturevalue("mariadb").take()
        return taken[place]

    yield url_of_folder
    for url in taken.values():
        request.getfixturevalue("mariadb").give_back(url)


@pytest.fixture
def make_mesh(tmp_path: Path, clock: FakeClock, empty_store: Path, url_of: Callable[[Path], str]) -> Iterator[MakeMesh]:
    """Opens houses: `make_mesh(folder, clock=…, **settings)`; intake runs, loops run only when called with `once`."""
    opened: list[Mesh] = []

    def make(folder: Path | None = None, *, clock: Clock = clock, **settings: Any) -> Mesh:
        place = folder or tmp_path / "data"
        url = url_of(place)
        if not url and not (place / "devmesh.db").exists():
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(empty_store, place / "devmesh.db")
        told = {"data_dir": place, "database_url": url, "embedding_provider": "off", "disk_reserve_mb": 1}
        mesh = open_mesh(load_settings(**{**told, **settings}), clock=clock)
        mesh.intake.start()
        opened.append(mesh)
        return mesh

    yield make
    for mesh in opened:
        if mesh.settings.data_dir.exists():  # a disk that a test took away took its store along
            mesh.close()


@pytest.fixture
def mesh(make_mesh: MakeMesh) -> Mesh:
    """An empty house that takes events in."""
    return make_mesh()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A real server process over an empty store."""
    process = start_server(tmp_path / "server")
    yield process
    process.kill()
