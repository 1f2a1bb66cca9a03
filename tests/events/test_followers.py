"""Whoever follows new events sees each commit once, in whatever order writers commit."""

from __future__ import annotations

import contextlib
import itertools
import threading

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from bodies import assert_totals, line, rows, run_whole, take
from devmesh.events import Filter, followers
from devmesh.events.tables import minute_counts

law = settings(
    max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
START_US = 10**15
SECOND_US = 1_000_000


def commit(mesh, number, created_us):
    with mesh.db.write() as connection:
        values = {"writer_id": 1, "first_ts_us": 0, "last_ts_us": 0, "first_id": 0, "last_id": 0, "blob": b""}
        connection.execute(insert(minute_counts).values(id=number, created_us=created_us, **values))


def step(mesh, at, limit):
    with mesh.db.read() as connection:
        found = followers.unseen(connection, at, limit)
    return at.after(found), [one.id for one in found]


@law
@given(
    delays=st.lists(st.integers(0, 55), min_size=1, max_size=25), every=st.integers(1, 4), limit=st.integers(1, 6),
    gap=st.integers(0, 40),
)  # fmt: skip
def test_each_commit_is_seen_once(mesh, delays, every, limit, gap):
    """Commits become visible up to 55 s after their time, in any order; a follower sees each exactly once."""
    with mesh.db.write() as connection:
        connection.exec_driver_sql("DELETE FROM minute_counts")
    made = [(START_US + number * gap * SECOND_US, number + 1) for number in range(len(delays))]
    order = sorted(zip(made, delays, strict=True), key=lambda pair: pair[0][0] + pair[1] * SECOND_US)
    at, seen = followers.Position(), []
    for place, ((created, number), _delay) in enumerate(order):
        commit(mesh, number, created)
        if place % every == 0:
            at, found = step(mesh, at, limit)
            seen += found
    while True:
        at, found = step(mesh, at, limit)
        if not found:
            break
        seen += found
    assert sorted(seen) == sorted(number for _created, number in made)


def test_a_position_survives_its_table(mesh):
    """What is saved is what is loaded, also after a restart."""
    at = followers.Position(5, frozenset({(1, 4), (2, 5)}))
    with mesh.db.write() as connection:
        followers.save(connection, "x", at)
    with mesh.db.read() as connection:
        assert followers.load(connection, "x") == at
        assert followers.load(connection, "new") == followers.Position()


def test_following_begins_now(mesh, clock):
    """A follower that begins now sees nothing of before, and everything after, oldest first, once."""
    take(mesh, line("before"), received_us=clock.now_us())
    at = mesh.events.here()
    assert mesh.events.follow(Filter(), at).events == []
    take(mesh, line("b", ts_us=clock.now_us() - 5) + line("a", ts_us=clock.now_us() - 9), received_us=clock.now_us())
    clock.advance(1)
    take(mesh, line("c"), received_us=clock.now_us())
    followed = mesh.events.follow(Filter(), at)
    assert [event.message for event in followed.events] == ["a", "b", "c"]
    assert mesh.events.follow(Filter(), followed.position).events == []


def test_following_filters(mesh, clock):
    """Only what matches is followed: by node, by word, by expression."""
    at = mesh.events.here()
    take(mesh, line("disk is dying") + line("all well"), "n1", received_us=clock.now_us())
    take(mesh, line("disk is fine"), "n2", received_us=clock.now_us())
    n1 = tuple(mesh.nodes.node_names.ids(["n1"]).values())
    for asked, expected in (
        (Filter(contains="DISK"), {"disk is dying", "disk is fine"}),
        (Filter(regex="d[iy]ing$"), {"disk is dying"}),
        (Filter(node_ids=n1, contains="disk"), {"disk is dying"}),
        (Filter(node_ids=()), set()),
    ):
        assert {event.message for event in mesh.events.follow(asked, at).events} == expected


def test_a_clock_that_steps_back_hides_no_commit(mesh, clock):
    """When the server's clock is set back an hour, followers and totals still see what is stored after it (F18)."""
    take(mesh, line("x"), received_us=clock.now_us())
    run_whole(mesh, "template-totals")
    at = mesh.events.here()
    clock.advance(-3600)
    take(mesh, line("x") * 2, received_us=clock.now_us())
    assert len(mesh.events.follow(Filter(), at).events) == 2
    _run_past_lease(mesh, clock)
    assert_totals(mesh)


def _run_past_lease(mesh, clock):
    clock.advance(1)
    run_whole(mesh, "template-totals")


def test_two_runs_of_one_loop_count_once(mesh, clock, monkeypatch):
    """`devmesh loops run` beside the running loop, in one process: no commit is added twice."""
    take(mesh, line("x") * 3, received_us=clock.now_us())
    mesh.runner.once("template-totals")
    take(mesh, line("x") * 3, received_us=clock.now_us())
    genuine, both = followers.unseen, threading.Barrier(2)

    def slow(connection, at, limit):
        found = genuine(connection, at, limit)
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait(0.5)
        return found

    monkeypatch.setattr(followers, "unseen", slow)
    threads = [threading.Thread(target=mesh.runner.once, args=("template-totals",)) for _each in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert_totals(mesh)
    assert rows(mesh, "SELECT SUM(event_count) FROM log_templates") == [(6,)]


def test_following_stops_after_two_seconds_and_goes_on(mesh, clock, monkeypatch):
    """Where each commit takes a second to look through, a call ends after three; the next ones bring the rest, once."""
    at = mesh.events.here()
    for number in range(7):
        take(mesh, line(f"e{number}", ts_us=clock.now_us() + number), received_us=clock.now_us())
    seconds = itertools.count()
    monkeypatch.setattr(clock, "monotonic_s", lambda: float(next(seconds)))
    seen = []
    for _ in range(3):
        found = mesh.events.follow(Filter(), at)
        at = found.position
        seen.append([event.message for event in found.events])
    assert seen == [["e0", "e1", "e2"], ["e3", "e4", "e5"], ["e6"]]
