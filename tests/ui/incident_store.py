"""A store with an incident in it, found by the watch as it would be live: quiet hours, then a disk that is full.

It has an inventory, too.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from sqlalchemy import insert

from devmesh.clock import FakeClock
from devmesh.graph import Address, Listener, Seen
from devmesh.intake import Request
from devmesh.memory.tables import blind_intervals
from devmesh.mesh import Mesh, open_mesh
from devmesh.settings import load_settings

MINUTE_US = 60_000_000
QUIET_MIN, LEARN_H = 200, 2
LOOKED_AT = (6, 8, 15)
EVIL = "<img src=x onerror=window.pwned=1>{{window.pwned=2}}\u202e[x](javascript:window.pwned=3)"
# Names of services, hosts and types as somebody writes them who wants a picture or a page to do something.
BAD = "<img src=x onerror=window.pwned=4>{b|x}{a}${window.pwned=5}{{window.pwned=6}}\"'"
BAD_HOST, BAD_TYPE, BAD_ALIAS = "<b>host</b>{c}", "</td><i>type</i>", "</script><script>window.pwned=7</script>"
LONG = "long-" * 25
INVENTORY = {
    "services": {
        "postgres": {"hosts": ["db1"], "type": "database", "aliases": ["pg"]},
        "api": {"hosts": ["web"], "type": "api", "depends_on": ["postgres"]},
        "front": {"hosts": ["web", "edge"], "depends_on": ["api"]},
        "reports": {"hosts": ["edge"], "type": "worker", "depends_on": ["postgres"]},
        BAD: {"hosts": [BAD_HOST], "type": BAD_TYPE, "aliases": [BAD_ALIAS], "depends_on": ["postgres"]},
        "__proto__": {"hosts": ["edge"], "type": "constructor"},
        LONG: {"hosts": ["all"], "type": "agent", "depends_on": ["ring"]},
        "ring": {"hosts": ["edge"], "depends_on": [LONG]},
    }
}
FULL = f"could not write to file pgsql_tmp: No space left on device {EVIL}"


def fill(folder: Path) -> None:
    """Two nodes for some hours; ten minutes ago a disk of `db1` got full, and the API on `web` could not reach it."""
    now = time.time_ns() // 1_000
    begin = now - 16 * MINUTE_US
    clock = FakeClock(begin)
    told = {"embedding_provider": "off", "learn_hours": LEARN_H, "disk_reserve_mb": 1}
    mesh = open_mesh(load_settings(data_dir=folder, **told), clock=clock)
    mesh.intake.start()
    for node, service in (("db1", "postgres"), ("web", "api")):
        said = [(begin - n * MINUTE_US, service, 6, f"request {n} done") for n in range(QUIET_MIN, 0, -1)]
        take(mesh, node, said)
    look(mesh)
    for minute in range(1, 16):
        at = begin + minute * MINUTE_US
        clock.advance(MINUTE_US / 1e6)
        failing = 5 <= minute <= 9
        take(
            mesh,
            "db1",
            [(at - 40_000_000, "postgres", 2, FULL)] * failing + [(at - 9, "postgres", 6, "request 1 done")],
        )
        take(
            mesh,
            "web",
            [(at - 20_000_000, "api", 3, f"cannot reach postgres {EVIL}")] * 4 * failing
            + [(at - 9, "api", 6, "request 1 done")],
        )
        if minute in LOOKED_AT:
            look(mesh)
    unseen(mesh, "web", begin + 2 * MINUTE_US, begin + 4 * MINUTE_US)
    mesh.graph.load(json.dumps(INVENTORY))
    touches(mesh)
    mesh.close()


def touches(mesh: Mesh) -> None:
    """What an agent saw on some days: of whom nobody declared that they need each other."""
    day = 24 * 60 * MINUTE_US
    for name, target, days in (
        (BAD, "10.0.0.12:80", 4),
        ("front", "10.0.0.11:5432", 4),
        ("reports", "10.0.0.12:80", 95),
    ):
        for ago in (days, 3, 2, 1):
            at = mesh.clock.now_us() - ago * day
            mesh.graph.learn(
                [Seen(name, "edge", target, "network", at, at + MINUTE_US, 20, 1)],
                [Address("db1", "10.0.0.11"), Address("web", "10.0.0.12")],
                [Listener("db1", "10.0.0.11", 5432, "postgres"), Listener("web", "10.0.0.12", 80, "api")],
            )


def unseen(mesh: Mesh, node: str, since_us: int, until_us: int) -> None:
    """A time in which nothing was seen of a node, as it is kept once it is over."""
    known = mesh.nodes.node_names.ids([node], create=False)[node]
    told = {"node_id": known, "since_us": since_us, "until_us": until_us, "verdict": "network_cut", "before": "{}"}
    with mesh.db.write() as connection:
        connection.execute(insert(blind_intervals).values({**told, "reason": "it could not reach this server"}))


def take(mesh: Mesh, node: str, said: list[tuple[int, str, int, str]]) -> None:
    """Store lines of one node: (ts_us, service, priority, message)."""
    lines = [json.dumps(dict(zip(("ts_us", "service", "priority", "message"), one, strict=True))) for one in said]
    mesh.intake.take(Request(("\n".join(lines) + "\n").encode(), node, mesh.clock.now_us()), 60)


def look(mesh: Mesh) -> None:
    """What the server's loops do meanwhile."""
    for loop in ("assign-families", "template-totals", "watch"):
        while mesh.runner.once(loop):
            pass
