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


@pytest.mark.sqlite_only
def test_downstream_stands_apart_with_its_hops(troubled):
    """By the inventory: the api needs the database, the proxy the api; the nas needs nobody."""
    refused = "ERROR: upstream api is unreachable"
    body = broken() + b"".join(
        line(refused, service="proxy", ts_us=BROKE_US + n * MINUTE_US + 40_000_000, node="edge") for n in range(5)
    )
    body += line("Reloaded api.service - Api.", service="api", ts_us=BROKE_US + 5 * MINUTE_US, node="apps")
    mesh = troubled(body)
    oldest = mesh.events.query(Filter(contains="core-dump"), 100).events[-1]
    assert changes_after(mesh, oldest.id)["downstream"] is None
    mesh.graph.load(
        "services:\n  mariadb: {hosts: [db01]}\n  api: {hosts: [apps], depends_on: [mariadb]}\n"
        "  proxy: {hosts: [edge], depends_on: [api]}\n  zfs: {hosts: [nas]}\n"
    )
    found = changes_after(mesh, oldest.id)
    below = found["downstream"]
    assert (below["of"], below["services"]) == (
        "mariadb", [{"service": "api", "hops": 1}, {"service": "proxy", "hops": 2}],
    )  # fmt: skip
    rows = [(one["hops"], one["service"], one["text"]) for one in below["changes"]]
    assert rows == sorted(rows, key=lambda one: one[0])
    assert (2, "proxy", refused) in rows
    assert {one["service"] for one in below["changes"]} == {"api", "proxy"}
    assert [(one["hops"], one["node"], one["text"]) for one in below["strip"]] == [
        (1, "apps", "Reloaded api.service - Api.")
    ]
    assert not {one["service"] for one in found["changes"]} & {"api", "proxy"}
    few = changes_after(mesh, oldest.id, limit=1)["downstream"]
    assert (len(few["changes"]), few["found"]) == (1, len(rows))
    proxys = mesh.events.query(Filter(contains="unreachable"), 1).events[0]
    nobody = changes_after(mesh, proxys.id)["downstream"]
    assert (nobody["of"], nobody["services"], nobody["changes"]) == ("proxy", [], [])


def test_an_event_that_is_none_is_told(mesh):
    """No such event, no id, no limit."""
    with pytest.raises(NotFound):
        changes_after(mesh, "1763722800000000-99")
    with pytest.raises(InvalidInput):
        changes_after(mesh, "yesterday")
    with pytest.raises(InvalidInput):
        changes_after(mesh, "1763722800000000-99", limit=0)
