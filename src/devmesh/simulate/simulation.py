"""One simulation: an inventory, a seed and a span, ordinary life, and the faults that were wished for."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from devmesh.simulate.errors import SimulationError
from devmesh.simulate.faults import FAULTS, HARMLESS, KINDS, ORDINARY
from devmesh.simulate.fleet import Fleet
from devmesh.simulate.inventory import Inventory
from devmesh.simulate.journal import Journal
from devmesh.simulate.render import Chunk, render
from devmesh.simulate.stage import Cue, Script, Stage
from devmesh.simulate.stream import Slice, Stream
from devmesh.simulate.world import DAY_US, World

HOUR_US = 3_600_000_000
REBOOTS_A_DAY, DEPLOYS_A_DAY = 1 / 21, 0.25  # a node's, the fleet's
TRIES = 20


@dataclass(frozen=True)
class Wish:
    """A kind of fault, and when; at a time by chance if `at_us` is None. It plays `tempo` times as fast as in life."""

    kind: str
    at_us: int | None = None
    tempo: float = 1.0


@dataclass(frozen=True)
class Truth:
    """What really happened. Pairs are (service, node) under the names that the store gives them."""

    kind: str
    cause: tuple[str, str]
    start_us: int
    end_us: int
    first_symptom_us: int
    affected: tuple[tuple[str, str], ...]
    harmless: bool

    def json(self) -> str:
        """One line of JSON."""
        pair = ("service", "node")
        return json.dumps(
            {
                "kind": self.kind,
                "cause": dict(zip(pair, self.cause, strict=True)),
                "start_us": self.start_us,
                "end_us": self.end_us,
                "first_symptom_us": self.first_symptom_us,
                "affected": [dict(zip(pair, one, strict=True)) for one in self.affected],
                "harmless": self.harmless,
            }
        )


class Simulation:
    """Iterate over it for the hours of the span; `truths` says what was played, in order of time."""

    def __init__(
        self, inventory: Inventory, seed: int, since_us: int, until_us: int, wishes: Sequence[Wish] = (), *,
        random_faults: int = 0, harmless: int = 0, ordinary: bool = True, calls: bool = False,
    ) -> None:  # fmt: skip
        """`random_faults` and `harmless`: how many more of those kinds at times by chance. `calls`: programs log whom
        they call. Raises SimulationError.
        """
        if until_us <= since_us:
            raise SimulationError("The span is empty.", "Let it end after it begins.")
        self.fleet = Fleet(inventory, seed, calls=calls)
        more = ("calls",) if calls else ()
        told = (inventory, seed, since_us, until_us, tuple(wishes), random_faults, harmless, ordinary, *more)
        self.name = hashlib.blake2b(repr(told).encode(), digest_size=8).hexdigest()
        self._since_us, self._until_us = since_us, until_us
        scripts = [self._wished(n, wish) for n, wish in enumerate(wishes)]
        scripts += self._drawn("faults", tuple(FAULTS), random_faults) + self._drawn(
            "harmless", tuple(HARMLESS), harmless
        )
        scripts += self._ordinary() if ordinary else []
        boots: dict[str, list[int]] = defaultdict(list)
        restarts: dict[int, list[int]] = defaultdict(list)
        for script in scripts:
            for node, some in script.boots.items():
                boots[node] += some
            for index, some in script.restarts.items():
                restarts[index] += some
        self.world = World(
            self.fleet, since_us, boots, restarts,
            [one for script in scripts for one in script.spells],
            [one for script in scripts for one in script.shifts],
            [one for script in scripts for one in script.rewordings],
        )  # fmt: skip
        self._played: list[Chunk] = []
        self.truths = sorted(
            (self._play(n, one) for n, one in enumerate(scripts)), key=lambda one: (one.start_us, one.kind)
        )

    def journal(self) -> Journal:
        """A journal for this simulation alone: another one never has the same streams."""
        return Journal(self.world, self.name)

    def __iter__(self) -> Iterator[Slice]:
        return self.since(self._since_us)

    def since(self, at_us: int) -> Iterator[Slice]:
        """The same lines from an instant on; what began in a block of hours before and goes on is left out."""
        return iter(Stream(self.world, at_us, self._until_us, self._played))

    # -- choosing ----------------------------------------------------------------------------------------------------

    def _wished(self, n: int, wish: Wish) -> Script:
        if wish.kind not in KINDS:
            raise SimulationError(f"There is no fault {wish.kind!r}.", f"There are {', '.join(KINDS)}.")
        random = self.fleet.random("wish", n, wish.kind)
        at_us = wish.at_us
        if at_us is None:
            span_us = self._until_us - self._since_us
            at_us = self._since_us + int(span_us * random.uniform(0.2, 0.6))
        if not self._since_us <= at_us < self._until_us:
            raise SimulationError(
                f"{wish.kind} would begin outside of the span.", "Give a time within --since and its end."
            )
        return self._staged(wish.kind, at_us, "wish", n, tempo=wish.tempo)

    def _drawn(self, name: str, kinds: tuple[str, ...], count: int) -> list[Script]:
        """One in each of `count` equal parts of the span, in its first two thirds; kinds that do not fit the inventory
        are drawn again.
        """
        random = self.fleet.random("drawn", name)
        part_us = (self._until_us - self._since_us) / max(1, count)
        out = []
        for n in range(count):
            at_us = self._since_us + int(part_us * (n + random.uniform(0.05, 0.65)))
            for attempt in range(TRIES):
                try:
                    out.append(self._staged(kinds[int(random.integers(len(kinds)))], at_us, name, n * TRIES + attempt))
                    break
                except SimulationError:
                    if attempt == TRIES - 1:
                        raise
        return out

    def _ordinary(self) -> list[Script]:
        """Reboots at night, deploys by day: a day's chance each, whatever the span."""
        out = []
        for day in range(self._since_us // DAY_US, self._until_us // DAY_US + 1):
            random = self.fleet.random("ordinary", day)
            wanted = (
                ("reboot", REBOOTS_A_DAY * len(self.fleet.inventory.nodes), 2.0, 5.0),
                ("deploy", DEPLOYS_A_DAY, 8.0, 16.0),
            )
            for kind, chance, first_h, last_h in wanted:
                at_us = day * DAY_US + int(random.uniform(first_h, last_h) * HOUR_US)
                if random.random() < chance and self._since_us <= at_us < self._until_us:
                    try:
                        out.append(self._staged(kind, at_us, kind, day))
                    except SimulationError:  # nothing of one's own to deploy
                        continue
        return out

    def _staged(self, kind: str, at_us: int, *key: str | int, tempo: float = 1.0) -> Script:
        harmless = kind in HARMLESS or kind in ORDINARY
        random = self.fleet.random("stage", kind, *key)
        stage = Stage(self.fleet, random, kind, at_us, harmless=harmless, tempo=tempo)
        KINDS[kind](stage)
        return stage.script

    # -- playing -----------------------------------------------------------------------------------------------------

    def _play(self, n: int, script: Script) -> Truth:
        """Write the lines of a script, and what is true about it."""
        random = self.fleet.random("play", n)
        own = {id(one) for one in script.spells}
        first: dict[tuple[str, str], int] = {
            one: at for one, at in script.quiet.items() if self._since_us <= at < self._until_us
        }
        for cue in script.cues:
            for chunk in render(self.world, cue.source, cue.saying, cue.ts_us, random, self._slots(cue)):
                heard = self._heard(chunk, own)
                if heard is None:
                    continue
                self._played.append(heard)
                inside = heard.ts_us[(heard.ts_us >= self._since_us) & (heard.ts_us < self._until_us)]
                if cue.symptom and len(inside):
                    who = (heard.source.service, heard.source.node)
                    first[who] = min(first.get(who, 1 << 62), int(inside.min()))
        order = sorted(first, key=lambda who: (first[who], who))
        symptom_us = max(script.start_us, min(first.values(), default=script.start_us))
        return Truth(
            script.kind, script.cause, script.start_us, script.end_us, symptom_us, tuple(order), script.harmless
        )

    def _slots(self, cue: Cue) -> dict[str, str]:
        if cue.victim is None:
            return dict(cue.extra)
        run = self.world.runs[self.world.run_at(cue.victim, int(cue.ts_us[0]) - 1)]
        return {**cue.extra, "victim_pid": str(run.pid)}

    def _heard(self, chunk: Chunk, own: set[int]) -> Chunk | None:
        """Without what falls into another fault's silence."""
        keep = np.ones(len(chunk.ts_us), dtype=bool)
        for one in self.world.spells(chunk.source.index, int(chunk.ts_us.min()), int(chunk.ts_us.max()) + 1):
            if one.silence and id(one) not in own:
                keep &= (chunk.ts_us < one.start_us) | (chunk.ts_us >= one.end_us)
        return chunk if keep.all() else chunk.picked(keep) if keep.any() else None
