"""How fast events come in, what they cost, and how fast they are found again.

    python bench/ingest.py [--events 1000000] [--data FOLDER] [--database URL] [--long] [--json]

Every figure is measured in a process of its own: canonicalize in frames of 200,000, decode to durable in process, HTTP
with 1 and 2 connections against a real server, queries over the store that was made. With the URL of a MariaDB server
(`scripts/mariadb run` starts one) each store is a database of its own there, dropped at the end. `--long` asks one
question alone: does it stay as fast, and its queries too, as the store grows?
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from itertools import pairwise
from mmap import ACCESS_READ, mmap
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Self

from sqlalchemy import NullPool, create_engine, make_url

from devmesh.db import open_database

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from machine import yardstick  # noqa: E402 - beside this file

FRAME = 200_000
OUTSTANDING = 12
MILLION = 1_000_000
IDLE_AFTER_S = 60.0  # after the load


def read_bodies(path: Path) -> list[bytes]:
    """The bodies that `write_corpus` wrote."""
    return [part for part in path.read_bytes().split(b"\0") if part]


def each_body(path: Path) -> Iterator[bytes]:
    """The same one by one: ten million events fit no memory."""
    with path.open("rb") as file, mmap(file.fileno(), 0, access=ACCESS_READ) as held:
        start = 0
        while (end := held.find(b"\0", start)) >= 0:
            yield held[start:end]
            start = end + 1


def write_corpus(path: Path, events: int, data: Path | None) -> None:
    """Bodies one after the other, NUL between them (JSON has none)."""
    from corpus import bodies

    with path.open("wb") as file:
        for body in bodies(events, data):
            file.write(body + b"\0")


def phase_canonicalize(corpus: Path, _folder: Path) -> dict[str, Any]:
    """Messages a second, in frames of 200,000."""
    import polars as pl

    from devmesh.heap import keep_freed_memory
    from devmesh.templates import canonicalize

    keep_freed_memory()  # as the server does
    texts = [json.loads(line)["message"] for body in read_bodies(corpus) for line in body.splitlines()]
    frames = [pl.Series(texts[start : start + FRAME]) for start in range(0, len(texts), FRAME)]
    canonicalize(frames[0].head(5_000))
    wall, cpu = time.perf_counter(), time.process_time()
    for frame in frames:
        canonicalize(frame)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"canonicalize_per_s": round(len(texts) / wall), "canonicalize_cpu_us": round(cpu / len(texts) * 1e6, 2)}


def phase_durable(corpus: Path, folder: Path) -> dict[str, Any]:
    """Decode to durable in one process, requests of 5,000 events, a dozen of them waiting."""
    from devmesh.intake import Request
    from devmesh.mesh import open_mesh
    from devmesh.settings import load_settings

    mesh = open_mesh(load_settings(data_dir=folder))
    mesh.intake.start()
    now = mesh.clock.now_us()
    wall, cpu = time.perf_counter(), tree_cpu_s(os.getpid())
    pending, stored, laps = [], 0, [0.0]
    for body in each_body(corpus):
        pending.append(mesh.intake.submit(Request(body, "bench", now)))
        if len(pending) >= OUTSTANDING:
            stored += pending.pop(0).future.result().stored
        if stored >= len(laps) * MILLION:
            laps.append(time.perf_counter() - wall)
    stored += sum(ticket.future.result().stored for ticket in pending)
    if stored >= len(laps) * MILLION:
        laps.append(time.perf_counter() - wall)
    wall, cpu = time.perf_counter() - wall, tree_cpu_s(os.getpid()) - cpu
    peak = tree_mb(os.getpid(), "VmHWM:")
    mesh.close()
    return {
        "durable_per_s": round(stored / wall),
        "cpu_us_per_event": round(cpu / stored * 1e6, 2),
        "commits": mesh.intake.totals.commits,
        "per_s_of_each_million": [round(MILLION / (end - begin)) for begin, end in pairwise(laps)],
        "durable_process_mb": peak,
    }


def phase_http(corpus: Path, folder: Path, connections: int) -> dict[str, Any]:
    """Over HTTP against a server process, with keep-alive connections."""
    bodies = read_bodies(corpus)
    events = sum(body.count(b"\n") for body in bodies)
    with Server(folder) as server:
        todo: SimpleQueue[bytes | None] = SimpleQueue()
        for body in [*bodies, *[None] * connections]:
            todo.put(body)
        wall, cpu = time.perf_counter(), server.cpu_s()
        threads = [threading.Thread(target=_post_all, args=(server.port, todo)) for _ in range(connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        wall, cpu = time.perf_counter() - wall, server.cpu_s() - cpu
        result = {"http_per_s": round(events / wall), "cpu_us_per_event": round(cpu / events * 1e6, 2)}
        result["peak_mb"] = server.peak_mb()
        if connections > 1:
            time.sleep(IDLE_AFTER_S)
            result["idle_mb"] = server.now_mb()
        return result


def _post_all(port: int, todo: SimpleQueue[bytes | None]) -> None:
    connection = HTTPConnection("127.0.0.1", port)
    while (body := todo.get()) is not None:
        connection.request("POST", "/ingest", body)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise SystemExit(f"the server answered {answer.status}: {text[:200]!r}")


def tree(pid: int) -> list[int]:
    """A process and its children: readers that help under load."""
    children = "".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))
    return [pid, *(other for child in children.split() for other in tree(int(child)))]


def tree_cpu_s(pid: int) -> float:
    """Seconds of CPU that they used."""
    stats = [Path(f"/proc/{one}/stat").read_text().rsplit(")", 1)[1].split() for one in tree(pid)]
    return sum(int(parts[11]) + int(parts[12]) for parts in stats) / os.sysconf("SC_CLK_TCK")


def tree_mb(pid: int, what: str) -> int:
    """The sum of their resident memories: VmHWM the largest so far, VmRSS now. Files that they map count in full."""
    statuses = [Path(f"/proc/{one}/status").read_text() for one in tree(pid)]
    return sum(int(status.split(what)[1].split()[0]) for status in statuses if what in status) // 1024


class Server:
    """A `devmesh serve` process on a free port."""

    def __init__(self, folder: Path) -> None:
        self._folder, self.port = folder, 0

    def __enter__(self) -> Self:
        code = (
            "from devmesh.mesh import open_mesh\n"
            "from devmesh.settings import load_settings\n"
            "from devmesh.server import serve\n"
            f"mesh = open_mesh(load_settings(data_dir={str(self._folder)!r}, port=0))\n"
            "serve(mesh, lambda url: print(url, flush=True))"
        )
        self._process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        if self._process.stdout is None:
            raise SystemExit("the server has no output")
        self.port = int(self._process.stdout.readline().rsplit(":", 1)[1])
        for _ in range(200):
            try:
                HTTPConnection("127.0.0.1", self.port, timeout=1).request("GET", "/health")
                break
            except OSError:
                time.sleep(0.05)
        return self

    def __exit__(self, *_error: object) -> None:
        self._process.terminate()
        self._process.wait(60)

    def cpu_s(self) -> float:
        """Seconds of CPU that the server used."""
        return tree_cpu_s(self._process.pid)

    def peak_mb(self) -> int:
        """The largest resident memory of the server and its readers."""
        return tree_mb(self._process.pid, "VmHWM:")

    def now_mb(self) -> int:
        """What they have now."""
        return tree_mb(self._process.pid, "VmRSS:")


def phase_queries(_corpus: Path, folder: Path) -> dict[str, Any]:
    """Latency over the store that was made: median of 9 and worst, ms."""
    from queries import measure

    return measure(folder)


class Stores:
    """Where each folder's store is: in it, or a database of its own on a server."""

    def __init__(self, url: str | None) -> None:
        self._url = url

    def url(self, folder: Path) -> str:
        """The database URL of a folder's store; empty for SQLite."""
        return (
            str(make_url(self._url).set(database=f"bench_{folder.name}").render_as_string(False)) if self._url else ""
        )

    def make(self, folder: Path) -> None:
        """An empty database, where the store is on a server."""
        self.drop(folder)
        self._run(f"CREATE DATABASE bench_{folder.name}")

    def drop(self, folder: Path) -> None:
        """Take it away."""
        self._run(f"DROP DATABASE IF EXISTS bench_{folder.name}")

    def bytes(self, folder: Path) -> int:
        """What a store takes on disk."""
        if not self._url:
            return sum(file.stat().st_size for file in folder.glob("devmesh.db*"))
        db = open_database(self.url(folder))
        with db.change_schema() as connection:  # else the server's own count of pages is minutes behind
            connection.exec_driver_sql("ANALYZE TABLE log_events, minute_counts, event_counts, log_templates").all()
        size = db.server_bytes()
        db.close()
        return size

    def _run(self, sql: str) -> None:
        if self._url:
            engine = create_engine(make_url(self._url).set(drivername="mariadb+pymysql"), poolclass=NullPool)
            with engine.connect() as connection:
                connection.exec_driver_sql(sql)


