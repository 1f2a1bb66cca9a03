"""Learned edges: what a fleet's logs give back of edges that its inventory hides.

    python bench/graph.py --learn [--seeds 3] [--days 14] [--hidden 10] [--json]

A fleet of 14 nodes with 40 edges or more, others for each seed, lives some days: programs log whom they call as they do
in life, a fault now and then lets callers say whom they cannot reach. 10 edges by chance are left out of the inventory
that is loaded. Precision: of what is proposed, the share that is true (an edge of the fleet that nobody declared);
recall: of the hidden ones, the share that is proposed. First the logs are all there is; then agents tell their nodes'
addresses and who listens where (`told_ports`), but not one connection.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from devmesh.clock import FakeClock
from devmesh.graph import Address, Listener
from devmesh.intake import Request
from devmesh.mesh import Mesh, open_mesh
from devmesh.settings import load_settings
from devmesh.simulate import Inventory as Fleet
from devmesh.simulate import Simulation, read_inventory

SINCE_US = 1_767_571_200_000_000  # Monday, 2026-01-05
DAY_US = 86_400_000_000
LINES = 20_000
APIS, WORKERS = 7, 3
Edge = tuple[str, str]


def fleet_of(seed: int) -> dict[str, dict[str, Any]]:
    """Services by name, as an inventory has them: a home that grew, each API on a machine of its own."""
    draw = random.Random(seed)  # noqa: S311 - the same every time, no secret
    stores = {
        "mariadb": ("database", "db1"), "postgresql": ("database", "db2"), "redis-server": ("cache", "cache1"),
        "ollama": ("inference", "gpu1"), "nfs-server": ("storage", "nas"), "unbound": ("dns", "dns"),
    }  # fmt: skip
    services = {name: {"hosts": [host], "type": kind, "depends_on": []} for name, (kind, host) in stores.items()}
    apis = [f"{name}-api" for name in ("docs", "chat", "photos", "shop", "mail", "wiki", "tasks")][:APIS]
    for number, name in enumerate(apis, 1):
        needs = [draw.choice(["mariadb", "postgresql"]), *draw.sample(["redis-server", "ollama"], draw.choice([1, 2]))]
        needs += draw.sample(apis[: number - 1], 1) if number > 1 else []
        services[name] = {"hosts": [f"app{number}"], "type": "api", "depends_on": needs}
    for number, name in enumerate(("docs-worker", "photo-worker", "mail-worker")[:WORKERS], 1):
        needs = [draw.choice(["mariadb", "postgresql"]), "redis-server", "nfs-server"]
        services[name] = {"hosts": [f"app{number}"], "type": "worker", "depends_on": needs}
    for name, host, most in (("nginx", "edge", 5), ("traefik", "app4", 4)):
        services[name] = {"hosts": [host], "type": "proxy", "depends_on": sorted(draw.sample(apis, most))}
    services["grafana"] = {"hosts": ["monitor"], "type": "dashboards", "depends_on": ["prometheus"]}
    services["prometheus"] = {"hosts": ["monitor"], "type": "monitoring", "depends_on": ["node_exporter"]}
    services["node_exporter"] = {"hosts": ["all"], "type": "exporter", "depends_on": []}
    services["borg-backup"] = {"hosts": ["db1"], "type": "backup", "depends_on": ["nfs-server"]}
    return services


def as_text(services: dict[str, dict[str, Any]], hidden: set[Edge]) -> str:
    """The inventory without the hidden edges."""
    shown = {
        name: {**one, "depends_on": [needed for needed in one["depends_on"] if (name, needed) not in hidden]}
        for name, one in services.items()
    }
    return yaml.safe_dump({"services": shown}, sort_keys=False)


def bodies(made: Simulation) -> Iterator[bytes]:
    """What the fleet writes, in bodies of many lines."""
    lines: list[str] = []
    journal = made.journal()
    for some in made:
        lines += [line for _node, _seq, line in journal.ndjson(some)]
        while len(lines) >= LINES:
            yield ("\n".join(lines[:LINES]) + "\n").encode()
            del lines[:LINES]
    yield ("\n".join(lines) + "\n").encode()


def learned(seed: int, days: int, hidden: int, faults: int) -> dict[str, Any]:
    """One fleet's figures."""
    services = fleet_of(seed)
    edges = sorted((name, needed) for name, one in services.items() for needed in one["depends_on"])
    kept_back = set(random.Random(1_000 + seed).sample(edges, hidden))  # noqa: S311
    whole: Fleet = read_inventory(as_text(services, set()), "fleet.yaml")
    made = Simulation(whole, seed, SINCE_US, SINCE_US + days * DAY_US, random_faults=faults, calls=True)
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(data_dir=Path(folder), embedding_provider="off", disk_reserve_mb=1)
        mesh = open_mesh(settings, clock=FakeClock(SINCE_US + days * DAY_US))
        mesh.intake.start()
        try:
            mesh.graph.load(as_text(services, kept_back))
            return {"seed": seed, "edges": len(edges), **_measured(mesh, made, set(edges), kept_back)}
        finally:
            mesh.close()


def _measured(mesh: Mesh, made: Simulation, edges: set[Edge], hidden: set[Edge]) -> dict[str, Any]:
    lines = 0
    for body in bodies(made):
        lines += mesh.intake.take(Request(body, "fleet", mesh.clock.now_us(), may_name_nodes=True), 120).stored
    began = time.process_time()
    for name in ("assign-families", "learn-edges", "place-edges"):
        while mesh.runner.once(name) >= 50:
            pass
    took = time.process_time() - began
    figures = _figures(mesh, edges, hidden)
    mesh.graph.learn([], *_ports(made))
    mesh.runner.once("place-edges")
    told = _figures(mesh, edges, hidden)
    return {"lines": lines, "learning_cpu_s": round(took, 1), **figures, "told_ports": told}


def _ports(made: Simulation) -> tuple[list[Address], list[Listener]]:
    """What agents report of ports and addresses."""
    fleet = made.fleet
    spoken = [one for one in fleet.sources if not one.about and one.program.head.get("port", "").isdecimal()]
    listeners = [Listener(one.node, "", int(one.program.head["port"]), one.service) for one in spoken]
    return [Address(node, fleet.ip(node)) for node in fleet.inventory.nodes], listeners


def _figures(mesh: Mesh, edges: set[Edge], hidden: set[Edge]) -> dict[str, Any]:
    found = {(one.start, one.end) for one in mesh.graph.learning.proposals(1_000).rows}
    weak = {(one.start, one.end) for one in mesh.graph.learning.proposals(1_000, everything=True).rows} - found
    graph = mesh.graph.snapshot()
    met = [pair for pair, types in graph.types.items() if types != ("RUNS_ON",)]
    in_force = {(graph.things[one].name, graph.things[other].name) for one, other in met}
    return {
        "proposed": len(found),
        "precision": round(len(found & edges) / max(1, len(found)), 3),
        "recall": round(len(found & hidden) / len(hidden), 3),
        "wrong": sorted(f"{start} -> {end}" for start, end in found - edges),
        "missed": sorted(f"{start} -> {end}" for start, end in hidden - found),
        "weak": sorted(f"{start} -> {end}" for start, end in weak),
        "applied": len(in_force - (edges - hidden)),
    }
