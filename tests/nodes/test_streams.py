"""A claim takes each number once, notices another history, and moves the stream's guard."""

from __future__ import annotations

import time
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bodies import rows
from devmesh.errors import InvalidInput, StreamForked
from devmesh.nodes import Claim, Gap, Heartbeat, StreamKey
from devmesh.nodes.ranges import NEWEST_MARKS, OLDER_MARKS

S = StreamKey("s1", 0)
epochs = count(1)  # each example of a law gets a stream of its own


@pytest.fixture
def node_id(mesh):
    """The node that speaks in this file."""
    return mesh.nodes.node_names.ids(["n1"])["n1"]


def claim(mesh, node_id, *ranges, key=S, x=None, prev=None):
    with mesh.db.write() as connection:
        return mesh.nodes.claim(connection, node_id, Claim(key, tuple(ranges), x, prev))


def state(mesh, key=S):
    return next(one for one in mesh.nodes.stream_states("n1") if one.key == key)


def numbers(ranges):
    return {number for first, last in ranges for number in range(first, last + 1)}


def test_each_number_is_taken_once(mesh, node_id):
    """What coverage holds is told as repeated, what it lacks is not, whatever the order of the claims."""
    assert claim(mesh, node_id, (10, 19)).repeated == ()
    assert claim(mesh, node_id, (15, 24)).repeated == ((15, 19),)
    assert claim(mesh, node_id, (1, 5)).repeated == ()
    found = claim(mesh, node_id, (1, 30))
    assert found.repeated == ((1, 5), (10, 24))
    assert found.coverage == ((1, 30),)
    assert state(mesh).coverage == ((1, 30),)


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(st.tuples(st.integers(0, 80), st.integers(0, 15)), min_size=1, max_size=10))
def test_claims_are_set_arithmetic(mesh, node_id, asked):
    """Over any order of claims, repeated is what earlier claims had, and the tables hold the sum of all."""
    key, seen = StreamKey("law", next(epochs)), set()
    for first, length in asked:
        wanted = set(range(first, first + length + 1))
        found = claim(mesh, node_id, (first, first + length), key=key)
        assert numbers(found.repeated) == wanted & seen
        seen |= wanted
        assert numbers(found.coverage) == seen
    assert numbers(state(mesh, key).coverage) == seen


def test_several_ranges_in_one_claim(mesh, node_id):
    """A claim may name several ranges: all of them are covered."""
    claim(mesh, node_id, (5, 6))
    found = claim(mesh, node_id, (1, 2), (5, 8), (11, 11))
    assert found.repeated == ((5, 6),)
    assert found.coverage == ((1, 2), (5, 8), (11, 11))


def test_every_claim_moves_the_guard(mesh, node_id):
    """The stream's version rises with each claim, repeats included: of two servers only one can commit."""
    for expected in range(1, 5):
        claim(mesh, node_id, (1, 2))
        assert rows(mesh, "SELECT version FROM streams") == [(expected,)]


def test_streams_do_not_mix(mesh, node_id):
    """Another epoch, another id or another node is another stream."""
    other = mesh.nodes.node_names.ids(["n2"])["n2"]
    claim(mesh, node_id, (1, 9))
    assert claim(mesh, node_id, (1, 9), key=StreamKey("s1", 1)).repeated == ()
    assert claim(mesh, node_id, (1, 9), key=StreamKey("s2", 0)).repeated == ()
    assert claim(mesh, other, (1, 9)).repeated == ()


def test_another_x_before_the_range_is_a_fork(mesh, node_id):
    """Where a mark stands at prev, another x is refused with coverage and marks, and nothing changes."""
    claim(mesh, node_id, (1, 9), x="a")
    with pytest.raises(StreamForked) as caught:
        claim(mesh, node_id, (10, 12), x="b", prev=(9, "other"))
    assert caught.value.details == {"coverage": [[1, 9]], "marks": [[9, "a"]]}
    assert state(mesh).coverage == ((1, 9),)
    assert claim(mesh, node_id, (10, 12), x="b", prev=(9, "a")).coverage == ((1, 12),)


