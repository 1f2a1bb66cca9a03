"""Alembic's entry: runs migrations on the connection that `db.schema` hands over.

MariaDB keeps each change of a schema at once, so what an upgrade that was killed did is still there when it is done
again: there, what exists is taken for done.
"""

from typing import Any

from alembic import context
from alembic.ddl.mysql import MariaDBImpl
from sqlalchemy import Column, Index, Table

from devmesh.db.types import metadata


class Repeatable(MariaDBImpl):
    """Takes the place of Alembic's own for this dialect, by its name."""

    __dialect__ = "mariadb"

    def create_table(self, table: Table, **more: Any) -> None:
        """With its indexes."""
        super().create_table(table, **{**more, "if_not_exists": True})

    def create_index(self, index: Index, **more: Any) -> None:
        """Also in a table that was there."""
        super().create_index(index, **{**more, "if_not_exists": True})

    def add_column(self, table_name: str, column: Column[Any], **more: Any) -> None:
        """To a table that has it or has it not."""
        super().add_column(table_name, column, **{**more, "if_not_exists": True})


context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
