"""Two nodes with agents, made for tests: they write, send and beat by a fake clock, and are cut on script.

An agent here does what the real one does, once a minute: it sends all that its node wrote, then beats with what still
waits, its boot, its own start, and how long it asked in vain.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bodies import line, request, run_whole, take
from devmesh.nodes import Heartbeat

if TYPE_CHECKING:
    from collections.abc import Callable

    from devmesh.clock import FakeClock
    from devmesh.mesh import Mesh

LOOK_S, MINUTE_US = 30, 60_000_000
ANSWER_S = 30


@dataclass
class Machine:
    """A node and its agent; `alive`: the machine runs, `agent`: its agent does, `linked`: the server is in reach."""

    name: str
    boot: int = 1
    started_us: int = 1
    alive: bool = True
    agent: bool = True
    linked: bool = True
    talks: bool = True
    ahead_us: int = 0
    slow: bool = False  # the agent beats, and what it sends does not arrive
    waiting: list[bytes] = field(default_factory=list)
    oldest_us: int | None = None
    in_vain_since_us: int | None = None

    def write(self, now_us: int) -> None:
        """What a machine says in a minute: two requests, and one error in five minutes."""
        if not (self.alive and self.talks):
            return
        ts_us = now_us + self.ahead_us
        self.waiting += [line(f"request {n} took {n} ms", service="app", ts_us=ts_us + n) for n in (1, 2)]
        if now_us // MINUTE_US % 5 == 0:
            self.waiting.append(line("cannot write 7 rows", service="app", ts_us=ts_us, priority=3))
        self.oldest_us = ts_us if self.oldest_us is None else self.oldest_us

    def reach(self, mesh: Mesh, clock: FakeClock, *, server: bool) -> None:
        """Send what waits and beat, if there is anybody to do it and anybody to hear."""
        if not (self.alive and self.agent):
            return
        now_us = clock.now_us()
        if not (self.linked and server):
            self.in_vain_since_us = self.in_vain_since_us or now_us
            return
        if self.waiting and not self.slow:
            mesh.intake.take(request(b"".join(self.waiting), self.name, received_us=now_us), ANSWER_S)
            self.waiting, self.oldest_us = [], None
        self.beat(mesh, now_us)

    def beat(self, mesh: Mesh, now_us: int, leaving: str | None = None) -> None:
        """One heartbeat."""
        vain_us = now_us - (self.in_vain_since_us or now_us)
        self.in_vain_since_us = None
        said = Heartbeat(
            "test", oldest_unsent_us=self.oldest_us, clock_us=now_us + self.ahead_us, boot_id=f"boot-{self.boot}",
            started_us=self.started_us, unanswered_us=vain_us, leaving=leaving,
        )  # fmt: skip
        mesh.nodes.heartbeat(self.name, said)

    def restart_agent(self, now_us: int) -> None:
        """Another process."""
        self.agent, self.started_us, self.in_vain_since_us = True, now_us, None


class Fleet:
    """Two machines, a server that looks, and somebody who is called once a minute while it runs."""

    def __init__(self, mesh: Mesh, clock: FakeClock) -> None:
        self.mesh, self.clock, self.server = mesh, clock, True
        self.machines = [Machine(name) for name in ("nas", "web")]
        self.each_minute: Callable[[int], None] = lambda _minute: None

    def run(self, minutes: int) -> None:
        """Let time pass."""
        for _minute in range(minutes):
            for machine in self.machines:
                machine.write(self.clock.now_us())
            for _look in range(60 // LOOK_S):
                self.clock.advance(LOOK_S)
                if self.server and self.clock.now_us() % MINUTE_US:
                    self.mesh.runner.once("look-for-blind")
            for machine in self.machines:
                machine.reach(self.mesh, self.clock, server=self.server)
            if self.server:
                self.mesh.runner.once("look-for-blind")
                self.each_minute(self.clock.now_us() // MINUTE_US)

    def live_through(self, hours: int) -> None:
        """History without the minutes of living it: what all machines wrote, sent at once; families are assigned."""
        until_us = self.clock.now_us()
        for machine in self.machines:
            for minute in range(-hours * 60, 0):
                machine.write(until_us + minute * MINUTE_US)
            for start in range(0, len(machine.waiting), 20_000):
                body = b"".join(machine.waiting[start : start + 20_000])
                take(self.mesh, body, machine.name, received_us=until_us)
            machine.waiting, machine.oldest_us = [], None
        for loop in (*self.mesh.templates.loops(), *self.mesh.events.loops()):
            run_whole(self.mesh, loop.name)
