"""The stream itself: block by block what everybody says, in order of time; memory does not grow with the span.

Ordinary life is counts by chance (Poisson) around a level: the saying's rate, the service's rhythm, a good or bad day.
What begins in a block of hours and ends later waits for its block. Blocks of large fleets are shorter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devmesh.simulate.fleet import Source
from devmesh.simulate.programs import CALLS, USUAL, WEEK_MIN, WORK, Job
from devmesh.simulate.render import Chunk, render
from devmesh.simulate.rhythm import FIRST_MONDAY_HOURS, levels
from devmesh.simulate.slots import HOUR_US, Random
from devmesh.simulate.world import Spell, World

MINUTE_US = 60_000_000
DAY_SPREAD, HOUR_SPREAD = 0.10, 0.06
CAUGHT_UP_S = (30, 180)
LONG_BLOCK_H, LARGE_FLEET = 6, 500  # hours (a divisor of 24); speakers, from which on a block is one hour


@dataclass(frozen=True)
class Slice:
    """n lines in order: `true_us` of it, `ts_us` as the node's clock says, `runs` as World numbers them."""

    true_us: list[int]
    ts_us: list[int]
    runs: list[int]
    priorities: list[int]
    pids: list[int]
    messages: list[str]

    def part(self, first: int, last: int) -> Slice:
        """Lines first to last - 1."""
        numbers = [one[first:last] for one in (self.true_us, self.ts_us, self.runs, self.priorities, self.pids)]
        return Slice(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], self.messages[first:last])


