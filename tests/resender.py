"""A client that does what the agent does: sends a range, believes nothing but an answer, and sends again."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bodies import NOW_US, line

if TYPE_CHECKING:
    from collections.abc import Callable

GIVE_UP_S = 300.0


@dataclass
class Resender:
    """Sends entries 1..n of one node's stream in batches of random size, each until it is acknowledged."""

    node: str
    entries: int
    url: Callable[[], str]
    seed: int
    acknowledged: int = 0
    sent_again: int = 0
    trouble: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Send everything."""
        chance = random.Random(self.seed)  # noqa: S311 - sizes of batches
        first = 1
        while first <= self.entries:
            last = min(self.entries, first + chance.randint(0, 40))
            self._until_acknowledged(first, last)
            first = last + 1

    def _until_acknowledged(self, first: int, last: int) -> None:
        deadline = time.monotonic() + GIVE_UP_S
        while time.monotonic() < deadline:
            answer = self._post(first, last)
            if answer is not None:
                told = answer["stored"] + answer["repeated"] + answer["rejected"]
                if told != last - first + 1 or answer["rejected"]:
                    self.trouble.append(f"{first}-{last}: {answer}")
                self.acknowledged += last - first + 1
                return
            self.sent_again += 1
            time.sleep(0.05)  # the server is away; nothing tells when it is back
        self.trouble.append(f"{first}-{last} was never acknowledged")

    def _post(self, first: int, last: int) -> dict[str, int] | None:
        batch = str(uuid.uuid4())
        body = b"".join(
            line(f"{self.node} entry {number}", seq=number, ts_us=NOW_US + number, service=f"svc{number % 3}")
            for number in range(first, last + 1)
        )
        head = {
            "DevMesh-Node": self.node, "DevMesh-Stream": "s;0", "DevMesh-Batch": batch,
            "DevMesh-Range": f"{first}-{last};x{last}",
        }  # fmt: skip
        if first > 1:
            head["DevMesh-Prev"] = f"{first - 1};x{first - 1}"
        try:
            asked = urllib.request.Request(self.url() + "/ingest", body, head)  # noqa: S310 - our own server
            with urllib.request.urlopen(asked, timeout=20) as answer:  # noqa: S310
                said = json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code not in {500, 503}:
                self.trouble.append(f"{first}-{last}: HTTP {error.code} {error.read()[:200]!r}")
            error.close()
            return None
        except (OSError, http.client.HTTPException, ValueError):
            return None
        return said if said.get("batch") == batch else None


def send_all(clients: list[Resender]) -> list[threading.Thread]:
    """Each client in a thread of its own."""
    threads = [threading.Thread(target=client.run, name=client.node) for client in clients]
    for thread in threads:
        thread.start()
    return threads
