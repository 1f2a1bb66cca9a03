"""The loop that ties it: look at the sources, send the newest of what the server does not have, remember, report.

The order of things in one round: each stream's newest missing part, one bounded chunk of it, in batches. So what was
written just now is sent within a poll, however much older history waits behind it, and memory holds one batch.
"""

# Paths are text here, as the command line, os.scandir and systemd's files give them.
# ruff: noqa: PTH103, PTH118

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import random
import threading
from typing import TYPE_CHECKING, Any, Dict, Iterator, List, Optional, Set, Tuple

from devmesh.ship.again import Again
from devmesh.ship.batch import Batch, Limits, Line, batches
from devmesh.ship.clock import Clock
from devmesh.ship.connections import Look
from devmesh.ship.dead_letters import DeadLetters
from devmesh.ship.delivery import OK, Delivery, Verdict
from devmesh.ship.errors import OptionsError
from devmesh.ship.filters import Filters
from devmesh.ship.heartbeat import Heart
from devmesh.ship.history import History
from devmesh.ship.identity import machine_id, node_name
from devmesh.ship.options import Options, default_state_dir
from devmesh.ship.piece import Changed, Lost, Range, Stream
from devmesh.ship.report import Report
from devmesh.ship.server import Server
from devmesh.ship.share import Share
from devmesh.ship.sources import Sources
from devmesh.ship.state import StateFile

if TYPE_CHECKING:
    from devmesh.ship.track import Track

_log = logging.getLogger("devmesh.ship")
EXIT_UNAVAILABLE = 8
CHANGED_WAIT_S = 0.2
ROUND_S = 10.0  # so long, at most, before the newest journal is looked at again
FEW_STREAMS = 3
HOLES_TRIED = 8
LAST_ROUNDS = 10
ONCE_ATTEMPTS = 8
ONCE_REFUSALS = 2  # the token may be replaced just now
ONCE_REFUSED_WAIT_S = 1.0
QUIET_FLUSH_S = 30.0  # a stream whose new entries are all dropped by filters covers them this often
QUIET_ENTRIES = 5_000


def run(options: Options, stop: Optional[threading.Event] = None, clock: Optional[Clock] = None) -> int:
    """Ship until `stop` is set (or all is sent, with `once`); the exit code: 0, 5 refused, 6 clone, 7 protocol,
    8 server away.

    Raises OptionsError for an option that cannot work.
    """
    directory = options.state_dir or default_state_dir()
    with _state_directory(directory):
        agent = Agent(options, directory, clock or Clock())
        try:
            return agent.run(stop or threading.Event())
        finally:
            agent.server.close()