def test_another_x_at_the_end_is_a_fork(mesh, node_id):
    """A restored journal that grew to the same number with another entry there is no repeat."""
    claim(mesh, node_id, (1, 9), x="a")
    with pytest.raises(StreamForked):
        claim(mesh, node_id, (4, 9), x="b")
    assert claim(mesh, node_id, (4, 9), x="a").repeated == ((4, 9),)


def test_with_no_mark_nothing_is_compared(mesh, node_id):
    """With prev at a number without a mark, the batch is taken as it is."""
    claim(mesh, node_id, (1, 9), x="a")
    assert claim(mesh, node_id, (21, 22), prev=(20, "z")).coverage == ((1, 9), (21, 22))


def test_marks_stay_bounded(mesh, node_id):
    """Three hundred commits leave the newest 32 marks and at most 32 older ones, and the first is among them."""
    for number in range(300):
        claim(mesh, node_id, (10 * number, 10 * number + 9), x=f"x{number}")
    marks = state(mesh).marks
    assert [seq for seq, _x in marks[:NEWEST_MARKS]] == [
        10 * number + 9 for number in range(299, 299 - NEWEST_MARKS, -1)
    ]
    assert len(marks) <= NEWEST_MARKS + OLDER_MARKS
    assert marks[-1] == (9, "x0")
    assert all(x == f"x{seq // 10}" for seq, x in marks)
    assert rows(mesh, "SELECT COUNT(*) FROM stream_marks")[0][0] < 100


@pytest.mark.parametrize("ranges", [(), ((3, 2),), ((-1, 4),), ((0, 2**63),)])
def test_no_range_is_refused(mesh, node_id, ranges):
    """What is no range changes nothing."""
    with pytest.raises(InvalidInput):
        claim(mesh, node_id, *ranges)
    assert rows(mesh, "SELECT * FROM stream_ranges") == []


def gap(first, last, reason="vacuumed"):
    return Heartbeat("a", gaps=(Gap(S, first, last, exact=True, reason=reason),))


def test_a_gap_is_stored_once_and_covers(mesh, node_id):
    """A gap told twice, or told wider, counts each lost number once; a later batch does not fill it."""
    claim(mesh, node_id, (1, 9))
    for beat in (gap(10, 19), gap(10, 19), gap(8, 21)):
        mesh.nodes.heartbeat("n1", beat)
    assert state(mesh).coverage == ((1, 21),)
    assert rows(mesh, "SELECT first_seq, last_seq FROM gaps ORDER BY 1") == [(10, 19), (20, 21)]
    assert mesh.nodes.list()[0].lost_entries == 12


def test_huge_gaps_do_not_break_the_list(mesh):
    """Whatever an agent claims to have lost, the list of nodes can still be made."""
    for epoch in range(3):
        beat = Heartbeat("a", gaps=(Gap(StreamKey("s", epoch), 1, 2**63 - 1, exact=False, reason="x"),))
        mesh.nodes.heartbeat("n1", beat)
    assert mesh.nodes.list()[0].lost_entries >= 2**64


def test_coverage_with_a_hole_after_each_number_costs_what_it_holds(mesh, node_id):
    """A filtered journal has a range for each entry; each is looked at a few times, not once for every other."""
    entries = 20_000

    def took_s(first):
        begun = time.process_time()
        found = claim(mesh, node_id, *[(seq, seq) for seq in range(first, first + 2 * entries, 2)])
        return time.process_time() - begun, len(found.repeated), len(found.coverage)

    first_s, repeated, covered = took_s(0)
    assert (repeated, covered) == (0, entries)
    again_s, repeated, covered = took_s(entries)
    assert (repeated, covered) == (entries // 2, entries + entries // 2)
    # Every range against every other would be half a billion comparisons: more than a hundred times as long.
    assert again_s < 10 * first_s + 1
