"""From an incident to what people are told of it: each change that is worth a message, once its report is written.

A report that does not come soon is not waited for: to be told late is worse than to be told little. What the report
calls inconclusive is no more than information, unless something critical was seen.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from typing import Any

from devmesh.channels import SEVERITIES
from devmesh.clock import Clock
from devmesh.detectors import told_in
from devmesh.incidents import Case, Incidents
from devmesh.investigations import Investigations, Report
from devmesh.loops import Lease, Loop
from devmesh.nodes import Nodes
from devmesh.notifications.model import Notice
from devmesh.notifications.service import Notifications
from devmesh.notifications.wording import names

log = logging.getLogger(__name__)

EVERY_S, AT_ONCE = 2.0, 100
PATIENCE_US = 15_000_000
QUOTED, CHECKS, MISSED = 3, 3, 3


class Announcer:
    """Hands incidents on to the outbox."""

    def __init__(
        self, clock: Clock, nodes: Nodes, incidents: Incidents, investigations: Investigations,
        notifications: Notifications, zone: tzinfo,
    ) -> None:  # fmt: skip
        self._clock, self._nodes, self._incidents = clock, nodes, incidents
        self._investigations, self._notifications, self._zone = investigations, notifications, zone

    def loops(self) -> list[Loop]:
        """The side work."""
        return [Loop("announce-incidents", EVERY_S, self.step, limit=AT_ONCE)]

    def step(self, limit: int, lease: Lease) -> int:
        """Put what changed into the outbox, and note that it is there; how many incidents."""
        done = 0
        for case in self._incidents.to_announce(limit):
            report = self._investigations.report(case.id)
            late = report is None or report.version < case.version
            if late and self._clock.now_us() - case.changed_us < PATIENCE_US:
                continue
            try:
                notice = self._notice(case, report)
            except Exception:  # a fault of ours in one message must not silence the others
                log.exception("incident=%d could not be put into words", case.id)
                continue
            with lease.write() as connection:
                told = self._notifications.tell(notice, connection)
                self._incidents.announced(connection, case.id, case.version, told=told)
            done += 1
        return done

    def _notice(self, case: Case, report: Report | None) -> Notice:
        parts = self._incidents.parts([case.id])[case.id]
        services = self._nodes.service_names.names({part.service_id for part in parts})
        nodes = self._nodes.node_names.names({part.node_id for part in parts})
        calm = report is not None and report.inconclusive and case.severity != SEVERITIES[0]
        (severity,) = (one for one in SEVERITIES if one == ("info" if calm else case.severity))
        return Notice(
            case.id,
            case.version,
            severity,
            "closed" if case.status == "closed" else "open" if case.eased_us is None else "eased",
            case.title if report is None else report.title,
            case.onset_us,
            tuple(sorted(services.values())),
            tuple(sorted(nodes.values())),
            (*self._left(case), *_lines(case, report, self._missed(case))),
            tuple(one.message for one in self._incidents.cited(case.id)[:QUOTED]),
            case.closed_us,
            f"/ui/incidents/{case.id}",
        )

    def _left(self, case: Case) -> list[str]:
        """Who is in trouble still although whom it needs is well again."""
        if case.eased_us is None or case.status == "closed":
            return []
        return [one.text for one in self._incidents.notes(case.id) if one.kind == "left"][-1:]

    def _missed(self, case: Case) -> list[str]:
        """What comes by plan and did not, with when it does."""
        found = {x.family: x for one in self._incidents.findings(case.id) if (x := one.finding).habit is not None}
        return [told_in(one, self._zone) for one in list(found.values())[:MISSED]]


def _lines(case: Case, report: Report | None, missed: Sequence[str]) -> list[str]:
    """What is known, in short plain sentences."""
    out = [*([] if report is None else [report.hypothesis]), *(f"{one}." for one in missed)]
    if report is not None:
        out[1:1] = [chain["text"]] if (chain := report.facts.get("chain")) else []
        out += _silenced(report.facts.get("ledger"))
    if report is not None and report.inconclusive:
        out.append("What caused it is not clear.")
    if case.merged_into is not None:
        out.append(f"It went into incident {case.merged_into}.")
    elif case.closed_by:
        out.append(f"Closed by {case.closed_by}.")
    elif case.status == "closed":
        out.append("Nothing new or bad was said for half an hour.")
    if report is not None and case.status != "closed":
        out += [f"Look: {check}" for check in report.next_checks[:CHECKS]]
    return out


def _silenced(ledger: Mapping[str, Any] | None) -> list[str]:
    """Whom this one message stands for besides, and whom its suspect does not explain: counted, and the first of them
    by name.
    """
    if ledger is None:
        return []
    out = []
    for part, says in (("explained", "Also silenced"), ("unexplained", "Not explained by it")):
        who = [f"{one['service']} on {one['node']}" for one in ledger[part]]
        if who:
            nodes = len({one["node"] for one in ledger[part]})
            where = "1 node" if nodes == 1 else f"{nodes} nodes"
            what = "1 service" if len(who) == 1 else f"{len(who)} services"
            out.append(f"{says}: {what} on {where} ({names(who)}).")
    return out
