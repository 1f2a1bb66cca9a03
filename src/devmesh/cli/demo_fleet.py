"""A fleet that plays before the house: its past goes in straight, its present comes in as time goes by.

The fault is wished for when the present begins: how long the past takes to go in cannot be known before.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from devmesh.cli.status import StatusLine
from devmesh.cli.terminal import count
from devmesh.errors import DevMeshError, InvalidInput

if TYPE_CHECKING:
    from devmesh.clock import Clock
    from devmesh.settings import Settings
    from devmesh.simulate import Journal, Simulation, Slice, Truth

SECOND_US, MINUTE_US, DAY_US = 1_000_000, 60_000_000, 86_400_000_000
TEMPO = 8.0  # a fault of ten minutes is seen as a whole in little more than one
SOON_US = 5 * SECOND_US
SEEN_US = 30 * SECOND_US  # detectors look at full minutes: so much of the fault stands in the first that they see
LASTS_DAYS = 30  # the fleet's present; a demo that is left on for longer falls silent


def begins_us(now_us: int) -> int:
    """When it breaks: 5 to 35 s from now, and at least 30 s before the end of a minute."""
    soon_us = now_us + SOON_US
    return soon_us if soon_us % MINUTE_US <= MINUTE_US - SEEN_US else soon_us // MINUTE_US * MINUTE_US + MINUTE_US


def say(text: str) -> None:
    """A line to whoever watches, at once also in a pipe."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Play:
    """A fleet, its past up to now, and the fault that is to come. Raises InvalidInput for a fault that there is not."""

    def __init__(self, fault: str, seed: int, past_s: int, clock: Clock) -> None:
        self.fault, self.clock = fault, clock
        self._seed, self._days = seed, past_s * SECOND_US / DAY_US
        self.now_us = clock.now_us()
        self._since_us = self.now_us - past_s * SECOND_US
        self._past = self._made(self.now_us)
        self._made(self.now_us + DAY_US, self.now_us)  # says now whether there is such a fault
        self._written = self._past.journal()

    def size(self) -> str:
        """`8 nodes and 25 services`."""
        fleet = self._past.fleet.inventory
        return f"{len(fleet.nodes)} nodes and {len(fleet.services)} services"

    def announce(self, settings: Settings) -> None:
        """Say what this is."""
        say(f"A demo: {self.size()} that do not exist, in a store of their own, {settings.data_dir}")
        say(f"Their last {self._days:g} days go in first, in a minute or two.")

    def fill(self, settings: Settings) -> None:
        """Write the past into the store, straight, before anybody watches."""
        from devmesh.cli.imports import way_in
        from devmesh.cli.simulated import send

        progress = StatusLine(self.clock, shown=sys.stderr.isatty())
        began_s = self.clock.monotonic_s()
        with way_in(settings, progress) as store:
            told = send(self._shown(progress), self._written, store)
        progress.end()
        took_s = self.clock.monotonic_s() - began_s
        say(f"{count(told.stored or 0)} lines are in, after {took_s:.0f} s.")

    def _shown(self, progress: StatusLine) -> Iterator[Slice]:
        """The past, with a word on how much of it is done."""
        for one in self._past:
            yield one
            if one.true_us and progress.is_due():
                done = (one.true_us[-1] - self._since_us) / (self.now_us - self._since_us)
                progress.say(f"{done:.0%} of their past")
        progress.say("Learning patterns …")

    def present(self, fault_us: int) -> tuple[Simulation, Journal]:
        """Life from the end of the past on, with the fault at an instant, and the journals that go on."""
        made = self._made(fault_us + LASTS_DAYS * DAY_US, fault_us)
        journal = made.journal()
        journal.go_on(self._written)
        return made, journal

    def _made(self, until_us: int, fault_us: int | None = None) -> Simulation:
        from devmesh.simulate import Simulation, SimulationError, Wish, default_inventory

        wishes = [] if fault_us is None else [Wish(self.fault, fault_us, TEMPO)]
        try:
            return Simulation(default_inventory(), self._seed, self._since_us, until_us, wishes)
        except SimulationError as error:
            raise InvalidInput(error.message, hint=error.hint) from None


class Present:
    """Sends what the fleet says, as time goes by, to a server like any agent's."""

    def __init__(self, play: Play) -> None:
        self._play = play
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self, url: str, settings: Settings) -> Truth:
        """Start; returns what is going to happen."""
        now_us = self._play.clock.now_us()
        made, journal = self._play.present(begins_us(now_us))
        told = (url, settings, made, journal, now_us)
        self._thread = threading.Thread(target=self._send, args=told, name="demo-fleet", daemon=True)
        self._thread.start()
        return next(one for one in made.truths if one.kind == self._play.fault and one.start_us >= now_us)

    def end(self) -> None:
        """Say nothing more."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(10.0)

    def _send(self, url: str, settings: Settings, made: Simulation, journal: Journal, now_us: int) -> None:
        from devmesh.cli.history.stores import RemoteStore
        from devmesh.cli.remote import Remote
        from devmesh.cli.simulated import paced, send

        slices = paced(made.since(self._play.now_us), now_us, 1.0, self._play.clock, self._stop)
        with Remote(url, "") as remote:
            store = RemoteStore(remote, settings)
            try:
                send(slices, journal, store)
            except DevMeshError as error:
                if not self._stop.is_set():
                    say(f"The fleet cannot be heard any more: {error.message}")
            finally:
                store.close()
