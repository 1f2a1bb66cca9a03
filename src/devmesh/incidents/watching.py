"""The watch's step: once a minute what is new is found, joined to the incidents that are stored, and stored with them.

All that one look changes is one transaction, the position included: after a crash it is looked at again, and found
findings are known by what they are. Whoever changes an incident by hand interrupts the step; it then does the same
once more.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from devmesh.clock import Clock
from devmesh.crash import crash_point
from devmesh.db import Database
from devmesh.detectors import Detectors, Finding, Live, Looked, Progress, Tuning
from devmesh.events import Events, Filter
from devmesh.incidents import queries
from devmesh.incidents.grouping import AGAIN_SERVICE_MIN, Grouping, Incident
from devmesh.incidents.holding import Holding
from devmesh.incidents.model import Cited, Part
from devmesh.incidents.ties import Ties
from devmesh.incidents.titles import Titles
from devmesh.loops import Lease, Loop
from devmesh.nodes import Nodes
from devmesh.templates import Templates

log = logging.getLogger(__name__)

MINUTE_US, HOUR_MIN, DAY_MIN = 60_000_000, 60, 24 * 60
LOOP, EVERY_S = "watch", 5.0
BACK_MIN = DAY_MIN  # what is older was nobody's business while no server watched
STALE_MIN = 30  # after an hour minutes are joined: who follows them must have seen them
SET_BACK_MIN = 10  # a clock that went back further is not waited for
QUOTED, QUOTED_IN_ALL, QUOTED_MIN = 3, 60, 5
THIN_MIN, FORGOTTEN_MIN, FORGET_LIMIT = 7 * DAY_MIN, 35 * DAY_MIN, 1_000


class Watching:
    """Runs the detectors as time goes by."""

    def __init__(
        self, db: Database, clock: Clock, nodes: Nodes, templates: Templates, events: Events, detectors: Detectors,
        holding: Holding, tuning: Tuning, ties: Callable[[], Ties | None] = lambda: None,
    ) -> None:  # fmt: skip
        self._db, self._clock, self._holding = db, clock, holding
        self._titles, self._templates, self._events, self._detectors = Titles(nodes), templates, events, detectors
        self._tuning, self._ties = tuning, ties
        self._live: Live | None = None
        self._began = 0  # what lies before this minute was there before the watch
        self._anew, self._outdated = False, False
        self._late = False  # lines came for hours that were over
        self._relearned = 0  # the minute in which it last began anew for them
        self._at = 0  # looked at until this minute
        self._owed: Looked | None = None  # looked at, and not stored yet

    def loops(self) -> list[Loop]:
        """The room's side work."""
        return [Loop(LOOP, EVERY_S, self.step, limit=2)]

    def step(self, _limit: int, lease: Lease) -> int:
        """Look once for each full minute; 1 if there was one to look at."""
        until = self._clock.now_us() // MINUTE_US
        progress = self._detectors.progress()
        if progress is not None:
            self._compare(progress, until)
            if self._owed is None and progress.until - SET_BACK_MIN <= until <= progress.until:
                return 0
        live = self._live or self._begin(progress, until)
        if self._owed is None:
            live, self._owed = self._look(live, progress, until)
        looked = self._owed
        fresh = self._detectors.fresh(looked.findings, max(self._began, looked.until - BACK_MIN))
        sifted = self._holding.sift(fresh, looked)
        oldest = min((one.minute for one in sifted.told), default=looked.until)  # long ago where nobody watched
        with self._db.read() as connection:
            stored = queries.growing(connection, (oldest - AGAIN_SERVICE_MIN - HOUR_MIN) * MINUTE_US)
        before = {one.id: copy.deepcopy(one) for one in stored}
        grouping = Grouping(stored, self._tuning.tell_from, self._ties())
        grouping.observe(looked.counts, sifted.told, looked.until)
        changed = [one for one in grouping.incidents if one != before.get(one.id)]
        lines = [self._lines(one) for one in changed]
        titles = self._titles.of(changed)
        crash_point("watch_before_commit")
        with lease.write() as connection:
            ids = self._detectors.note(connection, sifted.fresh, self._clock.now_us())
            self._detectors.release(connection, [one.id for one in sifted.released])
            self._holding.keep(connection)
            numbers = dict(zip((one for one, _held in sifted.fresh), ids, strict=True))
            numbers |= {one: number for number, one in sifted.again.items()}
            for one, cited, title in zip(changed, lines, titles, strict=True):
                self._store(connection, (one, before.get(one.id)), numbers, cited, title)
            self._detectors.keep(connection, live, looked, self._began)
            if looked.closed:
                queries.forget_thin(connection, (looked.until - THIN_MIN) * MINUTE_US, FORGET_LIMIT)
                old = looked.until - FORGOTTEN_MIN
                self._detectors.forget(connection, old, queries.kept_findings(), FORGET_LIMIT)
        crash_point("watch_after_commit")
        self._owed = None
        self._holding.stored()
        if self._outdated and not live.outdated:  # a past was brought in: nothing of what it changes is news
            self._live, self._anew = None, True
        self._outdated, self._late = live.outdated, self._late or live.late
        done = looked.closed or not live.late  # all came, or an hour has passed
        # A clock that is hours behind says something late again and again.
        if self._late and not live.outdated and done and abs(looked.until - self._relearned) >= HOUR_MIN:
            self._live, self._relearned = None, looked.until
        return 1

    def _compare(self, progress: Progress, until: int) -> None:
        """Forget what is stored already, or what another server went on from, or is too old to go on from."""
        if self._owed is not None and progress.until >= self._owed.until:
            self._owed = None  # whoever stored it: it came with the position
        late = until - progress.until
        if late < -SET_BACK_MIN:
            log.warning("watch: the clock was set back by %d minutes; going on from now", -late)
            self._owed = None
        if self._owed is None and (progress.until != self._at or not -SET_BACK_MIN <= late <= STALE_MIN):
            self._live = None

    def _begin(self, progress: Progress | None, until: int) -> Live:
        """Learn what is normal, and go on where the watch was."""
        back = until - BACK_MIN
        if progress is None or progress.until > until:
            since = self._began = until
        else:
            since = max(progress.until, back)
            self._began = since if self._anew else progress.began
        self._anew = self._outdated = self._late = False
        self._live = self._detectors.live(self._detectors.begin_at(since, max(self._began, back)), self._tuning)
        return self._live

    def _look(self, live: Live, progress: Progress | None, until: int) -> tuple[Live, Looked]:
        try:
            looked = live.look(until)
            if live.moved:  # families were merged or split
                live = self._begin(progress, until)
                looked = live.look(until)
        except BaseException:
            self._live = None  # it may have learned a part
            raise
        self._at = until
        return live, looked

    # -- storing ------------------------------------------------------------------------------------------------------

    def _store(
        self, connection: Connection, incident: tuple[Incident, Incident | None], numbers: dict[Finding, int],
        cited: Sequence[Cited], title: str,
    ) -> None:  # fmt: skip
        """An incident as it became, what joined it, the lines that it cites, and its story."""
        (one, before), now = incident, self._clock.now_us()
        said = _story(one, before)
        number = one.id
        if number:
            grew = one.told is not None and before is not None and bool(one.pairs - before.pairs)
            queries.keep(connection, one, title, now, news=bool(said) or grew)
        else:
            number = queries.open_new(connection, one, title, queries.key_of(one.findings[0]), now)
        some = zip(one.findings, one.joins, strict=True)
        queries.join(connection, number, [(numbers[finding], reason) for finding, reason in some])
        queries.take_part(connection, number, {Part(x.service, x.node, x.detector) for x in one.findings})
        queries.cite(connection, number, cited)
        for kind, text in said:
            text = self._titles.left(one) if kind == "left" else text  # noqa: PLW2901
            queries.write(connection, number, now, "", kind, text)
            log.info("incident=%d %s severity=%s %s", number, kind, one.severity, title)

    def _lines(self, one: Incident) -> list[Cited]:
        """Lines of what just joined, a few of each family on each node."""
        if not one.findings:
            return []
        have: dict[tuple[int, int], int] = {}
        if one.id:
            with self._db.read() as connection:
                have = dict(queries.cited_counts(connection, one.id))
        out, total = list[Cited](), sum(have.values())
        for finding in one.findings:
            key = finding.family or 0, finding.node
            room = min(QUOTED - have.get(key, 0), QUOTED_IN_ALL - total)
            if finding.family is None or room <= 0:
                continue
            found = self._quoted(finding, room)
            have[key], total = have.get(key, 0) + len(found), total + len(found)
            out += found
        return out

    def _quoted(self, finding: Finding, room: int) -> list[Cited]:
        assert finding.family is not None  # noqa: S101 - the caller asks only for such
        members = tuple(self._templates.member_ids([finding.family]))
        span = (finding.minute - QUOTED_MIN) * MINUTE_US, (finding.minute + 1) * MINUTE_US
        asked = Filter(node_ids=(finding.node,), template_ids=members, since_us=span[0], until_us=span[1])
        return [
            Cited(
                line.id, line.ts_us, finding.node, finding.service, finding.family, int(line.template_id[1:]),
                line.priority, line.message,
            )
            for line in self._events.query(asked, room).events
        ]  # fmt: skip


def _story(one: Incident, before: Incident | None) -> list[tuple[str, str]]:
    """What happened to a told incident since it was stored, as (kind, text); without its title, which may change."""
    if one.told is None:
        return []
    if before is None or before.told is None:
        out = [("told", "")]
    elif one.reopened > before.reopened:
        out = [("reopened", "It came back.")]
    elif one.severity != before.severity:
        out = [("worse", f"Now {one.severity}.")]
    else:
        out = []
    if one.signs.eased is not None and (before is None or before.signs.eased is None or one.reopened > before.reopened):
        out.append(("left", ""))
    ended = one.closed is not None and (before is None or before.closed is None or bool(out))
    return [*out, ("closed", "Nothing new or bad was said for half an hour.")] if ended else out
