"""Loading an inventory into the store: what differs, all or nothing, names as logs have them."""

from __future__ import annotations

import pytest
from inventories import ISSUED, SHOP

from bodies import line, take
from devmesh.errors import InvalidInput, NotFound
from devmesh.graph import Refused
from devmesh.graph.kinds import HOST


def said(loaded):
    """The differences, as a person reads them."""
    return {(one.did, one.what, one.name) for one in loaded.changes}


def test_what_was_loaded_is_there_and_a_second_time_nothing_differs(mesh):
    """The version grows with what changed and with nothing else."""
    first = mesh.graph.load(ISSUED)
    assert (first.version, first.services, first.edges, first.applied) == (1, 4, 3, True)
    assert {one.did for one in first.changes} == {"added"}
    again = mesh.graph.load(ISSUED)
    assert (again.version, again.changes) == (1, ())
    assert [one.name for one in mesh.graph.list().rows] == ["devmesh-api", "devmesh-shipper", "mariadb", "ollama"]
    assert mesh.graph.list().rows[0].edges == ("CALLS ollama", "DEPENDS_ON mariadb", "DEPENDS_ON ollama")


def test_a_dry_run_shows_the_same_and_changes_nothing(mesh):
    """Also where nothing was loaded before."""
    dry = mesh.graph.load(ISSUED, apply=False)
    assert not dry.applied
    assert mesh.graph.list().rows == []
    assert dry.changes == mesh.graph.load(ISSUED).changes


def test_each_difference_is_told(mesh):
    """Added, removed, changed; hosts and aliases in another order are none."""
    mesh.graph.load(SHOP)
    changed = SHOP.replace("[web1, web2], type: cache", "[web2, web1], type: cache")
    changed = changed.replace("web: {hosts: [edge]", "web: {hosts: [edge2]").replace("  backup: {hosts: [db1]}\n", "")
    changed = changed.replace("  - {from: backup, to: db, type: MIRRORS}\n", "").replace("none", "to")
    told = mesh.graph.load(changed)
    assert said(told) == {
        ("changed", "type", "MIRRORS"),
        ("changed", "service", "web"),
        ("removed", "service", "backup"),
        ("removed", "edge", "backup MIRRORS db"),
    }
    assert next(one for one in told.changes if one.name == "web").detail == "no type on edge -> no type on edge2"
    assert (HOST, "edge") not in mesh.graph.snapshot().ids


def test_a_file_with_errors_changes_nothing(mesh):
    """Not even the services before the error."""
    mesh.graph.load(ISSUED)
    with pytest.raises(Refused):
        mesh.graph.load("services: {new: {hosts: [h]}, bad: {}}")
    assert len(mesh.graph.list().rows) == 4


def test_who_loaded_what_stands_in_the_audit_log(mesh):
    """In the transaction that did it."""
    mesh.graph.load(ISSUED, "anna")
    deed = mesh.accounts.audit.list(1).rows[0]
    assert (deed.who, deed.did) == ("anna", "loaded the inventory")


def test_names_that_no_log_holds_are_told(mesh):
    """A service or host that is misspelt shows before it is missed."""
    take(mesh, line("up", service="mysqld.service"), "mariadb-vm")
    told = mesh.graph.load(ISSUED.replace("type: database", "type: database\n    aliases: [mysqld.service]"))
    assert told.unheard_services == ("devmesh-api", "devmesh-shipper", "ollama")
    assert told.unheard_hosts == ("dev-services", "gpu-node")


def test_services_are_known_by_what_logs_call_them(mesh):
    """By name and alias, with or without `.service`, instance numbers masked as intake masks them."""
    mesh.graph.load(SHOP)
    graph = mesh.graph.snapshot()
    for name in ("db", "db.service", "mysqld", "mysqld.service", "mariadb"):
        assert graph.service(name).name == "db"
    assert graph.service("mysql") is None


def test_people_ask_by_service_alias_or_host(mesh):
    """`host:` and `service:` say which where both have the name; who is unknown gets a near name."""
    mesh.graph.load("services: {dns: {hosts: [dns]}, web: {hosts: [dns]}}")
    graph = mesh.graph.snapshot()
    assert (graph.find("dns").kind, graph.find("host:dns").kind, graph.find("service:dns").kind) == (
        "service", "host", "service",
    )  # fmt: skip
    with pytest.raises(NotFound) as missing:
        graph.find("wep")
    assert "Did you mean web?" in missing.value.hint
    with pytest.raises(InvalidInput):
        graph.find("")


def test_all_means_every_node_that_is_known_now(mesh):
    """A node that comes later belongs to it; one that was retired does not."""
    mesh.graph.load(SHOP)
    assert len(mesh.graph.snapshot().needs[mesh.graph.snapshot().find("shipper").id]) == 4
    before = mesh.graph.snapshot()
    assert mesh.graph.snapshot() is before
    take(mesh, line("up"), "late1")
    graph = mesh.graph.snapshot()
    assert "late1" in {graph.things[one].name for one in graph.needs[graph.find("shipper").id]}
    assert graph.fingerprint != before.fingerprint
    mesh.nodes.retire("late1")
    assert mesh.graph.snapshot().fingerprint == before.fingerprint


def test_a_list_comes_in_pages(mesh):
    """By name, with a cursor."""
    mesh.graph.load(SHOP)
    first = mesh.graph.list(4)
    rest = mesh.graph.list(4, first.cursor)
    assert [one.name for one in (*first.rows, *rest.rows)] == sorted(
        ["db", "cache", "api", "web", "reports", "backup", "shipper"]
    )
    assert rest.cursor is None
