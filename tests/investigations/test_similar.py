"""What is recalled: the same sort of incident, and nothing where two sorts are too near or none is like it."""

from __future__ import annotations

import random
import time
from dataclasses import replace

from devmesh.detectors import About, Finding
from devmesh.investigations import Signature, recall, roles_of, signature
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
    earlier = []
    for _ in range(1000):
        lines = {f"line {draw.randrange(400)} of a family <n>": draw.randrange(30) for _ in range(12)}
        marks = {f"says {one}": 1.0 for one in lines} | {f"runs service {draw.randrange(25)}": 0.2 for _ in range(6)}
        marks |= {f"who service {draw.randrange(25)}": 0.5 for _ in range(4)}
        earlier.append(Signature(marks | {draw.choice(["disk full", "silence", "unit failed"]): 1.5}, lines))
    spent = []
    for place in (10, 500, 999):
        began = time.process_time()
        found = recall_trusted(earlier[place], earlier, lambda _place: False)
        spent.append(time.process_time() - began)
        assert found is not None
        assert found.place == place
    assert min(spent) < 0.05


NOISE = [f"WARNING: something ordinary number {n}" for n in "abcdefgh"]
KINDS = ("disk full", "unit failed", "connection refused", "out of memory", "silence")
FLEET = [(service, node) for node in range(12) for service in {90, 91, 10 + node % 4, 20 + node % 3}]
ROLES = roles_of(FLEET, NAMES := {number: f"service {number}" for number in range(100)})


def happened(sort: int, draw: random.Random) -> Signature:
    """A fault of a sort as it shows this time: most of its lines, in its order, on a node of its sort, among noise."""
    made = random.Random(sort)  # noqa: S311
    lines, kind = [f"fault {sort} says {n}" for n in range(made.randint(3, 8))], made.choice(KINDS)
    node = draw.choice([one for one in range(12) if one % 4 == sort % 4])
    texts = dict(enumerate([*lines, *draw.sample(NOISE, 2)], 1))
    shown = [number for number in texts if number > len(lines) or draw.random() < 0.8] or [1]
    return signature(
        [
            replace(FULL, minute=100 + place, kind=kind, service=10 + sort % 4, node=node, family=number)
            for place, number in enumerate(shown)
        ],
        texts, NAMES, ROLES,
    )  # fmt: skip


def test_eight_sorts_of_five_are_known_again_and_twenty_others_are_not():
    """The last of each sort is held out: at least nine of ten are recalled rightly, one of twenty others at most."""
    held = right = false = 0
    for seed in range(5):
        draw = random.Random(seed)  # noqa: S311
        order = [sort for _ in range(4) for sort in range(8)]
        earlier = [happened(sort, draw) for sort in order]
        for sort in range(8):
            found = recall(happened(sort, draw), earlier)
            held, right = held + 1, right + (found is not None and order[found.place] == sort)
        wrong = sum(recall(happened(sort, draw), earlier) is not None for sort in range(100, 120))
        assert wrong <= 1
        false += wrong
    assert right / held >= 0.9
    assert false <= 2


def test_a_card_says_what_is_the_same_and_what_is_not():
    """How many of its lines, in which order, on a node of which role; and which line is missing now."""
    texts = {n: f"line {n}" for n in range(1, 7)}
    roles = roles_of([(1, 1), (1, 2), (2, 3), (3, 4)], {1: "zfs", 2: "nginx", 3: "redis"})
    assert roles == {1: ["zfs"], 2: ["zfs"], 3: ["nginx"], 4: ["redis"]}

    def mark(node, *minutes):
        found = [replace(FULL, minute=minute, node=node, family=n) for n, minute in minutes]
        return signature(sorted(found, key=lambda one: one.minute), texts, SERVICES, roles)

    past = mark(1, (1, 100), (2, 101), (3, 102), (4, 103), (5, 104), (6, 105))
    found = recall(mark(2, (1, 100), (2, 102), (3, 103), (4, 104), (5, 106)), [past])
    assert found is not None
    assert found.same == "same 5 of 6 lines, same order, on a node with the same role"
    assert found.missing == ("says line 6",)
    turned = recall(mark(3, (5, 100), (4, 102), (3, 103), (2, 104), (1, 106)), [past])
    assert turned is not None
    assert turned.same == "same 5 of 6 lines, in another order, on a node with another role"
    assert turned.alike < found.alike
