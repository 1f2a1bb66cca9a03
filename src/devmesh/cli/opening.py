"""Opening the store for a command: reads in this process, writes where the store is held.

One process writes a SQLite store. Where a server holds it, reads open it read-only and writes go over HTTP to the
address that the lock file names, with the token there. On MariaDB any process may write; the server of this data folder
is asked where one runs, for what it remembers then stays true.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from devmesh.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from devmesh.cli.remote import Remote
    from devmesh.mesh import Mesh
    from devmesh.settings import Settings

DataDir = typer.Option("--data-dir", metavar="DIR", help="Folder of the store (default: DEVMESH_DATA_DIR).")


@dataclass(frozen=True)
class Holder:
    """The process that holds a store; url and token are empty where it serves nothing."""

    pid: int
    url: str
    token: str


def settings_of(context: typer.Context, **flags: Any) -> Settings:
    """The settings in force for a command: its own flags, the root's --data-dir, then everything else."""
    from devmesh.settings import load_settings

    told = context.find_root().obj or {}
    return load_settings(
        **{"data_dir": told.get("data_dir"), **{key: value for key, value in flags.items() if value is not None}}
    )


def log_to_stderr(level: str) -> None:
    """Our own log lines for people who watch the process."""
    logging.basicConfig(
        level=level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s", force=True
    )
    for noisy in ("uvicorn.error", "httpx", "alembic"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLogger().level))
    # A connection that breaks while it is handed back has failed a statement before, which is told without a traceback.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)


def store_path(settings: Settings) -> Path | None:
    """The SQLite file; None for a server's store."""
    from devmesh.db.sqlite import path_of

    return path_of(settings.store_url)


def holder_of(settings: Settings) -> Holder | None:
    """The living process that announced itself in the lock file; None where none did."""
    from devmesh.db.lock import StoreLock, lock_path

    said = StoreLock(lock_path(settings.store_url, settings.data_dir)).holder()
    pid = said.get("pid")
    if type(pid) is not int or not _lives(pid):
        return None
    return Holder(pid, str(said.get("url", "")), str(said.get("token", "")))


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextlib.contextmanager
def reading(settings: Settings) -> Iterator[Mesh]:
    """The house opened for looking alone. Raises NotFound where there is no store yet."""
    path = store_path(settings)
    if path is not None and not store_exists(path):
        raise NotFound(
            f"There is no store in {path.parent} yet.",
            hint="Start one with 'devmesh up', bring history in with 'devmesh import PATH', or set DEVMESH_DATA_DIR.",
        )
    from devmesh.mesh import open_mesh

    mesh = open_mesh(settings, read_only=True)
    try:
        yield mesh
    finally:
        mesh.close()


def store_exists(path: Path) -> bool:
    """Whether there is a store at `path`. Raises Unavailable where this user may not look."""
    try:
        return path.stat().st_size > 0
    except PermissionError:
        raise Unavailable(
            f"The store in {path.parent} may not be read by this user.",
            hint="Run it as the user that runs the server, or with sudo.",
        ) from None
    except OSError:
        return False


@contextlib.contextmanager
def writing(settings: Settings) -> Iterator[Mesh | Remote]:
    """Whoever can write: the house opened here, or the server that holds the store. Raises Unavailable."""
    from devmesh.cli.remote import Remote

    holder = holder_of(settings)
    if holder is not None and holder.url:
        with Remote(holder.url, holder.token) as remote:
            yield remote
        return
    from devmesh.mesh import open_mesh

    mesh = open_mesh(settings)
    try:
        if not mesh.db.writable:
            raise Unavailable(
                "Another process writes to the store.", hint="Wait for it to end (an import?), then try again."
            )
        yield mesh
    finally:
        mesh.close()
