"""The room's verbs: who is to blame, what was changed, and the reports on incidents."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace

from polars.exceptions import PanicException

from devmesh.clock import Clock
from devmesh.db import Database
from devmesh.db.again import Contended
from devmesh.detectors import Finding
from devmesh.errors import NotFound, Unavailable
from devmesh.events import Events, Filter
from devmesh.incidents import Case, Incidents, Joined, Ties
from devmesh.investigations import queries
from devmesh.investigations.context import Packer
from devmesh.investigations.draft import draft
from devmesh.investigations.fleet import OWN_ADDRESS, SHARED_ADDRESS, fleet_of
from devmesh.investigations.ledger import Said
from devmesh.investigations.model import Context, Onset, Report, Seen, Summary
from devmesh.investigations.report import write
from devmesh.investigations.similar import Signature, lines, outvoted, recall_trusted
from devmesh.investigations.strip import Change, Strip
from devmesh.investigations.suspects import Pair, Ranking, Suspect
from devmesh.loops import Lease, LeaseLost, Loop
from devmesh.memory import Memory
from devmesh.nodes import Nodes
from devmesh.templates import Templates
from devmesh.when import zone_of

__all__ = ["AFTER_US", "BEFORE_US", "OWN_ADDRESS", "QUOTED", "SHARED_ADDRESS", "Investigations"]

log = logging.getLogger(__name__)

MINUTE_US, HOUR_US, DAY_US = 60_000_000, 3_600_000_000, 86_400_000_000
BEFORE_US, AFTER_US = 2 * MINUTE_US, 30 * MINUTE_US
QUOTED, QUESTIONS = 20, 60  # lines of a family on a node; families of which lines are read
EVERY_S, AT_ONCE = 2.0, 20
LOOKED_AT = 1_000  # incidents that may lack a report
AGAIN_US = MINUTE_US  # after a report could not be written
REMEMBERED, NOTES = 1_000, 5


class Investigations:
    """Why."""

    def __init__(
        self, db: Database, clock: Clock, nodes: Nodes, templates: Templates, events: Events, memory: Memory,
        incidents: Incidents, timezone: str = "",
    ) -> None:  # fmt: skip
        self._db, self._clock, self._zone = db, clock, zone_of(timezone)
        self._nodes, self._templates, self._events, self._incidents = nodes, templates, events, incidents
        self._strip = Strip(nodes, templates, events)
        rooms = nodes, templates, events, memory
        self._packer = Packer(rooms, self._strip, self._suspected, self._recalled)
        self._signatures: dict[int, Signature] = {}  # by report
        self._ranking: tuple[tuple[int, set[Pair], Ties | None], Ranking] | None = None
        self._failed: dict[tuple[int, int], int] = {}  # (incident, version): when

    def loops(self) -> list[Loop]:
        """The room's side work."""
        return [Loop("write-reports", EVERY_S, self._write_reports, limit=AT_ONCE)]

    # -- who is to blame -----------------------------------------------------------------------------------------------

    def ranking(self, pairs: Collection[Pair]) -> Ranking:
        """What ranks suspects in the fleet of these services and nodes."""
        return Ranking(fleet_of(self._nodes, self._templates, self._events, pairs, self._incidents.ties()))

    def suspects(self, findings: Sequence[Finding], ranking: Ranking) -> list[Suspect]:
        """The suspects of an incident's findings, best first."""
        begin_us = findings[0].minute * MINUTE_US
        span = begin_us - BEFORE_US, begin_us + AFTER_US

        left = [QUESTIONS]

        def quotes(family: int, node: int) -> list[str]:
            left[0] -= 1
            if left[0] < 0:  # those of the weightiest were asked for
                return []
            members = tuple(self._templates.member_ids([family]))
            asked = Filter(node_ids=(node,), template_ids=members, since_us=span[0], until_us=span[1])
            return [one.message for one in self._events.query(asked, QUOTED).events]

        return ranking.suspects(findings, quotes)

    def _suspected(self, findings: Sequence[Finding], heard: Collection[Pair]) -> list[Suspect]:
        known = self._clock.now_us() // HOUR_US, set(heard), self._incidents.ties()
        if self._ranking is None or self._ranking[0] != known:  # whose an address is hardly changes
            self._ranking = known, self.ranking(heard)
        return self.suspects(findings, self._ranking[1])

    # -- what was changed ----------------------------------------------------------------------------------------------

    def strip(self, since_us: int, until_us: int, node_ids: Collection[int] | None = None) -> list[Change]:
        """What people and programs changed, newest first: 200 changes and 14 days at most."""
        return self._strip.read(since_us, until_us, node_ids)

    # -- reports -------------------------------------------------------------------------------------------------------

    def report(self, incident_id: int) -> Report | None:
        """The newest report of an incident; None until one is written."""
        with self._db.read() as connection:
            return queries.newest(connection, incident_id)

    def summaries(self, incident_ids: Collection[int]) -> dict[int, Summary]:
        """What the newest reports of these incidents come to; those without one are left out."""
        with self._db.read() as connection:
            return queries.summaries(connection, incident_ids)

    def investigate(self, case: Case, joined: Sequence[Joined]) -> tuple[Report, Context]:
        """A report on an incident as it is now, from its findings (at least one); nothing is stored."""
        findings = sorted((one.finding for one in joined), key=lambda one: one.minute)
        asked = Onset(case.id, case.version, case.onset_us, case.last_us, findings)
        copies = self._copies(case.id)
        context = replace(self._packer.pack(asked, self._clock.now_us(), copies), ties=self._incidents.ties())
        judge = self._packer.ledger(context.ledger.near, copies)  # the store is asked anew
        return write(context, draft(context), judge, self._zone, self._clock.now_us()), context

    def _copies(self, incident_id: int) -> dict[str, Said]:
        """The lines that the incident keeps, should the store have let them go."""
        cited = self._incidents.cited(incident_id)
        nodes = self._nodes.node_names.names({one.node_id for one in cited})
        services = self._nodes.service_names.names({one.service_id for one in cited})
        return {
            one.event_id: Said(one.ts_us, nodes.get(one.node_id, "?"), services.get(one.service_id, "?"), one.message)
            for one in cited
        }

    def _write_reports(self, limit: int, lease: Lease) -> int:
        """Write what is due; one that cannot be written is tried again in a minute and holds up no other."""
        done = 0
        for case in self._due()[:limit]:
            try:
                joined = self._incidents.findings(case.id)
                if joined:
                    report, context = self.investigate(case, joined)
                    with lease.write() as connection:
                        queries.store(connection, report, context.signature)
            except (LeaseLost, Unavailable, Contended):
                raise
            except (
                Exception,
                PanicException,
            ):  # whatever is wrong with one incident, the others have a right to their reports
                log.exception("incident=%d version=%d report not written", case.id, case.version)
                self._failed[case.id, case.version] = self._clock.now_us()
            done += 1
        return done

    def _due(self) -> list[Case]:
        """Told incidents that are newer than their reports, the newest first."""
        now = self._clock.now_us()
        found = self._incidents.list(since_us=now - DAY_US, limit=LOOKED_AT).rows
        with self._db.read() as connection:
            written = queries.versions(connection, [one.id for one in found])
        self._failed = {key: at for key, at in self._failed.items() if now - at < AGAIN_US}
        return [
            one for one in found if written.get(one.id, 0) < one.version and (one.id, one.version) not in self._failed
        ]

    # -- seen before ---------------------------------------------------------------------------------------------------

    def _recalled(self, asked: Onset, signature: Signature) -> list[Seen]:
        """The earlier incident of the same sort that people did not outvote, with what they wrote about it."""
        with self._db.read() as connection:
            reports = queries.latest(connection, REMEMBERED)
            reports.pop(asked.incident_id, None)
            self._signatures.update(queries.signatures(connection, set(reports.values()) - self._signatures.keys()))
        self._signatures = {number: self._signatures[number] for number in reports.values()}
        numbers = sorted(reports)
        found = recall_trusted(
            signature,
            [self._signatures[reports[one]] for one in numbers],
            lambda place: self._doubtful(numbers[place], asked),
        )
        if found is None:
            return []
        case = self._incidents.get(numbers[found.place])
        notes = [one.text for one in self._incidents.notes(case.id) if one.kind == "note"][-NOTES:]
        alike, shared, missing = round(found.alike, 2), lines(found.shared), lines(found.missing)
        told = self.summaries([case.id]).get(case.id)
        title = case.title if told is None or told.inconclusive else told.title  # as every page calls it
        return [Seen(case.id, title, case.onset_us, alike, found.same, shared, missing, notes)]

    def _doubtful(self, number: int, asked: Onset) -> bool:
        """Whether an incident is not one to recall: outvoted, merged away, gone, or no earlier one."""
        try:
            case = self._incidents.get(number)
        except NotFound:
            return True
        if case.merged_into is not None or case.onset_us >= asked.onset_us:
            return True
        notes = [one.text for one in self._incidents.notes(number) if one.kind == "note"]
        return outvoted(self._incidents.votes.of([number]).get(number, {}).values(), notes)
