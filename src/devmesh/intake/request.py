"""What asks to be taken in, and what is answered."""

from __future__ import annotations

import contextlib
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field

from devmesh.intake.model import Rejected
from devmesh.nodes import Mark, Range, StreamKey


@dataclass(frozen=True)
class Request:
    """One body of NDJSON lines from one speaker.

    `ranges` None with a stream covers the span of the body's seqs; `each` covers every seq alone (history with holes).
    `marks`: the x of some entries in the ranges.
    `may_name_nodes`: lines may carry another node's name (relays and admins).
    """

    body: bytes
    node: str
    received_us: int
    may_name_nodes: bool = False
    machine_id: str | None = None
    stream: StreamKey | None = None
    ranges: tuple[Range, ...] | None = None
    each: bool = False
    marks: tuple[Mark, ...] = ()
    prev: Mark | None = None
    idempotency_key: str | None = None


@dataclass(frozen=True)
class Answer:
    """What became of a request's lines, after the commit; stored + repeated + rejected = its lines."""

    stored: int
    repeated: int
    rejected: int
    errors: tuple[Rejected, ...]
    coverage: tuple[Range, ...]


@dataclass
class Ticket:
    """A request on its way, and the promise of its answer."""

    request: Request
    future: Future[Answer] = field(default_factory=Future)

    def answer(self, answer: Answer) -> None:
        """Answer; whoever asked may have gone away meanwhile, which is no fault."""
        with contextlib.suppress(InvalidStateError):
            self.future.set_result(answer)

    def fail(self, error: BaseException) -> None:
        """Answer with an error, unless it was answered."""
        with contextlib.suppress(InvalidStateError):
            self.future.set_exception(error)
