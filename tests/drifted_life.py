"""Thirty whole days of a disk that complains more each day, and of a web service that goes on as ever."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from bodies import DAY_US, HOUR_US, line, run_whole, take
from devmesh.clock import FakeClock
from devmesh.mesh import open_mesh
from devmesh.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from devmesh.mesh import Mesh

DAYS, SECTORS = 30, 4
PENDING = "sector 7 is pending <img src=x onerror=window.pwned=1>\x1b[2J\u202e"


def live(mesh: Mesh, now_us: int) -> None:
    """Take it in as the node `nas`, up to now; each day the disk says one more line of each of its two."""
    begin_us, body = now_us // DAY_US * DAY_US - DAYS * DAY_US, b""
    for day in range(DAYS):
        said = (
            ("smartd", PENDING, SECTORS + day),
            ("smartd", "scrubbed 9 blocks", SECTORS + day),
            ("web", "ready", 20),
        )
        for service, text, n in said:
            at_us = begin_us + day * DAY_US
            body += b"".join(line(text, service=service, ts_us=at_us + k * HOUR_US // 3) for k in range(n))
    body += line("ready", service="web", ts_us=now_us - 1)
    take(mesh, body, "nas", received_us=now_us)
    for loop in mesh.templates.loops():
        run_whole(mesh, loop.name)


def fill(folder: Path) -> None:
    """A store of it, up to this moment."""
    now_us = time.time_ns() // 1_000
    mesh = open_mesh(load_settings(data_dir=folder, embedding_provider="off"), clock=FakeClock(now_us))
    mesh.intake.start()
    live(mesh, now_us)
    mesh.close()
