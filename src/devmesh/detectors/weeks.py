"""What the store knows of weeks: which families drift, and which come to move together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import polars as pl

from devmesh.detectors.drift import LEAST_EVENTS, MOST_DAYS, Days, Drift, drifts
from devmesh.detectors.together import MOST_KEYS, NOW_H, SPOKE, Hours, Together, together
from devmesh.events import Events
from devmesh.memory import BlindInterval, Memory
from devmesh.templates import Templates

HOUR_US, DAY_H = 3_600_000_000, 24
DAY_US = DAY_H * HOUR_US
BLIND_OF_DAY, BLIND_OF_HOUR = 1 / 24, 3 / 60  # what may be missing of it


@dataclass(frozen=True)
class Weeks:
    """What drifts in the whole days from `first` to before `until` (since 1970, UTC), and how many patterns (a family
    on a node) and pairs of them were compared.
    """

    first: int
    until: int
    compared: int
    pairs: int
    drifts: tuple[Drift, ...]
    together: tuple[Together, ...]


def look(templates: Templates, events: Events, memory: Memory, now_us: int) -> Weeks:
    """The whole days up to now, 55 at most. Takes seconds in a large fleet."""
    until = now_us // DAY_US
    begun = events.first_hour((until - MOST_DAYS) * DAY_H)
    if begun is None or begun // DAY_H >= until:
        return Weeks(until, until, 0, 0, (), ())
    first = begun // DAY_H
    unseen = [one for one in memory.blind(first * DAY_US, until * DAY_US) if not one.filled]
    daily = _by_family(templates, events.spoken(first * DAY_H, until * DAY_H - 1, whole_h=DAY_H))
    daily = daily.with_columns(day=pl.col("hour") // DAY_H)
    days = Days(first, until - 1, {*_mute(daily), *_blind(unseen, now_us, DAY_US, BLIND_OF_DAY)})
    found, compared = drifts(daily, days)
    hours = Hours(until * DAY_H, set(_blind(unseen, now_us, HOUR_US, BLIND_OF_HOUR)))
    groups, pairs = list[Together](), 0
    if first * DAY_H <= hours.first:
        members = templates.member_ids(_talkers(daily, until))
        hourly = _by_family(templates, events.spoken(hours.first, hours.until - 1, template_ids=members))
        groups, pairs = together(hourly, hours)
    return Weeks(first, until, compared, pairs, tuple(found), tuple(groups))


def _by_family(templates: Templates, counts: pl.DataFrame) -> pl.DataFrame:
    """Counts of templates as those of their families that have events enough to be judged."""
    homes = templates.homes(counts["template_id"].unique())
    home = pl.DataFrame(list(homes.items()), {"template_id": pl.Int64, "family_id": pl.Int64}, orient="row")
    counts = counts.join(home, "template_id").group_by("family_id", "node_id", "hour").agg(pl.col("n").sum())
    sums = counts.group_by("family_id").agg(pl.col("n").sum()).filter(pl.col("n") >= LEAST_EVENTS)
    services = {one: family.service_id for one, family in templates.families(sums["family_id"]).items()}
    owner = pl.DataFrame(list(services.items()), {"family_id": pl.Int64, "service_id": pl.Int64}, orient="row")
    return counts.join(owner, "family_id")


def _talkers(daily: pl.DataFrame, until: int) -> list[int]:
    """The families that may speak in hours enough, the busiest."""
    recent = daily.filter(pl.col("day") >= until - 28)
    sums = recent.group_by("family_id", "node_id").agg(pl.col("n").sum(), days=pl.len())
    enough = sums.filter((pl.col("n") >= 4 * SPOKE * NOW_H) & (pl.col("days") >= 14))  # noqa: PLR2004
    return enough.sort("n", "family_id", descending=True).head(MOST_KEYS)["family_id"].unique().to_list()


def _mute(daily: pl.DataFrame) -> Iterator[tuple[int, int]]:
    """(node, day) of nodes that said nothing at all: nobody knows why where there is no agent."""
    spoke: dict[int, set[int]] = {}
    for node, day in daily.select("node_id", "day").unique().iter_rows():
        spoke.setdefault(node, set()).add(day)
    last = max((max(days) for days in spoke.values()), default=0)
    for node, days in spoke.items():
        yield from ((node, day) for day in range(min(days), last + 1) if day not in days)


def _blind(some: Iterable[BlindInterval], now_us: int, unit_us: int, most: float) -> Iterator[tuple[int, int]]:
    """(node, day) or (node, hour) of which more than a share was blind."""
    blind: dict[tuple[int, int], int] = {}
    for one in some:
        end_us = now_us if one.until_us is None else one.until_us
        for number in range(one.since_us // unit_us, end_us // unit_us + 1):
            part = min(end_us, (number + 1) * unit_us) - max(one.since_us, number * unit_us)
            blind[one.node_id, number] = blind.get((one.node_id, number), 0) + part
    return (key for key, lost_us in blind.items() if lost_us > most * unit_us)
