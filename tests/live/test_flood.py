"""A flood of messages that are all different leaves memory and tables bounded, and loses no line (F48)."""

from __future__ import annotations

import json
import sqlite3
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from processes import ServerProcess, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

BODY_EVENTS = 5_000
SERVICES = 10
SYLLABLES = ["ba", "be", "bi", "bo", "bu", "da", "de", "di", "do", "du", "ga", "ge", "gi", "go", "gu", "la", "le"]


def word(number: int) -> str:
    """A word without digits, another one for each number."""
    parts = []
    while number:
        number, place = divmod(number, len(SYLLABLES))
        parts.append(SYLLABLES[place])
    return "".join(parts) or "na"


def bodies(events: int) -> Iterator[bytes]:
    """NDJSON of messages of which no two have the same words."""
    for start in range(0, events, BODY_EVENTS):
        lines = [
            {"service": f"s{n % SERVICES}", "message": f"{word(n)} {word(n * 7)} went to {word(n * 31)}"}
            for n in range(start, min(events, start + BODY_EVENTS))
        ]
        yield b"".join(json.dumps(one).encode() + b"\n" for one in lines)


def flood(server: ServerProcess, events: int) -> int:
    """How many of the events the server says that it stored."""
    stored = 0
    for body in bodies(events):
        request = urllib.request.Request(server.url + "/ingest", body, method="POST")  # noqa: S310 - our own server
        with urllib.request.urlopen(request, timeout=120) as answer:  # noqa: S310
            stored += json.load(answer)["stored"]
    return stored


def settled(server: ServerProcess, timeout_s: float) -> None:
    """Return when every template has its family."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if not counted(server, "SELECT COUNT(*) FROM log_templates WHERE family_id IS NULL AND merged_into IS NULL"):
            return
        time.sleep(0.2)
    raise AssertionError("the families are not done")


def counted(server: ServerProcess, query: str) -> int:
    """One number from the server's store."""
    store = sqlite3.connect(f"file:{server.data_dir / 'devmesh.db'}?mode=ro", uri=True)
    try:
        return int(store.execute(query).fetchone()[0])
    finally:
        store.close()


def peak_mb(server: ServerProcess) -> float:
    """The largest resident memories so far of the server and of its readers, together."""
    return sum(int(status.split("VmHWM:")[1].split()[0]) for status in statuses(server)) / 1024


def resident_mb(server: ServerProcess) -> float:
    """What the server and its readers have in memory now, together; files that they map count in full."""
    return sum(int(status.split("VmRSS:")[1].split()[0]) for status in statuses(server)) / 1024


def statuses(server: ServerProcess) -> list[str]:
    """What the kernel says of the server and of its readers."""
    pid = server.process.pid
    readers = "".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children")).split()
    texts = [Path(f"/proc/{one}/status").read_text() for one in (pid, *readers)]
    return [text for text in texts if "VmRSS:" in text]  # a reader that has ended has none


def test_a_flood_is_bounded(tmp_path):
    """Over a service's bound its lines go to `<overflow>`: all are stored, templates stay within the bound."""
    bounds = {"DEVMESH_MAX_TEMPLATES_PER_SERVICE": "100", "DEVMESH_MAX_TEMPLATES": "500"}
    with serving(tmp_path / "data", env=bounds, fresh=True) as server:
        assert flood(server, 10_000) == 10_000
        assert counted(server, "SELECT COUNT(*) FROM log_events") == 10_000
        assert counted(server, "SELECT COUNT(*) FROM log_templates") <= 500 + SERVICES


@pytest.mark.soak
def test_a_million_different_messages(tmp_path):
    """The same with 1,000,000 and the bounds that everybody has; memory stays bounded too."""
    with serving(tmp_path / "data", fresh=True) as server:
        assert flood(server, 1_000_000) == 1_000_000
        peak = peak_mb(server)
        settled(server, 600)
        assert counted(server, "SELECT COUNT(*) FROM log_events") == 1_000_000
        templates = counted(server, "SELECT COUNT(*) FROM log_templates")
        assert templates <= 200_000 + SERVICES
        assert max(peak, peak_mb(server)) < 550  # 503 were seen, with 200,010 templates


@pytest.mark.soak
def test_memory_is_given_back_after_the_load(tmp_path):
    """A minute after 300,000 events by four senders the server and its readers hold less than 220 MB again."""
    text = b'{"service":"s%d","message":"job %d took %d ms: ' + b"x y " * 30 + b'","fields":{"_COMM":"w"}}\n'
    body = b"".join(text % (n % 2, n, n * 7) for n in range(BODY_EVENTS))
    with serving(tmp_path / "data", fresh=True) as server, ThreadPoolExecutor(4) as senders:
        for sent in [senders.submit(urllib.request.urlopen, server.url + "/ingest", body, 120) for _ in range(60)]:
            sent.result().close()
        assert peak_mb(server) > 250  # 342 were seen
        deadline = time.monotonic() + 60
        while resident_mb(server) >= 220 and time.monotonic() < deadline:
            time.sleep(1)
        assert resident_mb(server) < 220  # 195 were seen
