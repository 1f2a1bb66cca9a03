"""Learns what is known of a family that is being muted, and looks each minute whether that still holds.

A mute ends by itself when it is over; when its family was split, or merged with another; when it is said more often
than its cap; when a line has a value or a wording that is not known; and when a new family is born beside it. Lines are
read only in minutes in which a muted family spoke, at most 500 of each look.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from devmesh.clock import Clock
from devmesh.events import Events, Filter
from devmesh.incidents.guard import (
    HOUR_MIN,
    MINUTE_US,
    SPANS_MIN,
    Ended,
    Guard,
    Mute,
    excess,
    known,
    loudest,
    news_in,
)  # fmt: skip
from devmesh.memory import Minutes
from devmesh.templates import CANON_VERSION, Family, Templates

DAY_US, HOUR_US = 86_400_000_000, 3_600_000_000
DAYS = 7  # of its past that are looked at
LINES_A_DAY, LINES = 300, 500
LEARNING_S = 5.0
HOURS_READ = 12  # the loudest, by minute
TIMES, LEAST = 3, 10  # the loudest of the past, and at least so many
OFTEN_A_MIN = 0.1  # who says it more often has every new family beside it
NEWBORN, NEWBORN_US, BIRTHS_ASKED = 100, 10 * MINUTE_US, 100
BESIDE_US = 60_000_000
KEPT_MIN = 5 * HOUR_MIN


class Birth(NamedTuple):
    """The first line of a family on a node."""

    family: int
    service: int
    node: int
    created_us: int
    first_us: int


class Guarding:
    """The guard of all mutes; remembers which minutes it has read."""

    def __init__(self, clock: Clock, templates: Templates, events: Events) -> None:
        self._clock, self._templates, self._events = clock, templates, events
        self._born: dict[tuple[int, int], Birth] = {}  # by family and node
        self._read: dict[tuple[int, int], int] = {}  # by mute and minute: how many lines there were

    # -- learning ------------------------------------------------------------

    def learn(self, family: Family, node_ids: tuple[int, ...], most_per_hour: int | None) -> Guard:
        """What is known of a family on these nodes; reads its lines of the last week for at most some 5 s."""
        now, ids = self._clock.now_us(), self._templates.member_ids([family.id])
        wordings, values = known(self._past(ids, node_ids, now))
        said = self._events.hourly(ids, now - DAYS * DAY_US, now)
        said = said.filter(pl.col("node_id").is_in(node_ids)) if node_ids else said
        lived = (now - (family.first_seen_us or now)) / MINUTE_US
        minutes = max(HOUR_MIN, min(lived, DAYS * DAY_US / MINUTE_US)) * max(1, said["node_id"].n_unique())
        return Guard(
            service=family.service_id,
            text=family.text,
            most=self._most(said, ids, node_ids) if most_per_hour is None else {HOUR_MIN: most_per_hour},
            wordings=wordings,
            values=values,
            members=len(ids),
            newest=max(ids, default=0),
            taken=self._templates.taken_in([family.id]).get(family.id, 0),
            neighbours=int(said["n"].sum()) / minutes <= OFTEN_A_MIN,
        )

    def _past(self, ids: Sequence[int], node_ids: tuple[int, ...], now_us: int) -> list[str]:
        """Lines of the last week, the oldest first: the newest of each day, so that what changes daily is seen to."""
        lines: list[str] = []
        deadline = self._clock.monotonic_s() + LEARNING_S
        for back in range(DAYS):
            until = now_us + DAY_US if back == 0 else now_us - back * DAY_US  # clocks may be ahead
            asked = Filter(node_ids or None, None, tuple(ids), None, now_us - (back + 1) * DAY_US, until)
            lines += [event.message for event in self._events.query(asked, LINES_A_DAY).events]
            if self._clock.monotonic_s() > deadline:
                break
        return lines[::-1]

    def _most(self, said: pl.DataFrame, ids: Sequence[int], node_ids: tuple[int, ...]) -> dict[int, int]:
        """By minutes of a span: three times the loudest of the last week."""
        most = dict.fromkeys(SPANS_MIN, 0)
        by_hour = said.group_by("hour").agg(pl.col("n").sum()).sort("n", descending=True)
        for hour, n in by_hour.head(HOURS_READ).iter_rows():
            if n <= most[SPANS_MIN[0]]:
                break
            counts = self._events.by_minute(hour * HOUR_US, (hour + 1) * HOUR_US, ("template_id", "node_id"))
            counts = counts.filter(pl.col("template_id").is_in(ids))
            counts = counts.filter(pl.col("node_id").is_in(node_ids)) if node_ids else counts
            said_by_minute = counts["minute"].to_numpy(), counts["n"].to_numpy()
            most = {span: max(before, loudest(*said_by_minute, span)) for span, before in most.items()}
        return {span: max(LEAST, TIMES * before) for span, before in most.items()}

    # -- looking ------------------------------------------------------------

    def broken(self, mutes: Collection[Mute], counts: Minutes, now_us: int) -> list[Ended]:
        """The mutes that end now, each with the first reason."""
        if not mutes:
            return []
        remade, births = self._remade(mutes), self._births(mutes, counts, now_us)
        ended = []
        for mute in mutes:
            why = "its time is over" if now_us >= mute.until_us else remade.get(mute.id)
            why = why or excess(mute, counts) or self._beside(mute, births, counts) or self._news(mute, counts)
            if why is not None:
                ended.append(Ended(mute, why))
        oldest = now_us // MINUTE_US - KEPT_MIN
        self._read = {key: n for key, n in self._read.items() if key[1] >= oldest}
        return ended

    def _remade(self, mutes: Iterable[Mute]) -> dict[int, str]:
        """By mute: what became of its family, where it is not what it was."""
        families = {mute.family_id for mute in mutes}
        roots, taken = self._templates.family_roots(families), self._templates.taken_in(families)
        homes, members = self._templates.families_of_members(families), Counter[int]()
        newest = {mute.id: mute.guard.newest for mute in mutes}
        members.update(
            mute.id for mute in mutes for key, home in homes.items()
            if home == mute.family_id and key <= newest[mute.id]
        )  # fmt: skip
        out = {}
        for mute in mutes:
            root = roots.get(mute.family_id)
            if root != mute.family_id:
                out[mute.id] = f"its family went into another one, f{root}"
            elif taken.get(mute.family_id, 0) > mute.guard.taken:
                out[mute.id] = "another family was merged into this one"
            elif members[mute.id] < mute.guard.members:
                out[mute.id] = "its family was split"
            elif mute.guard.canon_version != CANON_VERSION:
                out[mute.id] = "a new version of DevMesh reads its lines in another way"
        return out

    def _births(self, mutes: Iterable[Mute], counts: Minutes, now_us: int) -> list[Birth]:
        """The first lines of families that the last minutes brought to services of guarded mutes, by node."""
        services = {mute.guard.service for mute in mutes if mute.guard.neighbours}
        if not services:
            return []
        since = now_us - NEWBORN_US
        newest = self._templates.list_families(service_ids=services, sort="new", limit=NEWBORN)
        self._born = {key: one for key, one in self._born.items() if one.created_us >= since}
        asked = 0
        for one in newest:
            if one.created_us < since or one.first_seen_us is None:
                continue
            minute = one.first_seen_us // MINUTE_US  # which is all that totals know
            rows = (counts.family == one.id) & (counts.minute == minute)
            for node in sorted(set(counts.node[rows].tolist())):
                if (one.id, node) in self._born or asked >= BIRTHS_ASKED:
                    continue
                asked += 1
                first = self._first_said(one.id, node, minute * MINUTE_US, (minute + 1) * MINUTE_US)
                if first is not None:
                    self._born[one.id, node] = Birth(one.id, one.service_id, node, one.created_us, first)
        return list(self._born.values())

    def _beside(self, mute: Mute, births: Iterable[Birth], counts: Minutes) -> str | None:
        """Whether a new family of its service was said for the first time within a minute of it, on the same node."""
        if not mute.guard.neighbours:
            return None
        rows = mute.rows(counts)
        spoke = set(zip(counts.node[rows].tolist(), counts.minute[rows].tolist(), strict=True))
        for one in births:
            if one.service != mute.guard.service or min(one.created_us, one.first_us) <= mute.created_us:
                continue
            minute, since = one.first_us // MINUTE_US, one.first_us - BESIDE_US
            near = (one.node, minute - 1) in spoke or (one.node, minute + 1) in spoke
            if (one.node, minute) in spoke or (
                near and self._first_said(mute.family_id, one.node, since, one.first_us + BESIDE_US + 1) is not None
            ):
                return f"something new was said beside it, f{one.family}"
        return None

    def _first_said(self, family_id: int, node: int, since_us: int, until_us: int) -> int | None:
        """When a family was said first on a node within a stretch of time, of its newest 500 lines there."""
        ids = tuple(self._templates.member_ids([family_id]))
        events = self._events.query(Filter((node,), None, ids, None, since_us, until_us), LINES).events
        return events[-1].ts_us if events else None

    def _news(self, mute: Mute, counts: Minutes) -> str | None:
        """Whether a line that was not read yet says something that is not known."""
        if not mute.guard.reads_lines:
            return None
        rows = mute.rows(counts)
        minutes, place = np.unique(counts.minute[rows], return_inverse=True)
        said = dict(zip(minutes.tolist(), np.bincount(place, weights=counts.n[rows]).tolist(), strict=True))
        grown = {(mute.id, minute): int(n) for minute, n in said.items() if self._read.get((mute.id, minute)) != n}
        if not grown:
            return None
        self._read |= grown
        first, last = min(minute for _id, minute in grown), max(minute for _id, minute in grown)
        ids = tuple(self._templates.member_ids([mute.family_id]))
        since = max(first * MINUTE_US, mute.created_us)
        asked = Filter(mute.node_ids or None, None, ids, None, since, (last + 1) * MINUTE_US)
        lines = self._events.query(asked, LINES).events
        return news_in(mute.guard, [event.message for event in reversed(lines)])
