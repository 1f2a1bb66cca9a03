"""The store as the judge of claims: counts, events and texts, read anew for each report.

Counts near the incident are read by minute, once; farther back by whole hours, of the families that are asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from devmesh.errors import InvalidInput
from devmesh.events import Event, Events, Filter, parse_event_id
from devmesh.memory import Span
from devmesh.nodes import Nodes
from devmesh.templates import Family, Templates

HOUR_US = 3_600_000_000
ERROR = 3
MOST_HOURS = 8 * 24  # of a window farther back
Count = tuple[str, str, int, int]  # node, service, priority, n


@dataclass(frozen=True)
class Said:
    """An event that is cited."""

    ts_us: int
    node: str
    service: str
    message: str


class Ledger:
    """Reads what claims are held against; `near` is the time around the incident, `copies` lines that were kept."""

    def __init__(
        self, nodes: Nodes, templates: Templates, events: Events, near: Span, copies: Mapping[str, Said] | None = None
    ) -> None:
        self._nodes, self._templates, self._events = nodes, templates, events
        self.near, self._copies = near, copies or {}
        self._frame: pl.DataFrame | None = None
        self._families: dict[int, Family | None] = {}
        self._counted: dict[tuple[tuple[int, ...], tuple[int, ...], int, int], list[Count]] = {}
        self._said: dict[str, Said | None] = {}

    @property
    def frame(self) -> pl.DataFrame:
        """(minute, family_id, template_id, node_id, service_id, priority, n) near the incident."""
        if self._frame is None:
            counts = self._events.by_minute(self.near.since_us, self.near.until_us)
            self._frame = self._with_families(counts)
        return self._frame

    def counts(self, families: Sequence[int], templates: Sequence[int], since_us: int, until_us: int) -> list[Count]:
        """What was counted of some families and templates (of all, where none is named); raises InvalidInput for a time
        of which nothing can be said.
        """
        key = tuple(families), tuple(templates), since_us, until_us
        if key not in self._counted:
            self._counted[key] = self._count(families, templates, since_us, until_us)
        return self._counted[key]

    def _count(self, families: Sequence[int], templates: Sequence[int], since_us: int, until_us: int) -> list[Count]:
        rows = self.rows(families, templates, since_us, until_us)
        roots = [one.id for one in self.families(families).values()]  # a family that was merged goes by its new number
        wanted = pl.lit(value=not (families or templates))
        wanted |= pl.col("template_id").is_in(list(templates)) | pl.col("family_id").is_in(roots)
        sums = rows.filter(wanted).group_by("node_id", "service_id", "priority").agg(pl.col("n").sum())
        nodes = self._nodes.node_names.names(sums["node_id"].to_list())
        services = self._nodes.service_names.names(sums["service_id"].to_list())
        return [(nodes.get(a, "?"), services.get(b, "?"), c, n) for a, b, c, n in sums.iter_rows()]

    def rows(self, families: Sequence[int], templates: Sequence[int], since_us: int, until_us: int) -> pl.DataFrame:
        """(…, family_id, template_id, node_id, service_id, priority, n) of a time: all where it is near, else of the
        families and templates alone. Raises InvalidInput.
        """
        if self.near.since_us <= since_us < until_us <= self.near.until_us:
            minute = pl.col("minute") * 60_000_000
            return self.frame.filter((minute >= since_us) & (minute < until_us))
        whole = since_us % HOUR_US == 0 and until_us % HOUR_US == 0
        if not whole or not 0 < until_us - since_us <= MOST_HOURS * HOUR_US or not (families or templates):
            raise InvalidInput("Nothing can be counted in that time.", hint="Whole hours, of families that are named.")
        members = {*self._templates.member_ids(families), *templates}
        return self._with_families(self._events.hourly(members, since_us, until_us - 1))

    def _with_families(self, counts: pl.DataFrame) -> pl.DataFrame:
        homes = self._templates.homes(counts["template_id"].unique())
        home = pl.DataFrame(list(homes.items()), schema={"template_id": pl.Int64, "family_id": pl.Int64}, orient="row")
        return counts.join(home, "template_id", "left")

    def event(self, event_id: str) -> Said | None:
        """A line by its id; None where there is none."""
        if event_id not in self._said:
            self._said[event_id] = self._event(event_id)
        return self._said[event_id]

    def _event(self, event_id: str) -> Said | None:
        try:
            ts_us, number = parse_event_id(event_id)
            found = self._events.query(_just(ts_us), 1, cursor=f"{ts_us}-{number + 1}").events
        except (InvalidInput, OverflowError):
            return None
        one = next((one for one in found if one.id == event_id), None)
        return _said(one) if one else self._copies.get(event_id)

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

    def speakers(self) -> tuple[set[str], set[str]]:
        """Names of the nodes and of the services that were heard near the incident."""
        nodes = self._nodes.node_names.names(self.frame["node_id"].unique().to_list())
        services = self._nodes.service_names.names(self.frame["service_id"].unique().to_list())
        return set(nodes.values()), set(services.values())


def _just(ts_us: int) -> Filter:
    return Filter(since_us=ts_us, until_us=ts_us + 1)


def _said(one: Event) -> Said:
    return Said(one.ts_us, one.node, one.service, one.message)
