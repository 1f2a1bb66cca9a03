"""Inventories: the default one, other people's, and those that cannot be read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_days import HOUR_US, MONDAY_US, lines_of, simulation

from devmesh.simulate import KINDS, Simulation, SimulationError, Wish, default_inventory, read_inventory

EXAMPLE = """
services:
  mariadb:
    hosts: [mariadb-vm]
    type: database
  devmesh-api:
    hosts: [dev-services]
    depends_on: [mariadb, ollama]
    type: api
  ollama:
    hosts: [gpu-node]
    type: inference
  devmesh-shipper:
    hosts: [all]
    type: agent
edges:
  - from: devmesh-api
    to: mariadb
    type: DEPENDS_ON
  - from: devmesh-api
    to: ollama
    type: CALLS
"""


def test_the_default_fleet_is_eight_nodes_and_about_25_services():
    """And everything that is declared speaks, under its own name, within a day."""
    inventory = default_inventory()
    assert len(inventory.nodes) == 8
    assert len(inventory.services) == 25
    made = simulation(days=1)
    speak = {one.run.source.service for one in lines_of(made)}
    assert inventory.services.keys() - speak == {"docker"} - speak


def test_the_example_of_the_documentation_loads():
    """`all` is every node that others name; edges and depends_on come together."""
    inventory = read_inventory(EXAMPLE, "inventory.yaml")
    assert inventory.nodes == ("mariadb-vm", "dev-services", "gpu-node")
    assert inventory.services["devmesh-shipper"].hosts == inventory.nodes
    assert inventory.needs["devmesh-api"] == ("mariadb", "ollama")
    assert inventory.downstream("mariadb") == {"devmesh-api": 1}


def test_an_edge_that_feeds_a_database_to_a_service_points_the_other_way():
    """PROVIDES_DB_FOR: who is named second fails when the first does; edges of one's own types mean nothing here."""
    services = "services: {a: {hosts: [n]}, b: {hosts: [n]}, c: {hosts: [n]}}\n"
    edges = "edges: [{from: a, to: b, type: PROVIDES_DB_FOR}, {from: c, to: a, type: LIKES}]"
    inventory = read_inventory(services + edges, "i")
    assert inventory.needs == {"a": (), "b": ("a",), "c": ()}


def test_services_in_a_circle_and_of_unknown_types_speak_and_fail():
    """Generic lines, on every transport; a cascade through a circle ends."""
    text = """services:
  one: {hosts: [n1], type: mystery, depends_on: [two]}
  two: {hosts: [n2], type: mystery, depends_on: [three]}
  three: {hosts: [n1, n2], depends_on: [one]}
"""
    inventory = read_inventory(text, "i")
    made = simulation(Wish("crash-loop", MONDAY_US + HOUR_US), inventory=inventory, days=0.2)
    assert {"one", "two", "three"} <= {service for service, _node in made.truths[0].affected}
    assert {"one", "two", "three"} <= {one.run.source.service for one in lines_of(made)}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_fleet_of_one_service_can_have_a_fault_or_is_told_that_it_cannot(kind):
    """Never anything but the error of this room."""
    inventory = read_inventory("services: {thing: {hosts: [n]}}", "i")
    try:
        made = simulation(Wish(kind, MONDAY_US + HOUR_US), inventory=inventory, days=0.1)
    except SimulationError as error:
        assert kind in error.message  # noqa: PT017 - the other outcome is right, too
    else:
        assert made.truths[0].kind == kind


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "i:1: the file is no mapping"),
        ("- a\n- b\n", "i:1: the file is no mapping"),
        ("hosts: {}\n", "i:1: the file has no 'hosts'"),
        ("edges: []\n", "i:1: there are no services"),
        ("services: {}\n", "no service names a node"),
        ("services:\n  a: {hosts: [all]}\n", "i:1: no service names a node"),
        ("services:\n  a: {type: api}\n", "i:2: a runs nowhere"),
        ("services:\n  a: {hosts: []}\n", "i:2: a runs nowhere"),
        ("services:\n  a: {hosts: n1}\n", "i:2: a list is wanted here"),
        ("services:\n  a: {hosts: [n1], hots: [n2]}\n", "i:2: a has no 'hots'"),
        ("services:\n  a: {hosts: [n1]}\n  a: {hosts: [n2]}\n", "i:3: a stands twice in services"),
        ("services:\n  a: {hosts: [n1], depends_on: [a]}\n", "i:2: a depends on itself"),
        ("services:\n  a: {hosts: [n1], depends_on: [b]}\n", "i:2: a names 'b', which is no service"),
        ("services:\n  a: {hosts: [n1]}\nedges:\n  - {from: a, to: b}\n", "i:4: an edge names 'b'"),
        ("services:\n  a: {hosts: [n1]}\nedges:\n  - {from: a, to: a}\n", "i:4: an edge leads from a to itself"),
        ("services:\n  a: {hosts: [n1]}\nedges:\n  - {from: a}\n", "i:4: an edge needs both ends"),
        ("services:\n  a: {hosts: [n1]}\nedges: {}\n", "i:3: edges is no list"),
        ('services:\n  "a b": {hosts: [n1]}\n', "i:2: 'a b' is no name"),
        ('services:\n  a: {hosts: ["n\\n1"]}\n', "is no name"),
        ('services:\n  a: {hosts: ["\\"}x"]}\n', "is no name"),
        ("services:\n  a: {hosts: [[n1]]}\n", "i:2: a word is wanted here"),
        ("services: [\n", "i:2 is no YAML"),
        ("services: \x00\n", "is no YAML"),
        ("services: *nobody\n", "is no YAML"),
        ("services: !!python/object/apply:os.system [id]\n", "i:1: services is no mapping"),
        ("[" * 5_000, "nested too deeply|is no YAML"),
        ("x" * (1 << 20) + "x", "larger than an inventory"),
        ("services:\n" + "".join(f"  s{n}: {{hosts: [n{n}]}}\n" for n in range(600)), "more than 500 nodes"),
        ("services:\n" + "".join(f"  s{n}: {{hosts: [n]}}\n" for n in range(2_001)), "more than 2,000 services"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(text, words):
    """And what would be right."""
    with pytest.raises(SimulationError, match=words):
        read_inventory(text, "i")


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60), st.text(max_size=20))
def test_any_text_is_an_inventory_or_an_error(text, name):
    """Never another exception; a name that is taken goes through to the lines unharmed."""
    for one in (text, f"services: {{{name}: {{hosts: [n]}}}}", f"services: {{a: {{hosts: [{name}]}}}}"):
        try:
            inventory = read_inventory(one, "i")
        except SimulationError:
            continue
        Simulation(inventory, 1, MONDAY_US, MONDAY_US + HOUR_US)
