"""Whom a question names: only who is there, guesses told, ordinary words left alone, all of it bounded."""

from __future__ import annotations

import time

import pytest

from devmesh.analysis.entities import Guess, Known, distance, entities_in
from devmesh.analysis.words import read

KNOWN = Known(
    ["nginx", "postgresql", "redis-server", "docs-api", "chat-api", "home-assistant", "status", "<b>x</b>"],
    ["web1", "db", "edge", "apps", "docker"],
    {"pg": "postgresql"},
)


def named(question, known=KNOWN):
    """What is found."""
    return entities_in(read(question).tokens, known, ())


@pytest.mark.parametrize(
    ("question", "services", "nodes"),
    [
        ("what failed on web1", [], ["web1"]),
        ("is NGINX up", ["nginx"], []),
        ("nginx.service on edge and apps", ["nginx"], ["edge", "apps"]),
        ("how is home assistant", ["home-assistant"], []),
        ("how is docs api", ["docs-api"], []),
        ("how is pg", ["postgresql"], []),
        ("what is the status of db", [], ["db"]),
        ("how is service status", ["status"], []),
        ("nobody is named here at all", [], []),
        ("what happened to wordpress", [], []),
    ],
)
def test_names_that_there_are(question, services, nodes):
    """By name, alias, several words; a common word only behind one that says it is a name."""
    found = named(question)
    assert (list(found.services), list(found.nodes)) == (services, nodes)
    assert not found.guesses


@pytest.mark.parametrize(
    ("question", "name", "said"),
    [
        ("how is redis", "redis-server", "redis"),
        ("how is ngnix", "nginx", "ngnix"),
        ("state of postgressql", "postgresql", "postgressql"),
        ("errors on egde", "edge", "egde"),
        ("state of postgres", "postgresql", "postgres"),
    ],
)
def test_guesses_are_told(question, name, said):
    """The first part of a name, one or two typing errors."""
    found = named(question)
    assert found.guesses == (Guess(said, name),)
    assert name in (*found.services, *found.nodes)


@pytest.mark.parametrize("question", ["say app", "the api is slow", "is it on web2", "how do I bake an apple pie"])
def test_what_may_be_several_or_is_far_is_no_guess(question):
    """Rather nobody than the wrong one."""
    assert named(question).services == ()
    assert named(question).guesses == () or "web1" in named(question).nodes


def test_ids():
    """Families, templates, incidents, events, severity."""
    found = named("critical f12 t345 in incident 3, incident #4 and 1795360864569955-42")
    assert found.families == ("f12", "t345")
    assert found.incidents == (3, 4)
    assert found.events == ("1795360864569955-42",)
    assert found.severity == "critical"


def test_distance():
    """Insert, drop, change, swap; no more work than the bound asks for."""
    assert [distance("nginx", one, 2) for one in ("nginx", "ngnix", "ngin", "nginxx", "mginy", "apache")] == [
        0,
        1,
        1,
        1,
        2,
        3,
    ]
    assert distance("a" * 1_000, "b" * 1_000, 2) == 3


def test_work_is_bounded_by_the_names_and_the_question():
    """Ten thousand services and a question of nothing but misspelt names end soon."""
    many = Known([f"service-number-{n}" for n in range(10_000)], [f"node{n}" for n in range(1_000)])
    began = time.process_time()
    found = named("is " + " is ".join(f"servise-nunber-{n}x" for n in range(60)), many)
    assert time.process_time() - began < 5
    assert len(found.guesses) <= 3
