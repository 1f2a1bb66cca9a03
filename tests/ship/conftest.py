"""Fixtures of the agent's tests: the fake server, and an agent run to its end."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import ship_journals
from ship_clock import HurriedClock
from ship_machine import Machine
from ship_server import FakeServer, serving
from ship_systemd import ROOT_257, programs

from devmesh.ship.agent import Agent, run
from devmesh.ship.options import Options


@pytest.fixture
def fake() -> FakeServer:
    return FakeServer()


@pytest.fixture
def url(fake: FakeServer) -> Iterator[str]:
    with serving(fake) as address:
        yield address


@pytest.fixture
def clock() -> HurriedClock:
    return HurriedClock()


@pytest.fixture
def ship_once(url: str, tmp_path: Path, clock: HurriedClock) -> Callable[..., int]:
    def once(*, clock: HurriedClock = clock, stop: threading.Event | None = None, **given: object) -> int:
        options = {"to": url, "node": "n1", "state_dir": str(tmp_path / "state"), "once": True, **given}
        return run(Options(**options), stop, clock)  # type: ignore[arg-type]

    return once


DEBIAN_13 = pytest.param(
    ROOT_257,
    id="257",
    marks=[pytest.mark.soak, pytest.mark.skipif(not ROOT_257.exists(), reason=f"no Debian 13 in {ROOT_257}")],
)


@pytest.fixture(scope="module", params=[pytest.param(None, id="installed"), DEBIAN_13])
def systemd(request, tmp_path_factory) -> Iterator[None]:
    """The installed systemd's journal, and that of Debian 13 in the long form."""
    if request.param is None:
        yield
        return
    folder = programs(request.param, tmp_path_factory.mktemp("systemd"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        patch.setattr(ship_journals, "REMOTE", folder / "systemd-journal-remote")
        yield


@pytest.fixture
def following(url, tmp_path, clock):
    """An agent that follows app.log; each call is a look at once, and one after `seconds`."""
    agents: list[Agent] = []

    def look(seconds: float = 6.0, path: str = "app.log") -> None:
        if not agents:
            (tmp_path / "state").mkdir(exist_ok=True)
            options = Options(to=url, node="n1", files=(str(tmp_path / path),))
            agents.append(Agent(options, str(tmp_path / "state"), clock))
        for ahead_s in (0.0, seconds):
            clock.ahead_s += ahead_s
            while agents[0]._round().kind not in {"idle", "later"}:
                pass

    yield look
    for agent in agents:
        agent.server.close()


@pytest.fixture
def machine(tmp_path):
    """A machine on which nothing runs."""
    return Machine(tmp_path / "proc")
