"""What is true at each instant: boots, runs and their process ids, clocks, and what is louder, quieter or reworded."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devmesh.simulate.fleet import Fleet, Source

DAY_US = 86_400_000_000
BOOT_PIDS, LATER_PIDS = (300, 1_800), (2_000, 400_000)


@dataclass(frozen=True)
class Spell:
    """A time in which some speakers say more or less than usual: `factor` 0 is silence. `section`: only that one."""

    sources: frozenset[int]
    start_us: int
    end_us: int
    factor: float
    section: str = ""

    @property
    def silence(self) -> bool:
        """Nothing comes from them at all."""
        return self.factor == 0 and not self.section


@dataclass(frozen=True)
class Rewording:
    """From `since_us` on these speakers phrase some things in another way."""

    sources: frozenset[int]
    since_us: int
    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Shift:
    """A node's clock is `offset_us` ahead (behind, if negative) from start to end."""

    node: str
    start_us: int
    end_us: int
    offset_us: int


@dataclass(frozen=True)
class Boot:
    """One life of a node's kernel."""

    id: str
    start_us: int


@dataclass(frozen=True)
class Run:
    """One life of a process: which speaker, under which id, in which boot."""

    source: Source
    pid: int
    boot: Boot


class World:
    """Answers by source and instant. `boots`: starts of nodes, `restarts`: starts of sources, within the span."""

    def __init__(
        self,
        fleet: Fleet,
        since_us: int,
        boots: Mapping[str, Sequence[int]],
        restarts: Mapping[int, Sequence[int]],
        spells: Iterable[Spell] = (),
        shifts: Iterable[Shift] = (),
        rewordings: Iterable[Rewording] = (),
    ) -> None:
        self.fleet = fleet
        self.runs: list[Run] = []
        self._starts: list[list[int]] = []
        self._first_run: list[int] = []
        self._spells: dict[int, list[Spell]] = defaultdict(list)
        self._shifts: dict[str, list[Shift]] = defaultdict(list)
        self._rewordings: dict[int, list[Rewording]] = defaultdict(list)
        lives = {node: self._boots(node, since_us, boots.get(node, ())) for node in fleet.inventory.nodes}
        for source in fleet.sources:
            self._add_runs(source, lives[source.node], restarts.get(source.index, ()))
        for spell in spells:
            for index in spell.sources:
                self._spells[index].append(spell)
        for shift in shifts:
            self._shifts[shift.node].append(shift)
        for rewording in rewordings:
            for index in rewording.sources:
                self._rewordings[index].append(rewording)

    def _boots(self, node: str, since_us: int, later: Sequence[int]) -> list[Boot]:
        random = self.fleet.random("boot", node)
        first_us = since_us - int(random.integers(1 * DAY_US, 20 * DAY_US))
        return [Boot(random.bytes(16).hex(), one) for one in (first_us, *sorted(later))]

    def _add_runs(self, source: Source, boots: list[Boot], restarts: Sequence[int]) -> None:
        random = self.fleet.random("pid", source.node, source.program.name if source.about else source.service)
        lives = sorted(
            [(boot.start_us, boot) for boot in boots] + [(at, None) for at in restarts], key=lambda one: one[0]
        )
        boot = boots[0]
        self._first_run.append(len(self.runs))
        self._starts.append([at for at, _boot in lives])
        for _at, new in lives:
            boot = new or boot
            pid = int(random.integers(*(BOOT_PIDS if new else LATER_PIDS)))
            self.runs.append(Run(source, 1 if source.identifier == "systemd" else pid, boot))

    def run_at(self, source: Source, ts_us: int) -> int:
        """The number of the run that speaks at an instant."""
        starts = self._starts[source.index]
        return self._first_run[source.index] + max(0, bisect_right(starts, ts_us) - 1)

    def changes(self, source: Source, start_us: int, end_us: int) -> bool:
        """Whether it starts anew within a time."""
        return any(start_us < at < end_us for at in self._starts[source.index])

    def spells(self, source: int, start_us: int, end_us: int) -> list[Spell]:
        """What is louder or quieter about a speaker within a time."""
        return [one for one in self._spells.get(source, ()) if one.start_us < end_us and one.end_us > start_us]

    def ever_changes(self, source: int) -> bool:
        """Whether a speaker has spells at all."""
        return source in self._spells

    def rewordings(self, source: int, end_us: int) -> list[Rewording]:
        """What it phrases in another way before `end_us`."""
        return [one for one in self._rewordings.get(source, ()) if one.since_us < end_us]

    def written(self, node: str, ts_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """What the node's clock says at instants."""
        shifts = self._shifts.get(node)
        if not shifts:
            return ts_us
        out = ts_us.copy()
        for one in shifts:
            out[(ts_us >= one.start_us) & (ts_us < one.end_us)] += one.offset_us
        return out
