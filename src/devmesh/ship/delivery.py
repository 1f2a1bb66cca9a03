"""Bringing one batch to the server, whatever it answers (docs/protocol.md, "Answers").

No answer ever drops an entry. What the server cannot read is bisected; an entry is poison only if a neighbour was
accepted meanwhile, and then lies in the dead-letter file and is reported as a gap.
"""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from devmesh.ship.clock import Backoff, Clock
from devmesh.ship.crash import crash_point
from devmesh.ship.server import UNREACHABLE, Answer, Server
from devmesh.ship.wire import encode

if TYPE_CHECKING:
    import random

    from devmesh.ship.batch import Batch, Limits, Line
    from devmesh.ship.dead_letters import DeadLetters

_log = logging.getLogger("devmesh.ship")
REFUSED_WAIT_S = 300.0
RETRY_AFTER_S = (1.0, 300.0)
FAULTS_BEFORE_BISECT = 5
LEAST_LINE_BYTES = 1024
MOST_REMEMBERED = 1_000
SAME_AGAIN_S = 3_600.0  # a trouble that stays is told once an hour, and once more when it changes

EXIT_REFUSED = 5
EXIT_CLONE = 6
EXIT_PROTOCOL = 7


class Verdict(NamedTuple):
    """How sending ended: ok, later (wait `wait_s`; `exit_code`, where waiting alone mends nothing), forked (`body` has
    the marks) or stop (`exit_code`).
    """

    kind: str
    wait_s: float = 0.0
    lost_contact: bool = False
    alone: bool = False  # this batch alone is at fault, as far as one can see
    body: Optional[Dict[str, Any]] = None
    exit_code: int = 0


OK = Verdict("ok")


