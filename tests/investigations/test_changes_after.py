"""What changed on a node after an event: its families, and what people and programs did there."""

from __future__ import annotations

import pytest

from bodies import line
from broken_fleet import BROKE_US, MINUTE_US, broken
from devmesh.changing import changes_after
from devmesh.errors import InvalidInput, NotFound
from devmesh.events import Filter


def test_after_an_event_its_node_alone_is_looked_at(troubled):
    """The crash is new there; what came before the event, and on other nodes, is not its consequence."""
    started = "Started grafana.service - Grafana instance."
    body = broken() + line(started, service="grafana", ts_us=BROKE_US + 5 * MINUTE_US, node="db01")
    body += line("Reloaded nginx.service - Web.", service="nginx", ts_us=BROKE_US + 5 * MINUTE_US, node="apps")
    mesh = troubled(body)
    oldest = mesh.events.query(Filter(contains="core-dump"), 100).events[-1]
    found = changes_after(mesh, oldest.id)
    assert (found["event"]["node"], found["window"]["since_us"]) == ("db01", BROKE_US)
    assert [(one["kind"], one["text"], one["node"]) for one in found["strip"]] == [("started", started, "db01")]
    assert {one["text"]: one["kind"] for one in found["changes"]} == {
        "mariadb.service: Failed with result 'core-dump'.": "new",
        started: "new",
        "checkpoint <n> done": "gone",
    }
    assert changes_after(mesh, oldest.id, until="9m")["strip"] == []


def test_an_event_that_is_none_is_told(mesh):
    """No such event, no id, no limit."""
    with pytest.raises(NotFound):
        changes_after(mesh, "1763722800000000-99")
    with pytest.raises(InvalidInput):
        changes_after(mesh, "yesterday")
    with pytest.raises(InvalidInput):
        changes_after(mesh, "1763722800000000-99", limit=0)
