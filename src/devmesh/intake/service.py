"""The way in: requests wait in line, are joined, prepared and committed by two threads, and answered after the commit.

One thread prepares the next group while the other commits the last one. The store is asked once a group, so fifty
agents share one flush to disk. Nothing is answered with success before it is durable.
"""

from __future__ import annotations

import logging
import queue
import secrets
import threading
from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass, field

from sqlalchemy import Connection, insert, select

from devmesh.clock import Clock
from devmesh.crash import crash_point
from devmesh.db import Database
from devmesh.db.space import Space
from devmesh.errors import DevMeshError, Unavailable
from devmesh.events import Events
from devmesh.heap import keep_freed_memory
from devmesh.intake.commit import Committer
from devmesh.intake.model import Limits
from devmesh.intake.prepare import Prepared, Preparer
from devmesh.intake.readers import Readers
from devmesh.intake.reading import FAULTS
from devmesh.intake.redact import redact_text
from devmesh.intake.request import Answer, Request, Ticket
from devmesh.intake.tables import redaction_keys
from devmesh.nodes import Nodes
from devmesh.templates import Templates

log = logging.getLogger(__name__)

GROUP_BYTES = 8 * 1024 * 1024
STOP_TIMEOUT_S = 30.0


@dataclass
class Totals:
    """What was taken in since the start, for metrics."""

    stored: int = 0
    repeated: int = 0
    rejected: int = 0
    commits: int = 0
    failed: int = 0
    redacted: Counter[str] = field(default_factory=Counter)

    @property
    def lines(self) -> int:
        """All of them, whatever became of them."""
        return self.stored + self.repeated + self.rejected


