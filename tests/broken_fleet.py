"""Lines of a fleet in which a database breaks."""

from __future__ import annotations

from bodies import DAY_US, HOUR_US, NOW_US, line, run_whole, take
from devmesh.mesh import Mesh

MINUTE_US = 60_000_000
START_US = NOW_US // DAY_US * DAY_US - 4 * DAY_US
BROKE_US = START_US + 83 * HOUR_US


def ordinary(since_us: int = START_US, until_us: int = BROKE_US + HOUR_US, *, dies_us: int = BROKE_US) -> bytes:
    """Three days and a half of an api, a database that dies, and a nas that says little."""
    body = b""
    for ts_us in range(since_us, until_us, 6 * MINUTE_US):
        body += line("served 12 requests", service="api", ts_us=ts_us, node="apps")
        body += line("snapshot 12 taken", service="zfs", ts_us=ts_us, node="nas")
        if ts_us < dies_us:
            body += line("checkpoint 7 done", service="mariadb", ts_us=ts_us, node="db01")
    return body


def broken(at_us: int = BROKE_US, error: str = "ERROR: mariadb at db01: connection refused") -> bytes:
    """A package comes, the database dies of it three minutes later, the api cannot reach it."""
    body = line("upgrade mariadb-server:amd64 11.8.5 11.8.6", service="dpkg", ts_us=at_us - 3 * MINUTE_US, node="db01")
    for n in range(5):
        ts_us = at_us + n * MINUTE_US
        body += line("mariadb.service: Failed with result 'core-dump'.", service="mariadb", ts_us=ts_us, node="db01")
        body += line(error, service="api", ts_us=ts_us + 20_000_000, node="apps")
    return body


def watch(mesh: Mesh, *bodies: bytes) -> None:
    """Take lines in, and judge them a minute later."""
    for body in bodies:
        take(mesh, body, "relay", received_us=mesh.clock.now_us(), may_name_nodes=True)
    mesh.clock.advance(60)  # type: ignore[attr-defined]
    for loop in ("assign-families", "template-samples", "watch"):
        run_whole(mesh, loop)


def happen(mesh: Mesh, *bodies: bytes) -> None:
    """Let it happen (or these lines come) to a house whose clock stands ten minutes ahead of it."""
    watch(mesh, ordinary())
    mesh.clock.advance(20 * 60)  # type: ignore[attr-defined]
    watch(mesh, *(bodies or (broken(),)))
