"""How fast the nearest vectors are found, and how many of the truly nearest are among them.

    python bench/vectors.py [--database URL] [--vectors 20000] [--dim 4096] [--data FOLDER] [--json]

With the URL of a MariaDB server the room's own way there: load, compare with all, make the index, ask it; in a database
of its own, dropped at the end (`scripts/mariadb run --mhnsw-max-cache-size=512M --innodb-buffer-pool-size=1G` starts a
server). Without it, SQLite's way: the matrix in memory. The answer to compare with is numpy's, in float32.

The texts are real: canonical lines of FOLDER (loghub, homelab), then messages and help texts in the source of the
installed Python packages. At 256 numbers the vectors are real too (WordLlama's). No model of more is at hand: at
N times 256 a vector is N heads one after another, each the mean of the same text's word vectors under weights of its
own, drawn once for each word (seeded). Near texts stay near, and the numbers are no copies of each other: 4,096 of them
spread like some 230 independent ones, 256 like 120. The questions are texts that were left out.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import socket
import statistics
import struct
import sys
import sysconfig
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import NullPool, create_engine, make_url

from devmesh.embeddings import LocalProvider, Vectors, stored, unit
from devmesh.embeddings.mariadb import has_index
from devmesh.embeddings.overview import make_index
from devmesh.mesh import Mesh, open_mesh
from devmesh.settings import load_settings
from search import memory_mb, read_people

QUESTIONS, TOP, DEPTH = 200, 10, 200
EXACT_QUESTIONS = 20
WORDS = 256
BATCH = 64
DATABASE = "bench_vectors"
_LITERAL = re.compile(r'"([^"\\\n]{20,240})"')
_SENTENCE = re.compile(r"(?:[^\W\d_]{2,}\W+){3}")


def read_texts(count: int, data: Path | None) -> list[str]:
    """Different real texts, shuffled the same way every time. Raises SystemExit where there are too few."""
    lines = read_people(Path(__file__).parent / "questions/people.jsonl", data).documents if data else []
    texts = dict.fromkeys(one.text for one in lines)
    for name in ("purelib", "stdlib"):
        for path in sorted(Path(sysconfig.get_path(name)).rglob("*.py")):
            if len(texts) < 2 * count:
                found = _LITERAL.findall(path.read_text(errors="replace"))
                texts |= dict.fromkeys(text for text in found if _SENTENCE.search(text))
    others = list(texts)[len(lines) :]
    random.Random(1).shuffle(others)  # noqa: S311 - the same texts every time, no secret
    chosen = [*list(texts)[: len(lines)], *others][:count]
    if len(chosen) < count:
        raise SystemExit(f"only {len(chosen)} texts are here: --vectors {len(chosen) - QUESTIONS}")
    random.Random(2).shuffle(chosen)  # noqa: S311
    return chosen


def embed(texts: list[str], dim: int) -> Vectors:
    """Unit vectors of shape (len(texts), dim); see above for what they are beyond 256."""
    provider = LocalProvider()
    if dim == WORDS:
        return provider.embed(texts)
    table, tokenizer = provider._table, provider._tokenizer  # noqa: SLF001 - the model's own words, weighted
    weights = np.exp(np.random.default_rng(1).normal(size=(dim // WORDS, len(table)))).astype(np.float32)
    vectors = np.zeros((len(texts), dim), np.float32)
    for row, text in enumerate(texts):
        tokens = tokenizer.encode(text, add_special_tokens=False).ids
        vectors[row] = unit(weights[:, tokens] @ table[tokens].astype(np.float32)).reshape(-1)
    return unit(vectors)


def measure(mesh: Mesh, vectors: Vectors, questions: Vectors, server: Server | None) -> dict[str, Any]:
    """Load, then ask; on a server with and without the index."""
    exact = [set(1 + np.argsort(-(vectors @ one), kind="stable")[:TOP]) for one in questions]
    began = time.perf_counter()
    with mesh.db.write() as connection:
        model = stored.create(connection, Shape("bench", vectors.shape[1]), 1)
    with mesh.db.change_schema() as connection:
        stored.make_table(connection, model)
    for start in range(0, len(vectors), BATCH):
        with mesh.db.write() as connection:
            some = vectors[start : start + BATCH]
            model.store(connection, {1 + start + at: (b"h" * 16, one) for at, one in enumerate(some)}, ())
    result: dict[str, Any] = {"load_s": round(time.perf_counter() - began, 1)}
    if server is None:
        before = memory_mb()
        result |= _ask("", mesh, model, questions, exact, TOP, None)
        return {**result, "memory_mb": round(memory_mb() - before), "disk_mb": disk_mb(mesh)}
    result |= _ask("exact_", mesh, model, questions[:EXACT_QUESTIONS], exact, TOP, server)
    before, began = server.memory_mb(), time.perf_counter()
    made = make_index(mesh.db, model, lambda _share: None, again=False)
    result |= {"index_s": round(time.perf_counter() - began, 1), "advice": made.advice}
    with mesh.db.read() as connection:
        assert has_index(connection, model.table)  # noqa: S101
    result |= _ask("", mesh, model, questions, exact, TOP, server)
    result |= _ask("deep_", mesh, model, questions, exact, DEPTH, server)
    return {**result, "server_mb": [before, server.memory_mb()], "disk_mb": server.disk_mb()}


def _ask(
    name: str, mesh: Mesh, model: stored.StoredModel, questions: Vectors, exact: list[set[int]], limit: int,
    server: Server | None,
) -> dict[str, Any]:  # fmt: skip
    """Recall@10 and latency through the room's own door, after a first round that fills the caches."""
    for one in questions:
        model.nearest(mesh.db, one, limit)
    times, right, cpu = [], 0, server.cpu_s() if server else time.process_time()
    for one, truth in zip(questions, exact, strict=False):
        began = time.perf_counter()
        found = model.nearest(mesh.db, one, limit)
        times.append((time.perf_counter() - began) * 1000)
        right += len(truth & {family for family, _ in found[:TOP]})
    cpu = (server.cpu_s() if server else time.process_time()) - cpu
    return {
        f"{name}recall": round(right / TOP / len(questions), 4),
        f"{name}median_ms": round(statistics.median(times), 1),
        f"{name}worst_ms": round(max(times), 1),
        f"{name}cpu_ms": round(cpu / len(questions) * 1000, 1),
    }


