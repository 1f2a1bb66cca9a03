"""Loops: one process runs each, a lost lease rolls back, a fault backs off and is told, nothing stops the house."""

from __future__ import annotations

import itertools
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.exceptions import PanicException
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from bodies import line, rows, take
from devmesh.clock import FakeClock
from devmesh.db.again import TIMES, Contended
from devmesh.errors import NotFound, Unavailable
from devmesh.loops import LeaseLost, Loop, Runner
from devmesh.loops.lease import LEASE_US, Lease
from devmesh.loops.lease import take as take_lease
from devmesh.loops.runner import BACKOFF_MAX_S, RENEW_S, STUCK_S, due_in_s

LEASE_S = LEASE_US / 1e6


def loop(step=lambda _limit, _lease: 0, **more):
    return Loop("work", 10.0, step, **{"limit": 5, **more})


@settings(derandomize=True, deadline=None)
@given(st.integers(0, 9), st.integers(0, 60))
def test_when_a_loop_is_due(done, failures):
    """At once after a full batch, in its rhythm otherwise, doubling with failures up to a bound."""
    wait_s = due_in_s(loop(), done, failures)
    if failures:
        assert 10.0 <= wait_s <= BACKOFF_MAX_S
        assert wait_s <= due_in_s(loop(), done, failures + 1)
    else:
        assert wait_s == (0.0 if done >= 5 else 10.0)


def test_one_process_has_the_lease(mesh, clock):
    """While one holds it another does not get it; after its time another does, in a higher term."""
    mine = take_lease(mesh.db, clock, "work", "a")
    assert take_lease(mesh.db, clock, "work", "b") is None
    assert take_lease(mesh.db, clock, "work", "a").term == mine.term
    clock.advance(LEASE_S + 1)
    theirs = take_lease(mesh.db, clock, "work", "b")
    assert theirs.term > mine.term


def test_a_lease_that_nobody_took_goes_on(mesh, clock):
    """A holder that was idle for longer than its lease is still in its term: it need not read its tables again."""
    mine = take_lease(mesh.db, clock, "work", "a")
    clock.advance(LEASE_S + 1)
    again = take_lease(mesh.db, clock, "work", "a")
    assert again == mine
    assert take_lease(mesh.db, clock, "work", "b") is None
    clock.advance(LEASE_S + 1)
    theirs = take_lease(mesh.db, clock, "work", "b")
    assert take_lease(mesh.db, clock, "work", "a") is None
    with pytest.raises(LeaseLost), again.write():
        pass
    with theirs.write():
        pass


def test_who_slept_through_its_lease_commits_nothing(mesh, clock):
    """The fence: a step whose loop another process took meanwhile rolls back as a whole."""
    mine = take_lease(mesh.db, clock, "work", "a")
    clock.advance(LEASE_S + 1)
    take_lease(mesh.db, clock, "work", "b")
    with pytest.raises(LeaseLost), mine.write() as connection:
        connection.execute(text("INSERT INTO nodes (name, created_us) VALUES ('x', 1)"))
    assert rows(mesh, "SELECT * FROM nodes") == []


def test_work_renews_the_lease(mesh, clock):
    """Who commits keeps the lease."""
    mine = take_lease(mesh.db, clock, "work", "a")
    for _each in range(3):
        clock.advance(LEASE_S - 1)
        with mine.write():
            pass
    assert take_lease(mesh.db, clock, "work", "b") is None


def test_a_step_that_takes_minutes_keeps_its_lease(mesh, clock):
    """It is renewed while the step works; a step that hangs is not waited for."""

    def step(_limit, lease):
        for _each in range(6):
            clock.advance(LEASE_S - 1)
            runner.renew()
            assert take_lease(mesh.db, clock, "work", "other") is None
        with lease.write():
            pass
        clock.advance(STUCK_S)
        runner.renew()
        assert take_lease(mesh.db, clock, "work", "other") is not None
        with pytest.raises(LeaseLost):
            lease.renew()
        runner.renew()
        return 1

    runner = Runner(mesh.db, clock, "me", [loop(step)])
    assert runner.once("work") == 1


