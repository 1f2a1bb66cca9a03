"""Latency of the questions that people ask, over a store of a day's events."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from corpus import DAY_US, START_US
from devmesh.catalogue import list_families, show
from devmesh.events import Filter
from devmesh.finding import find_families
from devmesh.loops.lease import take
from devmesh.mesh import Mesh, open_mesh
from devmesh.settings import load_settings

RUNS = 9
WORD = "refused"
REGEX = r"(?i)timeout|port [0-9]{4}\b"


def settle(mesh: Mesh) -> None:
    """Run the loops that a running server would have run by now."""
    for loop in [*mesh.templates.loops(), *mesh.events.loops(), *mesh.embeddings.loops()]:
        lease = take(mesh.db, mesh.clock, loop.name, "bench")
        while lease is not None and loop.step(loop.limit, lease) >= loop.limit:
            pass


def measure(folder: Path) -> dict[str, Any]:
    """{question: [median of 9, worst]} in ms."""
    mesh = open_mesh(load_settings(data_dir=folder, retention_days=36_500))
    settle(mesh)
    totals = sorted(mesh.events.by_service().items(), key=lambda pair: pair[1])
    rare, common = totals[len(totals) // 10][0], totals[-1][0]
    since, until = START_US, START_US + DAY_US
    busiest = list_families(mesh, limit=1)[0]["id"]
    questions: dict[str, Callable[[], Any]] = {
        "last_100_common_service": lambda: mesh.events.query(Filter(service_ids=(common,)), 100),
        "last_100_rare_service": lambda: mesh.events.query(Filter(service_ids=(rare,)), 100),
        "last_100_with_word": lambda: mesh.events.query(Filter(contains=WORD), 100),
        "count_word": lambda: mesh.events.count(Filter(contains=WORD)),
        "count_regex": lambda: mesh.events.count(Filter(regex=REGEX)),
        "count_by_minute": lambda: mesh.events.by_minute(since, until, by=()),
        "top_services": mesh.events.by_service,
        "templates_page": lambda: list_families(mesh, limit=100),
        "template_page": lambda: show(mesh, busiest),
        "semantic_search": lambda: find_families(mesh, "disk is dying", 10),
    }
    result: dict[str, Any] = {name: timed(ask) for name, ask in questions.items()}
    mesh.close()
    return result


def timed(ask: Callable[[], Any]) -> list[float]:
    """[median of 9, worst] in ms."""
    spent = []
    for _ in range(RUNS):
        began = time.perf_counter()
        ask()
        spent.append((time.perf_counter() - began) * 1000)
    return [round(statistics.median(spent), 1), round(max(spent), 1)]