class Delivery:
    """Sends batches, one at a time."""

    def __init__(
        self,
        server: Server,
        limits: Limits,
        dead_letters: DeadLetters,
        clock: Clock,
        chance: random.Random,
        stored: Callable[[Batch, Dict[str, Any]], None],
        lost: Callable[[Batch, Line, str], None],
    ) -> None:
        """`stored` is called after each answer that is ours and says so, `lost` for each poison entry."""
        self._server, self._limits, self._dead, self._clock = server, limits, dead_letters, clock
        self._stored, self._lost = stored, lost
        self.backoff = Backoff(chance)
        self._faults: Dict[Tuple[str, int], int] = {}
        self._suspects: List[Tuple[Batch, str]] = []
        self._accepted = 0
        self._ever_accepted = 0
        self._suspected: Dict[Tuple[str, int], int] = {}
        self._budget = 0
        self._right_first = False
        self._bisecting = False
        self._told: Tuple[str, float] = ("", 0.0)

    def send(self, batch: Batch) -> Verdict:
        """Bring the batch there, in parts if need be."""
        self._suspects, self._accepted, self._bisecting = [], 0, False
        self._budget = max(1, len(batch.lines)).bit_length() + 4
        verdict = self._send(batch)
        if verdict.kind == "ok" and self._suspects:
            verdict = self._settle_suspects()
        if verdict.kind == "ok":
            self.succeeded()
        return verdict

    def succeeded(self) -> None:
        """The server is there and takes what we say."""
        self.backoff.succeeded()
        self._told = ("", 0.0)

    def _settle_suspects(self) -> Verdict:
        """What was refused alone while others were taken is refused once more before it is given up."""
        if self._accepted == 0 and not self._others_were_taken():
            self._right_first = not self._right_first
            return self.later(f"nothing of the batch is taken: {self._suspects[0][1]}")._replace(alone=True)
        refused, self._suspects = self._suspects, []
        for suspect, reason in refused:
            verdict = self._send(suspect)
            if verdict.kind != "ok":
                return verdict
            if self._suspects:
                self._suspects = []
                line = suspect.lines[0]
                _log.warning("entry=poison stream=%s seq=%d reason=%s", suspect.stream, line.first, reason)
                self._dead.keep(self._clock.now_us(), suspect.stream, line, reason)
                self._lost(suspect, line, "poison")
        return OK

    def _others_were_taken(self) -> bool:
        """Whether anything was accepted since these entries were first refused."""
        keys = [(suspect.stream, suspect.first) for suspect, _reason in self._suspects]
        taken = all(self._suspected.get(key, self._ever_accepted) < self._ever_accepted for key in keys)
        before = {key: self._suspected.get(key, self._ever_accepted) for key in keys}
        self._suspected = {} if taken else before
        return taken

    def _send(self, batch: Batch) -> Verdict:
        crash_point("before_post")
        answer = self._server.ingest(batch)
        crash_point("after_post")
        status = answer.status
        if status == HTTPStatus.OK:
            return self._taken(batch, answer)
        if status in (400, 422):
            return self._bisect(batch, f"the server cannot read it ({status})")
        if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return self._too_large(batch, answer)
        if status == HTTPStatus.INTERNAL_SERVER_ERROR:
            return self._fault(batch)
        if status in (401, 403):
            return self.refused(status)
        if status in (409, 426):
            return self.conflict(answer)
        if status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE and answer.body is not None:
            return self._other_encoding(batch)
        if status in (429, 503) and answer.retry_after_s is not None:
            low, high = RETRY_AFTER_S
            self.backoff.failed()
            return Verdict("later", min(high, max(low, answer.retry_after_s)))
        return self.later(answer.error or f"status {status}", lost_contact=status == UNREACHABLE)

    def refused(self, status: int) -> Verdict:
        """The token is unknown, revoked, or another node's: keep everything, ask again in 5 minutes."""
        self.backoff.failed()
        _log.warning("server=refuses status=%d action=keep_all next_try_s=300 hint=see --token-file", status)
        return Verdict("later", REFUSED_WAIT_S, lost_contact=True, exit_code=EXIT_REFUSED)

    def later(self, why: str, *, lost_contact: bool = False) -> Verdict:
        """Try again after the next back-off."""
        wait_s, now = self.backoff.failed(), self._clock.monotonic()
        new = why != self._told[0] or now >= self._told[1] + SAME_AGAIN_S
        if new:
            self._told = (why, now)
        level = logging.WARNING if new else logging.DEBUG
        _log.log(level, "send=later wait_s=%.1f failures=%d why=%s", wait_s, self.backoff.failures, why)
        return Verdict("later", wait_s, lost_contact)

    def _taken(self, batch: Batch, answer: Answer) -> Verdict:
        """An acknowledgement, if every number in it is there and adds up."""
        body = answer.body
        if body is None:
            return self.later(answer.error)
        counts = [body.get(name) for name in ("stored", "repeated", "rejected")]
        numbers = [count for count in counts if type(count) is int and count >= 0]
        if len(numbers) != len(counts) or sum(numbers) != len(batch.lines):
            return self.later(f"the answer counts {counts} of {len(batch.lines)} entries")
        self._accepted += 1
        self._ever_accepted += 1
        self._faults.pop((batch.stream, batch.first), None)
        self._keep_rejected(batch, body.get("errors"))
        self._take_pace(body.get("pace"))
        self._stored(batch, body)
        return OK

    def _keep_rejected(self, batch: Batch, errors: Any) -> None:
        for error in errors if isinstance(errors, list) else []:
            number = error.get("line") if isinstance(error, dict) else None
            if type(number) is int and 1 <= number <= len(batch.lines):
                line, reason, field = batch.lines[number - 1], str(error.get("reason"))[:500], error.get("field")
                self._dead.keep(self._clock.now_us(), batch.stream, line, reason, None if field is None else str(field))

    def _take_pace(self, pace: Any) -> None:
        if not isinstance(pace, dict):
            return
        numbers = {name: value for name, value in pace.items() if type(value) is int and value >= 0}
        self._limits.lower(numbers.get("max_events"), numbers.get("max_bytes"))
        self._limits.bytes_per_s = numbers.get("max_bytes_per_s", 0)
        self._limits.min_interval_s = min(60.0, numbers.get("min_interval_ms", 0) / 1000.0)

    def _bisect(self, batch: Batch, reason: str) -> Verdict:
        self._budget, self._bisecting = self._budget - 1, True
        if not batch.lines:
            return self.later(reason)
        if len(batch.lines) == 1:
            self._suspects.append((batch, reason))
            return OK
        if self._budget < 0 and self._accepted == 0:
            self._right_first = not self._right_first
            return self.later(reason)._replace(alone=True)  # it is not one entry: the server takes nothing of this
        return self._halved(batch)

    def _halved(self, batch: Batch) -> Verdict:
        halves = batch.halves()
        for half in reversed(halves) if self._right_first else halves:
            verdict = self._send(half)
            if verdict.kind != "ok":
                return verdict
        return OK

    def _fault(self, batch: Batch) -> Verdict:
        key = (batch.stream, batch.first)
        if self._bisecting or self._faults.get(key, 0) >= FAULTS_BEFORE_BISECT:
            return self._bisect(batch, "the server fails on it (500)")
        if len(self._faults) > MOST_REMEMBERED:
            self._faults.clear()
        self._faults[key] = self._faults.get(key, 0) + 1
        return self.later("status 500")

    def _too_large(self, batch: Batch, answer: Answer) -> Verdict:
        body = answer.body or {}
        limits = [body.get(name) for name in ("limit_events", "limit_bytes")]
        events, size = [limit if type(limit) is int and limit > 0 else None for limit in limits]
        self._limits.lower(events or max(1, len(batch.lines) // 2), size or max(1, len(batch.body()) // 2))
        if len(batch.lines) > 1:
            return self._halved(batch)
        if not batch.lines:
            return self.later("413 for a request without entries")
        line = batch.lines[0]
        shorter = encode(_event(line), min(len(line.data) // 2, (size or len(line.data)) * 3 // 4))
        if len(shorter) >= len(line.data) or len(line.data) <= LEAST_LINE_BYTES:
            self._suspects.append((batch, "too large (413)"))
            return OK
        return self._send(batch._replace(lines=[line._replace(data=shorter)]))

    def conflict(self, answer: Answer) -> Verdict:
        """What a 409 or 426 asks for."""
        code = (answer.body or {}).get("code")
        if answer.status == HTTPStatus.CONFLICT and code == "stream_forked":
            return Verdict("forked", body=answer.body)
        if answer.status == HTTPStatus.CONFLICT and code == "node_clone":
            _log.error("server=stops_us code=node_clone hint=give each machine a node name and a token of its own")
            return Verdict("stop", exit_code=EXIT_CLONE)
        if answer.status == HTTPStatus.UPGRADE_REQUIRED and answer.body is not None:
            _log.error("server=stops_us code=protocol_version hint=this agent and the server need matching versions")
            return Verdict("stop", exit_code=EXIT_PROTOCOL)
        return self.later(f"status {answer.status} with no word of ours")

    def _other_encoding(self, batch: Batch) -> Verdict:
        if not self._server.gzip:
            _log.error("server=stops_us status=415 hint=the server takes neither gzip nor plain bodies")
            return Verdict("stop", exit_code=EXIT_PROTOCOL)
        self._server.gzip = False
        return self._send(batch)


def _event(line: Line) -> Dict[str, Any]:
    event: Dict[str, Any] = json.loads(line.data)
    return event
