"""What the steps beyond one database server cost: CPU of each server for each event, and the time of a commit.

    python bench/scale.py one|galera|shards [--events 200000]

As root. Starts the private servers itself (scripts/mariadb, scripts/galera, or a head and two data servers), takes
events in through as many DevMesh processes as there are servers that take them, one after the other and then all at
once, and prints, as JSON, events a second and the CPU of every database server in microseconds an event. Where all
servers share this machine's cores the rates say little; what a fleet can do is computed from the CPU (docs/scale.md).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "tests")]
TICKS = os.sysconf("SC_CLK_TCK")


def take(url: str, node: str, events: int) -> None:
    """Take this many events of one node in, in batches of 5,000; waits for a line on stdin before the first."""
    from corpus import bodies
    from devmesh.intake import Request
    from devmesh.mesh import open_mesh
    from devmesh.settings import load_settings

    sent = list(bodies(events, None))
    with tempfile.TemporaryDirectory() as folder:
        told = {"data_dir": Path(folder), "database_url": url, "embedding_provider": "off"}
        mesh = open_mesh(load_settings(**told))
        mesh.intake.start()
        mesh.intake.take(Request(sent[0], node, time.time_ns() // 1000))  # names and templates are made once
        print("ready", flush=True)
        sys.stdin.readline()
        begun = time.monotonic()
        for body in sent:
            mesh.intake.take(Request(body, node, time.time_ns() // 1000))
        print(time.monotonic() - begun, flush=True)
        mesh.close()


def measure(urls: list[str], servers: list[Any], events: int) -> dict[str, Any]:
    """One process for each URL, at once."""
    children = [
        subprocess.Popen([sys.executable, __file__, "take", url, f"node{number}", "--events", str(events)],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for number, url in enumerate(urls)
    ]  # fmt: skip
    for child in children:
        child.stdout.readline()
    before = [cpu_s(server) for server in servers]
    for child in children:
        child.stdin.write("\n")
        child.stdin.flush()
    took = [float(child.communicate()[0]) for child in children]
    time.sleep(2)  # appliers end
    used = [cpu_s(server) - start for server, start in zip(servers, before, strict=True)]
    total = events * len(urls)
    return {
        "events_per_s": round(total / max(took)),
        "ms_a_batch": round(max(took) / (events / 5_000) * 1e3, 1),
        "server_cpu_us_an_event": [round(one / total * 1e6, 2) for one in used],
    }


def cpu_s(server: Any) -> float:
    """What a server has used so far."""
    user, system = Path(f"/proc/{server.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / TICKS


def run(kind: str, events: int) -> dict[str, Any]:
    """The servers of one step, measured with one and with all that take events."""
    start = {"one": one_server, "galera": three_nodes, "shards": head_and_two}[kind]
    urls, servers, stop = start()
    try:
        alone = measure(urls[:1], servers, events)
        return {"one intake": alone, f"{len(urls)} at once": measure(urls, servers, events)} if urls[1:] else alone
    finally:
        stop()


def one_server() -> tuple[list[str], list[Any], Any]:
    """One MariaDB."""
    from spider_servers import program

    server = program().Server(program().find())
    server.create()
    server.start()
    subprocess.run(
        [*server._install.prefix, "mariadb", "-uroot", f"--socket={server._inside(server.socket)}",  # noqa: SLF001
         "-eCREATE DATABASE devmesh"], check=True,
    )  # fmt: skip
    return [server.url.replace("/?", "/devmesh?")], [server], server.stop


def three_nodes() -> tuple[list[str], list[Any], Any]:
    """A Galera cluster; a DevMesh for each node."""
    from galera_cluster import start_cluster

    cluster = start_cluster()
    return [cluster.url(number) for number in (1, 2, 3)], cluster.nodes, cluster.stop


def head_and_two() -> tuple[list[str], list[Any], Any]:
    """A head and two data servers; a DevMesh for each of these."""
    import devmesh.mesh  # noqa: F401 - brings every room's tables into the metadata
    from devmesh.db import open_database, schema, shards
    from spider_servers import SpiderServers

    made = SpiderServers(2)
    for number in range(3):
        db = open_database(made.url(number))
        schema.upgrade(db)
        db.close()
    head, *data = [shards.server_url(made.url_inside(number)) for number in range(3)]
    plan = shards.plan(head, data)
    for number, statements in enumerate((plan.head, *plan.servers)):
        made.feed(number, shards.script(statements))
    return [made.url(1), made.url(2)], made.servers, made.stop


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["one", "galera", "shards", "take"])
    parser.add_argument("rest", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--events", type=int, default=200_000)
    told = parser.parse_args()
    if told.what == "take":
        take(*told.rest, told.events)
    else:
        print(json.dumps(run(told.what, told.events), indent=2))


if __name__ == "__main__":
    main()
