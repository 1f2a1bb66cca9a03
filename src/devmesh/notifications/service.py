"""The room's verbs: take what is to be told, send it at a bounded pace, say how that stands.

`step` serves one channel after the other. A message is claimed, sent, and marked; a crash between the last two repeats
it once, since whoever comes next cannot know. Back-off and pace are in memory, by the monotonic clock: a channel that
fails delays itself alone.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from devmesh.channels import Channel, Route
from devmesh.clock import Clock
from devmesh.crash import crash_point
from devmesh.db import Database
from devmesh.errors import NotFound, Unavailable
from devmesh.loops import Lease, Loop
from devmesh.notifications import outbox
from devmesh.notifications.model import Delivery, Notice, NotSent, Sent, Told, Trouble, Way
from devmesh.notifications.pace import Pace
from devmesh.notifications.routes import Quiet, channels_for
from devmesh.notifications.wording import SHOWN, summary
from devmesh.paging import Page

log = logging.getLogger(__name__)

EVERY_S = 5.0
KEPT_US = 30 * 86_400_000_000
FORGET_S = 3_600.0
TEXT, LINES, QUOTES, NAMES = 2_000, 40, 20, 100
RESTS = "; the channel rests for an hour: correct its settings and restart, or 'devmesh notify test'"


@dataclass(frozen=True)
class Plan:
    """What the settings ask for."""

    channels: Mapping[str, Channel]
    routes: Sequence[Route]
    quiet: Quiet
    per_minute: int


class Notifications:
    """Telling people. `redact` masks secrets in a text once more before it leaves."""

    def __init__(
        self, db: Database, clock: Clock, plan: Plan, ways: Mapping[str, Way], redact: Callable[[str], str]
    ) -> None:
        self._db, self._clock, self._plan, self._ways, self._redact = db, clock, plan, ways, redact
        self._paces = {name: Pace(plan.per_minute) for name in ways}
        self._claims = 0
        self._owed: deque[Callable[[Connection], object]] = deque()  # what happened to messages and is not noted yet
        self._forgot_s = -FORGET_S

    # -- what is to be told ------------------------------------------------

    def tell(self, notice: Notice, connection: Connection | None = None) -> bool:
        """Have an incident told as it is now, in every channel that its routes name or that heard of it before; whether
        its routes name any.

        In the caller's transaction where one is given, else in its own. The same version again, or an older one,
        changes nothing.
        """
        if not self._plan.channels:
            return False
        notice = _bounded(notice)
        wanted = channels_for(notice, self._plan.routes, self._plan.channels)

        def put(connection: Connection) -> None:
            outbox.put(connection, notice, wanted, self._plan.channels.keys(), self._clock.now_us())

        if connection is not None:
            put(connection)
        else:
            self._db.transact(put)
        return bool(wanted)

    def test(self, channel: str) -> Sent:
        """Send a test message at once, past the outbox. Raises NotFound, Unavailable with what happened."""
        way = self._ways.get(channel)
        if way is None:
            there = ", ".join(sorted(self._ways)) or "none is set"
            raise NotFound(f"There is no channel {channel!r}.", hint=f"Channels: {there}. See docs/settings.md.")
        now = self._clock.now_us()
        lines = ("It works: incidents will be told here.",)
        notice = Notice(0, now // 1_000_000, "info", "open", "A test message of DevMesh", now, lines=lines, path="/ui")
        try:
            sent = way.send(notice, None)
        except NotSent as error:
            reason = _masked(error.reason, way)
            raise Unavailable(f"The test message did not arrive: {reason}.", hint=_advice(error)) from error
        self._paces[channel] = Pace(self._plan.per_minute)
        return sent

    # -- sending -----------------------------------------------------------

    def loops(self) -> list[Loop]:
        """The room's side work."""
        return [Loop("send-notifications", EVERY_S, self.step, limit=1_000)]

    def step(self, _limit: int, lease: Lease) -> int:
        """Send what is due in each channel; how many messages arrived."""
        self._settle(lease)
        sent = sum(self._serve(name, way, lease) for name, way in self._ways.items())
        now_s = self._clock.monotonic_s()
        if now_s - self._forgot_s >= FORGET_S:
            with lease.write() as connection:
                outbox.forget(connection, self._clock.now_us() - KEPT_US)
            self._forgot_s = now_s
        return sent

    def _serve(self, name: str, way: Way, lease: Lease) -> int:
        """At most as many messages as the channel's pace allows; what is more goes into one summary."""
        pace, now_s = self._paces[name], self._clock.monotonic_s()
        room = pace.room(now_s)
        mine = outbox.waiting(name, pace.skipped(now_s))
        if room <= 0 or not self._any(mine):
            return 0
        silent = mine & outbox.unheard(edits=way.edits)
        if self._any(silent):
            with lease.write() as connection:
                outbox.pass_over(connection, silent)
        if self._plan.channels[name].quiet and self._plan.quiet.now(self._clock.now_us()):
            passing = outbox.at_night(critical_waits=self._plan.quiet.critical_waits)
            self._hold(mine & ~passing & ~outbox.held(), lease)
            return self._send_all(name, way, mine & passing, room, lease)
        late = mine & outbox.held() & outbox.untold()
        if self._count(late) < 2:  # noqa: PLR2004 - one incident is no summary
            return self._send_all(name, way, mine, room, lease)
        if not self._summarize(name, way, late, f"While it was quiet ({self._plan.quiet.words()})", lease):
            return 0
        return 1 + self._send_all(name, way, mine, room - 1, lease)

    def _send_all(self, name: str, way: Way, mine: outbox.Where, room: int, lease: Lease) -> int:
        """What people must notice first; edits that make no sound have half of the pace, so that they delay nothing."""
        calling = mine & outbox.calling()
        fresh = calling & outbox.new_message(edits=way.edits)
        many = self._count(fresh) > room
        with self._db.read() as connection:
            numbers = outbox.first(connection, calling, max(0, room - 1 if many else room))
            spare = room - len(numbers) - self._plan.per_minute // 2
            numbers += outbox.first(connection, mine & ~outbox.calling(), max(0, spare))
        for done, number in enumerate(numbers):
            if not self._send(name, way, outbox.row_is(number), lease):
                return done
        if many and room > 0:
            return len(numbers) + self._summarize(name, way, fresh, "Many at once", lease)
        return len(numbers)

    def _send(self, name: str, way: Way, where: outbox.Where, lease: Lease) -> bool:
        """One message of one incident; whether it arrived."""
        number = self._claim(where, lease)
        with self._db.read() as connection:
            items = outbox.claimed(connection, number, 1)
        if not items:
            return True  # it changed its mind meanwhile: nothing waits
        notice, before = items[0].notice, items[0].before
        sent = self._try(name, way, number, notice, before, lease)
        if sent is None:
            return False
        now, ref = self._clock.now_us(), sent.ref
        self._note(lease, lambda connection: outbox.mark(connection, number, now, notice, ref))
        return True

    def _summarize(self, name: str, way: Way, where: outbox.Where, title: str, lease: Lease) -> bool:
        """One message of many incidents; whether it arrived."""
        number = self._claim(where, lease)
        with self._db.read() as connection:
            counts, worst = outbox.sums(connection, number), outbox.claimed(connection, number, SHOWN)
        if not counts:
            return True
        notice = summary(title, counts, [item.notice for item in worst], self._clock.now_us())
        if self._try(name, way, number, replace(notice, version=number), None, lease) is None:
            return False
        now = self._clock.now_us()
        self._note(lease, lambda connection: outbox.mark_all(connection, number, now))
        return True

    def _claim(self, where: outbox.Where, lease: Lease) -> int:
        self._claims += 1
        number = lease.term << 24 | self._claims % (1 << 24)
        with lease.write() as connection:
            outbox.claim(connection, where, number)
        crash_point("notification_claimed")
        return number

    def _try(self, name: str, way: Way, number: int, notice: Notice, before: Told | None, lease: Lease) -> Sent | None:
        """What the other side answered; None where it did not arrive, which is noted."""
        pace = self._paces[name]
        try:
            sent = way.send(self._redacted(notice), before)
        except NotSent as error:
            failure = error
        except Exception as error:  # a fault of ours in one message must not stop the others; it is tried again later
            log.exception("channel=%s incident=%s failed", name, notice.incident_id)
            failure = NotSent(f"a fault of DevMesh ({type(error).__name__})", refused=True)
        else:
            crash_point("notification_sent")
            pace.sent(self._clock.monotonic_s())
            return sent
        pace.failed(failure, notice.incident_id, self._clock.monotonic_s())
        reason = _masked(failure.reason, way) + (RESTS if failure.gone else "")
        log.warning("channel=%s incident=%s not sent reason=%r", name, notice.incident_id, reason)
        self._note(lease, lambda connection: outbox.fail(connection, number, reason))
        return None

    def _note(self, lease: Lease, work: Callable[[Connection], object]) -> None:
        """Write down what happened to a message. Where the store does not take it now, that comes first in the next
        step: but for a crash nothing is sent twice. Claims have numbers, so a note that comes late does no harm.
        """
        self._owed.append(work)
        self._settle(lease)

    def _settle(self, lease: Lease) -> None:
        while self._owed:
            with lease.write() as connection:
                self._owed[0](connection)
            self._owed.popleft()

    def _hold(self, where: outbox.Where, lease: Lease) -> None:
        if self._any(where):
            with lease.write() as connection:
                outbox.hold(connection, where)

    def _any(self, where: outbox.Where) -> bool:
        with self._db.read() as connection:
            return bool(outbox.first(connection, where, 1))

    def _count(self, where: outbox.Where) -> int:
        with self._db.read() as connection:
            return outbox.count(connection, where)

    def _redacted(self, notice: Notice) -> Notice:
        return _texts(notice, self._redact)

    # -- how it stands -----------------------------------------------------

    def deliveries(self, limit: int, cursor: str | None = None) -> Page[Delivery]:
        """At most `limit` (1,000) rows of the outbox, the newest incident first. Raises InvalidInput."""
        with self._db.read() as connection:
            return outbox.list_deliveries(connection, limit, cursor)

    def troubles(self) -> list[Trouble]:
        """How each channel of the settings stands: degraded while a message in it fails."""
        with self._db.read() as connection:
            found = outbox.troubles(connection)
        return [_trouble(name, *found.get(name, (0, None))) for name in sorted(self._ways)]


