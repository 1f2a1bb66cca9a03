"""A node that is gone for good is retired: left out until it speaks again."""

from __future__ import annotations

import pytest

from bodies import line, messages, take
from devmesh.errors import NotFound
from devmesh.house import health, overall
from devmesh.nodes import Heartbeat

HOUR_S = 3_600


def named(page):
    """(name, state) of each node."""
    return [(node.name, node.state) for node in page.rows]


def ailing(mesh):
    """The nodes that degrade health."""
    return [part.name for part in health(mesh) if part.state == "degraded" and part.name.startswith("node ")]


def test_a_retired_node_is_left_out_and_its_events_stay(mesh, clock):
    """Health is whole again, the list is without it unless asked, and what it said is found."""
    take(mesh, line("last words"), node="gone")
    for name in ("gone", "here"):
        mesh.nodes.heartbeat(name, Heartbeat("a"))
    clock.advance(HOUR_S)
    mesh.nodes.heartbeat("here", Heartbeat("a"))
    assert ailing(mesh) == ["node gone"]
    mesh.nodes.retire("gone")
    assert (ailing(mesh), overall(health(mesh))) == ([], "ok")
    assert named(mesh.nodes.list()) == [("here", "running")]
    assert named(mesh.nodes.list(retired=True)) == [("gone", "retired"), ("here", "running")]
    assert messages(mesh) == ["last words"]


@pytest.mark.parametrize("speaks", ["heartbeat", "event"])
def test_a_retired_node_that_speaks_is_back(mesh, clock, speaks):
    """By a heartbeat or an event; when it falls silent again, health says so again."""
    mesh.nodes.heartbeat("n1", Heartbeat("a"))
    clock.advance(HOUR_S)
    mesh.nodes.retire("n1")
    clock.advance(1)
    if speaks == "heartbeat":
        mesh.nodes.heartbeat("n1", Heartbeat("a"))
    else:
        take(mesh, line("back"), node="n1")
    assert named(mesh.nodes.list()) == [("n1", "running")]
    clock.advance(HOUR_S)
    assert ailing(mesh) == ["node n1"]
    mesh.nodes.retire("n1")
    assert ailing(mesh) == []


def test_only_who_is_known_can_retire(mesh):
    """A name that nobody has is told, and no node is made of it."""
    with pytest.raises(NotFound):
        mesh.nodes.retire("nobody")
    assert named(mesh.nodes.list(retired=True)) == []


def test_nodes_without_an_agent_ail_nobody(mesh, clock):
    """Importing a file once is no promise to go on: such a node falls silent without a word in health."""
    take(mesh, line("x"), node="imported")
    clock.advance(HOUR_S)
    assert ailing(mesh) == []
    assert named(mesh.nodes.list()) == [("imported", "silent")]
