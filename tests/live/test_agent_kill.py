"""The real agent dies, and the server it speaks to: every entry of a real journal is stored exactly once (F01, F23)."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter

import pytest
from ship_journals import lines, need_journals, write_journal

from bodies import assert_counts, rows
from devmesh.clock import SystemClock
from processes import free_port, start_server

POINTS = ("before_post", "after_post", "before_state", "mid_state", "after_state")


class Rig:
    """A journal that grows, the agent that ships it, and the server at one address."""

    def __init__(self, folder) -> None:
        need_journals()
        self.folder, self.port, self.written = folder, free_port(), 0
        self.server = start_server(folder / "data", port=self.port)

    def write(self, count: int) -> None:
        """More entries."""
        write_journal(self.folder / "j.journal", lines(self.written + 1, self.written + count))
        self.written += count

    def agent(self, *more: str, crash_at: str = "") -> subprocess.Popen[bytes]:
        """The real agent as a process."""
        command = [sys.executable, "-m", "devmesh.ship", "--to", self.server.url, "--node", "n1"]
        command += ["--journal-file", str(self.folder / "j.journal"), "--state-dir", str(self.folder / "state"), *more]
        env = {**os.environ, "DEVMESH_CRASH_AT": crash_at}
        with (self.folder / "agent.log").open("ab") as log:
            return subprocess.Popen(command, env=env, stderr=log)

    def restart_server(self) -> None:
        """Kill the server and start it again at the same address."""
        self.server.kill()
        self.server = start_server(self.folder / "data", port=self.port)

    def finish(self, make_mesh) -> None:
        """Ship the rest, then prove that all of it is there once."""
        process = self.agent("--once")
        assert process.wait(60) == 0, (self.folder / "agent.log").read_text()[-3000:]
        self.server.stop()
        mesh = make_mesh(self.folder / "data", clock=SystemClock())
        stored = Counter(row[0] for row in rows(mesh, "SELECT message FROM log_events"))
        assert stored == Counter(f"entry {number}" for number in range(1, self.written + 1))
        assert_counts(mesh)
        assert rows(mesh, "SELECT COUNT(*) FROM gaps") == [(0,)]


def deaths_at_points(rig, times):
    """The agent dies at its named points, in turn."""
    for number in range(times):
        rig.write(25)
        process = rig.agent("--once", crash_at=POINTS[number % len(POINTS)])
        assert process.wait(60) == -signal.SIGKILL


def deaths_at_random(rig, times, seed):
    """The agent dies at random moments, now and then the server too."""
    chance = random.Random(seed)  # noqa: S311 - moments to die
    for number in range(times):
        process = rig.agent()
        rig.write(25)
        time.sleep(chance.uniform(0.0, 0.8))  # a random moment is what is asked for
        if number % 5 == 2:
            rig.restart_server()
        process.kill()
        process.wait(10)


def test_the_agent_dies(make_mesh, tmp_path):
    """Killed five times at its named points and five at random, with the server killed too: each entry once."""
    rig = Rig(tmp_path)
    deaths_at_points(rig, 5)
    deaths_at_random(rig, 5, seed=3)
    rig.finish(make_mesh)


@pytest.mark.soak
def test_the_agent_dies_soak(make_mesh, tmp_path):
    """The same fifty times."""
    rig = Rig(tmp_path)
    deaths_at_points(rig, 25)
    deaths_at_random(rig, 25, seed=4)
    rig.finish(make_mesh)
