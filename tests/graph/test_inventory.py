"""Reading `inventory.yaml`: what loads, and what each error says of its place and of what would be right."""

from __future__ import annotations

import string
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inventories import ISSUED, SHOP

from devmesh.errors import TooLarge
from devmesh.graph import Edge, Fails, Refused
from devmesh.graph.inventory import read_inventory
from devmesh.graph.marks import MOST_BYTES, MOST_FAULTS


def test_the_documented_form_loads_as_it_stands():
    """What stands twice, below the service and among the edges, is one edge."""
    read = read_inventory(ISSUED)
    assert list(read.services) == ["mariadb", "devmesh-api", "ollama", "devmesh-shipper"]
    assert read.services["mariadb"].hosts == ("mariadb-vm",)
    assert read.services["devmesh-shipper"].everywhere
    assert set(read.edges) == {
        Edge("devmesh-api", "mariadb", "DEPENDS_ON"),
        Edge("devmesh-api", "ollama", "DEPENDS_ON"),
        Edge("devmesh-api", "ollama", "CALLS"),
    }


def test_types_of_ones_own_and_aliases_are_read():
    """An own type says which end fails."""
    read = read_inventory(SHOP)
    assert read.types == {"MIRRORS": Fails.NONE}
    assert read.services["db"].aliases == ("mysqld.service", "mariadb")


def test_the_simulated_fleet_has_the_same_form():
    """Its inventory loads here, too."""
    text = (files("devmesh.simulate") / "inventory.yaml").read_text("utf-8")
    assert len(read_inventory(text).services) == 25


A = "services: {a: {hosts: [h]}"
WRONG = [
    ("", 1, 1, "the file must be a mapping.", "NAME: VALUE"),
    ("hosts: {}", 1, 1, "the file has no 'hosts'.", "services, edges, types"),
    ("edges: []", 1, 1, "There are no services.", "services:"),
    ("services:\n  a: {}\n", 2, 3, "'a' runs nowhere.", "hosts: [all]"),
    ("services:\n  a: {hosts: h}\n", 2, 14, "A list is wanted here.", "[ONE, OTHER]"),
    ("services:\n  a: {host: [h]}\n", 2, 7, "'a' has no 'host'.", "Did you mean hosts?"),
    (A + ",\n a: {hosts: [h]}}", 2, 2, "'a' stands twice in services.", "line 1"),
    (A + ",\n b: {hosts: [h, h]}}", 2, 17, "'h' stands twice in this list.", "Keep one"),
    (A + ",\n b: {hosts: [h], depends_on: [c]}}", 2, 31, "There is no service 'c'.", "under services"),
    (A + ",\n bb: {hosts: [h], depends_on: [bb]}}", 2, 32, "'bb' leads to itself.", "Take it out."),
    (A + ",\n b: {hosts: [h], aliases: [a.service]}}", 2, 28, "'a.service' names 'a' already, in line 1.", "Keep one"),
    (A + "}\nedges:\n - {from: a, to: A2, type: CALLS}", 3, 18, "There is no service 'A2'.", "under services"),
    (A + "}\nedges:\n - {from: a}", 3, 4, "An edge has two ends.", "type: CALLS"),
    (A + ", b: {hosts: [h]}}\nedges:\n - {from: a, to: b, type: CALL}", 3, 27, "'CALL' is no type of edge.", "CALLS?"),
    (A + ", b: {hosts: [h]}}\nedges:\n - {from: a, to: b, type: RUNS_ON}", 3, 27, "Where a service runs", "hosts:"),
    (A + ", b: {hosts: [h]}}\nedges:\n - {from: a, to: b}\n - {from: a, to: b}", 4, 4, "This edge stands twice", "one"),
    (A + ", b: {hosts: [h]}}\nedges: [{from: a, to: b}, {from: a, to: b}]", 2, 27, "This edge stands twice", "one"),
    (A + "}\nedges: {from: a}", 2, 8, "edges must be a list.", "from: A"),
    (A + "}\ntypes: {CALLS: to}", 2, 9, "CALLS is known already.", "Take it out."),
    (A + "}\ntypes: {mine: to}", 2, 9, "'mine' is no type.", "Capital letters"),
    (A + "}\ntypes: {MINE: both}", 2, 15, "'both' is no end.", "from, to or none"),
    ("services:\n\ta: 1", 2, 1, "This is no YAML", "indentation"),
    ("services: {a: \x07}", 1, 15, "This is no YAML", "indentation"),
    ("services: {'': {hosts: [h]}}", 1, 12, "'' is no name.", "visible"),
    ("services: {'host:a': {hosts: [h]}}", 1, 12, "'host:a' begins like a question.", "Leave out"),
    ('services: {"a\\u0000b": {hosts: [h]}}', 1, 12, "is no name.", "visible"),
    ("a: '\ud800'", 1, 5, "This is no text.", "UTF-8"),
    ("services: {a: &x {hosts: [h]}}", 1, 15, "Anchors and aliases", "Write it out."),
    (A + "}\n---\nb: 1", 2, 1, "another document", "indentation"),
]


@pytest.mark.parametrize(("text", "line", "column", "what", "right"), WRONG)
def test_an_error_says_where_it_is_and_what_would_be_right(text, line, column, what, right):
    """Line and column from 1, as editors count."""
    with pytest.raises(Refused) as told:
        read_inventory(text)
    fault = told.value.faults[0]
    assert (fault.line, fault.column) == (line, column)
    assert what in fault.what
    assert right in fault.right


def test_all_errors_are_told_at_once_in_order_of_place():
    """Nobody loads a file fifty times; beyond fifty it is another file."""
    few = "services:\n" + "".join(f"  s{n}: {{}}\n" for n in range(3))
    with pytest.raises(Refused) as told:
        read_inventory(few, "mine.yaml")
    assert [one.line for one in told.value.faults] == [2, 3, 4]
    assert told.value.message.startswith("mine.yaml:2:3: 's0' runs nowhere. And 2 more.")
    many = "services:\n" + "".join(f"  s{n}: {{}}\n" for n in range(200))
    with pytest.raises(Refused) as told:
        read_inventory(many)
    assert len(told.value.faults) == MOST_FAULTS


def test_a_file_that_would_grow_is_refused_unread():
    """Billion laughs needs aliases; deep nesting and size are bounded before a tree is built."""
    laughs = "a: &a [x]\n" + "".join(f"b{n}: &b{n} [{', '.join(['*a'] * 9)}]\n" for n in range(9))
    for text in (laughs, "[" * 100_000, "services: " + "{a: " * 5_000):
        with pytest.raises(Refused):
            read_inventory(text)
    with pytest.raises(TooLarge):
        read_inventory("#" * (MOST_BYTES + 1))


def test_nothing_in_a_file_is_constructed():
    """A tag is no call: the text stays text."""
    with pytest.raises(Refused):
        read_inventory("services: !!python/object/apply:os.system [true]")


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet=string.printable + "é\u202e", max_size=80))
def test_whatever_a_file_holds_it_is_read_or_refused_with_its_place(text):
    """No other exception, and every place is in the file or right behind it."""
    faults = []
    try:
        read_inventory("services:\n  a: {hosts: [h]}\n" + text)
    except Refused as refused:
        faults = refused.faults
    lines = sum(text.count(end) for end in "\n\r\v\f") + 4
    assert all(1 <= one.line <= lines and one.column >= 1 for one in faults)
