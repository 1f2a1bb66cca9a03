"""A claim takes each number once, notices another history, and moves the stream's guard."""

from __future__ import annotations

import time
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from bodies import rows
from devmesh.errors import InvalidInput, StreamForked
from devmesh.nodes import Claim, Gap, Heartbeat, StreamKey, coverage
from devmesh.nodes.ranges import FIRST_MARKS, NEWEST_MARKS, OLDER_MARKS, around
from devmesh.nodes.streams import MARKS_BEFORE_THINNING

S = StreamKey("s1", 0)
epochs = count(1)  # each example of a law gets a stream of its own


@pytest.fixture
def node_id(mesh):
    """The node that speaks in this file."""
    return mesh.nodes.node_names.ids(["n1"])["n1"]


def claim(mesh, node_id, *ranges, key=S, x=None, prev=None):
    with mesh.db.write() as connection:
        return mesh.nodes.claim(
            connection, node_id, Claim(key, tuple(ranges), () if x is None else ((ranges[-1][1], x),), prev)
        )


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
    assert numbers(state(mesh, key).coverage) == seen


def as_ranges(held):
    """A set of numbers as coverage has it, made one by one."""
    starts = [number for number in sorted(held) if number - 1 not in held]
    ends = [number for number in sorted(held) if number + 1 not in held]
    return list(zip(starts, ends, strict=True))


some_ranges = st.lists(
    st.tuples(st.integers(0, 600), st.sampled_from((0, 0, 0, 1, 2, 40))), min_size=1, max_size=60
).map(lambda pairs: tuple((first, first + more) for first, more in pairs))


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(some_ranges, min_size=1, max_size=8))
def test_claims_of_many_ranges_are_set_arithmetic(mesh, node_id, asked):
    """However many holes there are, a claim of many ranges does what sets of numbers do, and tells what is around it.

    That is the ranges that it lies in from now on, and the next one on either side.
    """
    key, seen = StreamKey("holes", next(epochs)), set()
    for ranges in asked:
        wanted = numbers(ranges)
        found = claim(mesh, node_id, *ranges, key=key)
        assert list(found.repeated) == as_ranges(wanted & seen)
        seen |= wanted
        whole = as_ranges(seen)
        mine = [number for number, one in enumerate(whole) if numbers([one]) & wanted]
        named = {mine[0] - 1, *mine, mine[-1] + 1}
        assert list(found.coverage) == [one for number, one in enumerate(whole) if number in named]
        assert list(state(mesh, key).coverage) == whole


def fill(mesh, stream_id, ranges):
    """Coverage of every tenth number, `ranges` of them, in one statement."""
    sql = """INSERT INTO stream_ranges WITH RECURSIVE k(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM k WHERE i < :n)
             SELECT :stream, 10 * i, 10 * i FROM k"""
    with mesh.db.write() as connection:
        connection.execute(text(sql), {"n": ranges, "stream": stream_id})


def cost_of_claim(mesh, node_id, key, *ranges):
    """(instructions of SQLite's machine in tens, rows written) of one claim. Reading a row takes a few instructions."""
    steps = count()
    with mesh.db.write() as connection:
        driver = connection.connection.driver_connection
        before = driver.total_changes
        driver.set_progress_handler(lambda: next(steps) < 0, 10)
        mesh.nodes.claim(connection, node_id, Claim(key, ranges))
        driver.set_progress_handler(None, 0)
        return next(steps), driver.total_changes - before


@pytest.mark.sqlite_only
@pytest.mark.parametrize("asked", [((500, 502),), ((9_995, 10_025),), ((511, 511), (9_001, 9_002), (19_010, 19_010))])
def test_a_claim_costs_what_it_touches(mesh, node_id, asked):
    """A stream with 100,000 ranges costs a claim no more rows than one with 2,000, wherever it falls."""
    costs = []
    for ranges in (2_000, 100_000):
        key = StreamKey("holes", next(epochs))
        fill(mesh, claim(mesh, node_id, (0, 0), key=key).stream_id, ranges)
        costs.append(cost_of_claim(mesh, node_id, key, *asked))
    assert costs[0][1] == costs[1][1] <= 12
    assert costs[1][0] <= costs[0][0] + 5
    assert costs[0][0] < 200


@pytest.mark.sqlite_only
def test_a_claim_at_either_end_costs_what_it_touches(mesh, node_id):
    """The first and the last of 100,000 ranges are found as cheaply as any."""
    key = StreamKey("holes", next(epochs))
    fill(mesh, claim(mesh, node_id, (0, 0), key=key).stream_id, 100_000)
    for asked in ((0, 3), (1_000_001, 1_000_009), (2_000_000, 2_000_000)):
        steps, written = cost_of_claim(mesh, node_id, key, asked)
        assert steps < 100
        assert written <= 4


@pytest.mark.sqlite_only
def test_a_claim_of_many_ranges_reads_about_as_many(mesh, node_id):
    """A thousand numbers between the first of 100,000 ranges are merged without a walk over the others."""
    key = StreamKey("holes", next(epochs))
    fill(mesh, claim(mesh, node_id, (0, 0), key=key).stream_id, 100_000)
    steps, written = cost_of_claim(mesh, node_id, key, *[(10 * number + 5,) * 2 for number in range(1_000)])
    assert written <= 1_010
    assert steps < 5_000


def test_what_is_near_is_found_wherever_a_page_ends(mesh, node_id):
    """What overlaps or adjoins, and the next one on either side, for every length of what is asked."""
    stream_id = claim(mesh, node_id, (0, 0)).stream_id
    fill(mesh, stream_id, 100)
    whole = [(10 * number, 10 * number) for number in range(101)]
    with mesh.db.read() as connection:
        for first in (0, 9, 10, 11, 495, 500, 990, 1_000, 1_005):
            for last in range(first, first + 160):
                found = coverage.near(connection, stream_id, [(first, last)])
                assert {*around(whole, [(max(first - 1, 0), last + 1)])} <= {*found} <= {*whole}
                assert found == sorted(found)


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
    """Three hundred commits leave the newest 32 marks, the first 64, and at most 32 between them."""
    for number in range(300):
        claim(mesh, node_id, (10 * number, 10 * number + 9), x=f"x{number}")
    marks = state(mesh).marks
    assert [seq for seq, _x in marks[:NEWEST_MARKS]] == [
        10 * number + 9 for number in range(299, 299 - NEWEST_MARKS, -1)
    ]
    assert len(marks) <= NEWEST_MARKS + OLDER_MARKS + FIRST_MARKS
    assert marks[-FIRST_MARKS:] == tuple((10 * n + 9, f"x{n}") for n in range(FIRST_MARKS))[::-1]
    assert all(x == f"x{seq // 10}" for seq, x in marks)
    assert rows(mesh, "SELECT COUNT(*) FROM stream_marks")[0][0] <= MARKS_BEFORE_THINNING


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
    assert mesh.nodes.list().rows[0].lost_entries == 12


def test_huge_gaps_do_not_break_the_list(mesh):
    """Whatever an agent claims to have lost, the list of nodes can still be made."""
    for epoch in range(3):
        beat = Heartbeat("a", gaps=(Gap(StreamKey("s", epoch), 1, 2**63 - 1, exact=False, reason="x"),))
        mesh.nodes.heartbeat("n1", beat)
    assert mesh.nodes.list().rows[0].lost_entries >= 2**64


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
    assert (repeated, covered) == (entries // 2, entries + 1)
    assert len(state(mesh).coverage) == entries + entries // 2
    # Every range against every other would be half a billion comparisons: more than a hundred times as long.
    assert again_s < 10 * first_s + 1
