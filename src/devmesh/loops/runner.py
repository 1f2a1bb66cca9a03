"""The Runner: one thread for each loop, at its own pace, with back-off when something it needs is away; and one that
renews the leases of steps that take long, or two servers would take each other's for ever.

`due_in_s` is pure: what happened decides when to call again. Stop is an event, never a kill.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from polars.exceptions import PanicException
from sqlalchemy import select

from devmesh.clock import Clock
from devmesh.db import Database
from devmesh.db.again import Contended, pauses_s
from devmesh.errors import DevMeshError, NotFound, Unavailable
from devmesh.loops.lease import Lease, LeaseLost, release, take
from devmesh.loops.tables import loops

log = logging.getLogger(__name__)

BACKOFF_MAX_S = 300.0
RENEW_S = 20.0
STUCK_S = 900.0  # a step that takes so long hangs: somebody else may try
FAULTS = (Exception, PanicException)  # a panic of polars is no Exception


@dataclass(frozen=True)
class Loop:
    """A room's step with a rhythm.

    `step(limit, lease)` handles at most `limit` things, commits through `lease.write()` and returns how many it did.
    """

    name: str
    every_s: float
    step: Callable[[int, Lease], int]
    limit: int = 1_000
    everywhere: bool = False  # runs in every process, without a lease: for what lives in memory


@dataclass(frozen=True)
class LoopState:
    """How one loop stands, for health and `devmesh loops`."""

    name: str
    every_s: float
    owner: str = ""
    last_run_us: int | None = None
    last_done: int | None = None
    last_error: str | None = None
    failures: int = 0
    everywhere: bool = False  # then each process knows its own runs alone


def due_in_s(loop: Loop, done: int, failures: int) -> float:
    """Seconds until the next call: none after a full batch, its rhythm otherwise, doubling while it fails."""
    if failures:
        return min(max(loop.every_s, 1.0) * 2.0 ** min(failures - 1, 10), max(BACKOFF_MAX_S, loop.every_s))
    return 0.0 if done >= loop.limit else loop.every_s


class Runner:
    """Runs the loops of one process."""

    def __init__(self, db: Database, clock: Clock, owner: str, all_loops: Sequence[Loop]) -> None:
        self._db, self._clock, self._owner = db, clock, owner
        self._loops = {loop.name: loop for loop in all_loops}
        # The fence tells processes apart, not threads: a step asked for by hand waits for the one that runs.
        self._turns = {name: threading.Lock() for name in self._loops}
        self._working: dict[str, tuple[Lease, float]] = {}  # by loop: since when its step runs
        self._stop = threading.Event()
        self._threads: list[threading.Thread] = []
        self._local: dict[str, LoopState] = {
            name: LoopState(name, loop.every_s, everywhere=loop.everywhere) for name, loop in self._loops.items()
        }

    def start(self) -> None:
        """Start a thread for each loop."""
        self._keep()
        for loop in self._loops.values():
            self._begin(f"loop-{loop.name}", self._run, loop)

    def _keep(self) -> None:
        """Renew leases from now on, beside the loops or beside a step by hand."""
        if not self._threads:
            self._begin("keep-leases", self._keep_leases)

    def _begin(self, name: str, work: Callable[..., None], *told: Loop) -> None:
        thread = threading.Thread(target=work, args=told, name=name, daemon=True)
        thread.start()
        self._threads.append(thread)

    def stop(self, timeout_s: float = 10.0) -> None:
        """Let every loop finish its step and end, and hand the leases back: whoever comes next need not wait."""
        self._stop.set()
        for thread in self._threads:
            thread.join(timeout_s)
        with contextlib.suppress(Unavailable):  # a store that is away: the leases run out by themselves
            if self._db.writable and any(state.owner == self._owner for state in self.states()):
                release(self._db, self._owner)

    def once(self, name: str) -> int:
        """One step of one loop, now: what `devmesh loops run NAME --once` calls. Raises its errors."""
        loop = self._loops.get(name)
        if loop is None:
            raise NotFound(f"There is no loop named {name!r}.", hint=f"One of: {', '.join(sorted(self._loops))}.")
        here = Lease(self._db, self._clock, name, self._owner, 0)
        lease = here if loop.everywhere else take(self._db, self._clock, name, self._owner)
        if lease is None:
            raise Unavailable(f"The loop {name} runs in another process.", hint="It runs there; nothing needs doing.")
        self._keep()
        done = self._whole_step(loop, lease)
        lease.note(done, None, 0)
        return done

    def _whole_step(self, loop: Loop, lease: Lease) -> int:
        """The step in its turn; again, after a moment, where another server's transaction was in its way."""
        with self._turns[loop.name]:
            if not loop.everywhere:
                self._working[loop.name] = lease, self._clock.monotonic_s()
            try:
                for pause_s in pauses_s():
                    try:
                        return loop.step(loop.limit, lease)
                    except Contended:
                        if self._clock.wait(pause_s, self._stop):
                            raise
                return loop.step(loop.limit, lease)
            finally:
                self._working.pop(loop.name, None)

    def _keep_leases(self) -> None:
        while not self._stop.wait(RENEW_S):  # the machine's own time: whoever else waits for the lease has it, too
            self.renew()

    def renew(self) -> None:
        """Hold on to the leases of all steps that run; what hangs is given up."""
        for name, (lease, since_s) in list(self._working.items()):
            if self._clock.monotonic_s() - since_s < STUCK_S:
                try:
                    lease.renew()
                except DevMeshError as error:  # lost, or the store is away: the step finds out itself
                    log.warning("loop=%s lease not renewed reason=%r", name, error.message)
                except FAULTS:  # the thread must outlive it: all steps would lose their leases
                    log.exception("loop=%s lease not renewed", name)

    def local_states(self) -> list[LoopState]:
        """Every loop as this process alone has seen it."""
        return [state for _name, state in sorted(self._local.items())]

    def states(self) -> list[LoopState]:
        """Every loop as the database knows it, with the errors that only this process has seen."""
        with self._db.read() as connection:
            rows = {row.name: row for row in connection.execute(select(loops))}
        states = []
        for name, local in sorted(self._local.items()):
            row = rows.get(name)
            known = (
                local
                if row is None or local.everywhere
                else replace(
                    local,
                    owner=row.owner,
                    last_run_us=max(filter(None, (row.last_run_us, local.last_run_us)), default=None),
                    last_done=row.last_done,
                    last_error=local.last_error or row.last_error,
                    failures=max(local.failures, row.failures),
                )
            )
            states.append(known)
        return states

    def _run(self, loop: Loop) -> None:
        failures = 0
        while not self._stop.is_set():
            done, error = self._step(loop, failures)
            failures = failures + 1 if error else 0
            self._local[loop.name] = replace(self._local[loop.name], last_error=error, failures=failures)
            pause = due_in_s(loop, done, failures)
            if pause and self._clock.wait(pause, self._stop):
                return

    def _step(self, loop: Loop, failures: int) -> tuple[int, str | None]:
        try:
            if loop.everywhere:
                done = loop.step(loop.limit, Lease(self._db, self._clock, loop.name, self._owner, 0))
                self._note_here(loop, last_done=done)
                return done, None
            lease = take(self._db, self._clock, loop.name, self._owner)
            if lease is None:
                return 0, None
            done = self._whole_step(loop, lease)
            if done or failures or self._local[loop.name].last_run_us is None:
                lease.note(done, None, 0)
            self._note_here(loop)  # a step that found nothing to do ran all the same
        except LeaseLost:
            return 0, None
        except Unavailable as error:  # expected: a store or gateway is away; health says so
            log.warning("loop=%s unavailable reason=%r", loop.name, error.message)
            return 0, error.message
        except FAULTS as error:  # a loop must outlive any fault of its step, or the house forgets silently
            log.exception("loop=%s failed", loop.name)
            return 0, f"{type(error).__name__}: {error}"
        return done, None

    def _note_here(self, loop: Loop, last_done: int | None = None) -> None:
        """Note that the loop worked now, in this process."""
        self._local[loop.name] = replace(self._local[loop.name], last_run_us=self._clock.now_us(), last_done=last_done)
