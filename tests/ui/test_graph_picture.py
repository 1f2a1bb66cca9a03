"""What the page of the graph draws of a fleet that is too large for one picture; without a browser."""

from __future__ import annotations

import json

import pytest

from devmesh.ui.graph import data
from devmesh.ui.graph_picture import FEW_SHOWN, Shape

SERVICES, HOSTS = 700, 350

pytestmark = pytest.mark.sqlite_only  # how the graph is stored on both, test_loading.py tries


@pytest.fixture
def look(mesh):
    """`look(of, asked)`: the page over 700 services, two on a host; each needs the one before it, and all need s0."""
    needs = {n: sorted({"s0", f"s{n - 1}"} if n else ()) for n in range(SERVICES)}
    services = {f"s{n}": {"hosts": [f"host{n % HOSTS}"], "depends_on": some} for n, some in needs.items()}
    mesh.graph.load(json.dumps({"services": services}))
    shape = Shape(mesh.graph.snapshot())
    return lambda of="", asked="": data(mesh, shape, of, asked)


def names(told):
    """Of what is drawn."""
    return [one["name"] for one in told["picture"]["things"]]


def test_too_many_are_drawn_as_places(look):
    """As many places as one picture holds, with how many services each has; what has no room is counted."""
    told = look()
    picture = told["picture"]
    assert (picture["scope"], len(picture["things"]), picture["left_out"]) == ("hosts", FEW_SHOWN, HOSTS - FEW_SHOWN)
    assert {one["n"] for one in picture["things"]} == {SERVICES // HOSTS}
    assert (told["services"], told["hosts"]) == (SERVICES, HOSTS)


def test_who_is_chosen_is_drawn_with_those_within_two_steps(look):
    """Services either way, a host's own first; never more than one picture holds, the nearest first."""
    assert set(names(look("s350"))[:4]) == {"s350", "s349", "s351", "s0"}
    picture = look("s350")["picture"]
    assert (picture["scope"], len(picture["things"]), picture["left_out"]) == ("near", FEW_SHOWN, SERVICES - FEW_SHOWN)
    assert set(names(look("host:host7"))[:2]) == {"s7", "s357"}
    assert look("host:host7")["chosen"]["kind"] == "host"


def test_who_is_looked_for_is_drawn(look):
    """By a part of a name or of a host's; nobody is nobody."""
    assert names(look("", "S69")) == ["s69", *(f"s{n}" for n in range(690, 700))]
    assert names(look("", "host349")) == ["s349", "s699"]
    assert names(look("", "nowhere")) == []


def test_who_is_not_there_is_said(look):
    """And the page is drawn all the same."""
    told = look("s9999")
    assert "no service and no host 's9999'" in told["missing"]
    assert told["picture"]["scope"] == "hosts"
    assert "chosen" not in told


def test_without_an_inventory_there_is_no_picture(mesh):
    """The page says what to type."""
    assert data(mesh, Shape(mesh.graph.snapshot()), "s1", "")["picture"] is None
