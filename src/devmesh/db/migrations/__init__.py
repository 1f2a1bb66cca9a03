"""Migrations of the schema, run by Alembic through `devmesh.db.schema`."""
