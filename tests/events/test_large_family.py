"""A family may have more templates than the store takes parameters in one statement."""

from __future__ import annotations

import sqlite3

import pytest
from sqlalchemy import event, insert, text

from bodies import line, rows, run_whole, take
from devmesh.asking import make_filter
from devmesh.catalogue import list_families, show
from devmesh.db import metadata
from devmesh.finding import find_events, find_families

MEMBERS = 40_000
SQLITE_OWN_LIMIT = 32_766  # of SQLite as it is built without options


@pytest.fixture
def large(make_mesh):
    """A house with one family of 40,000 templates, three events of it and one of another, and SQLite's own limits."""
    mesh = make_mesh(embedding_provider="local")
    for number in range(3):
        take(mesh, line("disk is dying", service="kernel", ts_us=mesh.clock.now_us() + number))
    take(mesh, line("all is well", service="kernel"))
    for loop in ("template-totals", "assign-families", "template-samples"):
        run_whole(mesh, loop)
    with mesh.db.write() as connection:
        family = connection.execute(text("SELECT family_id FROM log_templates WHERE template LIKE '%dying'")).scalar()
        row = {"service_id": 1, "canon_version": 1, "family_id": family, "created_us": 1, "updated_at": 1}
        connection.execute(
            insert(metadata.tables["log_templates"]),
            [
                {**row, "canon_hash": number.to_bytes(16), "template": f"disk is {number}", "event_count": 0}
                for number in range(MEMBERS)
            ],
        )
    if mesh.db.dialect == "sqlite":
        mesh.db._reader.dispose()
        event.listen(
            mesh.db._reader,
            "connect",
            lambda raw, _record: raw.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, SQLITE_OWN_LIMIT),
        )
    return mesh, f"f{family}"


def test_events_of_a_large_family_are_found(large):
    """By page, by word, by expression, by count and live; those of other families are not."""
    mesh, family = large
    for more in ({}, {"contains": "DYING"}, {"regex": "dy.ng$"}):
        asked = make_filter(mesh, template=[family], **more)
        assert [one.message for one in mesh.events.query(asked).events] == ["disk is dying"] * 3
        assert mesh.events.count(asked) == 3
        at = mesh.events.here()
        take(mesh, line("all is well", service="kernel"), received_us=mesh.clock.now_us())
        assert mesh.events.follow(asked, at).events == []


def test_a_large_family_is_shown(large):
    """Its page has its events, history and examples; search finds it and its events."""
    mesh, family = large
    shown = show(mesh, family)
    assert [one["events"] for one in shown["nodes"]] == [3]
    assert sum(hour["n"] for hour in shown["history"]) == 3
    assert [one["message"] for one in shown["examples"]] == ["disk is dying"] * 3
    assert {one["id"] for one in list_families(mesh)} >= {family}
    assert find_families(mesh, "disk is dying", 1)["results"][0]["examples"][0] == "disk is dying"
    assert {one["message"] for one in find_events(mesh, "dying", 3)["results"]} == {"disk is dying"}
    assert rows(mesh, "SELECT COUNT(*) FROM log_templates")[0][0] > MEMBERS