def test_leases_are_renewed_by_themselves(mesh, monkeypatch):
    """Beside the loops, well within a lease, until the stop."""
    assert RENEW_S < LEASE_S / 2
    monkeypatch.setattr("devmesh.loops.runner.RENEW_S", 0.001)
    runner, renewed = Runner(mesh.db, StandingClock(), "me", [loop()]), threading.Event()
    monkeypatch.setattr(runner, "renew", renewed.set)
    runner.start()
    assert renewed.wait(20)
    runner.stop()
    assert all(not thread.is_alive() for thread in runner._threads)


def test_a_fault_while_leases_are_renewed_is_told_and_survived(mesh, clock, monkeypatch, caplog):
    """Whatever the store's driver raises: the thread goes on, or every long step would lose its lease."""

    def broken(_lease):
        raise OperationalError("UPDATE loops", {}, OSError("no such socket"))

    def step(_limit, _lease):
        runner.renew()
        return 1

    monkeypatch.setattr(Lease, "renew", broken)
    runner = Runner(mesh.db, clock, "me", [loop(step)])
    assert runner.once("work") == 1
    assert "no such socket" in caplog.text
    runner.stop()


def test_a_step_by_hand_is_renewed_too(mesh, clock, monkeypatch):
    """A command starts no loops; its step may take minutes all the same. Nobody is left behind after the stop."""
    monkeypatch.setattr("devmesh.loops.runner.RENEW_S", 0.001)
    renewed = threading.Event()
    runner = Runner(mesh.db, clock, "me", [loop(lambda _limit, _lease: int(renewed.wait(20)))])
    monkeypatch.setattr(runner, "renew", renewed.set)
    assert runner.once("work") == runner.once("work") == 1
    runner.stop()
    assert [thread.is_alive() for thread in runner._threads] == [False]


def test_a_loop_of_every_process_has_no_lease_to_renew(mesh, clock, caplog):
    """It says nothing of one that is lost."""

    def step(_limit, _lease):
        runner.renew()
        return 1

    runner = Runner(mesh.db, clock, "me", [loop(step, everywhere=True)])
    assert runner.once("work") == 1
    assert "not renewed" not in caplog.text
    runner.stop()


def test_a_step_that_fails_backs_off_and_is_told(mesh):
    """A loop whose step raises goes on, later and later, says so in its state, and recovers."""
    clock, calls, done = FakeClock(), [], threading.Event()

    def step(_limit, _lease):
        calls.append(clock.now_us())
        if len(calls) <= 3:
            raise (Unavailable("the gateway is away"), ZeroDivisionError, PanicException)[len(calls) - 1]
        done.set()
        return 0

    runner = Runner(mesh.db, clock, "me", [loop(step)])
    runner.start()
    assert done.wait(20)
    runner.stop()
    waits = [(later - earlier) / 1e6 for earlier, later in itertools.pairwise(calls)]
    assert waits == [10.0, 20.0, 40.0]


@pytest.mark.parametrize(("contended", "calls", "failed"), [(2, 3, False), (99, 1 + TIMES, True)])
def test_a_step_in_whose_way_another_was_runs_again(mesh, contended, calls, failed):
    """A deadlock with another server is no failure: the whole step again, after a moment. One that never ends is."""
    clock, called = FakeClock(), []

    def step(_limit, _lease):
        called.append(1)
        if len(called) <= contended:
            raise Contended("Another one was in its way.", retry_after_s=1)
        return 3

    runner, begun = Runner(mesh.db, clock, "me", [loop(step)]), clock.monotonic_s()
    done, error = runner._step(loop(step), 0)
    assert (len(called), done, error is not None) == (calls, 0 if failed else 3, failed)
    assert 0 < clock.monotonic_s() - begun < 10


