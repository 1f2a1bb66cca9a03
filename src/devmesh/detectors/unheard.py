"""A node whose agent is not heard any more, by the intervals in which nodes could not be seen.

Three minutes without a heartbeat are a finding; who said that it would go gets ten, since an orderly reboot takes some.
Several that are lost within 35 s are one finding: this server may be cut off. Only what was known when the patience
ended counts, so that the past looks as it was told. Who is usually off at this time is missed only once he usually is
back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np

from devmesh.detectors.absence import GRACE_H, HOUR_MIN, Absence, Bools
from devmesh.detectors.model import About, Finding
from devmesh.memory import Baselines, BlindInterval, Hour

NAME, CUT_OFF, SERVER_DOWN = "unheard", "cut off", "server_down"
MINUTE_US = 60_000_000
PATIENCE_MIN, ORDERLY_MIN = 3, 10
TOGETHER_US = 35_000_000  # a heartbeat; all of them are known to be lost by the time that the first is told
SLACK_US = 30_000_000  # who was heard again so shortly before may not be known yet
WEIGHT, ORDERLY_WEIGHT = 5.0, 3.0


class Unheard:
    """Observes hour by hour; knows who is usually off, and when."""

    def __init__(self) -> None:
        self._absence = Absence()

    def observe(self, hour: Hour, normal: Baselines, *, told: bool) -> list[Finding]:
        """The findings of an hour in order of time, none where `told` is not set; nodes that never said a line are
        nobody's business.
        """
        counts, place = hour.counts, {node: place for place, node in enumerate(normal.nodes["node"].tolist())}
        first, last = counts.hour * HOUR_MIN, min(counts.until, (counts.hour + 1) * HOUR_MIN)
        found = self._found(counts.unseen, normal, place) if told else []
        if last == first + HOUR_MIN:
            self._absence.learn(counts.hour, _away(counts.unseen, place, first * MINUTE_US, last * MINUTE_US))
        out = (one for one in found if first <= one.minute < last)
        return sorted(out, key=lambda one: (one.minute, one.node))

    def _found(self, some: Iterable[BlindInterval], normal: Baselines, place: Mapping[int, int]) -> list[Finding]:
        lost = [one for one in some if one.unheard_us is not None and one.node_id in place]
        missed = {one: self._absence.missed_from(place[one.node_id], _due_us(one) // MINUTE_US) for one in lost}
        usual = [one for one in lost if missed[one] > _due_us(one) // MINUTE_US]
        groups = _groups(one for one in lost if one not in usual)
        out = [_finding(_due_us(some[0]) // MINUTE_US, _busiest(some[0].node_id, normal), some) for some in groups]
        out += [
            _not_back(missed[one], _busiest(one.node_id, normal), one)
            for one in usual if _in_vain(one, missed[one] * MINUTE_US)
        ]  # fmt: skip
        return out


def _away(some: Iterable[BlindInterval], place: Mapping[int, int], since_us: int, until_us: int) -> Bools:
    """By place who was off for the whole of a span; who was not heard because this server was down was not."""
    out = np.zeros(len(place), dtype=bool)
    for one in some:
        began, ended = one.unheard_us, one.again_us
        if began is not None and one.node_id in place and one.verdict != SERVER_DOWN:
            out[place[one.node_id]] |= began <= since_us and (ended is None or ended >= until_us)
    return out


def _groups(some: Iterable[BlindInterval]) -> list[list[BlindInterval]]:
    """Those that were waited for in vain, with those that were lost within a minute after them and not back yet."""
    out: list[list[BlindInterval]] = []
    for one in sorted(some, key=lambda one: (one.orderly, _due_us(one), one.node_id)):
        if out and _belongs(one, out[-1][0]):
            out[-1].append(one)
        elif _in_vain(one, _due_us(one)):
            out.append([one])
    return out


def _belongs(one: BlindInterval, first: BlindInterval) -> bool:
    near = one.orderly == first.orderly and _due_us(one) <= _due_us(first) + TOGETHER_US
    return near and _in_vain(one, _due_us(first))


def _in_vain(one: BlindInterval, until_us: int) -> bool:
    return one.again_us is None or one.again_us >= until_us - SLACK_US


def _due_us(one: BlindInterval) -> int:
    return (one.unheard_us or 0) + (ORDERLY_MIN if one.orderly else PATIENCE_MIN) * MINUTE_US


def _busiest(node: int, normal: Baselines) -> int:
    pairs = normal.pairs
    own = np.flatnonzero(pairs["node"] == node)
    return int(pairs["service"][own[np.argmax(pairs["slow_n"][own])]])


def _finding(minute: int, service: int, some: list[BlindInterval]) -> Finding:
    first, kind = some[0], NAME if len(some) == 1 else CUT_OFF
    if kind == CUT_OFF:
        text = f"no heartbeat of {len(some)} nodes, all lost within a minute: this server or their network is cut off"
    elif first.orderly:
        text = f"its agent said that it ends {ORDERLY_MIN} minutes ago and has not come back"
    else:
        text = f"no heartbeat of its agent for {PATIENCE_MIN} minutes"
    weight = ORDERLY_WEIGHT if first.orderly else WEIGHT
    who = service, first.node_id, None
    since = (first.unheard_us or 0) // MINUTE_US
    return Finding(minute, NAME, kind, *who, weight, not first.orderly, About.NODE, text, since)


def _not_back(minute: int, service: int, one: BlindInterval) -> Finding:
    text = f"it is usually off at times, and was back {GRACE_H} hours ago on other days: not heard since it went"
    since = (one.unheard_us or 0) // MINUTE_US
    who = service, one.node_id, None
    return Finding(minute, NAME, NAME, *who, ORDERLY_WEIGHT, False, About.NODE, text, since)
