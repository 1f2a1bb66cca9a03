"""Where a fault plays: it writes down who says what when, who falls silent, who starts anew; the truth comes out of it.

Seconds count from the fault's start. Nothing here knows a kind of fault.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from devmesh.simulate.errors import SimulationError
from devmesh.simulate.fleet import CONTAINER, Fleet, Peer, Source
from devmesh.simulate.programs import Saying
from devmesh.simulate.rhythm import FIRST_MONDAY_HOURS
from devmesh.simulate.slots import Random
from devmesh.simulate.world import Rewording, Shift, Spell

MINUTE_US, MINUTE_S, HOUR_S, DAY_S = 60_000_000, 60.0, 3_600.0, 86_400.0
SLOW = "needs slow"


@dataclass(frozen=True)
class Cue:
    """A saying at instants. `symptom`: it is a sign of the fault, not what a person or a job did first."""

    source: Source
    saying: Saying
    ts_us: NDArray[np.int64]
    extra: Mapping[str, str]
    symptom: bool
    victim: Source | None = None  # its process id is {victim_pid}


@dataclass
class Script:
    """What a fault came to."""

    kind: str
    harmless: bool
    start_us: int
    end_us: int
    cause: tuple[str, str] = ("", "")
    cues: list[Cue] = field(default_factory=list)
    spells: list[Spell] = field(default_factory=list)
    restarts: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    boots: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    shifts: list[Shift] = field(default_factory=list)
    rewordings: list[Rewording] = field(default_factory=list)
    quiet: dict[tuple[str, str], int] = field(default_factory=dict)  # (service, node) that fell silent, and when


class Stage:
    """One fault's stage; `random` is its own chance. It plays `tempo` times as fast as in life."""

    def __init__(
        self, fleet: Fleet, random: Random, kind: str, start_us: int, *, harmless: bool, tempo: float = 1.0
    ) -> None:
        self.fleet, self.random, self._second_us = fleet, random, 1e6 / tempo
        self.script = Script(kind, harmless, start_us, start_us)

    # -- choosing ----------------------------------------------------------------------------------------------------

    def between(self, low: float, high: float) -> float:
        """A number by chance."""
        return float(self.random.uniform(low, high))

    def count(self, low: int, high: int) -> int:
        """A whole number by chance, both ends included."""
        return int(self.random.integers(low, high + 1))

    def services(self) -> list[Source]:
        """The speakers that the inventory names."""
        return [one for name in self.fleet.inventory.services for one in self.fleet.of(name)]

    def victim(self, *sections: str, among: Iterable[Source] | None = None) -> Source:
        """A service that has something to say under each heading. Raises SimulationError if there is none."""
        pool = self.services() if among is None else list(among)
        return self.one_of([one for one in pool if all(one.program.says(section) for section in sections)])

    def typed(self, kind: str) -> list[Source]:
        """The services of a type, by the inventory or by what their program is."""
        known = self.fleet.inventory.services
        return [one for one in self.services() if kind == known[one.service].type or kind in one.program.words("types")]

    def one_of(self, pool: list[Source]) -> Source:
        """One by chance. Raises SimulationError if the fleet has none."""
        if not pool:
            raise SimulationError(
                f"No service of this inventory can have {self.script.kind}.", "Take another kind, or another inventory."
            )
        return pool[int(self.random.integers(len(pool)))]

    def users(self, failing: Source) -> list[tuple[Source, int, Peer]]:
        """Who fails when a service does on its node: each speaker, its hops, and the peer that it sees failing."""
        hops = {failing.service: 0, **self.fleet.inventory.downstream(failing.service)}
        out = []
        for source in [one for name, far in hops.items() if far for one in self.fleet.of(name)]:
            far = hops[source.service]
            peers = [peer for peer in source.needs if hops.get(peer.service) == far - 1]
            nearest = [peer for peer in peers if far > 1 or peer.node == failing.node]
            out.append((source, far, (nearest or peers)[0]))
        return out

    def words(self, source: Source, section: str, peer: Peer) -> str:
        """The heading under which `source` tells that `peer` fails: one for the peer's type, else one for all; empty if
        it would say nothing.
        """
        typed = f"{section} {self.fleet.inventory.services[peer.service].type}"
        return next((one for one in (typed, section) if source.program.says(one)), "")

    # -- writing down ------------------------------------------------------------------------------------------------

    def us(self, at_s: float) -> int:
        """The instant of a second of the fault."""
        return self.script.start_us + round(at_s * self._second_us)

    def cause(self, source: Source) -> None:
        """Who is to blame."""
        self.script.cause = (source.service, source.node)

    def end(self, at_s: float) -> None:
        """When all is well again."""
        self.script.end_us = max(self.script.end_us, self.us(at_s))

    def say(
        self, source: Source | None, section: str, at_s: float, extra: Mapping[str, str] | None = None, *,
        symptom: bool = True, victim: Source | None = None,
    ) -> None:  # fmt: skip
        """All that stands under a heading, once. Who is not there, or has nothing to say, says nothing."""
        if source is None:
            return
        for saying in source.program.says(section):
            ts_us = np.array([self.us(at_s)], dtype=np.int64)
            self.script.cues.append(Cue(source, saying, ts_us, extra or {}, symptom, victim))

    def keep_saying(
        self, source: Source | None, section: str, from_s: float, to_s: float, per_min: float,
        extra: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Sayings under a heading by weight, by chance in time, the first at once."""
        sayings = source.program.says(section) if source is not None else ()
        if source is None or not sayings or to_s <= from_s:
            return
        more = int(self.random.poisson(per_min * (to_s - from_s) / MINUTE_S))
        at_s = np.sort(np.concatenate([[from_s], self.random.uniform(from_s, to_s, more)]))
        weights = np.array([one.rate for one in sayings])
        chosen = self.random.choice(len(sayings), len(at_s), p=weights / weights.sum())
        ts_us = self.script.start_us + (at_s * self._second_us).astype(np.int64)
        for n, saying in enumerate(sayings):
            if (chosen == n).any():
                self.script.cues.append(Cue(source, saying, ts_us[chosen == n], extra or {}, symptom=True))

    def hush(
        self, sources: Sequence[Source], from_s: float, to_s: float, factor: float = 0.0, section: str = ""
    ) -> None:
        """Let ordinary lines come `factor` times as often; 0 for all sections is silence."""
        who = [*sources, *(self.fleet.about(one) for one in sources if not section and self._has_about(one))]
        self.script.spells.append(
            Spell(frozenset(one.index for one in who), self.us(from_s), self.us(to_s), factor, section)
        )

    def falls_silent(self, source: Source, at_s: float) -> None:
        """Count it among the affected though it has no line to show."""
        self.script.quiet.setdefault((source.service, source.node), self.us(at_s))

    # -- what several faults do --------------------------------------------------------------------------------------

    def pid1(
        self, source: Source, section: str, at_s: float, extra: Mapping[str, str] | None = None, *, symptom: bool = True
    ) -> None:
        """PID 1 about a unit, or the container engine about a container."""
        if source.transport == CONTAINER:
            told = {"unit start": "container start", "unit again": "container start"}.get(section, "container stop")
            self.say(self.fleet.at(source.node, "docker"), told, at_s, extra, symptom=symptom)
        elif self._has_about(source):
            self.say(self.fleet.about(source), section, at_s, extra, symptom=symptom)

    def stop(self, source: Source, at_s: float, *, symptom: bool = True) -> None:
        """An orderly stop."""
        self.say(source, "stop", at_s, symptom=symptom)
        self.pid1(source, "unit stop", at_s, symptom=symptom)

    def start(
        self, source: Source, at_s: float, *, symptom: bool = True, section: str = "unit start", count: int = 0
    ) -> None:
        """A start, under a new process id."""
        self.pid1(source, section, at_s, {"count": str(count)}, symptom=symptom)
        self.script.restarts[source.index].append(self.us(at_s))
        self.say(source, "start", at_s + 0.3, symptom=symptom)

    def boot(self, node: str, at_s: float, *, symptom: bool = True) -> None:
        """A node comes up: kernel, PID 1, then everybody."""
        self.script.boots[node].append(self.us(at_s))
        self.say(self.fleet.at(node, "kernel"), "start", at_s, symptom=symptom)
        self.say(self.fleet.at(node, "systemd"), "boot", at_s + 2.5, symptom=symptom)
        self.say(self.fleet.at(node, "journald"), "start", at_s + 2.6, symptom=symptom)
        late = 4.0
        for source in self.fleet.on(node):
            if not source.about and source.program.says("start") and source.program.name not in {"kernel", "journald"}:
                self.pid1(source, "unit start", at_s + late, symptom=symptom)
                self.say(source, "start", at_s + late + 0.3, symptom=symptom)
                late += self.between(0.1, 0.8)

    def cascade(self, failing: Source, section: str, from_s: float, to_s: float, per_min: float) -> list[Source]:
        """Let those who need a service fail: neighbours say `section`, those behind them time out, later the farther
        away; all of them get less done. Returns who had something to say.
        """
        told = []
        for source, hops, peer in self.users(failing):
            begin = from_s + sum(self.between(3, 25) for _ in range(hops))
            words = self.words(source, section if hops == 1 or section == SLOW else "needs timeout", peer)
            if words and begin < to_s:
                self.keep_saying(source, words, begin, to_s, per_min / hops, peer.slots())
                self.hush([source], begin, to_s, 0.7 if section == SLOW else self.between(0.1, 0.5), "work")
                told.append(source)
        return told

    def give_up_on(self, callers: Iterable[Source], from_s: float, to_s: float) -> None:
        """Callers in trouble drop what they asked inference for: it sees its clients go."""
        for name in dict.fromkeys(peer.service for one in callers for peer in one.needs):
            for source in self.fleet.of(name):
                self.keep_saying(source, "client gone", from_s + self.between(30, 90), to_s, self.between(0.5, 2))

    def jobs_of(self, source: Source, from_s: float, to_s: float) -> list[float]:
        """The seconds at which a speaker's jobs are due within a time."""
        first = self.us(from_s) // MINUTE_US + 1
        minutes = {minute for job in source.program.jobs for minute in job.minutes}
        due = (
            n for n in range(first, self.us(to_s) // MINUTE_US + 1) if (n - FIRST_MONDAY_HOURS * 60) % 10_080 in minutes
        )
        return [(n * MINUTE_US - self.script.start_us) / self._second_us for n in due]

    def _has_about(self, source: Source) -> bool:
        return self.fleet.speaker(source, "unit") is not None
