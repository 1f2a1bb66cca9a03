"""The heartbeat: what the agent says of itself every 30 s, also when there is nothing to send.

Silence of a node is told from silence of its programs by it. Gaps travel with it, and count as told only after an
answer that is ours.
"""

from __future__ import annotations

import contextlib
import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from devmesh.ship import AGENT_VERSION
from devmesh.ship.identity import boot_id, machine_id
from devmesh.ship.piece import Changed, Piece, Stream

if TYPE_CHECKING:
    from devmesh.ship.clock import Clock
    from devmesh.ship.history import History
    from devmesh.ship.server import Server

_log = logging.getLogger("devmesh.ship")
GAPS_AT_ONCE = 1_000


class Heart:
    """When to beat, and what to say."""

    def __init__(self, server: Server, clock: Clock, every_s: float) -> None:
        self._server, self._clock, self._every_s = server, clock, every_s
        self._last: Optional[float] = None
        self._started_us = clock.now_us()
        self.leaving: Optional[str] = None

    def due(self) -> bool:
        """Whether the last beat is long enough ago."""
        return self._last is None or self._clock.monotonic() - self._last >= self._every_s

    def beat(
        self, history: History, streams: List[Stream], sources: List[Dict[str, Any]], dropped: Dict[str, int]
    ) -> bool:
        """Send one heartbeat; True if the server took it, gaps included."""
        self._last = self._clock.monotonic()
        gaps = history.gaps()[:GAPS_AT_ONCE]
        backlog_events, backlog_bytes, oldest = _backlog(history, streams)
        skew = self._server.skew.best
        said = {
            "agent": AGENT_VERSION,
            "backlog_events": backlog_events,
            "backlog_bytes": backlog_bytes,
            "oldest_unsent_us": oldest,
            "dropped": dropped,
            "gaps": [
                {"stream": name, "from": gap.first, "to": gap.last, "exact": gap.exact, "reason": gap.reason}
                for name, gap in gaps
            ],
            "clock_us": self._clock.now_us(),
            "skew_us": None if skew is None else skew.skew_us,
            "skew_error_us": None if skew is None else skew.error_us,
            "boot_id": boot_id(),
            "started_us": self._started_us,
            "unanswered_us": self._server.in_vain.lately_us(self._clock.monotonic()),
            "leaving": self.leaving,
            "machine_id": machine_id(),
            "sources": sources,
        }
        answer = self._server.heartbeat(said)
        if answer.status != HTTPStatus.OK or answer.body is None:
            _log.warning("heartbeat=not_taken status=%d error=%s", answer.status, answer.error)
            return False
        if gaps:
            history.reported(gaps)
        history.heard_newest(answer.body.get("newest"))
        return True


def _backlog(history: History, streams: List[Stream]) -> Any:
    """(journal entries at most, bytes of text logs, time of the oldest unsent event or None)."""
    events = size = 0
    oldest: Optional[int] = None
    for stream in streams:
        holes = history.track(stream).holes(stream)
        missing = sum(last - first + 1 for first, last in holes)
        if stream.kind == "journal":
            events += missing
        else:
            size += missing
        if holes:
            ts_us = _first_time(stream, holes[-1][0], holes[-1][1])
            oldest = ts_us if oldest is None or (ts_us is not None and ts_us < oldest) else oldest
    return events, size, oldest


def _first_time(stream: Stream, first: int, last: int) -> Optional[int]:
    with contextlib.suppress(Changed):
        reader = stream.read(first, last)
        try:
            for item in reader:
                if isinstance(item, Piece):
                    return item.ts_us
        finally:
            reader.close()
    return None
