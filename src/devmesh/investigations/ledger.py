"""The store as the judge of claims: counts, events and texts, read anew for each report.

Counts near the incident are read by minute, once; farther back by whole hours, of the families that are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import polars as pl

from devmesh.errors import InvalidInput
from devmesh.events import Event, Events, Filter, parse_event_id
from devmesh.investigations.claims import Claim
from devmesh.memory import Span
from devmesh.nodes import Nodes
from devmesh.templates import Family, Templates

MINUTE_US, HOUR_US = 60_000_000, 3_600_000_000
ERROR = 3
MOST_HOURS = 8 * 7 * 24  # of a window farther back: so long hours are kept
AT_ONCE = 1_000  # lines that are looked through for the first
Count = tuple[str, str, int, int]  # node, service, priority, n
Asked = TypeVar("Asked")


@dataclass(frozen=True)
class Said:
    """An event that is cited."""

    ts_us: int
    node: str
    service: str
    message: str


@dataclass(frozen=True)
class Told:
    """An incident that is cited, as people are told of it."""

    title: str
    onset_us: int
    status: str
    parts: str


class Ledger:
    """Reads what claims are held against; `near` is the time around the incident, `copies` lines that were kept,
    `incidents` who knows them by number.
    """

    def __init__(
        self, nodes: Nodes, templates: Templates, events: Events, near: Span, copies: Mapping[str, Said] | None = None,
        incidents: Callable[[int], Told | None] = lambda _number: None,
    ) -> None:  # fmt: skip
        self._nodes, self._templates, self._events, self._incidents = nodes, templates, events, incidents
        self.near, self._copies = near, copies or {}
        self._answers: dict[Hashable, Any] = {}
        self._families: dict[int, Family | None] = {}

    def _once(self, key: Hashable, ask: Callable[[], Asked]) -> Asked:
        if key not in self._answers:
            self._answers[key] = ask()
        found: Asked = self._answers[key]
        return found

    @cached_property
    def frame(self) -> pl.DataFrame:
        """(minute, family_id, template_id, node_id, service_id, priority, n) near the incident."""
        return self._with_families(self._events.by_minute(self.near.since_us, self.near.until_us))

    def counts(self, one: Claim) -> list[Count]:
        """What was counted of a claim's families and templates (of all, where it names none) in its window, on its node
        and by its service if it names them; raises InvalidInput for a time of which nothing can be said.
        """
        if not (one.families or one.templates) and not self._is_near(one.since_us, one.until_us):
            return self._once(("hours", _who(one)), lambda: self._by_hour(one))
        key = one.families, one.templates, one.since_us, one.until_us
        found = self._once(key, lambda: self._sums(one))
        return [row for row in found if one.node in ("", row[0]) and one.service in ("", row[1])]

    def _sums(self, one: Claim) -> list[Count]:
        rows = self._wanted(one)
        sums = rows.group_by("node_id", "service_id", "priority").agg(pl.col("n").sum())
        nodes = self._nodes.node_names.names(sums["node_id"].to_list())
        services = self._nodes.service_names.names(sums["service_id"].to_list())
        return [(nodes.get(a, "?"), services.get(b, "?"), c, n) for a, b, c, n in sums.iter_rows()]

    def _by_hour(self, one: Claim) -> list[Count]:
        """What a service or a node said in whole hours, whatever it was."""
        self._check_hours(one.since_us, one.until_us, named=bool(one.node or one.service))
        asked = Filter(*self._ids(one), since_us=one.since_us, until_us=one.until_us - 1)
        names = self._nodes.node_names if one.service else self._nodes.service_names
        by = "node_id" if one.service else "service_id"
        sums = self._events.volumes(asked, by).group_by("id", "priority").agg(pl.col("n").sum())
        named = names.names(sums["id"].to_list())
        other = (lambda name: (name, one.service)) if one.service else (lambda name: (one.node, name))
        found = [(*other(named.get(key, "?")), priority, n) for key, priority, n in sums.iter_rows()]
        return [row for row in found if one.node in ("", row[0])]

    @staticmethod
    def _check_hours(since_us: int, until_us: int, *, named: bool) -> None:
        whole = since_us % HOUR_US == 0 and until_us % HOUR_US == 0
        if not whole or not 0 < until_us - since_us <= MOST_HOURS * HOUR_US or not named:
            raise InvalidInput("Nothing can be counted in that time.", hint="Whole hours, of what is named.")

    def _wanted(self, one: Claim) -> pl.DataFrame:
        rows = self.rows(one.families, one.templates, one.since_us, one.until_us)
        if not one.families and not one.templates:
            return rows
        roots = [found.id for found in self.families(one.families).values()]  # merged ones go by their new number
        return rows.filter(
            pl.col("template_id").is_in(list(one.templates)) | pl.col("family_id").is_in(roots),
        )

    def rows(self, families: Sequence[int], templates: Sequence[int], since_us: int, until_us: int) -> pl.DataFrame:
        """(…, family_id, template_id, node_id, service_id, priority, n) of a time: all where it is near, else of the
        families and templates alone. Raises InvalidInput.
        """
        if self._is_near(since_us, until_us):
            minute = pl.col("minute") * MINUTE_US
            return self.frame.filter((minute >= since_us) & (minute < until_us))
        self._check_hours(since_us, until_us, named=bool(families or templates))
        members = {*self._templates.member_ids(families), *templates}
        return self._with_families(self._events.hourly(members, since_us, until_us - 1))

    def _is_near(self, since_us: int, until_us: int) -> bool:
        return self.near.since_us <= since_us < until_us <= self.near.until_us

    def _with_families(self, counts: pl.DataFrame) -> pl.DataFrame:
        homes = self._templates.homes(counts["template_id"].unique())
        home = pl.DataFrame(list(homes.items()), schema={"template_id": pl.Int64, "family_id": pl.Int64}, orient="row")
        return counts.join(home, "template_id", "left")

    def first(self, one: Claim) -> str | None:
        """The id of the first line of what a claim names in its window, which must be near: looked for in the minute in
        which it was counted first. None where there was none, or it is stored no more; raises InvalidInput.
        """
        if not self._is_near(one.since_us, one.until_us):
            raise InvalidInput("Nothing can be said of the order in that time.", hint="Minutes near the incident.")
        return self._once(("first", _who(one)), lambda: self._first(one))

    def _first(self, one: Claim) -> str | None:
        rows, (nodes, services) = self._wanted(one), self._ids(one)
        for name, ids in (("node_id", nodes), ("service_id", services)):
            rows = rows if ids is None else rows.filter(pl.col(name).is_in(list(ids)))
        minute = rows["minute"].min()
        if not isinstance(minute, int):
            return None
        members = tuple(rows.filter(pl.col("minute") == minute)["template_id"].unique().to_list())
        since, until = minute * MINUTE_US, (minute + 1) * MINUTE_US
        while True:  # events come newest first: where they are many, the half that holds the first
            found = self._events.query(Filter(nodes, services, members, since_us=since, until_us=until), AT_ONCE).events
            middle = (since + until) // 2
            if len(found) < AT_ONCE or middle == since:
                return found[-1].id if found else None
            earlier = Filter(nodes, services, members, since_us=since, until_us=middle)
            since, until = (since, middle) if self._events.query(earlier, 1).events else (middle, until)

    def last(self, one: Claim) -> str | None:
        """The id of the last line of what a claim names in its window; None where there is none."""
        return self._once(("last", _who(one)), lambda: self._last(one))

    def _last(self, one: Claim) -> str | None:
        members = {*self._templates.member_ids(one.families), *one.templates}
        asked = Filter(
            *self._ids(one), tuple(members) if one.families or one.templates else None,
            since_us=one.since_us, until_us=one.until_us,
        )  # fmt: skip
        found = self._events.query(asked, 1).events
        return found[0].id if found else None

    def _ids(self, one: Claim) -> tuple[tuple[int, ...] | None, tuple[int, ...] | None]:
        """The nodes and the services that a claim names; None is any."""
        nodes = tuple(self.node_ids([one.node])) if one.node else None
        services = tuple(self._nodes.service_names.ids([one.service], create=False).values()) if one.service else None
        return nodes, services

    def node_ids(self, names: Collection[str]) -> Collection[int]:
        """The numbers of nodes, of those that there are."""
        return self._nodes.node_names.ids(names, create=False).values()

    def event(self, event_id: str) -> Said | None:
        """A line by its id; None where there is none."""
        return self._once(event_id, lambda: self._event(event_id))

    def _event(self, event_id: str) -> Said | None:
        try:
            ts_us, number = parse_event_id(event_id)
            asked = Filter(since_us=ts_us, until_us=ts_us + 1)
            found = self._events.query(asked, 1, cursor=f"{ts_us}-{number + 1}").events
        except (InvalidInput, OverflowError):
            return None
        one = next((one for one in found if one.id == event_id), None)
        return _said(one) if one else self._copies.get(event_id)

    def incident(self, number: int) -> Told | None:
        """An incident by its number; None where there is none."""
        return self._once(("incident", number), lambda: self._incidents(number)) if 0 < number < 1 << 62 else None

    def families(self, ids: Collection[int]) -> dict[int, Family]:
        """Families that there are, by the id that was asked for."""
        unknown = {one for one in ids if one not in self._families and 0 < one < 1 << 62}
        found = self._templates.families(unknown) if unknown else {}
        self._families.update({one: found.get(one) for one in unknown})
        return {one: family for one in ids if (family := self._families.get(one)) is not None}

    def templates(self, ids: Collection[int]) -> set[int]:
        """Which of these templates there are."""
        wanted = {one for one in ids if 0 < one < 1 << 62}
        return {one.id for one in self._templates.templates(wanted)} if wanted else set()

    def known(self, name: str) -> bool:
        """Whether there is a node or a service of that name."""
        names = self._nodes.node_names, self._nodes.service_names
        return any(some.ids([name], create=False) for some in names)

    @cached_property
    def nodes(self) -> set[str]:
        """Names of the nodes that were heard near the incident."""
        return set(self._nodes.node_names.names(self.frame["node_id"].unique().to_list()).values())


def _said(one: Event) -> Said:
    return Said(one.ts_us, one.node, one.service, one.message)


def _who(one: Claim) -> Hashable:
    return one.families, one.templates, one.node, one.service, one.since_us, one.until_us
