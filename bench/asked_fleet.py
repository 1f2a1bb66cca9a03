"""The fleet that `reasoning.py` asks about: four and a half simulated days with known faults, watched as they went.

Everything is fixed: the fleet, its seed, the faults and their times, and the present, a Friday at ten in the morning.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl

from devmesh.clock import FakeClock
from devmesh.intake import Request
from devmesh.mesh import Mesh, open_mesh
from devmesh.nodes import StreamKey
from devmesh.settings import load_settings
from devmesh.simulate import Journal, Simulation, Slice, Wish, default_inventory

ZONE = "Europe/Berlin"
SEED = 5
STEP_US = 600_000_000
BATCH = 5_000
SETTLING = ("template-totals", "template-samples", "assign-families")
LEARNED_H = 24  # what the watch learns from before it says anything


def at_us(text: str) -> int:
    """An instant of the viewer's clock, as ISO 8601."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).timestamp()) * 1_000_000


BEGIN_US, NOW_US = at_us("2026-01-19T00:00"), at_us("2026-01-23T10:00")
WATCHED_US = BEGIN_US + LEARNED_H * 3_600_000_000
FAULTS = (
    Wish("brute-force", at_us("2026-01-20T21:10")),
    Wish("disk-full", at_us("2026-01-21T14:05")),
    Wish("oom-loop", at_us("2026-01-22T03:00")),
    Wish("database-outage", at_us("2026-01-23T02:20")),
    Wish("deploy", at_us("2026-01-22T11:00")),
    Wish("certificate-expired", at_us("2026-01-23T06:30")),
    Wish("silent-node", at_us("2026-01-22T18:00")),
)


def simulation() -> Simulation:
    """The fleet's life."""
    return Simulation(default_inventory(), SEED, BEGIN_US, NOW_US, list(FAULTS))


def said(made: Simulation) -> pl.DataFrame:
    """(ts_us, service, node, message) of every line: what answers are held against."""
    runs = made.world.runs
    frames = [
        pl.DataFrame(
            {
                "ts_us": some.ts_us,
                "service": [runs[run].source.service for run in some.runs],
                "node": [runs[run].source.node for run in some.runs],
                "message": some.messages,
            }
        )
        for some in made
    ]
    return pl.concat(frames)


def opened(folder: Path) -> Mesh:
    """The house in `folder` at the present, or an empty one at the beginning."""
    begun = (folder / "devmesh.db").exists()
    settings = load_settings(data_dir=folder, learn_hours=LEARNED_H, timezone=ZONE, embedding_provider="local")
    return open_mesh(settings, clock=FakeClock(NOW_US if begun else BEGIN_US))


def live(mesh: Mesh, made: Simulation) -> None:
    """Let a house take all of it in and watch it as time goes by."""
    clock, journal = mesh.clock, made.journal()
    assert isinstance(clock, FakeClock)  # noqa: S101 - it is the one that `opened` made
    mesh.intake.start()
    mesh.graph.load((files("devmesh.simulate") / "inventory.yaml").read_text("utf-8"))
    for until_us, some in steps(made):
        clock.advance((until_us - clock.now_us()) / 1e6)
        take(mesh, journal, some)
        watched = ("watch", "write-reports") if until_us >= WATCHED_US else ()
        for loop in (*SETTLING, *watched):
            for _ in range(1_000):
                if not mesh.runner.once(loop):
                    break
    clock.advance((NOW_US - clock.now_us()) / 1e6)


def steps(made: Simulation) -> Iterator[tuple[int, Slice]]:
    """(when it ends, its lines): as the simulation cuts it while nobody watches, then ten minutes each."""
    for some in made:
        first, count = 0, len(some.true_us)
        while first < count:
            end_us = some.true_us[first] // STEP_US * STEP_US + STEP_US
            last = count if end_us < WATCHED_US else first
            while last < count and some.true_us[last] < end_us:
                last += 1
            yield min(NOW_US, max(end_us, some.true_us[last - 1])), some.part(first, last)
            first = last


def take(mesh: Mesh, journal: Journal, some: Slice) -> None:
    """Send lines in as the agent of each node would."""
    by_node: dict[str, list[tuple[int, str]]] = {}
    for node, seq, line in journal.ndjson(some):
        by_node.setdefault(node, []).append((seq, line))
    tickets = []
    for node, entries in by_node.items():
        for n in range(0, len(entries), BATCH):
            part = entries[n : n + BATCH]
            body = "".join(line + "\n" for _seq, line in part).encode()
            stream = StreamKey(journal.streams[node])
            ranges = ((part[0][0], part[-1][0]),)
            now_us = mesh.clock.now_us()
            tickets.append(mesh.intake.submit(Request(body, node, now_us, stream=stream, ranges=ranges)))
    for ticket in tickets:
        ticket.future.result(60)
