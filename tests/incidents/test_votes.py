"""Votes: what people say of incidents, and what it says of detectors."""

from __future__ import annotations

import pytest

from bodies import NOW_US
from devmesh.detectors import About, Finding
from devmesh.errors import InvalidInput, NotFound
from devmesh.incidents import queries
from devmesh.incidents.grouping import Incident
from devmesh.incidents.model import Part
from devmesh.incidents.votes import Precision, Votes

MINUTE = NOW_US // 60_000_000


@pytest.fixture
def votes(mesh, clock):
    """Of an empty house."""
    return Votes(mesh.db, clock)


def opened(mesh, number, *detectors):
    """The id of an incident in which these detectors found something, each twice."""
    one = Incident(MINUTE + number, MINUTE + number, MINUTE + number)
    for detector in detectors:
        one.add(Finding(MINUTE + number, detector, "k", 1, 1, 7, 4.0, False, About.SELF, "t"), "first")
    with mesh.db.write() as connection:
        key = queries.open_new(connection, one, "title", f"key-{number}", NOW_US)
        queries.take_part(connection, key, {Part(service, 1, name) for name in detectors for service in (1, 2)})
    return key


def test_each_person_has_one_vote_and_may_change_it(mesh, votes):
    """The last one holds."""
    one, other = opened(mesh, 1, "new"), opened(mesh, 2, "new")
    votes.vote(one, "noise", "anna")
    votes.vote(one, "real", "bert")
    votes.vote(one, "real", "anna")
    assert votes.of([one, other, 99]) == {one: {"bert": "real", "anna": "real"}}


def test_precision_counts_incidents_for_each_detector_in_them(mesh, votes):
    """By the majority; who disagree say nothing, and nobody's vote is no vote."""
    for number, (detectors, said) in enumerate(
        [
            (("new", "louder"), {"anna": "real"}),
            (("new",), {"anna": "real", "bert": "real", "carl": "noise"}),
            (("new",), {"anna": "noise"}),
            (("silence",), {"anna": "noise"}),
            (("new", "silence"), {"anna": "noise", "bert": "real"}),
            (("louder",), {}),
        ]
    ):
        key = opened(mesh, number, *detectors)
        for who, verdict in said.items():
            votes.vote(key, verdict, who)
    assert votes.precision() == {"louder": (1, 0), "new": (2, 1), "silence": (0, 1)}


def test_votes_follow_an_incident_that_was_merged(mesh, votes):
    """They count for the one that it went into, once."""
    one, into = opened(mesh, 1, "new"), opened(mesh, 2, "louder")
    votes.vote(one, "real", "anna")
    mesh.incidents.merge(one, into, "anna")
    assert votes.precision() == {"louder": (1, 0), "new": (1, 0)}


def test_a_share_is_shown_with_what_it_surely_is():
    """Wilson's lower end (values of the usual tables); nothing without votes."""
    assert Precision(0, 0).share is None
    assert Precision(0, 0).at_least is None
    assert Precision(9, 1).share == 0.9
    assert Precision(9, 1).at_least == pytest.approx(0.596, abs=0.001)
    assert Precision(1, 0).at_least == pytest.approx(0.207, abs=0.001)
    assert Precision(0, 5).at_least == 0.0


def test_what_is_no_vote_is_refused(mesh, votes):
    """With a hint; nobody's incident is not found."""
    one = opened(mesh, 1, "new")
    with pytest.raises(InvalidInput) as raised:
        votes.vote(one, "maybe", "anna")
    assert raised.value.hint
    for number in (0, one + 1, 2**70):
        with pytest.raises(NotFound):
            votes.vote(number, "real", "anna")
    assert votes.of([one]) == {}
