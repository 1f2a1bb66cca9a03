"""Where imported events go: the intake of this process, or the server that holds the store; both answer alike."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from devmesh.cli.opening import reading
from devmesh.errors import StorageFull, Unavailable
from devmesh.intake import Answer, Rejected, Request, Ticket
from devmesh.nodes import StreamKey, StreamState
from devmesh.nodes.ranges import Mark, Range

if TYPE_CHECKING:
    from devmesh.cli.remote import Remote
    from devmesh.events import Numbered
    from devmesh.mesh import Mesh
    from devmesh.settings import Settings

IN_FLIGHT, IN_FLIGHT_BYTES = 200, 12 * 1024 * 1024  # small ones share a commit; large ones wait for each other
ANSWER_S = 120.0
SENDERS = 32  # many small files wait for their commits together


@dataclass(frozen=True)
class Body:
    """One request's worth of events; `each`: their numbers alone are covered, else the ranges of `spans`, each with the
    x of its last entry, if that has one.
    """

    node: str
    stream: StreamKey
    data: bytes
    spans: tuple[tuple[Range, str], ...]
    each: bool = False

    @property
    def ranges(self) -> tuple[Range, ...]:
        """What it covers."""
        return tuple(one for one, _x in self.spans)

    @property
    def marks(self) -> tuple[Mark, ...]:
        """The entries that it tells the x of."""
        return tuple((last, x) for (_first, last), x in self.spans if x)


Answered = Callable[[Answer], None]


class Store(Protocol):
    """What import needs."""

    max_events: int
    max_bytes: int

    def states(self, node: str) -> Sequence[StreamState]:
        """The streams of a node."""
        ...

    def said(self, node: str, numbers: Range, times: Range | None) -> Sequence[Numbered]:
        """A node's events with these numbers in their streams, by stream and number; of these times, or of any."""
        ...

    def send(self, body: Body, answered: Answered) -> None:
        """Hand a body over; `answered` is called once it is durable, before `wait` returns at the latest."""
        ...

    def wait(self) -> None:
        """Return once everything was answered. Raises what went wrong."""
        ...


class LocalStore:
    """The intake of this process; a few bodies are on their way at once."""

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh
        self._waiting: deque[tuple[Ticket, Answered]] = deque()
        self.max_events, self.max_bytes = mesh.settings.max_events, mesh.settings.max_plain_bytes

    def states(self, node: str) -> Sequence[StreamState]:
        """The streams of a node."""
        return self._mesh.nodes.stream_states(node)

    def said(self, node: str, numbers: Range, times: Range | None) -> Sequence[Numbered]:
        """See `Store.said`."""
        return _said(self._mesh, node, numbers, times)

    def send(self, body: Body, answered: Answered) -> None:
        """Hand a body over, waiting for older ones where enough are on their way."""
        request = Request(
            body.data,
            body.node,
            self._mesh.clock.now_us(),
            may_name_nodes=True,
            stream=body.stream,
            ranges=None if body.each else body.ranges,
            each=body.each,
            marks=body.marks,
        )
        while self._waiting and self._waiting[0][0].future.done():  # what failed ends it now, not after the whole file
            self._first()
        while len(self._waiting) >= IN_FLIGHT or (self._waiting and self._mesh.intake.waiting_bytes > IN_FLIGHT_BYTES):
            self._first()
        while True:
            try:
                self._waiting.append((self._mesh.intake.submit(request), answered))
            except StorageFull:
                raise
            except Unavailable as error:
                if self._waiting:
                    self._first()
                else:
                    time.sleep(error.retry_after_s or 1)
            else:
                return

    def wait(self) -> None:
        """Return once everything was answered."""
        while self._waiting:
            self._first()

    def _first(self) -> None:
        ticket, answered = self._waiting.popleft()
        answered(ticket.future.result(ANSWER_S))


class RemoteStore:
    """The server that holds the store, over HTTP."""

    def __init__(self, remote: Remote, settings: Settings) -> None:
        self._remote, self._settings = remote, settings
        self._senders = ThreadPoolExecutor(SENDERS, "import")
        self._waiting: deque[tuple[Future[Answer], Answered, int]] = deque()
        self._bytes = 0
        limits = remote.call("GET", "/ingest/state", headers={"DevMesh-Node": "import"})["limits"]
        self.max_events, self.max_bytes = int(limits["events"]), int(limits["body_bytes"])

    def states(self, node: str) -> Sequence[StreamState]:
        """The streams of a node."""
        said = self._remote.call("GET", "/ingest/state", headers={"DevMesh-Node": node.encode()})
        return [
            StreamState(
                StreamKey(str(one["stream"]), int(one["epoch"])),
                tuple((a, b) for a, b in one["coverage"]),
                tuple((seq, x) for seq, x in one["marks"]),
            )
            for one in said["streams"]
        ]

    def said(self, node: str, numbers: Range, times: Range | None) -> Sequence[Numbered]:
        """See `Store.said`; read from the store itself, as whoever lists logs does."""
        with reading(self._settings) as mesh:
            return _said(mesh, node, numbers, times)

    def send(self, body: Body, answered: Answered) -> None:
        """Hand a body to one of a few senders, waiting for older ones where all are busy."""
        while self._waiting and (len(self._waiting) >= SENDERS or self._bytes + len(body.data) > IN_FLIGHT_BYTES):
            self._first()
        self._bytes += len(body.data)
        self._waiting.append((self._senders.submit(self._post, body), answered, len(body.data)))

    def wait(self) -> None:
        """Return once everything was answered."""
        while self._waiting:
            self._first()

    def close(self) -> None:
        """Send nothing more."""
        self._senders.shutdown(cancel_futures=True)

    def _first(self) -> None:
        future, answered, size = self._waiting.popleft()
        answered(future.result())
        self._bytes -= size

    def _post(self, body: Body) -> Answer:
        """Send a body and wait for its answer, patiently."""
        spans = ",".join(f"{first}-{last};{x}" for (first, last), x in body.spans)
        headers = {
            "DevMesh-Node": body.node,
            "DevMesh-Stream": f"{body.stream.seqnum_id};{body.stream.epoch}",
            "DevMesh-Range": "each" if body.each else spans,
            "DevMesh-Batch": str(uuid4()),
        }
        encoded = {name: value.encode() for name, value in headers.items()}
        said = self._remote.patiently("POST", "/ingest", content=body.data, headers=encoded)
        errors = tuple(Rejected(one["line"], one["field"], one["reason"]) for one in said["errors"])
        coverage = tuple((first, last) for first, last in said["coverage"])
        return Answer(said["stored"], said["repeated"], said["rejected"], errors, coverage)


def _said(mesh: Mesh, node: str, numbers: Range, times: Range | None) -> Sequence[Numbered]:
    known = mesh.nodes.node_names.ids([node], create=False)
    return mesh.events.numbered(known[node], numbers, times) if known else []