class Stream:
    """Iterates over a span. `played`: what scenarios say, in any order."""

    def __init__(self, world: World, since_us: int, until_us: int, played: Sequence[Chunk] = ()) -> None:
        self._world, self._since_us, self._until_us = world, since_us, until_us
        self._block_us = (1 if len(world.fleet.sources) > LARGE_FLEET else LONG_BLOCK_H) * HOUR_US
        self._talkers = [_Talker(one) for one in world.fleet.sources if not one.about and _talks(one)]
        self._waiting: dict[int, list[Chunk]] = defaultdict(list)
        for chunk in played:
            self._put(chunk, 0)

    def __iter__(self) -> Iterator[Slice]:
        for block in range(self._since_us // self._block_us, -(-self._until_us // self._block_us)):
            start_us = block * self._block_us
            for talker in self._talkers:
                for chunk in talker.says(self._world, start_us, self._block_us):
                    self._put(chunk, block)
            yield self._sorted(self._waiting.pop(block, []), start_us)

    def _put(self, chunk: Chunk, now: int) -> None:
        """Share a chunk out among the blocks that it reaches into; what lies before block `now` is over."""
        first, last = int(chunk.ts_us.min()) // self._block_us, int(chunk.ts_us.max()) // self._block_us
        if first == last:
            if last >= now:
                self._waiting[last].append(chunk)
            return
        blocks = chunk.ts_us // self._block_us
        for block in np.unique(blocks).tolist():
            if block >= now:
                self._waiting[block].append(chunk.picked(blocks == block))

    def _sorted(self, chunks: list[Chunk], start_us: int) -> Slice:
        if not chunks:
            return Slice([], [], [], [], [], [])
        from_us, to_us = max(self._since_us, start_us), min(self._until_us, start_us + self._block_us)
        true = np.concatenate([one.ts_us for one in chunks])
        order = np.argsort(true, kind="stable")
        ordered = true[order]
        order = order[(ordered >= from_us) & (ordered < to_us)]
        sizes = [len(one.ts_us) for one in chunks]
        written = np.concatenate([self._world.written(one.source.node, one.ts_us) for one in chunks])
        places = order.tolist()
        messages: list[str] = []
        pids: list[int] = []
        for one, size in zip(chunks, sizes, strict=True):
            messages += one.messages
            pids += one.pids or [self._world.runs[one.run].pid] * size
        return Slice(
            true[order].tolist(),
            written[order].tolist(),
            np.repeat([one.run for one in chunks], sizes)[order].tolist(),
            np.repeat([one.priority for one in chunks], sizes)[order].tolist(),
            [pids[n] for n in places],
            [messages[n] for n in places],
        )


def _talks(source: Source) -> bool:
    program = source.program
    return bool(program.jobs or program.sections.get(USUAL) or program.sections.get(WORK))


class _Talker:
    """One speaker's ordinary life."""

    def __init__(self, source: Source) -> None:
        self._source = source
        sections = source.program.sections
        self._sayings = [(one, name) for name in (USUAL, WORK) for one in sections.get(name, ())]
        self._rates = np.array([one.rate for one, _name in self._sayings])
        self._rhythm = source.program.head.get("rhythm", "flat")
        self._day = (-1, 1.0)

    def says(self, world: World, start_us: int, length_us: int) -> list[Chunk]:
        """What it begins to say within a block; some of it may end later."""
        source = self._source
        end_us = start_us + length_us
        random = world.fleet.random(source.key, start_us // HOUR_US)
        spells = world.spells(source.index, start_us, end_us)
        chunks: list[Chunk] = []
        if self._sayings:
            loudest = max(1.0, *(one.factor for one in spells)) if spells else 1.0
            means = self._means(world, start_us, length_us, random) * loudest
            counts = random.poisson(self._rates[:, None] * means)
            for n in np.flatnonzero(counts.any(axis=1)).tolist():
                saying, section = self._sayings[n]
                hours = np.repeat(np.arange(len(means), dtype=np.int64), counts[n])
                ts_us = start_us + np.sort(hours * HOUR_US + (random.random(len(hours)) * HOUR_US).astype(np.int64))
                if spells:
                    ts_us = _thinned(ts_us, spells, section, loudest, random)
                chunks += render(world, source, saying, ts_us, random)
        for job in source.program.jobs:
            chunks += self._job(world, job, start_us, length_us, spells, random)
        if world.fleet.calls:
            chunks += self._calls(world, start_us, length_us, spells)
        heard = [rest for one in chunks if (rest := _silenced(one, world)) is not None]
        return [_reworded(one, world, end_us) for one in heard]

    def _calls(self, world: World, start_us: int, length_us: int, spells: list[Spell]) -> list[Chunk]:
        """Whom it calls, peer by peer; by a chance of its own, so that all else is said as it would be without."""
        chunks: list[Chunk] = []
        for peer in self._source.needs:
            random = world.fleet.random(self._source.key, CALLS, peer.service, peer.node, start_us // HOUR_US)
            typed = f"{CALLS} {world.fleet.inventory.services[peer.service].type}"
            program = self._source.program
            for saying in program.says(typed if typed in program.sections else CALLS):
                count = int(random.poisson(saying.rate * length_us / HOUR_US))
                ts_us = start_us + np.sort((random.random(count) * length_us).astype(np.int64))
                ts_us = _thinned(ts_us, spells, WORK, 1.0, random) if spells else ts_us
                chunks += render(world, self._source, saying, ts_us, random, peer.slots())
        return chunks

    def _means(self, world: World, start_us: int, length_us: int, random: Random) -> NDArray[np.float64]:
        """The level of each hour. Good and bad days and hours: real counts vary more than chance alone explains."""
        hour, count = start_us // HOUR_US, length_us // HOUR_US
        if self._day[0] != hour // 24:
            mood = float(world.fleet.random(self._source.key, "day", hour // 24).lognormal(0, DAY_SPREAD))
            self._day = (hour // 24, mood)
        return np.asarray(levels(self._rhythm, hour, count) * self._day[1] * random.lognormal(0, HOUR_SPREAD, count))

    def _job(
        self, world: World, job: Job, start_us: int, length_us: int, spells: list[Spell], random: Random
    ) -> list[Chunk]:
        first = (start_us // MINUTE_US - FIRST_MONDAY_HOURS * 60) % WEEK_MIN
        due = job.within(first, length_us // MINUTE_US)
        if not due:
            return []
        late = (random.random(len(due)) * job.jitter_s * 1e6).astype(np.int64)
        ts_us = start_us + np.array(due, dtype=np.int64) * MINUTE_US + late
        if job.later:
            ts_us = _caught_up(ts_us, [one for one in spells if one.silence], random)
        if spells:
            ts_us = _thinned(ts_us, spells, "job", 1.0, random)
        return [chunk for saying in job.sayings for chunk in render(world, self._source, saying, ts_us, random)]


def _thinned(
    ts_us: NDArray[np.int64], spells: list[Spell], section: str, loudest: float, random: Random
) -> NDArray[np.int64]:
    """Of instants at the loudest rate those that the rate of their own moment leaves."""
    keep = np.full(len(ts_us), 1 / loudest)
    for one in spells:
        if one.section in ("", section):
            keep[(ts_us >= one.start_us) & (ts_us < one.end_us)] *= one.factor
    return ts_us[random.random(len(ts_us)) < keep]


def _caught_up(ts_us: NDArray[np.int64], silences: list[Spell], random: Random) -> NDArray[np.int64]:
    """What falls into a silence comes once it is over."""
    for one in silences:
        missed = (ts_us >= one.start_us) & (ts_us < one.end_us)
        ts_us = np.where(missed, one.end_us + round(random.uniform(*CAUGHT_UP_S) * 1e6), ts_us)
    return np.sort(ts_us)


def _silenced(chunk: Chunk, world: World) -> Chunk | None:
    """Without the lines that would fall into a silence of their speaker."""
    if not world.ever_changes(chunk.source.index):
        return chunk
    keep = np.ones(len(chunk.ts_us), dtype=bool)
    for one in world.spells(chunk.source.index, int(chunk.ts_us.min()), int(chunk.ts_us.max()) + 1):
        if one.silence:
            keep &= (chunk.ts_us < one.start_us) | (chunk.ts_us >= one.end_us)
    if keep.all():
        return chunk
    return chunk.picked(keep) if keep.any() else None


def _reworded(chunk: Chunk, world: World, end_us: int) -> Chunk:
    rewordings = world.rewordings(chunk.source.index, end_us)
    if not rewordings:
        return chunk
    messages = list(chunk.messages)
    for one in rewordings:
        for n, at in enumerate(chunk.ts_us.tolist()):
            if at >= one.since_us:
                for old, new in one.pairs:
                    messages[n] = messages[n].replace(old, new)
    return Chunk(chunk.source, chunk.run, chunk.priority, chunk.ts_us, messages, chunk.pids)