def test_a_failing_loop_degrades_health(mesh, monkeypatch):
    """/health names the loop that fails and why."""
    from devmesh.house import health

    seen = threading.Event()

    def step(_limit, _lease):
        if seen.is_set():
            raise SystemExit
        seen.set()
        raise ZeroDivisionError("no such thing")

    clock = StandingClock()
    runner = Runner(mesh.db, clock, "me", [loop(step)])
    runner.start()
    assert clock.waiting.wait(20)
    state = runner.states()[0]
    assert (state.failures, "ZeroDivisionError" in state.last_error) == (1, True)
    monkeypatch.setattr(mesh.runner, "states", runner.states)
    part = next(one for one in health(mesh) if one.name == "loop work")
    assert part.state == "degraded"
    assert "no such thing" in part.reason
    runner.stop()


class StandingClock(FakeClock):
    """Time that stands still while somebody waits."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = threading.Event()

    def wait(self, seconds, stop):
        """Until the stop."""
        del seconds
        self.waiting.set()
        return stop.wait(20)


def test_full_batches_follow_each_other(mesh):
    """After a full batch the next comes at once; the loop stops when told."""
    clock, left = StandingClock(), [5, 5, 3]
    runner = Runner(mesh.db, clock, "me", [loop(lambda _limit, _lease: left.pop(0))])
    runner.start()
    assert clock.waiting.wait(20)
    assert left == []
    runner.stop()
    assert all(not thread.is_alive() for thread in runner._threads)


def test_a_loop_of_every_process_is_told(mesh):
    """It has no lease and no row: this process tells what it saw, and another that it runs in each server."""
    clock = StandingClock()
    mine, other = (
        Runner(mesh.db, clock, name, [loop(lambda _limit, _lease: 3, everywhere=True)]) for name in ("me", "other")
    )
    mine.start()
    assert clock.waiting.wait(20)
    (here,), (there,) = mine.states(), other.states()
    assert (here.everywhere, here.last_run_us, here.last_done) == (True, clock.now_us(), 3)
    assert (there.everywhere, there.last_run_us) == (True, None)
    mine.stop()


def test_a_loop_by_hand(mesh, clock):
    """`once` runs one step; an unknown name is told, as is a loop that another process runs."""
    take(mesh, line("x"), received_us=clock.now_us())
    assert mesh.runner.once("template-totals") == 1
    assert mesh.runner.once("template-totals") == 0
    with pytest.raises(NotFound):
        mesh.runner.once("no-such")
    clock.advance(LEASE_S + 1)
    take_lease(mesh.db, clock, "template-totals", "another")
    with pytest.raises(Unavailable):
        mesh.runner.once("template-totals")
    take_lease(mesh.db, clock, "keep-graph", "one that was killed")
    assert mesh.runner.once("keep-graph") == 0  # each process has its own


def test_all_loops_run_in_the_real_house(make_mesh):
    """Every loop of the house can take a step over an empty store and over one with events."""
    mesh = make_mesh()
    names = [state.name for state in mesh.runner.states()]
    assert {"template-totals", "join-minutes", "fold-days", "expire-events", "assign-families"} <= set(names)
    for _twice in range(2):
        for name in names:
            mesh.runner.once(name)
        take(mesh, line("x") * 10)
    assert all(state.failures == 0 for state in mesh.runner.states())


def test_a_loop_that_found_nothing_to_do_ran(mesh, clock):
    """Who looks sees when it ran last, not when it last had work; without a write for each idle step."""
    runner = Runner(mesh.db, clock, "a", [loop()])
    runner._step(runner._loops["work"], 0)
    clock.advance(30)
    runner._step(runner._loops["work"], 0)
    [state] = runner.states()
    assert state.last_run_us == clock.now_us()
    assert rows(mesh, "SELECT last_run_us FROM loops WHERE name = 'work'") == [(clock.now_us() - 30_000_000,)]
