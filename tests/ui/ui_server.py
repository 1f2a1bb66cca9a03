"""The pages' server: one for a run, over a store that looks like a fleet's last day, ended with the run."""

from __future__ import annotations

import fcntl
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

from hostile_lines import CORPUS, HOSTILE, NODE, PAYLOADS, SERVICE

from devmesh.intake import Request
from devmesh.mesh import Mesh, open_mesh
from devmesh.nodes import Heartbeat
from devmesh.settings import load_settings

sys.path.append(str(Path(__file__).parents[2] / "bench"))
from corpus import messages

DAY_US = 86_400_000_000
NODES = ("nas", "web", "db1", "pve1")
BODY = 5_000
MARK = "ui_server_of_tests"  # by which its process is found
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 390, "height": 800}  # of a window
SERVE = """
import logging, os, sys, threading, time
from devmesh.mesh import open_mesh
from devmesh.server import serve
from devmesh.settings import load_settings

def watch():
    while os.path.exists(f"/proc/{sys.argv[1]}"):
        time.sleep(1)
    os._exit(0)

threading.Thread(target=watch, daemon=True).start()
logging.basicConfig(level=logging.WARNING)
serve(open_mesh(load_settings()), lambda url: print(url, flush=True))
"""


def fill(folder: Path, events: int) -> None:
    """A store of `events` events of four nodes over the last 24 hours, and the hostile lines of a fifth."""
    mesh = open_mesh(load_settings(data_dir=folder, embedding_provider="local"))
    mesh.intake.start()
    now = time.time_ns() // 1_000
    rng = random.Random(1)  # noqa: S311 - who says what is no secret
    waiting: dict[str, list[str]] = {node: [] for node in NODES}
    for number, (service, priority, message) in enumerate(messages(events, None, 1)):
        node = rng.choice(NODES)
        ts_us = now - DAY_US + 600_000_000 + number * (DAY_US - 660_000_000) // events
        event = {"ts_us": ts_us, "service": service, "priority": priority, "pid": 7, "message": message}
        waiting[node].append(json.dumps(event))
        if len(waiting[node]) == BODY:
            take(mesh, node, waiting[node], now)
            waiting[node] = []
    for node, lines in waiting.items():
        take(mesh, node, lines, now)
    said = [(SERVICE, text) for text in HOSTILE] + [(CORPUS, text) for text in PAYLOADS]
    hostile = [
        {"ts_us": now - 50_000_000 + n, "service": service, "priority": 3, "message": text, "note": text[:500]}
        for n, (service, text) in enumerate(said)
    ]  # fmt: skip
    take(mesh, NODE, [json.dumps(one) for one in hostile], now)
    for node in NODES:
        mesh.nodes.heartbeat(node, Heartbeat("devmesh-shipper 0.1.0", backlog_events=3, skew_us=0, skew_error_us=1_000))
    for loop in ("assign-families", "template-totals", "template-samples", "assign-families"):
        while mesh.runner.once(loop):
            pass
    mesh.close()


def take(mesh: Mesh, node: str, lines: list[str], now_us: int) -> None:
    """Store lines of one node."""
    mesh.intake.take(Request(("\n".join(lines) + "\n").encode(), node, now_us), 120)


def server_url(shared: Path, run_pid: int, events: int) -> str:
    """The URL of this run's server; whoever asks first fills its store and starts it."""
    said, folder = shared / f"ui-{events}.url", shared / f"ui-{events}"
    with (shared / "ui.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not said.exists():
            fill(folder, events)
            said.write_text(start(folder, run_pid))
    return said.read_text()


def start(folder: Path, run_pid: int, **more: str) -> str:
    """A server over a folder, that ends when the process `run_pid` does."""
    told = {
        "DEVMESH_DATA_DIR": str(folder), "DEVMESH_PORT": "0", "DEVMESH_EMBEDDING_PROVIDER": "local",
        "DEVMESH_UI": "true", "DEVMESH_DISK_RESERVE_MB": "1",
    }  # fmt: skip
    with folder.with_suffix(".log").open("a") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE, str(run_pid), MARK], env={**os.environ, **told, **more}, cwd=folder,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True,
        )  # fmt: skip
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    process.stdout.close()
    process.returncode = 0  # it outlives the worker that started it, and ends with the run
    assert url, folder.with_suffix(".log").read_text()[-3_000:]
    return url
