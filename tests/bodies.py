"""Bodies for the way in, and the recount that every proof ends with."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import wait
from typing import TYPE_CHECKING, Any

from sqlalchemy import text

from devmesh.events import minutes
from devmesh.intake import Answer, Request, Ticket
from devmesh.nodes import StreamKey

if TYPE_CHECKING:
    from devmesh.mesh import Mesh

NOW_US = 1_763_800_000_000_000
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US
KEYS = "template_id, node_id, service_id, priority"


def line(message: str, **more: Any) -> bytes:
    """One NDJSON line."""
    return json.dumps({"message": message, **more}).encode() + b"\n"


def numbered(first: int, last: int, at_us: int = NOW_US, **more: Any) -> bytes:
    """A line for each number in first..last: its seq, its message `entry <number>`, one a second."""
    more = {"service": "svc", **more}
    return b"".join(
        line(f"entry {number}", seq=number, ts_us=at_us + number * 1_000_000, **more)
        for number in range(first, last + 1)
    )


def request(body: bytes, node: str = "n1", *, stream: str | None = None, epoch: int = 0, **more: Any) -> Request:
    """A request that arrived at NOW_US; `stream` names the stream that it declares."""
    key = None if stream is None else StreamKey(stream, epoch)
    return Request(body, node, more.pop("received_us", NOW_US), stream=key, **more)


def take(mesh: Mesh, body: bytes, node: str = "n1", **more: Any) -> Answer:
    """Send a body in and wait for its answer."""
    return mesh.intake.take(request(body, node, **more), 30)


def together(mesh: Mesh, *requests: Request) -> list[Ticket]:
    """The tickets of requests that wait for the writer at the same moment, so that they share a commit."""
    with mesh.db.write():  # whoever prepares or commits waits for this turn
        tickets = [mesh.intake.submit(one) for one in requests]
    wait([ticket.future for ticket in tickets], 30)
    return tickets


def rows(mesh: Mesh, sql: str) -> list[tuple[Any, ...]]:
    """What the store holds, past every room."""
    with mesh.db.read() as connection:
        return [tuple(row) for row in connection.execute(text(sql))]


def messages(mesh: Mesh) -> list[str]:
    """Every stored message in order of time."""
    return [row[0] for row in rows(mesh, "SELECT message FROM log_events ORDER BY ts_us, id")]


def counts_by_hour(mesh: Mesh) -> Counter[tuple[int, ...]]:
    """(hour, template, node, service, priority) by event_counts."""
    return _counter(rows(mesh, f"SELECT hour, {KEYS}, SUM(n) FROM event_counts GROUP BY hour, {KEYS}"))  # noqa: S608


def counts_by_day(mesh: Mesh) -> Counter[tuple[int, ...]]:
    """The same by day: day_counts and what is not folded yet."""
    by_day = _counter(rows(mesh, f"SELECT day, {KEYS}, SUM(n) FROM day_counts GROUP BY day, {KEYS}"))  # noqa: S608
    for (hour, *key), n in counts_by_hour(mesh).items():
        by_day[hour // 24, *key] += n
    return by_day


def counts_by_minute(mesh: Mesh) -> Counter[tuple[int, ...]]:
    """(minute, template, node, service, priority) by all rows of minute_counts."""
    blobs = [bytes(row[0]) for row in rows(mesh, "SELECT `blob` FROM minute_counts")]
    return _counter(minutes.joined(blobs).rows())


def recount(mesh: Mesh, width_us: int) -> Counter[tuple[int, ...]]:
    """The truth: log_events counted by stretches of `width_us`."""
    start = f"(ts_us - ts_us % {width_us}) / {width_us}"  # whole on both stores: `/` is not the same on both
    sql = f"SELECT {start}, {KEYS}, COUNT(*) FROM log_events GROUP BY {start}, {KEYS}"  # noqa: S608
    return _counter(rows(mesh, sql))


def assert_counts(mesh: Mesh) -> None:
    """Both counts equal a recount of log_events (where nothing has expired)."""
    assert counts_by_day(mesh) == recount(mesh, DAY_US)
    assert counts_by_minute(mesh) == recount(mesh, 60_000_000)
    if not rows(mesh, "SELECT 1 FROM day_counts LIMIT 1"):
        assert counts_by_hour(mesh) == recount(mesh, HOUR_US)


def assert_totals(mesh: Mesh) -> None:
    """event_count of each template equals its events, once the totals are folded."""
    truth = dict(rows(mesh, "SELECT template_id, COUNT(*) FROM log_events GROUP BY template_id"))
    told = dict(rows(mesh, "SELECT id, event_count FROM log_templates WHERE event_count > 0"))
    assert told == truth


def run_whole(mesh: Mesh, loop: str) -> None:
    """Run a loop until it finds nothing more to do."""
    for _step in range(1_000):
        if mesh.runner.once(loop) == 0:
            return
    raise AssertionError(f"the loop {loop} never ends")


def _counter(found: list[tuple[Any, ...]]) -> Counter[tuple[int, ...]]:
    counted: Counter[tuple[int, ...]] = Counter()
    for *key, n in found:
        counted[tuple(key)] += n
    return counted
