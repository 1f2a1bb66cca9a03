"""Write a migration from the difference between the declared tables and an empty (or upgraded) store.

    python scripts/make_migration.py 0002 "what changes"

Read what it wrote before committing it: Alembic guesses.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config

import devmesh.mesh  # noqa: F401 - brings every room's tables into the metadata
from devmesh.db import open_database
from devmesh.db.schema import FOLDER


def main(revision: str, message: str) -> None:
    """Write `versions/<revision>_<message>.py`."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    with tempfile.TemporaryDirectory() as folder:
        db = open_database(f"sqlite:///{Path(folder) / 'empty.db'}")
        with db.write() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        with db.write() as connection:
            config.attributes["connection"] = connection
            command.revision(config, message=message, rev_id=revision, autogenerate=True)
        db.close()


if __name__ == "__main__":
    main(*sys.argv[1:3])
