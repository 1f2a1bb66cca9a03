"""The graph at size: loading, building the projection, and questions, by the engine and from memory.

python bench/graph.py [--services 10000] [--edges 50000] [--json]
python bench/graph.py --learn [--seeds 3] [--days 14] [--json]     learned edges, see learned.py

Services are numbered; each needs some with a lower number, low ones more often (what many need is needed by more). So
service 1 takes nearly all along when it fails: the worst case, told apart from those drawn at random.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from devmesh.mesh import Mesh, open_mesh
from devmesh.settings import load_settings
from learned import learned

HOSTS, ASKED = 500, 100


def write_inventory(services: int, edges: int) -> str:
    """The text of an inventory, the same every time."""
    draw = random.Random(1)  # noqa: S311 - the same every time, no secret
    pairs: set[tuple[int, int]] = set()
    while len(pairs) < edges:
        one = draw.randrange(2, services + 1)
        pairs.add((one, max(1, min(int(draw.random() ** 2 * one), one - 1))))
    lines = ["services:"]
    for number in range(1, services + 1):
        hosts = ", ".join(sorted({f"node{draw.randrange(HOSTS)}" for _ in range(draw.choice((1, 1, 1, 2)))}))
        lines.append(f"  s{number}: {{hosts: [{hosts}], type: {draw.choice(('api', 'database', 'worker'))}}}")
    lines.append("edges:")
    lines += [f"  - {{from: s{one}, to: s{other}, type: CALLS}}" for one, other in sorted(pairs)]
    return "\n".join(lines) + "\n"


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that something took, and its result."""
    began = time.perf_counter()
    done = work()
    return time.perf_counter() - began, done


def cpu_s(pid: int) -> float:
    """Seconds of processor time that this process and the engine took so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return time.process_time() + sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def ask(question: Callable[[str], Any], names: list[str], pid: int) -> dict[str, float]:
    """Milliseconds of a question, after one that fills the caches; `cpu_ms` is the mean, here and in the engine."""
    question(names[0])
    before = cpu_s(pid)
    times = sorted(timed(lambda name=name: question(name))[0] * 1_000 for name in names)
    cpu = (cpu_s(pid) - before) / len(names) * 1_000
    p95 = times[int(len(times) * 0.95)]
    return {"median_ms": round(statistics.median(times), 1), "p95_ms": round(p95, 1), "cpu_ms": round(cpu, 1)}


def memory_mb(pid: int, field: str) -> int:
    """What a process holds (VmRSS) or held at most (VmHWM)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field)) // 1_000


def measure(mesh: Mesh, services: int, edges: int) -> dict[str, Any]:
    """Every figure."""
    text = write_inventory(services, edges)
    result: dict[str, Any] = {"services": services, "edges": edges, "file_mb": round(len(text) / 1e6, 1)}
    result["dry_run_s"] = timed(lambda: mesh.graph.load(text, apply=False))[0]
    result["load_s"] = timed(lambda: mesh.graph.load(text))[0]
    result["snapshot_s"], graph = timed(mesh.graph.snapshot)
    engine = mesh.graph._asking._engine  # noqa: SLF001 - to tell its start from the rest
    if engine is None:
        raise SystemExit("there is no engine here")
    result["ready_s"] = timed(engine.ensure)[0]
    pid = engine.pid or 0
    result["project_s"] = timed(mesh.graph.keep)[0]
    draw = random.Random(2)  # noqa: S311
    names = [f"s{draw.randrange(1, services + 1)}" for _ in range(ASKED)]
    worst = ["s1"] * (ASKED // 5)
    falkor = mesh.graph._asking._falkor  # noqa: SLF001 - to ask memory alone
    for kind in ("falkordb", "memory"):
        mesh.graph._asking._falkor = falkor if kind == "falkordb" else None  # noqa: SLF001
        assert mesh.graph.blast("s1").engine.startswith(kind)  # noqa: S101
        result[kind] = {
            "blast": ask(mesh.graph.blast, names, pid),
            "blast_worst": ask(mesh.graph.blast, worst, pid),
            "causes": ask(mesh.graph.causes, names, pid),
            "path": ask(lambda name: mesh.graph.path(name, "s1"), names, pid),
        }
    result["worst_reach"] = mesh.graph.blast("s1").total
    result["risks_s"] = timed(mesh.graph.risks)[0]
    result["engine_mb"] = {"now": memory_mb(pid, "VmRSS"), "most": memory_mb(pid, "VmHWM")}
    result["things"] = len(graph.things)
    return {name: round(value, 3) if isinstance(value, float) else value for name, value in result.items()}


def main() -> None:
    """Measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--services", type=int, default=10_000)
    parser.add_argument("--edges", type=int, default=50_000)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--learn", action="store_true")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--hidden", type=int, default=10)
    given = parser.parse_args()
    if given.learn:
        for seed in range(given.first, given.first + given.seeds):
            figures = learned(seed, given.days, given.hidden, given.days // 2)
            sys.stdout.write(json.dumps(figures, indent=None if given.json else 2) + "\n")
            sys.stdout.flush()
        return
    with tempfile.TemporaryDirectory() as folder:
        mesh = open_mesh(load_settings(data_dir=Path(folder), embedding_provider="off", disk_reserve_mb=1))
        try:
            result = measure(mesh, given.services, given.edges)
        finally:
            mesh.close()
    sys.stdout.write(json.dumps(result, indent=None if given.json else 2) + "\n")


if __name__ == "__main__":
    main()