@contextlib.contextmanager
def _state_directory(directory: str) -> Iterator[None]:
    """The directory, made if need be, for this process alone."""
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        lock = os.open(os.path.join(directory, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        msg = f"the state directory cannot be used: {error}; choose another with --state-dir"
        raise OptionsError(msg) from error
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            msg = f"another agent uses {directory}; choose another --state-dir"
            raise OptionsError(msg) from error
        yield
    finally:
        os.close(lock)


class Agent:
    """One run of the agent."""

    def __init__(self, options: Options, directory: str, clock: Clock, chance: Optional[random.Random] = None) -> None:
        self.options, self.clock = options, clock
        self.node = options.node or node_name()
        self.filters = Filters.read(options.filters)
        self.server = Server(options.to, self.node, machine_id(), options.token_file, options.tls_ca, clock)
        self.sources = Sources(options, clock)
        self.limits = Limits()
        self.share = Share(clock, self.limits)
        dead_letters = DeadLetters(directory)
        self.delivery = Delivery(
            self.server,
            self.limits,
            dead_letters,
            clock,
            chance or random.Random(),  # noqa: S311  it spreads waits, it keeps no secret
            self._stored,
            self._poison,
        )
        self.history = History(StateFile(directory), self.server, self.delivery, self.filters.document)
        self.heart = Heart(self.server, clock, options.heartbeat_s)
        self.heart.leaving = "once" if options.once else None
        self._report = Report(self.server, clock, lambda deep: Look(deep=deep).said) if options.connections else None
        self._again = Again.wanted(self.history, self.filters, options, self.limits, self._send)
        self._gaps_after = 0.0
        self._more = False  # a backlog waits: no pause between rounds
        self._turn = ""
        self._quiet: Dict[str, Any] = {}
        self._troubles: Set[Tuple[str, str]] = set()
        self._stop = threading.Event()
        self._refusals = 0

    # -- the loop

    def run(self, stop: threading.Event) -> int:
        """See `run`."""
        self._stop = stop
        while not stop.is_set():
            verdict = self._round()
            if verdict.kind == "stop":
                return verdict.exit_code
            if verdict.kind == "later":
                if self.options.once and self._gives_up(verdict):
                    return verdict.exit_code or EXIT_UNAVAILABLE
                self._pause(ONCE_REFUSED_WAIT_S if self.options.once and verdict.exit_code else verdict.wait_s)
            elif verdict.kind == "idle" and self.options.once:
                return self._finish()
            elif self._more or self.options.once:
                self._pause(min(self.options.poll_s, self.share.wait_s()))
            else:
                self._pause(self.options.poll_s)
        return self._finish()

    def _gives_up(self, verdict: Verdict) -> bool:
        """Whether --once has tried often enough."""
        if not verdict.exit_code:
            return self.delivery.backoff.failures >= ONCE_ATTEMPTS
        self._refusals += 1
        if self._refusals < ONCE_REFUSALS:
            return False
        _log.error(
            "once=ends exit_code=%d why=the server refuses the token, what is not sent stays hint=on the server: "
            "devmesh token create --node %s, then --token-file FILE",
            verdict.exit_code,
            self.node,
        )
        return True

    def _pause(self, seconds: float) -> None:
        """Wait, with a heartbeat now and then as long as the server answers at all."""
        while seconds > 0 and not self._stop.is_set():
            part = min(seconds, self.options.heartbeat_s) if self.history.current else seconds
            self.clock.wait(part, self._stop)
            seconds -= part
            if seconds > 0:
                self._beat()

    def _finish(self) -> int:
        """SIGTERM, or the end of --once: send what is there once more, without waiting for anybody; tell the server."""
        self._quiet.clear()
        self.sources.flush()
        self._stop = threading.Event()
        for _round in range(0 if self.options.once else LAST_ROUNDS):
            if self._round(newest_only=True).kind != "ok":
                break
        if self._report is not None and self.options.once:
            self._report.tell(force=True)
        self.heart.leaving = self.heart.leaving or "stopped"
        self._beat(force=True)
        self.history.save()
        return 0

    def _round(self, *, newest_only: bool = False) -> Verdict:
        """One look at every stream: `ok` if something was sent, `idle` if there was nothing to send."""
        try:
            if not self.history.current:
                verdict = self._reconnect()
                if verdict.kind != "ok":
                    return verdict
            return self._ship_all(self._streams(), newest_only=newest_only)
        except Changed as change:
            _log.debug("source=changed what=%s", change)
            return Verdict("later", CHANGED_WAIT_S)

    def _reconnect(self) -> Verdict:
        """Hear what the server knows; then what was asked for by --again, or left of it."""
        verdict = self.history.fetch()
        if verdict.kind == "ok":
            verdict = self.history.compare(self._streams())
        if verdict.kind == "ok" and self._again is not None:
            verdict = self._again.run(self._streams())
            if verdict.kind == "ok":
                self._again = None
        return verdict

    def _ship_all(self, streams: List[Stream], *, newest_only: bool) -> Verdict:
        """A chunk of each stream: the newest journal first, then in turns where the last round ended."""
        self.history.note_vanished(streams, self.sources.log_paths)
        self._more = False
        result = Verdict("idle")
        until = self.clock.monotonic() + ROUND_S
        for stream in self._in_turn(streams):
            if self._stop.is_set():
                break
            verdict = self._ship(stream, newest_only=newest_only)
            if verdict.kind == "later" and verdict.alone:
                result = verdict  # the entries are at fault: the other streams go on
            elif verdict.kind not in ("ok", "idle"):
                self._beat()
                return verdict
            elif verdict.kind == "ok" and result.kind == "idle":
                result = OK
            self._turn = stream.id
            if self.clock.monotonic() > until:
                self._more = True
                break
        self._beat(force=self.history.has_gaps() and self.clock.monotonic() >= self._gaps_after)
        if self._report is not None:
            self._report.tell()
        return result

    def _streams(self) -> List[Stream]:
        return self.sources.streams(self.history.ids(), self.history.marks_of)

    def _in_turn(self, streams: List[Stream]) -> List[Stream]:
        ids = [stream.id for stream in streams]
        if len(ids) < FEW_STREAMS or self._turn not in ids[1:]:
            return streams
        after = ids.index(self._turn) + 1
        return [streams[0], *streams[after:], *streams[1:after]]

    def _ship(self, stream: Stream, *, newest_only: bool) -> Verdict:
        """Send what is new in a stream, and the newest chunk of what is missing below that."""
        track = self.history.track(stream)
        if self.history.behind(stream, track):
            return self._forked(track, stream, track.newest_marks())
        holes = track.holes(stream)
        if not holes or (newest_only and track.done and holes[0][0] <= track.done[-1][1]):
            return Verdict("idle")
        newest = track.done[-1][1] if track.done else -1
        sent = Verdict("idle")
        for hole in holes[: 1 if newest_only else HOLES_TRIED]:
            live = hole[0] > newest
            if not live and self.share.wait_s() > 0:
                self._more = True
                return OK
            if not self.history.continues(stream, track, hole[0]):
                return self._forked(track, stream, track.newest_marks())
            span = stream.chunk(hole)
            quiet = self._is_quiet(track, span)
            verdict = Verdict("idle") if quiet else self._ship_span(stream, track, span, live=live)
            if verdict.kind != "idle":  # the newest hole may be a line that is held back, or all dropped by filters
                self._more = self._more or len(holes) > 1 or span != hole
                sent = verdict
            if verdict.kind not in ("ok", "idle") or (verdict.kind == "ok" and not live) or not self._may_go_on():
                break
        return sent

    def _may_go_on(self) -> bool:
        """Nobody wants us to end, and what we know of the server still holds."""
        return self.history.current and not self._stop.is_set()

    def _ship_span(self, stream: Stream, track: Track, span: Range, *, live: bool) -> Verdict:
        sent = Verdict("idle")
        for item in self._batches(stream, track, span):
            if isinstance(item, Lost):
                track.gaps.append(item)
                _log.warning("gap=%s stream=%s from=%d to=%d", item.reason, track.name, item.first, item.last)
                continue
            if not item.lines and self._stays_quiet(track, span, item):
                return sent
            sent = self._send(item)
            if sent.kind == "forked":
                return self._forked(track, stream, _marks(sent.body))
            if sent.kind != "ok" or not self._may_go_on():
                return sent
            if not live and self.share.wait_s() > 0:
                self._more = True
                return sent
            self._beat()
            self.clock.wait(self.limits.min_interval_s, self._stop)
        return sent

    def _batches(self, stream: Stream, track: Track, span: Range) -> Iterator[Any]:
        return batches(stream.read(*span), track.name, span, track.prev(span[0]), self.limits, self.filters.judge)

    def _send(self, batch: Batch) -> Verdict:
        verdict = self.delivery.send(batch)
        if verdict.lost_contact:
            self.history.current = False  # it may come back as another one, or know less
        return verdict

    def _forked(self, track: Track, stream: Stream, marks: List[Any]) -> Verdict:
        verdict = self.history.open_epoch(track, stream, marks)
        if verdict.lost_contact:
            self.history.current = False
        return verdict

    # -- streams whose new entries are all dropped

    def _is_quiet(self, track: Track, span: Range) -> bool:
        """These numbers were read before, and held nothing to send."""
        known = self._quiet.get(track.id)
        return known is not None and known[0] == span and self.clock.monotonic() < known[1]

    def _stays_quiet(self, track: Track, span: Range, batch: Batch) -> bool:
        """Whether to leave a batch without entries unsent for now: else each of our own lines would make a request."""
        now = self.clock.monotonic()
        if self.options.once or batch.last - batch.first >= QUIET_ENTRIES:
            return False
        until = self._quiet[track.id][1] if track.id in self._quiet else now + QUIET_FLUSH_S
        self._quiet[track.id] = (span, until)
        if now < until:
            return True
        del self._quiet[track.id]
        return False

    # -- what the delivery tells

    def _stored(self, batch: Batch, body: Dict[str, Any]) -> None:
        self._quiet.pop(batch.stream.rpartition(";")[0], None)
        self.filters.count(batch.counts)
        self.share.sent(sum(len(line.data) for line in batch.lines))
        self.history.stored(batch, body)

    def _poison(self, batch: Batch, line: Line, reason: str) -> None:
        track = self.history.tracks[batch.stream.rpartition(";")[0]]
        track.gaps.append(Lost(line.first, line.last, True, reason))

    # -- the heartbeat

    def _beat(self, *, force: bool = False) -> None:
        if not self.history.current or not (force or self.heart.due()):
            return
        with contextlib.suppress(Changed):
            streams, sources = self._streams(), self.sources.describe()
            self._tell(sources)
            if not self.heart.beat(self.history, streams, sources, self.filters.dropped):
                self._gaps_after = self.clock.monotonic() + self.options.heartbeat_s

    def _tell(self, sources: List[Dict[str, Any]]) -> None:
        """Say what is not read, and why, in our own output too; what stays so once."""
        troubles = {(str(one["path"]), str(one["trouble"])) for one in sources if "trouble" in one}
        for path, why in sorted(troubles - self._troubles):
            _log.warning("source=%s trouble=%r", path, why)
        self._troubles = troubles


def _marks(body: Optional[Dict[str, Any]]) -> List[Any]:
    marks = (body or {}).get("marks")
    return [(int(m[0]), str(m[1])) for m in marks] if isinstance(marks, list) else []
