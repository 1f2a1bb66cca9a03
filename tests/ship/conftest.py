"""Fixtures of the agent's tests: the fake server, and an agent run to its end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from ship_clock import HurriedClock
from ship_server import FakeServer, serving

from devmesh.ship.agent import run
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
    def once(**given: object) -> int:
        options = {"to": url, "node": "n1", "state_dir": str(tmp_path / "state"), "once": True, **given}
        return run(Options(**options), clock=clock)  # type: ignore[arg-type]

    return once
