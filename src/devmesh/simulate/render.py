"""From a saying and instants to lines: whole columns at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from devmesh.simulate.fleet import Source
from devmesh.simulate.programs import Saying, Text
from devmesh.simulate.slots import TIME, Column, Random, column, times
from devmesh.simulate.world import World

EACH = "each"  # a program that forks for everything it does


@dataclass(frozen=True)
class Chunk:
    """n lines of one speaker and one priority; `ts_us` true instants, `run` as World numbers runs, `pids` if not the
    run's own.
    """

    source: Source
    run: int
    priority: int
    ts_us: NDArray[np.int64]
    messages: Column
    pids: Column | None

    def picked(self, mask: NDArray[np.bool_]) -> Chunk:
        """The lines that `mask` keeps."""
        places = np.flatnonzero(mask).tolist()
        pids = None if self.pids is None else [self.pids[n] for n in places]
        return Chunk(self.source, self.run, self.priority, self.ts_us[mask], [self.messages[n] for n in places], pids)


def render(
    world: World, source: Source, saying: Saying, ts_us: NDArray[np.int64], random: Random,
    extra: Mapping[str, str] | None = None,
) -> list[Chunk]:  # fmt: skip
    """The lines of a saying that begins at each of n instants: at least one chunk a step. `extra` decides slots."""
    if not len(ts_us):
        return []
    if world.changes(source, int(ts_us[0]), int(ts_us[-1]) + 1):  # each run has its own process id
        numbers = [world.run_at(source, at) for at in ts_us.tolist()]
        parts = [ts_us[np.array(numbers) == one] for one in dict.fromkeys(numbers)]
        if len(parts) > 1:
            return [chunk for part in parts for chunk in render(world, source, saying, part, random, extra)]
    count = len(ts_us)
    shared: dict[str, Column] = {}
    pids: dict[int, Column] = {}
    out: list[Chunk] = []
    at = ts_us
    for step in saying.steps:
        low, high = step.after
        if high:
            wait = np.full(count, low) if low == high else low + (high - low) * random.random(count)
            at = at + (wait * 1e6).astype(np.int64)
        speaker = world.fleet.speaker(source, step.who)
        if speaker is None:
            continue
        if speaker.index not in pids and speaker.program.head.get("pid") == EACH:
            pids[speaker.index] = random.integers(2_000, 400_000, count).tolist()
        run = world.run_at(speaker, int(at[0]))
        own = pids.get(speaker.index)
        fixed = speaker.fixed if extra is None else {**speaker.fixed, **extra}
        here = {"pid": own or [world.runs[run].pid] * count}
        messages = _texts(step.text, shared, here, fixed, world.written(source.node, at), random)
        out.append(Chunk(speaker, run, step.priority, at, messages, own))
    return out


def _texts(
    text: Text, shared: dict[str, Column], here: Mapping[str, Column], fixed: Mapping[str, str],
    written: NDArray[np.int64], random: Random,
) -> Column:  # fmt: skip
    count = len(written)
    if not text.keys:
        return [text.form % ()] * count
    columns: list[Column] = []
    for key in text.keys:
        if key.startswith(TIME):
            columns.append(times(key[len(TIME) :], written))
        elif key in here:
            columns.append(here[key])
        else:
            if key not in shared:
                shared[key] = column(key, count, random, fixed)
            columns.append(shared[key])
    return list(map(text.form.__mod__, zip(*columns, strict=True)))
