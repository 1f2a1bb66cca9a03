"""The server dies at any moment, and every entry is stored exactly once (F01, F23, F32)."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from bodies import assert_counts, assert_totals, rows, run_whole
from devmesh.clock import SystemClock
from processes import start_server
from resender import Resender, send_all

if TYPE_CHECKING:
    from pathlib import Path

ENDED = (0, -signal.SIGTERM)  # uvicorn raises the signal again once it has stopped
POINTS = ("before_prepare", "before_transaction", "after_claim", "before_commit", "after_commit")


class Deaths:
    """A server that is started again whenever it died; `url` is where it is just now."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.server = start_server(data_dir)

    def url(self) -> str:
        """Where the server listens, or listened."""
        return self.server.url

    def restart(self, crash_at: str = "") -> None:
        """A new server over the same data, told where to die."""
        self.server = start_server(self.data_dir, env={"DEVMESH_CRASH_AT": crash_at} if crash_at else {})

    def wait_for_death(self, timeout_s: float = 60.0) -> None:
        """Return when the server has died by itself."""
        self.server.process.wait(timeout_s)
        self.server.kill()


def prove(make_mesh, data_dir, clients, entries):
    """Every entry of every client once, coverage whole, counts equal a recount, and the file is sound."""
    mesh = make_mesh(data_dir, clock=SystemClock())
    stored = Counter(row[0] for row in rows(mesh, "SELECT message FROM log_events"))
    wanted = Counter(f"{client.node} entry {number}" for client in clients for number in range(1, entries + 1))
    assert not wanted - stored, "entries are lost"
    assert not stored - wanted, "entries are stored twice"
    assert rows(mesh, "SELECT first_seq, last_seq FROM stream_ranges") == [(1, entries)] * len(clients)
    assert rows(mesh, "PRAGMA integrity_check") == [("ok",)]
    assert_counts(mesh)
    for _try in range(2):  # the lease of the server that died may have to run out
        with mesh.db.write() as connection:
            connection.exec_driver_sql("UPDATE loops SET lease_until_us = 0")
        run_whole(mesh, "template-totals")
    assert_totals(mesh)


def named_deaths(make_mesh, data_dir, times):
    """Die `times` at named points, in turn, while three clients send."""
    deaths, entries = Deaths(data_dir), times * 250
    clients = [Resender(f"n{number}", entries, deaths.url, seed=number) for number in range(3)]
    deaths.server.kill()
    deaths.restart(f"{POINTS[0]}:3")
    threads = send_all(clients)
    for number in range(times):
        deaths.wait_for_death()
        deaths.restart(f"{POINTS[(number + 1) % len(POINTS)]}:{1 + number % 4}" if number + 1 < times else "")
    for thread in threads:
        thread.join(120)
    assert [client.trouble for client in clients] == [[]] * 3
    assert all(client.acknowledged == entries for client in clients)
    assert deaths.server.stop() in ENDED
    prove(make_mesh, data_dir, clients, entries)


def random_deaths(make_mesh, data_dir, times, seed):
    """Die `times` by SIGKILL at random moments while three clients send."""
    chance = random.Random(seed)  # noqa: S311 - moments to die
    deaths, entries = Deaths(data_dir), times * 500
    clients = [Resender(f"n{number}", entries, deaths.url, seed=number) for number in range(3)]
    threads = send_all(clients)
    died_working = 0
    for _number in range(times):
        time.sleep(chance.uniform(0.0, 0.25))  # a random moment is what is asked for
        died_working += any(thread.is_alive() for thread in threads)
        deaths.server.kill()
        deaths.restart()
    for thread in threads:
        thread.join(180)
    assert died_working >= times // 2, "the clients were done before the server died"
    assert [client.trouble for client in clients] == [[]] * 3
    assert deaths.server.stop() in ENDED
    prove(make_mesh, data_dir, clients, entries)


def test_death_at_named_points(make_mesh, tmp_path):
    """Killed at each of the five named points of the way in, nothing is lost and nothing doubled."""
    named_deaths(make_mesh, tmp_path / "data", len(POINTS))


def test_death_at_random_moments(make_mesh, tmp_path):
    """Killed five times at random moments, nothing is lost and nothing doubled."""
    random_deaths(make_mesh, tmp_path / "data", 5, seed=7)


@pytest.mark.soak
def test_death_at_named_points_soak(make_mesh, tmp_path):
    """The same fifty times."""
    named_deaths(make_mesh, tmp_path / "data", 50)


@pytest.mark.soak
def test_death_at_random_moments_soak(make_mesh, tmp_path):
    """The same fifty times."""
    random_deaths(make_mesh, tmp_path / "data", 50, seed=8)