class Shape:
    """What the store asks of a model."""

    def __init__(self, name: str, dim: int) -> None:
        self.name, self.dim = name, dim

    def embed(self, texts: Any) -> Vectors:
        """Never asked."""
        raise NotImplementedError


class Server:
    """A MariaDB server: its database for this run, and its process, where it is on this machine by a Unix socket."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url).set(drivername="mariadb+pymysql")
        self._engine = create_engine(self.url, poolclass=NullPool)
        self.run(f"DROP DATABASE IF EXISTS {DATABASE}")
        self.run(f"CREATE DATABASE {DATABASE}")
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(self.url.query["unix_socket"]))
            size = struct.calcsize("3i")
            self.pid = struct.unpack("3i", probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))[0]

    def run(self, sql: str) -> list[Any]:
        """One statement."""
        with self._engine.connect() as connection:
            done = connection.exec_driver_sql(sql)
            return list(done) if done.returns_rows else []

    def memory_mb(self) -> int:
        """Resident memory of the server."""
        return int(Path(f"/proc/{self.pid}/status").read_text().split("VmRSS:")[1].split()[0]) // 1024

    def cpu_s(self) -> float:
        """Seconds of CPU that the server used."""
        parts = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")

    def disk_mb(self) -> dict[str, int]:
        """Files of the vectors and of their index."""
        query = (
            "SELECT SUBSTRING_INDEX(name, '/', -1), file_size >> 20 FROM information_schema.innodb_sys_tablespaces "  # noqa: S608
            f"WHERE name LIKE '{DATABASE}/family_vectors%%'"
        )
        return {("index" if "#i#" in name else "vectors"): int(size) for name, size in self.run(query)}


def disk_mb(mesh: Mesh) -> int:
    """The SQLite file and its log."""
    return sum(path.stat().st_size for path in mesh.settings.data_dir.glob("devmesh.db*")) >> 20


def machine() -> str:
    """Processor, cores and what else runs."""
    info = Path("/proc/cpuinfo").read_text()
    name = info.split("model name")[1].split(":")[1].split("\n")[0].strip()
    return f"{os.cpu_count()} cores of {name}, load {os.getloadavg()[0]:.1f}"


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", help="URL of a MariaDB server, by its socket; without it the store is SQLite")
    parser.add_argument("--vectors", type=int, default=20_000)
    parser.add_argument("--dim", type=int, default=4_096, help="256 or a multiple of it, up to 4,096")
    parser.add_argument("--data", type=Path, help="folder with real logs (loghub, homelab)")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    if asked.dim % WORDS or not WORDS <= asked.dim <= 4_096:
        parser.error("--dim must be a multiple of 256, up to 4,096")
    if asked.data and not asked.data.is_dir():
        print(f"{asked.data} is absent: program texts alone are taken.", file=sys.stderr)
        asked.data = None
    result: dict[str, Any] = {"vectors": asked.vectors, "dim": asked.dim, "machine": machine()}
    vectors = embed(read_texts(asked.vectors + QUESTIONS, asked.data), asked.dim)
    server = Server(asked.database) if asked.database else None
    with tempfile.TemporaryDirectory() as folder:
        url = server.url.set(database=DATABASE).render_as_string(hide_password=False) if server else ""
        mesh = open_mesh(load_settings(data_dir=Path(folder), database_url=url, embedding_provider="off"))
        result |= measure(mesh, vectors[:-QUESTIONS], vectors[-QUESTIONS:], server)
        mesh.close()
    if server:
        server.run(f"DROP DATABASE {DATABASE}")
    print(json.dumps(result) if asked.json else "\n".join(f"{name:18} {value}" for name, value in result.items()))


if __name__ == "__main__":
    main()