def _trouble(name: str, waiting: int, error: str | None) -> Trouble:
    if error is None:
        return Trouble(name, "ok", "", waiting)
    return Trouble(name, "degraded", f"Messages that wait: {waiting:,}. The last one failed: {error}.", waiting)


def _advice(error: NotSent) -> str:
    if error.gone:
        return "Correct the channel's address or password in the settings, then restart the server."
    if error.retry_after_s:
        return f"It asks to wait {error.retry_after_s:.0f} s; then try again."
    return "Look whether the other side runs and can be reached from this machine, then try again."


def _masked(reason: str, way: Way) -> str:
    for secret in filter(None, way.secrets):
        reason = reason.replace(secret, "***")
    return reason


def _bounded(notice: Notice) -> Notice:
    """The notice with texts that the store can hold, none of them endless."""
    cut = replace(
        notice,
        services=notice.services[:NAMES],
        nodes=notice.nodes[:NAMES],
        lines=notice.lines[:LINES],
        quotes=notice.quotes[:QUOTES],
    )
    return _texts(cut, lambda text: text[:TEXT].encode("utf-8", "replace").decode())


def _texts(notice: Notice, change: Callable[[str], str]) -> Notice:
    def every(texts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(change(text) for text in texts)

    return replace(
        notice,
        title=change(notice.title),
        services=every(notice.services),
        nodes=every(notice.nodes),
        lines=every(notice.lines),
        quotes=every(notice.quotes),
    )
