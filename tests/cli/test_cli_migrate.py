"""`devmesh templates migrate`: by hand what the loop does by itself."""

from __future__ import annotations

import json

from sqlalchemy import update
from typer.testing import CliRunner

from bodies import line, take
from devmesh.cli.app import app
from devmesh.templates.tables import log_templates


def test_migrate_moves_every_old_template(make_mesh, tmp_path, monkeypatch):
    """Templates of an older canonical version are migrated and counted; a second run finds nothing to do."""
    mesh = make_mesh()
    take(mesh, line("job 17 took 3 s") + line("disk sda is full"))
    with mesh.db.write() as connection:
        connection.execute(update(log_templates).values(canon_version=0))
    mesh.close()
    monkeypatch.setenv("DEVMESH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DEVMESH_EMBEDDING_PROVIDER", "off")
    first = CliRunner().invoke(app, ["templates", "migrate", "--json"])
    assert (first.exit_code, json.loads(first.stdout)) == (0, {"migrated": 2})
    second = CliRunner().invoke(app, ["templates", "migrate"])
    assert "present version" in second.stdout
