"""The room's verbs: what changed, and when nothing could be seen."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import polars as pl

from devmesh.clock import Clock
from devmesh.errors import InvalidInput
from devmesh.events import Events
from devmesh.loops import Loop
from devmesh.memory import tables  # noqa: F401 - the store knows them by this
from devmesh.memory.births import new_families
from devmesh.memory.blind import MINUTE_US, Blind
from devmesh.memory.chance import false_discoveries
from devmesh.memory.compare import Hours, chances, expect
from devmesh.memory.model import HOUR_US, BlindInterval, Change, Changes, Sight, Span
from devmesh.templates import Templates

BY_MINUTE_US = 48 * HOUR_US  # longer windows are whole hours
KEPT_US = 8 * 7 * 24 * HOUR_US  # hours are folded to days then
MOST_DOUBT = 0.05
RATIO = 1.5
_FAMILY = dict.fromkeys(("template_id", "family_id", "service_id", "first_us"), pl.Int64)


@dataclass(frozen=True)
class _Question:
    """The window as it can be counted, the hours it is compared with, nodes that fell silent and nodes left out."""

    window: Span
    hours: Hours
    quiet: frozenset[int]
    others: frozenset[int]


class Memory:
    """What is normal."""

    def __init__(self, clock: Clock, templates: Templates, events: Events, blind: Blind) -> None:
        self._clock, self._templates, self._events, self._blind = clock, templates, events, blind

    def blind(self, since_us: int, until_us: int, node_ids: Collection[int] | None = None) -> Sequence[BlindInterval]:
        """See `Blind.between`."""
        return self._blind.between(since_us, until_us, node_ids)

    def minutes(self, first: int, last: int) -> dict[int, frozenset[int]]:
        """See `Blind.minutes`."""
        return self._blind.minutes(first, last)

    def sight(self, first: int, last: int) -> Sight:
        """What detectors need to know of the minutes from `first` to `last`, both counted in."""
        blind = self._blind.minutes(first, last)
        return Sight(blind, self._blind.between((first - 60) * MINUTE_US, (last + 1) * MINUTE_US))

    def complete_until(self) -> dict[int, int]:
        """See `Blind.complete_until`."""
        return self._blind.complete_until()

    def loops(self) -> Sequence[Loop]:
        """See `Blind.loops`."""
        return self._blind.loops()

    def changes(
        self,
        window: Span,
        normal_since_us: int,
        *,
        node_ids: Collection[int] | None = None,
        service_ids: Collection[int] | None = None,
    ) -> Changes:
        """Families that are new, gone, louder or quieter in `window` than from `normal_since_us` to it: the new ones,
        then the others, each the surest first.

        Counts hours, and minutes of a window of up to two days. Raises InvalidInput for spans that cannot be compared.
        """
        asked = self._question(self._bounded(window, normal_since_us), normal_since_us, node_ids)
        hours, since_us = asked.hours, asked.window.since_us
        before = self._by_family(self._events.hours(hours.first, hours.last, but_nodes=asked.others | asked.quiet))
        now = self._by_family(self._counts(asked))
        if service_ids is not None:
            before, now = (one.filter(pl.col("service_id").is_in(list(service_ids))) for one in (before, now))
        fresh, again = now.filter(pl.col("first_us") >= since_us), now.filter(pl.col("first_us") < since_us)
        known = _known(before, again)
        begun = known.select("family_id", "service_id", first_hour=pl.col("first_us") // HOUR_US)
        known = known.with_columns(expect(before, begun, hours).select("expected", "variance"))
        rows = (*new_families(fresh, before, hours), *_judged(known))
        normal = Span(hours.first * HOUR_US, (hours.last + 1) * HOUR_US)
        return Changes(asked.window, normal, rows, len(known) + len(fresh), tuple(sorted(asked.quiet)))

    def _bounded(self, window: Span, normal_since_us: int) -> Span:
        """The window up to now, in whole hours where it is long."""
        now = self._clock.now_us()
        since_us, until_us = window.since_us, min(window.until_us, now)
        if until_us - since_us > BY_MINUTE_US:
            since_us -= since_us % HOUR_US
        if since_us >= until_us or normal_since_us >= since_us:
            raise InvalidInput(
                "There is nothing to compare: the normal time must begin before the window, and the window before now.",
                hint="devmesh changes --since 2h --against 7d",
            )
        if since_us < now - KEPT_US:
            raise InvalidInput("Counts by hour are kept for 8 weeks.", hint="Choose a later --since.")
        return Span(since_us, until_us)

    def _question(self, window: Span, normal_since_us: int, node_ids: Collection[int] | None) -> _Question:
        first, last = -(-normal_since_us // HOUR_US), window.since_us // HOUR_US - 1
        begun = self._events.first_hour(first)
        if begun is None or begun > last:
            raise InvalidInput(
                "Nothing was counted in the time to compare with.",
                hint="Choose a later --since or an earlier --against; a fresh store needs two hours.",
            )
        shares = {
            hour: (min(window.until_us, (hour + 1) * HOUR_US) - max(window.since_us, hour * HOUR_US)) / HOUR_US
            for hour in range(last + 1, -(-window.until_us // HOUR_US))
        }
        spoke = self._events.by_node(begun, last).keys()
        speaks = self._events.by_node(last + 1, max(shares)).keys()
        others = frozenset(node for node in spoke | speaks if node_ids is not None and node not in node_ids)
        hours = Hours(begun, last, {hour: share for hour, share in shares.items() if share > 0})
        return _Question(window, hours, frozenset(spoke - speaks - others), others)

    def _counts(self, asked: _Question) -> pl.DataFrame:
        """(template_id, n) in the window."""
        window, hours = asked.window, asked.hours.window
        if window.until_us - window.since_us > BY_MINUTE_US:
            counts = self._events.hours(min(hours), max(hours), but_nodes=asked.others)
        else:
            minutes = self._events.by_minute(window.since_us, window.until_us, ("template_id", "node_id"))
            counts = minutes.filter(~pl.col("node_id").is_in(list(asked.others)))
        return counts.select("template_id", "n")

    def _by_family(self, counts: pl.DataFrame) -> pl.DataFrame:
        """Counts of templates as those of their families: (family_id, service_id, first_us, hour if there is one, n).

        Templates that have no family yet are left out: they will be judged in some seconds.
        """
        homes = self._templates.homes(counts["template_id"].unique())
        families = self._templates.families(set(homes.values()))
        rows = [
            (template, one.id, one.service_id, one.created_us if one.first_seen_us is None else one.first_seen_us)
            for template, one in ((template, families[home]) for template, home in homes.items())
        ]
        joined = counts.join(pl.DataFrame(rows, schema=_FAMILY, orient="row"), "template_id").drop("template_id")
        return joined.group_by(pl.exclude("n")).agg(pl.col("n").cast(pl.Int64).sum())


def _known(before: pl.DataFrame, now: pl.DataFrame) -> pl.DataFrame:
    """(family_id, service_id, first_us, n) of all families that were heard before or are heard now."""
    keys = ("family_id", "service_id", "first_us")
    both = pl.concat([before.select(*keys, n=pl.lit(0, pl.Int64)), now.select(*keys, "n")])
    return both.group_by(keys).agg(pl.col("n").sum()).sort("family_id")


def _judged(known: pl.DataFrame) -> Iterable[Change]:
    """Those that changed by half or more, and not by luck; the surest first."""
    numbers = (known[name].cast(pl.Float64).to_numpy() for name in ("n", "expected", "variance"))
    likely = chances(*numbers)
    rows = []
    for row, chance, doubt in zip(known.iter_rows(named=True), likely, false_discoveries(likely), strict=True):
        n, expected = row["n"], row["expected"]
        if doubt > MOST_DOUBT or expected / RATIO < n < expected * RATIO:
            continue
        kind = "gone" if not n else "louder" if n > expected else "quieter"
        rows.append(Change(kind, row["family_id"], row["service_id"], n, expected, float(chance), float(doubt)))
    return sorted(rows, key=lambda one: (one.chance or 0.0, -abs(one.n - one.expected)))
