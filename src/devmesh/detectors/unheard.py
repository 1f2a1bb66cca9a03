"""A node whose agent is not heard any more, by the intervals in which nodes could not be seen.

Three minutes without a heartbeat are a finding; who said that it would go gets ten, since an orderly reboot takes some.
Several that are lost within 35 s are one finding: this server may be cut off. Only what was known when the patience
ended counts, so that the past looks as it was told.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from devmesh.detectors.model import About, Finding
from devmesh.memory import Baselines, BlindInterval, Hour

NAME, CUT_OFF = "unheard", "cut off"
MINUTE_US = 60_000_000
PATIENCE_MIN, ORDERLY_MIN = 3, 10
TOGETHER_US = 35_000_000  # a heartbeat; all of them are known to be lost by the time that the first is told
SLACK_US = 30_000_000  # who was heard again so shortly before may not be known yet
WEIGHT, ORDERLY_WEIGHT = 5.0, 3.0


def unheard(hour: Hour, normal: Baselines) -> list[Finding]:
    """The findings of an hour in order of time; nodes that never said a line are nobody's business."""
    out, counts = [], hour.counts
    for some in _groups(counts.unseen):
        minute = _due_us(some[0]) // MINUTE_US
        service = _busiest(some[0].node_id, normal)
        if service is not None and counts.hour * 60 <= minute < min(counts.until, (counts.hour + 1) * 60):
            out.append(_finding(minute, service, some))
    return sorted(out, key=lambda one: (one.minute, one.node))


def _groups(some: Iterable[BlindInterval]) -> list[list[BlindInterval]]:
    """Those that were waited for in vain, with those that were lost within a minute after them and not back yet."""
    lost = [one for one in some if one.unheard_us is not None]
    out: list[list[BlindInterval]] = []
    for one in sorted(lost, key=lambda one: (one.orderly, _due_us(one), one.node_id)):
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


def _busiest(node: int, normal: Baselines) -> int | None:
    pairs = normal.pairs
    own = np.flatnonzero(pairs["node"] == node)
    return int(pairs["service"][own[np.argmax(pairs["slow_n"][own])]]) if len(own) else None


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
