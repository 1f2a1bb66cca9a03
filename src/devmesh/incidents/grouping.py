"""What belongs together: findings joined to incidents, which open when the evidence is enough and close by themselves.

A finding joins an open incident that speaks of its service on its node; or that grew within the last two hours and
speaks of its service or its node; or within the last hour and speaks of whom it needs, or who needs it, by an
inventory; or that grew within the last twenty minutes: two faults so near in time are rarer than one with two faces.
Unless the inventory says that they are two: what begins where it is found (a disk that is full, a node that is lost)
and whom none of the others needs. Each join keeps its reason.

An incident lasts while what is new or bad in it is said, and for a day while whom it misses is missing; it closes half
an hour after, and what comes back soon opens it again. Pure and deterministic: the past is grouped with this very code.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from devmesh.detectors import About, Finding, Tuning
from devmesh.incidents.easing import NEVER, Signs, parents
from devmesh.incidents.severity import is_bad, is_wide, severity_of
from devmesh.incidents.ties import Ties
from devmesh.memory import Minutes

FADING = 0.5  # of each further finding about one service on one node
SLIGHT, SLIGHT_IN_ALL = 1.0, 0.9
BURST_MIN, LOST_MIN, NEAR_MIN, CLOSED_AFTER_MIN = 20, 5, 120, 30
PATH_MIN, GATHER_MIN = 60, 60  # in which ties join, and thin evidence adds up
AGAIN_SERVICE_MIN, AGAIN_NODE_MIN = 180, 120
MISSING, MISSED_MIN = {"silence", "node silent", "unheard", "cut off"}, 24 * 60
BY_TIME = 3  # the weakest reason to join: ties of an inventory are 1 and 2
LASTING = {"primitive", "new"}  # families that are no news by themselves go on anyway
# What begins where it is found, and whether its whole node has it. Everything else may be somebody else's doing.
BEGINS = {
    "out of memory": True, "disk full": True, "read-only file system": True, "kernel panic": True,
    "hardware error": True, "file system damaged": True, "disk wearing out": True, "power lost": True,
    "node silent": True, "unheard": True, "certificate expired": False, "failed logins": False,
}  # fmt: skip
ECHOES = {"certificate expired": "certificate not accepted"}  # what begins, and what others say of it
NODES = 1 << 20

Pair = tuple[int, int]


@dataclass
class Incident:
    """Findings that belong together. Minutes are since 1970, UTC; `told` is None while the evidence is thin."""

    onset: int
    last: int
    grown: int = 0  # when something new came to it
    told: int | None = None
    closed: int | None = None
    reopened: int = 0
    critical: bool = False  # a finding is grave by itself
    wide: bool = False  # many were in trouble at once
    findings: list[Finding] = field(default_factory=list)
    joins: list[str] = field(default_factory=list)  # the reason of each finding
    missing: dict[Pair, int] = field(default_factory=dict)  # since when
    lasting: set[Pair] = field(default_factory=set)  # (family, node) that keep it open
    best: dict[tuple[int, int, int | None], float] = field(default_factory=dict)  # by (service, node, family)
    heard: dict[tuple[int, int, int | None], int] = field(default_factory=dict)  # by the same: when last
    bad: dict[Pair, int] = field(default_factory=dict)  # when (service, node) was last in trouble
    roots: dict[Pair, bool] = field(default_factory=dict)  # where something began, and whether on its whole node
    signs: Signs = field(default_factory=Signs)  # who is in trouble until when
    resting: int = 0  # until then what it knows does not open it again: somebody closed it
    head: Finding | None = None  # the gravest of all
    id: int = 0  # where it is stored
    pairs: set[Pair] = field(init=False)  # (service, node) of all findings

    def __post_init__(self) -> None:
        self.pairs = {(service, node) for service, node, _family in self.best}

    @property
    def cited(self) -> set[Pair]:
        """(family, node) of all findings that have a family."""
        return {(family, node) for _service, node, family in self.best if family is not None}

    @property
    def severity(self) -> str:
        """critical, warning or info, by the rules of `severity.py`."""
        return severity_of(self)

    def add(self, finding: Finding, reason: str, tell_from: float = Tuning.tell_from) -> None:
        """Take a finding in; the incident is told once its evidence is so much."""
        self.findings.append(finding)
        self.joins.append(reason)
        self.onset, self.last = min(self.onset, finding.minute), max(self.last, finding.minute)
        key = finding.service, finding.node, finding.family
        self.grown = self.grown if key in self.best else max(self.grown, finding.minute)
        self.best[key] = max(self.best.get(key, 0.0), finding.weight)
        self.heard[key] = max(self.heard.get(key, 0), finding.minute)
        self.pairs.add((finding.service, finding.node))
        self.signs.bad((finding.service, finding.node), finding.minute)
        self.critical |= finding.critical
        if is_bad(finding):
            pair = finding.service, finding.node
            self.bad[pair] = max(self.bad.get(pair, 0), finding.minute)
            self.wide |= is_wide(self.bad)
        if self.head is None or gravity(finding) > gravity(self.head):
            self.head = finding
        if finding.kind in BEGINS:
            self.roots[finding.service, finding.node] = BEGINS[finding.kind]
        if finding.kind in MISSING:
            self.missing[finding.service, finding.node] = finding.minute
        if finding.family is not None and finding.detector in LASTING:
            self.lasting.add((finding.family, finding.node))
        if self.told is None and self.evidence() >= tell_from:
            self.told = finding.minute

    def evidence(self) -> float:
        """All weights; what is said of one service again counts half each time, and so does what a family says on
        further nodes; slight things count little in all. Until it is told only what was found within an hour adds up:
        else rare things of a whole day would.
        """
        since = max(self.heard.values(), default=0) - GATHER_MIN if self.told is None else 0
        slight = strong = 0.0
        said = Counter[object]()
        for (service, node, family), weight in sorted(self.best.items(), key=lambda one: -one[1]):
            if self.heard[service, node, family] < since:
                continue
            if weight < SLIGHT:
                slight += weight
                continue
            strong += weight * FADING ** (said[service, node] + (said[family] if family is not None else 0))
            said.update([(service, node), family])
        return strong + min(slight, SLIGHT_IN_ALL)


class Grouping:
    """Groups hour by hour; `incidents` are all that there were, thin ones included until they are forgotten."""

    def __init__(
        self, earlier: Iterable[Incident] = (), tell_from: float = Tuning.tell_from, ties: Ties | None = None
    ) -> None:
        """`earlier`: those that are open, or were closed within the last hours; `ties`: of an inventory."""
        self._tell_from, self._ties = tell_from, ties
        self._parents = dict[tuple[int, int, int], set[Pair]]()
        self.incidents = list(earlier)
        self._open = [one for one in self.incidents if one.closed is None]

    def observe(self, counts: Minutes, findings: Sequence[Finding], until: int | None = None) -> list[Incident]:
        """Take findings in, in order of time; minutes before `until` are over, or those of the hour. Returns the
        incidents that are open now.
        """
        followed = None
        for one in findings:
            for incident in list(self._open) if one.minute != followed else ():
                self._follow(incident, counts, one.minute)
            followed = one.minute
            incident, reason = self._home(one)
            incident.add(one, reason, self._tell_from)
            self._ease(incident, one.minute)
        for incident in list(self._open):
            self._follow(incident, counts, min(counts.until, (counts.hour + 1) * 60) if until is None else until)
        return list(self._open)

    def _follow(self, incident: Incident, counts: Minutes, until: int) -> None:
        """Let an incident live on by what is still said, or still missing; close it where nothing is."""
        ends = dict[Pair, int]()  # when who was missing spoke again
        for (service, node), since in incident.missing.items():
            spoke = (counts.service == service) & (counts.node == node)
            back = counts.minute[spoke & (counts.minute > since) & (counts.minute < until)]
            incident.last = max(incident.last, min(until, since + MISSED_MIN, *back.tolist()) - 1)
            if len(back) or until - since > MISSED_MIN:
                ends[service, node] = min([since + MISSED_MIN, *back.tolist()])
                incident.signs.back -= {(service, node)}
                incident.signs.back |= {(service, node)} if len(back) else set()
        packed = np.fromiter((family * NODES + node for family, node in incident.lasting), dtype=np.int64)
        said = np.isin(counts.family * NODES + counts.node, packed) & (counts.minute < until)
        for minute in np.unique(counts.minute[said & (counts.minute > incident.last)]).tolist():
            if minute - incident.last > CLOSED_AFTER_MIN:
                break
            incident.last = minute
        said &= (counts.minute <= incident.last) & (self._ties is not None)  # else nobody is a parent
        columns = (part[said].tolist() for part in (counts.minute, counts.service, counts.node))
        self._live(incident, ends, zip(*columns, strict=True), until)
        if until - incident.last > CLOSED_AFTER_MIN:
            incident.closed = incident.last
            self._open.remove(incident)

    def _live(
        self, incident: Incident, ends: Mapping[Pair, int], said: Iterable[tuple[int, int, int]], until: int
    ) -> None:
        """Go through what was still said (minute, service, node), and who came back when, in order of time."""
        signs = incident.signs
        news = [(minute, (service, node), False) for minute, service, node in said]
        news += [(minute, pair, True) for pair, minute in ends.items()]
        for minute, pair, came_back in sorted(news):
            if not came_back and minute <= signs.last.get(pair, minute):
                continue  # each look sees the last hours again
            self._ease(incident, minute - 1)
            if came_back:
                del incident.missing[pair]
                signs.bad(pair, minute - 1 if pair in signs.back else NEVER)
            else:
                signs.bad(pair, minute)
                self._ease(incident, minute)
        self._ease(incident, until - 1)

    def _ease(self, incident: Incident, minute: int) -> None:
        """Look whether those whom others need are well again, and others are not."""
        signs = incident.signs
        alone = self._ties is None or incident.told is None or len(incident.pairs) < 2  # noqa: PLR2004
        if self._ties is None or alone or signs.eased is not None or min(map(signs.well, incident.pairs)) > minute:
            return
        key = id(incident), len(incident.pairs), len(incident.roots)
        if key not in self._parents:
            self._parents[key] = parents(incident.pairs, incident.roots, self._ties)
        signs.ease(minute, self._parents[key], incident.missing)

    def _home(self, finding: Finding) -> tuple[Incident, str]:
        """The incident that a finding belongs to, and why."""
        # What comes hours late is no part of what began since.
        begun = [one for one in self._open if finding.minute >= one.onset - BURST_MIN]
        for incident in begun:
            if (finding.service, finding.node) in incident.pairs:
                return incident, "same service on the same node"
        found = [(*self._joins(one, finding), one) for one in begun]
        best = min((one for one in found if one[1]), key=lambda one: one[0], default=None)
        if best is not None:
            return best[2], best[1]
        for incident in reversed(self.incidents):
            if incident.told is None or incident.closed is None:
                continue
            if finding.minute < incident.resting and (finding.service, finding.node) in incident.pairs:
                return incident, "somebody closed it a moment ago"
            reason, pause = _shares(incident, finding), finding.minute - incident.closed
            if pause <= 0:  # it comes late, and is nothing that came back
                if reason and finding.minute >= incident.onset - BURST_MIN:
                    return incident, f"{reason}, found late"
                continue
            if reason and pause <= (AGAIN_SERVICE_MIN if reason == "same service" else AGAIN_NODE_MIN):
                incident.closed = None
                incident.reopened += 1
                incident.signs.again(finding.minute)
                self._open = [one for one in self.incidents if one.closed is None]  # in order, as a restart has them
                return incident, f"{reason}, closed {pause} minutes before"
        fresh = Incident(finding.minute, finding.minute, finding.minute)
        self._open.append(fresh)
        self.incidents.append(fresh)
        return fresh, "first"

    def _joins(self, incident: Incident, finding: Finding) -> tuple[int, str]:
        """Why a finding belongs to an open incident that does not speak of its service on its node, and how strong a
        reason that is (0 is the strongest); an empty one: it does not.
        """
        pause = finding.minute - incident.grown
        if pause <= NEAR_MIN and (reason := _shares(incident, finding)):
            return 0, reason
        known = None if self._ties is None else _tied(self._ties, incident, finding)
        if known is not None and known[1]:
            if pause <= PATH_MIN:
                return known
            known = None  # too late for a path; it may have begun at the same time
        # A node that is lost is no face of somebody else's fault, unless both began together.
        lost = finding.critical and finding.about is About.NODE
        began = finding.minute if lost and finding.since is None else finding.since
        # Where nobody knows yet where it began, a node that was lost then may be it: an inventory can lack an edge.
        if known is not None and not (lost and (not incident.roots or any(incident.roots.values()))):
            return 0, ""
        if pause <= BURST_MIN and not lost:
            return BY_TIME, f"within {BURST_MIN} minutes of what came before"
        together = began is not None and abs(began - incident.onset) <= (LOST_MIN if lost else BURST_MIN)
        return BY_TIME, "it began at the same time" if together else ""


def _tied(ties: Ties, incident: Incident, finding: Finding) -> tuple[int, str] | None:
    """How an inventory ties a finding to an incident, the stronger the lower the number; an empty text says that they
    are strangers, None that it cannot tell: where nobody is known, or nothing began where it was found.
    """
    own, begins = (finding.service, finding.node), finding.kind in BEGINS
    if not ties.knows(own) or not any(ties.knows(pair) for pair in incident.pairs):
        return None
    if echo := _echo(incident, finding):
        return 2, echo
    for pair, whole in sorted(incident.roots.items()):
        if how := ties.need(own, pair, whole=whole):
            return 1, how
    if begins and incident.roots:
        return 0, ""
    for pair in sorted(incident.pairs):
        if how := ties.need(own, pair, whole=False) or ties.need(pair, own, whole=BEGINS.get(finding.kind, False)):
            return 2, how
    return (0, "") if begins or incident.roots else None


def _echo(incident: Incident, finding: Finding) -> str:
    """Whether one complains of the very thing that begins at the other, whatever an inventory lacks."""
    for begins, complaint in ECHOES.items():
        pair = {finding.kind} | {one.kind for one in incident.findings}
        if finding.kind in (begins, complaint) and {begins, complaint} <= pair:
            return f"{complaint}, {begins}"
    return ""


def gravity(finding: Finding) -> tuple[bool, float]:
    """By which the head of an incident is chosen: the greatest."""
    return finding.critical, finding.weight


def _shares(incident: Incident, finding: Finding) -> str:
    pairs = incident.pairs
    if any(service == finding.service for service, _node in pairs):
        return "same service"
    return "same node" if any(node == finding.node for _service, node in pairs) else ""
