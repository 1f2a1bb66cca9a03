"""The schema's version: brought up to date by Alembic at start, from empty and from every earlier one.

Alembic is imported only where there is something to do; a start that finds the head version costs one query.
"""

from __future__ import annotations

import logging
from pathlib import Path

from sqlalchemy import inspect, text

from devmesh.db.engine import Database
from devmesh.errors import ConfigError

log = logging.getLogger(__name__)

HEAD = "0003"
NEWER = "Upgrade DevMesh, or restore a backup."
BROKEN_OFF = "The same 'devmesh db copy' goes on where it stopped."
COPYING = "copying"  # the version of a store that is a part of another one, until all of it is there
FOLDER = Path(__file__).parent / "migrations"


def version(db: Database) -> str | None:
    """The schema's version in this store; None for an empty one."""
    with db.read() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def advice(at: str) -> str:
    """What to do about a store whose schema is at this version and not at HEAD."""
    if at == COPYING:
        return BROKEN_OFF
    return NEWER if at > HEAD else "devmesh db upgrade"


def _refuse_unwritable(db: Database) -> None:
    """Raise ConfigError where a server's account may only look, Unavailable where the server is read-only: else intake
    and each loop would find out one by one.
    """
    if db.dialect != "sqlite":
        with db.write() as connection:
            connection.execute(text("DELETE FROM alembic_version WHERE 1 = 0"))


def upgrade(db: Database) -> None:
    """Bring the schema to HEAD: in one transaction on SQLite; on MariaDB, where DDL cannot be rolled back, a first
    schema that was broken off is made anew, a later one goes on. Raises ConfigError for a store that a newer
    DevMesh made.
    """
    at = version(db)
    if at == COPYING:
        raise ConfigError("The store is a copy that was broken off.", hint=BROKEN_OFF)
    if not db.writable:
        return
    if at == HEAD:
        _refuse_unwritable(db)
        return
    if at is not None and at > HEAD:
        raise ConfigError(
            f"The store has schema {at}, this version of DevMesh knows {HEAD}.",
            hint=NEWER,
        )
    logging.getLogger("alembic").setLevel(logging.WARNING)
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    with db.change_schema() as connection:
        if db.dialect != "sqlite":
            from devmesh.db import mariadb

            mariadb.prepare_schema(connection)
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    log.info("schema from=%s to=%s", at, HEAD)