class Intake:
    """Takes requests in, exactly once."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        nodes: Nodes,
        templates: Templates,
        events: Events,
        *,
        limits: Limits,
        max_waiting_bytes: int,
        space: Space,
        helpers: int = 0,
    ) -> None:
        self._db, self._clock, self._nodes, self._templates, self._events = db, clock, nodes, templates, events
        self._limits, self._max_waiting, self._space = limits, max_waiting_bytes, space
        self._readers = Readers(limits, helpers)
        self._line: queue.SimpleQueue[Ticket | None] = queue.SimpleQueue()
        self._ready: queue.Queue[Prepared | None] = queue.Queue(maxsize=1)
        self._waiting_bytes = 0
        self._mutex = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._open = False
        self._last_error: str | None = None
        self._key = b""
        self.totals = Totals()

    def start(self) -> None:
        """Load the redaction key and begin to take requests."""
        keep_freed_memory()
        preparer = Preparer(self._nodes, self._templates, self._load_key(), self._limits, self._readers)
        committer = Committer(self._db, self._clock, self._nodes, self._events)
        self._threads = [
            threading.Thread(target=self._prepare_all, args=(preparer,), name="intake-prepare", daemon=True),
            threading.Thread(target=self._commit_all, args=(committer,), name="intake-commit", daemon=True),
        ]
        self._open = True
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Finish what waits, then end."""
        if not self._open:
            return
        with self._mutex:  # what is in line by then is answered, and nothing comes after
            self._open = False
            self._line.put(None)
        for thread in self._threads:
            thread.join(STOP_TIMEOUT_S)
        self._readers.close()

    def submit(self, request: Request) -> Ticket:
        """Get in line; the ticket's future has the `Answer` once the lines are durable.

        Raises Unavailable when too much waits or the disk is nearly full: nothing was taken then.
        """
        self._space.check()
        ticket = Ticket(request)
        with self._mutex:
            if not self._open:
                raise Unavailable("The server is starting or stopping.", retry_after_s=1)
            if self._waiting_bytes and self._waiting_bytes + len(request.body) > self._max_waiting:
                raise Unavailable("The writer is behind.", hint="The same request will work shortly.", retry_after_s=2)
            self._waiting_bytes += len(request.body)
            ticket.future.add_done_callback(lambda done: self._let_go(len(request.body), done))
            self._line.put(ticket)
        return ticket

    def take(self, request: Request, timeout_s: float = 120.0) -> Answer:
        """`submit` and wait for the answer."""
        return self.submit(request).future.result(timeout_s)

    @property
    def waiting_bytes(self) -> int:
        """Bytes of requests that were taken and not answered yet."""
        return self._waiting_bytes

    def redact(self, text: str) -> str:
        """A text with its secrets masked, as they are in what comes in: for what leaves the house."""
        return redact_text(text, self._load_key())

    def trouble(self) -> str | None:
        """Why what came in last could not be stored; None when it could."""
        return self._last_error

    def _let_go(self, size: int, done: Future[Answer]) -> None:
        with self._mutex:
            self._waiting_bytes -= size
        error = None if done.cancelled() else done.exception()
        if isinstance(error, Unavailable):  # whichever step the store failed in
            self._last_error = error.message

    def _load_key(self) -> bytes:
        def key(connection: Connection) -> bytes:
            found = connection.execute(select(redaction_keys.c.secret).where(redaction_keys.c.name == "marks")).scalar()
            if found is None:
                found = secrets.token_bytes(32)
                connection.execute(insert(redaction_keys).values(name="marks", secret=found))
            return bytes(found)

        self._key = self._key or self._db.transact(key)
        return self._key

    # -- thread 1: prepare ------------------------------------------------------------

    def _prepare_all(self, preparer: Preparer) -> None:
        while True:
            tickets, last = self._next_group()
            if tickets:
                for prepared in self._prepared(preparer, tickets):
                    self._ready.put(prepared)
            if last:
                self._ready.put(None)
                return

    def _next_group(self) -> tuple[list[Ticket], bool]:
        """Everything that waits, up to 8 MiB; waits for the first. True with the last one."""
        tickets: list[Ticket] = []
        size = 0
        while size < GROUP_BYTES:
            try:
                ticket = self._line.get(block=not tickets)
            except queue.Empty:
                break
            if ticket is None:
                return tickets, True
            tickets.append(ticket)
            size += len(ticket.request.body)
        return tickets, False

    def _prepared(self, preparer: Preparer, tickets: list[Ticket]) -> list[Prepared]:
        """The group as one; where that fails, each request alone, so that only the faulty one fails."""
        crash_point("before_prepare")
        try:
            return [preparer.prepare(tickets)]
        except Unavailable as error:
            for ticket in tickets:
                ticket.fail(error)
            return []
        except FAULTS as error:  # the thread must live on; whoever sent the fault gets it alone
            log.exception("intake cannot prepare requests=%d", len(tickets))
            if len(tickets) == 1:
                tickets[0].fail(_internal(error))
                return []
            return [one for ticket in tickets for one in self._prepared(preparer, [ticket])]

    # -- thread 2: commit ------------------------------------------------------------

    def _commit_all(self, committer: Committer) -> None:
        while (prepared := self._ready.get()) is not None:
            try:
                self._store(committer, prepared)
            except DevMeshError as error:
                self._failed(prepared, error)
            except FAULTS as error:  # the thread must live on; every sender keeps its lines and tries again
                log.exception("intake cannot commit events=%d", len(prepared.frame))
                self._failed(prepared, _internal(error))

    def _store(self, committer: Committer, prepared: Prepared) -> None:
        outcomes = committer.commit(prepared)
        self._last_error = None
        totals = self.totals
        totals.commits += 1
        totals.redacted.update(prepared.redacted)
        self._templates.observe(prepared.seen)
        for outcome in outcomes:
            if outcome.answer is None:
                outcome.part.ticket.fail(outcome.error or DevMeshError())
                continue
            totals.stored += outcome.answer.stored
            totals.repeated += outcome.answer.repeated
            totals.rejected += outcome.answer.rejected
            outcome.part.ticket.answer(outcome.answer)

    def _failed(self, prepared: Prepared, error: DevMeshError) -> None:
        self.totals.failed += 1
        self._last_error = error.message
        log.warning("intake commit failed reason=%r requests=%d", error.message, len(prepared.parts))
        for part in prepared.parts:
            part.ticket.fail(error)


def _internal(error: BaseException) -> DevMeshError:
    return DevMeshError(f"A fault of the server: {type(error).__name__}.", hint="The server's own log says more.")
