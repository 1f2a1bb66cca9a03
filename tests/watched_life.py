"""Life that is watched minute by minute: an api and a database, and how they fail."""

from __future__ import annotations

from bodies import DAY_US, HOUR_US, NOW_US, line, run_whole, take

MINUTE_US = 60_000_000
START_US = NOW_US // DAY_US * DAY_US - 4 * DAY_US
BEGIN_US = START_US + 83 * HOUR_US
CRASH = "mariadb.service: Failed with result 'core-dump'."
REFUSED = "ERROR: mariadb at store: connection refused"


def ordinary(first: int, last: int, *, database: bool = True) -> bytes:
    """What is said from minute `first` to before `last` of the life: a line of an api and a database in six minutes."""
    body = b""
    for minute in range(-(-first // 6) * 6, last, 6):
        ts_us = START_US + minute * MINUTE_US
        body += line("served 12 requests", service="api", ts_us=ts_us, node="apps")
        if database:
            body += line("checkpoint 7 done", service="mariadb", ts_us=ts_us, node="store")
    return body


def send(mesh, body):
    """Take it in as a relay does, and let its templates find their families."""
    if body:
        take(mesh, body, "relay", received_us=mesh.clock.now_us(), may_name_nodes=True)
        for loop in mesh.templates.loops():
            run_whole(mesh, loop.name)


def live(mesh, minutes, said=lambda _minute: b""):
    """Let minutes pass: ordinary life, what is said besides, and a look at each."""
    for _ in range(minutes):
        at = (mesh.clock.now_us() - START_US) // MINUTE_US
        send(mesh, ordinary(at, at + 1) + said(at))
        mesh.clock.advance(60)
        mesh.runner.once("watch")


def failing(begin, end):
    """The database fails and the api complains, in each minute of the life from `begin` to before `end`."""

    def said(minute):
        if not begin <= minute < end:
            return b""
        ts_us = START_US + minute * MINUTE_US + 1_000_000
        return line(CRASH, service="mariadb", ts_us=ts_us, node="store") + line(
            REFUSED, service="api", ts_us=ts_us + 1, node="apps"
        )

    return said
