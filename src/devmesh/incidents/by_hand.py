"""What people do to incidents: each is one transaction that interrupts the watch, and a line in their story."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from devmesh.detectors import Finding
from devmesh.errors import InvalidInput
from devmesh.incidents import queries
from devmesh.incidents.grouping import Incident, gravity
from devmesh.incidents.model import CLOSED, INVESTIGATING, OPEN, Case, Joined, Part
from devmesh.incidents.severity import is_wide
from devmesh.incidents.titles import Titles

MINUTE_US = 60_000_000
REST_US = 60 * MINUTE_US  # after a close by hand, what is known does not open it again


def note(connection: Connection, case: Case, text: str, who: str, now_us: int, kind: str = "note") -> None:
    """Write something down."""
    queries.write(connection, case.id, now_us, who, kind, text)


def investigate(connection: Connection, case: Case, who: str, now_us: int) -> None:
    """Say that somebody looks into it."""
    if case.status == CLOSED:
        raise InvalidInput(f"Incident {case.id} is closed.", hint=f"devmesh incident reopen {case.id}")
    queries.touch(connection, case.id, now_us, status=INVESTIGATING)
    queries.write(connection, case.id, now_us, who, "investigating", "")


def close(connection: Connection, case: Case, who: str, now_us: int) -> None:
    """Close it, and let it rest."""
    if case.status == CLOSED:
        raise InvalidInput(f"Incident {case.id} is closed already.", hint="Nothing is to be done.")
    rest = {"cooldown_until": now_us + REST_US, "closed_by": who}
    queries.touch(connection, case.id, now_us, status=CLOSED, closed_us=now_us, **rest)
    queries.write(connection, case.id, now_us, who, "closed", "")


def reopen(connection: Connection, case: Case, who: str, now_us: int) -> None:
    """Open it again; it counts from now how long nothing is said."""
    if case.status != CLOSED or case.merged_into is not None:
        what = "was merged" if case.merged_into is not None else "is open"
        raise InvalidInput(f"Incident {case.id} {what}.", hint=f"devmesh incident show {case.merged_into or case.id}")
    again = {"closed_us": None, "closed_by": "", "cooldown_until": None, "last_us": now_us, "eased_us": None}
    queries.touch(connection, case.id, now_us, status=OPEN, reopened=case.reopened + 1, **again)
    queries.write(connection, case.id, now_us, who, "reopened", "")


def merge(connection: Connection, case: Case, into: Case, titles: Titles, who: str, now_us: int) -> None:
    """Let all of one go into another."""
    if case.id == into.id or case.merged_into is not None or into.merged_into is not None:
        raise InvalidInput("These cannot be merged.", hint="Name two incidents, neither of them merged already.")
    one, other = queries.growing_by_id(connection, case.id), queries.growing_by_id(connection, into.id)
    queries.move(connection, into.id, queries.all_of(case.id), f"merged by {who}")
    queries.take_part(connection, into.id, queries.parts(connection, [case.id])[case.id])
    queries.cite(connection, into.id, queries.cited(connection, case.id))
    for key, weight in one.best.items():
        other.best[key] = max(weight, other.best.get(key, 0.0))
        other.heard[key] = max(one.heard[key], other.heard.get(key, 0))
    other.missing, other.lasting = one.missing | other.missing, one.lasting | other.lasting
    other.roots, other.signs = one.roots | other.roots, one.signs | other.signs
    other.bad = {pair: max(one.bad.get(pair, 0), other.bad.get(pair, 0)) for pair in one.bad | other.bad}
    other.critical, other.wide = one.critical | other.critical, one.wide | other.wide | is_wide(other.bad)
    told = [at for at in (one.told, other.told) if at is not None]
    other.told = min(told) if told else None
    other.onset, other.last = min(one.onset, other.onset), max(one.last, other.last)
    other.grown = max(one.grown, other.grown)
    other.head = max((head for head in (other.head, one.head) if head is not None), key=gravity, default=None)
    if one.closed is None and other.closed is not None:  # what goes on must not end with what had ended
        other.closed = None
        queries.touch(connection, into.id, now_us, status=OPEN, closed_by="", cooldown_until=None)
    seen = [at for at in (case.detected_us, into.detected_us) if at is not None]
    queries.keep_state(connection, other, now_us)
    (title,) = titles.of([other])
    queries.touch(connection, into.id, now_us, detected_us=min(seen, default=None), title=title[: queries.TITLE_MAX])
    closed = case.closed_us or now_us
    queries.touch(connection, case.id, now_us, status=CLOSED, closed_us=closed, closed_by=who, merged_into=into.id)
    queries.write(connection, case.id, now_us, who, "merged", f"into {into.id}")
    queries.write(connection, into.id, now_us, who, "merged", f"incident {case.id} went into this one")


def split(
    connection: Connection, case: Case, parts: tuple[Sequence[Joined], Sequence[Joined]], moved: Sequence[int],
    titles: Titles, who: str, now_us: int,
) -> int:  # fmt: skip
    """A new incident of the first part (the findings `moved`); the second stays."""
    chosen, rest = parts
    if not chosen or not rest:
        raise InvalidInput("Some of its findings must go, and some must stay.", hint="Name findings by their numbers.")
    fresh, left = _made_of(chosen), _made_of(rest)
    fresh.told = None if case.enough_us is None else fresh.told or chosen[0].finding.minute
    left.told = None if case.enough_us is None else left.told or case.enough_us // MINUTE_US
    old = queries.growing_by_id(connection, case.id)
    fresh.closed = left.closed = old.closed
    left.id, left.reopened, left.resting = old.id, old.reopened, old.resting
    key = f"split-{case.id}-{case.version}"
    title, left_title = titles.of([fresh, left])
    number = queries.open_new(connection, fresh, title, key, now_us)
    queries.move(connection, number, queries.these(moved), f"split off by {who}")
    gone = {(one.finding.family or 0, one.finding.node) for one in chosen}
    lines = queries.cited(connection, case.id)
    queries.cite(connection, number, [one for one in lines if (one.family_id, one.node_id) in gone])
    queries.leave(connection, case.id)
    for incident, some in ((case.id, rest), (number, chosen)):
        queries.take_part(connection, incident, {_part(one.finding) for one in some})
    queries.keep_state(connection, left, now_us)
    queries.touch(connection, case.id, now_us, title=left_title)
    queries.touch(connection, number, now_us, detected_us=case.detected_us)
    queries.write(connection, case.id, now_us, who, "split", f"{len(moved)} findings went into {number}")
    queries.write(connection, number, now_us, who, "split", f"split off from {case.id}")
    return number


def _part(one: Finding) -> Part:
    return Part(one.service, one.node, one.detector)


def _made_of(some: Sequence[Joined]) -> Incident:
    """An incident as if only these findings had come."""
    first = some[0].finding.minute
    out = Incident(first, first, first)
    ends = {(one.finding, at) for one in some for at in (one.finding.minute, one.last)}
    for finding, at in sorted(ends, key=lambda one: (one[1], repr(one[0]))):
        out.add(replace(finding, minute=at), "")
    return out
