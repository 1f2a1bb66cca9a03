"""The last heartbeat of each node, as others in the house read it."""

from __future__ import annotations

import json

import pytest

from bodies import NOW_US
from devmesh.api.heartbeat import parse_heartbeat
from devmesh.errors import InvalidInput
from devmesh.nodes import Heartbeat

S = 1_000_000


@pytest.mark.parametrize(
    ("said", "complete_us"),
    [
        ({}, NOW_US),
        ({"oldest_unsent_us": NOW_US - 50 * S}, NOW_US - 50 * S),
        ({"oldest_unsent_us": NOW_US + 50 * S}, NOW_US),
        ({"oldest_unsent_us": NOW_US - 3650 * S, "skew_us": -3600 * S, "skew_error_us": 1}, NOW_US - 50 * S),
        ({"oldest_unsent_us": NOW_US - 3650 * S, "clock_us": NOW_US - 3600 * S}, NOW_US - 50 * S),
    ],
)
def test_all_is_here_until_the_oldest_line_that_waits(mesh, said, complete_us):
    """In the server's time: a node whose clock is an hour behind does not look an hour behind with its lines."""
    mesh.nodes.heartbeat("n1", Heartbeat("x", **said))
    [beat] = mesh.nodes.beats()
    assert (beat.at_us, beat.complete_us, beat.retired) == (NOW_US, complete_us, False)


def test_what_an_agent_says_of_itself_arrives(mesh, clock):
    """Boot, start, time in vain, last word; each heartbeat takes the place of the one before; retiring shows."""
    body = {"boot_id": "b", "started_us": 5, "unanswered_us": 7, "leaving": "stopped"}
    mesh.nodes.heartbeat("n1", parse_heartbeat(json.dumps(body).encode()).as_heartbeat(None))
    [beat] = mesh.nodes.beats()
    assert (beat.boot_id, beat.started_us, beat.unanswered_us, beat.leaving) == ("b", 5, 7, "stopped")
    clock.advance(1)
    mesh.nodes.retire("n1")
    assert mesh.nodes.beats()[0].retired
    clock.advance(1)
    mesh.nodes.heartbeat("n1", parse_heartbeat(b"{}").as_heartbeat(None))
    [beat] = mesh.nodes.beats()
    assert (beat.started_us, beat.unanswered_us, beat.leaving, beat.retired) == (None, None, None, False)


@pytest.mark.parametrize("body", [{"started_us": "now"}, {"unanswered_us": -1}, {"leaving": "x" * 17}])
def test_fields_that_cannot_be_read_are_named(body):
    """A wrong type, a negative duration, a word that is too long."""
    with pytest.raises(InvalidInput, match=next(iter(body))):
        parse_heartbeat(json.dumps(body).encode())
