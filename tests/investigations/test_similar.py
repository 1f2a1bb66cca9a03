"""What is recalled: the same sort of incident, and nothing where two sorts are too near or none is like it."""

from __future__ import annotations

import random
import time
from dataclasses import replace

from devmesh.detectors import About, Finding
from devmesh.investigations import recall, signature
from devmesh.investigations.similar import outvoted, recall_trusted

TEXTS = {1: "No space left on device", 2: "Out of memory: Killed process <n>", 3: "slow query <dur>", 4: "worker lost"}
SERVICES = {1: "api", 2: "mariadb", 3: "kernel"}
FULL = Finding(100, "primitive", "disk full", 2, 1, 1, 6.0, True, About.SELF, "")
KILLED = replace(FULL, kind="out of memory", service=3, family=2)
SLOW = replace(FULL, detector="louder", kind="louder in 5 min", service=1, family=3, weight=2.0)


def mark(*findings):
    """The signature of some findings."""
    return signature(findings, TEXTS, SERVICES)


def test_the_same_sort_is_recalled_on_another_service():
    """The latest of its sort, with what both have and what is missing now."""
    earlier = [mark(FULL, SLOW), mark(KILLED), mark(replace(FULL, node=3), SLOW), mark(KILLED, SLOW)]
    found = recall(mark(FULL), earlier)
    assert found is not None
    assert found.place == 2
    assert "disk full" in found.shared
    assert "says slow query <dur>" in found.missing


def test_what_was_never_there_recalls_nothing():
    """Nor does an empty memory."""
    assert recall(mark(replace(FULL, kind="unit failed", service=1, family=4)), [mark(FULL), mark(KILLED)]) is None
    assert recall(mark(FULL), []) is None


def test_two_sorts_that_are_as_near_recall_nothing():
    """Half like one and half like the other is like neither."""
    assert recall(mark(FULL, replace(KILLED, minute=101)), [mark(FULL), mark(KILLED)]) is None


def test_slight_and_late_findings_are_no_part_of_a_signature():
    """What is found an hour later is its consequence."""
    assert mark(FULL, replace(SLOW, weight=0.5), replace(KILLED, minute=160)) == mark(FULL)


def test_a_poisoned_memory_is_outvoted_by_two_bad_verdicts():
    """Then the one before it is recalled; one bad verdict, or noise against as many real, is not enough."""
    earlier = [mark(FULL, SLOW), mark(KILLED), mark(FULL)]
    believed = recall_trusted(mark(FULL), earlier, lambda place: place == 2 and outvoted(["noise"], ["buy a disk"]))
    assert believed is not None
    assert believed.place == 2
    for votes, notes in ((["noise", "noise"], []), (["noise"], ["Wrong: it was the log"]), ([], ["wrong", "wrong!"])):
        found = recall_trusted(mark(FULL), earlier, lambda place: place == 2 and outvoted(votes, notes))  # noqa: B023
        assert found is not None
        assert found.place == 0
    assert not outvoted(["noise", "noise", "real"], [])
    assert recall_trusted(mark(FULL), earlier, lambda _place: True) is None


def test_a_thousand_incidents_are_searched_in_a_twentieth_of_a_second():
    """In processor time."""
    draw = random.Random(1)  # noqa: S311
    earlier = [
        {f"says line {draw.randrange(400)} of a family <n>": 1.0 for _ in range(12)}
        | {f"who service {draw.randrange(25)}": 0.5 for _ in range(4)}
        | {draw.choice(["disk full", "silence", "unit failed"]): 1.5}
        for _ in range(1000)
    ]
    spent = []
    for place in (10, 500, 999):
        began = time.process_time()
        found = recall_trusted(earlier[place], earlier, lambda _place: False)
        spent.append(time.process_time() - began)
        assert found is not None
        assert found.place == place
    assert min(spent) < 0.05
