"""Alembic's entry: runs migrations on the connection that `db.schema` hands over."""

from alembic import context

from devmesh.db.types import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
