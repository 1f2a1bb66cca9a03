"""The timeline of an incident: how much was said around it, in bars of errors, warnings and others.

Short times are counted by minute, long ones by hour, at most `BARS_MAX` bars; only lines of the services and nodes that
have a part in it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

import polars as pl

from devmesh.events import Filter

if TYPE_CHECKING:
    from devmesh.mesh import Mesh

MINUTE_US, HOUR_US, DAY_US = 60_000_000, 3_600_000_000, 86_400_000_000
AROUND_US = 30 * MINUTE_US
BARS_MAX = 180
STEPS_US = (MINUTE_US, 2 * MINUTE_US, 5 * MINUTE_US)  # up to 15 hours, as minutes; from there on as hours
HOURLY_US = tuple(hours * HOUR_US for hours in (1, 2, 6, 12, 24))
MINUTES_KEPT_US = 34 * DAY_US
LONGEST_US = BARS_MAX * DAY_US
ERROR, WARNING = 3, 4
KINDS = ("errors", "warnings", "others")


def span_of(onset_us: int, last_us: int, now_us: int) -> tuple[int, int]:
    """What is shown of an incident: half an hour before and after, of very long ones the end."""
    until_us = min(last_us + AROUND_US, max(now_us, last_us + MINUTE_US))
    return max(onset_us - AROUND_US, until_us - LONGEST_US), until_us


def bars(
    mesh: Mesh, since_us: int, until_us: int, service_ids: Collection[int], node_ids: Collection[int]
) -> dict[str, Any]:
    """{step_us, since_us, bars: [{t_us, errors, warnings, others}]} from `since_us` on, empty ones too."""
    step_us = step_of(since_us, until_us, mesh.clock.now_us())
    first, last = since_us // step_us, -(-until_us // step_us)
    span = first * step_us, last * step_us
    if step_us < HOUR_US:
        counts = mesh.events.by_minute(*span, ("node_id", "service_id", "priority"))
        known = pl.col("node_id").is_in(list(node_ids)) & pl.col("service_id").is_in(list(service_ids))
        counts = counts.filter(known).with_columns(t_us=pl.col("minute") * MINUTE_US)
    else:
        asked = Filter(tuple(node_ids), tuple(service_ids), since_us=span[0], until_us=span[1])
        counts = mesh.events.volumes(asked, "node_id").with_columns(t_us=pl.col("hour") * HOUR_US)
    totals = {t: dict.fromkeys(KINDS, 0) for t in range(span[0], span[1], step_us)}
    sums = counts.group_by(pl.col("t_us") // step_us * step_us, "priority").agg(pl.col("n").cast(pl.Int64).sum())
    for t_us, priority, n in sums.iter_rows():
        if t_us in totals:
            totals[t_us][KINDS[0 if priority <= ERROR else 1 if priority == WARNING else 2]] += n
    return {"step_us": step_us, "since_us": span[0], "bars": [{"t_us": t, **some} for t, some in totals.items()]}


def step_of(since_us: int, until_us: int, now_us: int) -> int:
    """The width of a bar."""
    steps = HOURLY_US if since_us < now_us - MINUTES_KEPT_US else (*STEPS_US, *HOURLY_US)
    return next((step for step in steps if (until_us - since_us) // step < BARS_MAX), steps[-1])
