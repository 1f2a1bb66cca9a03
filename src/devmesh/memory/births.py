"""New families: how often a service brings some anyway."""

from __future__ import annotations

import numpy as np
import polars as pl

from devmesh.memory.chance import at_least
from devmesh.memory.compare import Hours
from devmesh.memory.model import HOUR_US, Change


def new_families(fresh: pl.DataFrame, before: pl.DataFrame, hours: Hours) -> list[Change]:
    """The families of `fresh` (family_id, service_id, first_us, n) as changes, the least expected first.

    The chance is that of their service bringing so many new ones in a window of this length. Births before are counted
    in the later half of the time before: when a service or a store begins, everything is new.
    """
    middle_us = (hours.first + hours.count // 2) * HOUR_US
    begun = before.select("family_id", "service_id", "first_us").unique()
    births = begun.filter(pl.col("first_us") >= middle_us)
    rate_h = {
        service: (births.filter(pl.col("service_id") == service).height + 0.5) / (hours.count - hours.count // 2)
        for service in begun["service_id"].unique()
    }
    length_h = sum(hours.window.values())
    rows = []
    for service, some in fresh.partition_by("service_id", as_dict=True).items():
        chance = None
        if service[0] in rate_h:
            mean = rate_h[service[0]] * length_h
            # They come in groups, an upgrade brings ten: the spread is that of a geometric count.
            chance = float(at_least(*(np.array([value]) for value in (float(some.height), mean, mean + mean**2)))[0])
        rows += [
            Change("new", row["family_id"], row["service_id"], row["n"], 0.0, chance, None)
            for row in some.iter_rows(named=True)
        ]
    return sorted(rows, key=lambda one: (one.chance or 0.0, -one.n))
