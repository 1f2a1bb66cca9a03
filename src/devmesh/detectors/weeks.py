"""What the store knows of weeks: which families drift, and which come to move together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from devmesh.detectors.drift import MOST_DAYS, Drift, drifts
from devmesh.detectors.speakers import Speakers, gather
from devmesh.detectors.together import BEFORE_H, MOST_KEYS, NOW_H, SPOKE, Together, together
from devmesh.events import Events
from devmesh.memory import BlindInterval, Memory
from devmesh.templates import Templates

HOUR_US, DAY_H = 3_600_000_000, 24
DAY_US = DAY_H * HOUR_US
TOGETHER_DAYS = (BEFORE_H + NOW_H) // DAY_H
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
    """The whole days up to now, 55 at most. Takes a minute in a very large fleet."""
    until = now_us // DAY_US
    begun = events.first_hour((until - MOST_DAYS) * DAY_H)
    if begun is None or begun // DAY_H >= until:
        return Weeks(until, until, 0, 0, (), ())
    first = begun // DAY_H
    unseen = [one for one in memory.blind(first * DAY_US, until * DAY_US) if not one.filled]
    parts = events.spoken(first * DAY_H, until * DAY_H - 1, whole_h=DAY_H)
    daily = gather(parts, templates, DAY_H, range(first, until))
    found, compared = drifts(daily, {*_mute(daily), *_blind(unseen, now_us, DAY_US, BLIND_OF_DAY)})
    groups, pairs = list[Together](), 0
    if until - first >= TOGETHER_DAYS:
        families = _talkers(daily)
        hours = range((until - TOGETHER_DAYS) * DAY_H, until * DAY_H)
        parts = events.spoken(hours.start, hours.stop - 1, template_ids=templates.member_ids(families))
        hourly = gather(parts, templates, 1, hours)
        services = {one: family.service_id for one, family in templates.families(families).items()}
        groups, pairs = together(hourly, services, set(_blind(unseen, now_us, HOUR_US, BLIND_OF_HOUR)))
    return Weeks(first, until, compared, pairs, tuple(found), tuple(groups))


def _talkers(daily: Speakers) -> list[int]:
    """The families that may speak in hours enough, the busiest."""
    recent = daily.counts[:, -TOGETHER_DAYS:]
    total, spoke = recent.sum(1), (recent > 0).sum(1)
    rows = np.flatnonzero((total >= SPOKE * TOGETHER_DAYS * DAY_H) & (spoke >= TOGETHER_DAYS // 2))
    return sorted(set(daily.family[rows[np.argsort(-total[rows], kind="stable")[:MOST_KEYS]]].tolist()))


def _mute(daily: Speakers) -> Iterator[tuple[int, int]]:
    """(node, day) of nodes that said nothing at all: nobody knows why where there is no agent."""
    for node in set(daily.node.tolist()):
        silent = np.flatnonzero(daily.counts[daily.node == node].sum(0) == 0)
        yield from ((node, daily.first + int(place)) for place in silent)


def _blind(some: Iterable[BlindInterval], now_us: int, unit_us: int, most: float) -> Iterator[tuple[int, int]]:
    """(node, day) or (node, hour) of which more than a share was blind."""
    blind: dict[tuple[int, int], int] = {}
    for one in some:
        end_us = now_us if one.until_us is None else one.until_us
        for number in range(one.since_us // unit_us, end_us // unit_us + 1):
            part = min(end_us, (number + 1) * unit_us) - max(one.since_us, number * unit_us)
            blind[one.node_id, number] = blind.get((one.node_id, number), 0) + part
    return (key for key, lost_us in blind.items() if lost_us > most * unit_us)