def child(phase: str, corpus: Path, folder: Path, stores: Stores, *extra: str) -> dict[str, Any]:
    """Run one phase in a process of its own."""
    command = [sys.executable, __file__, "--phase", phase, "--corpus", str(corpus), "--folder", str(folder), *extra]
    env = {**os.environ, "DEVMESH_DATABASE_URL": stores.url(folder)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        raise SystemExit(f"{phase} failed:\n{done.stderr[-3000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def run_long(events: int, data: Path | None, scratch: Path, stores: Stores) -> dict[str, Any]:
    """Decode to durable with the rate of each million, and the queries over all of it."""
    corpus, folder = scratch / "corpus", scratch / "durable"
    stores.make(folder)
    write_corpus(corpus, events, data)
    result = {"machine": yardstick(), **child("durable", corpus, folder, stores)}
    result["bytes_per_event"] = round(stores.bytes(folder) / events, 1)
    result["queries_ms"] = child("queries", corpus, folder, stores)
    stores.drop(folder)
    return result


def run(events: int, data: Path | None, scratch: Path, stores: Stores) -> dict[str, Any]:
    """All phases; the keys are those of the project's targets."""
    corpus = scratch / "corpus"
    folders = durable, http1, http2 = [scratch / name for name in ("durable", "http1", "http2")]
    for folder in folders:
        stores.make(folder)
    write_corpus(corpus, events, data)
    result = {"machine": yardstick()}
    result |= child("canonicalize", corpus, scratch, stores)
    result |= child("durable", corpus, durable, stores)
    result["bytes_per_event"] = round(stores.bytes(durable) / events, 1)
    one = child("http", corpus, http1, stores, "--connections", "1")
    two = child("http", corpus, http2, stores, "--connections", "2")
    result["http_per_s"] = {"1": one["http_per_s"], "2": two["http_per_s"]}
    result["http_cpu_us_per_event"] = two["cpu_us_per_event"]
    result |= {name: two[name] for name in ("peak_mb", "idle_mb")}
    result["queries_ms"] = child("queries", corpus, durable, stores)
    for folder in folders:
        stores.drop(folder)
    return result


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--data", type=Path, help="folder with real logs; without it the built-in generator speaks")
    parser.add_argument("--database", help="URL of a MariaDB server; without it the store is SQLite")
    parser.add_argument("--long", action="store_true", help="decode to durable by the million, and the queries, alone")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--phase", help=argparse.SUPPRESS)
    parser.add_argument("--corpus", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--connections", type=int, default=1, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.phase:
        phases = {"canonicalize": phase_canonicalize, "durable": phase_durable, "queries": phase_queries}
        done = (
            phase_http(asked.corpus, asked.folder, asked.connections)
            if asked.phase == "http"
            else phases[asked.phase](asked.corpus, asked.folder)
        )
        print(json.dumps(done))
        return
    if asked.data and not asked.data.is_dir():
        print(f"{asked.data} is absent: the built-in generator speaks instead.", file=sys.stderr)
        asked.data = None
    with tempfile.TemporaryDirectory() as scratch:
        way = run_long if asked.long else run
        result = way(asked.events, asked.data, Path(scratch), Stores(asked.database))
    print(json.dumps(result) if asked.json else "\n".join(f"{name:24} {value}" for name, value in result.items()))


if __name__ == "__main__":
    main()
