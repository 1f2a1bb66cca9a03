"""Two stretches of time compared: which families are louder, quieter, gone or new, and how sure that is.

A family's level is its count in the hours before over what its service's rhythm gave it to speak; rhythm times level is
what the window should have had. How far counts stray from that, hour by hour or day by day, is measured on the hours
before, cut into blocks as long as the window. Pure: frames in, rows out.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from devmesh.memory.chance import Floats, at_least, at_most

Places = npt.NDArray[np.intp]

DAY_H, WEEK_H = 24, 168
WEEKS_FOR_WEEKLY = 3
PRIOR_EVENTS = 24.0  # of a flat rhythm: a cell of few events says little
PRIOR_BLOCKS = 3.0  # of a spread as families usually have it
FEWEST_BLOCKS = 4
EVENTS_A_BLOCK = 5.0
STEADY = 0.01  # a tenth more or less is never news
LEAST = 1e-9


@dataclass(frozen=True)
class Hours:
    """The hours before, first..last (since 1970 in UTC, inclusive), and the share of each hour that the window has."""

    first: int
    last: int
    window: dict[int, float]

    @property
    def count(self) -> int:
        """How many hours there are before."""
        return self.last - self.first + 1

    @property
    def period(self) -> int:
        """After how many hours the rhythm repeats: a week from three weeks on, else a day; 1, no rhythm, below two
        days.
        """
        return WEEK_H if self.count >= WEEKS_FOR_WEEKLY * WEEK_H else DAY_H if self.count >= 2 * DAY_H else 1

    @property
    def cells(self) -> Places:
        """The place in the rhythm of each hour before."""
        return np.arange(self.first, self.last + 1) % self.period


@dataclass(frozen=True)
class _Asked:
    """The families that are asked for: their ids, the first hour of each (0 is the first before), the row of its
    service's rhythm, its events before and its events an hour of average loudness.
    """

    family_id: pl.Series
    start: Places
    service: Places
    total: Floats
    level: Floats


def expect(before: pl.DataFrame, families: pl.DataFrame, hours: Hours) -> pl.DataFrame:
    """What each family should have had in the window: (family_id, expected, variance), in the order of `families`.

    `before`: (family_id, service_id, hour, n); `families`: (family_id, service_id, first_hour), all that are asked for.
    """
    rhythm = _rhythms(before, hours)
    flat = np.ones(hours.count)
    shapes = np.array([*rhythm.values(), flat])  # the last is of services that were not heard before
    summed = np.concatenate((np.zeros((len(shapes), 1)), np.cumsum(shapes, axis=1)), axis=1)
    row = {service: number for number, service in enumerate(rhythm)}
    service = np.array([row.get(one, len(rhythm)) for one in families["service_id"]], dtype=np.intp)
    start = families["first_hour"].clip(hours.first, hours.last).to_numpy() - hours.first
    sums = before.group_by("family_id").agg(pl.col("n").sum().alias("total"))
    joined = families.join(sums, "family_id", "left", maintain_order="left")
    total = joined["total"].fill_null(0).cast(pl.Float64).to_numpy()
    level = (total + 0.5) / (summed[service, -1] - summed[service, start])
    asked = _Asked(families["family_id"], start, service, total, level)
    expected = level * np.array([_worth(shape, hours) for shape in shapes])[service]
    spread, blocks = _spreads(before, asked, summed, hours)
    variance = expected + expected**2 * (spread * (1.0 + 1.0 / blocks) + 1.0 / (total + 0.5))
    return pl.DataFrame({"family_id": asked.family_id, "expected": expected, "variance": variance})


def chances(n: Floats, expected: Floats, variance: Floats) -> Floats:
    """How likely so many or more are where more than expected came, else so few or fewer; two-sided."""
    one_sided = np.where(n > expected, at_least(n, expected, variance), at_most(n, expected, variance))
    return np.minimum(2.0 * one_sided, 1.0)


def _rhythms(before: pl.DataFrame, hours: Hours) -> dict[int, Floats]:
    """By service a weight for each hour before, 1 on average; cells with few events are drawn to 1."""
    cells, period = hours.cells, hours.period
    occasions = np.bincount(cells, minlength=period).astype(np.float64)
    out: dict[int, Floats] = {}
    for service, rows in before.partition_by("service_id", as_dict=True).items():
        places, n = rows["hour"].to_numpy() - hours.first, rows["n"].to_numpy()
        by_hour = np.bincount(places, weights=n, minlength=hours.count).astype(np.float64)
        usual = _usual(by_hour, cells, occasions)
        prior = PRIOR_EVENTS / period / max(float(usual.mean()), LEAST)
        weights = (usual / max(float(usual.mean()), LEAST) * occasions + prior) / (occasions + prior)
        out[int(service[0])] = weights[cells] / weights[cells].mean()
    return out


def _usual(by_hour: Floats, cells: Places, occasions: Floats) -> Floats:
    """What each cell of the rhythm usually has: its mean without its loudest hour, for one burst is no rhythm."""
    sums = np.bincount(cells, weights=by_hour, minlength=len(occasions))
    loudest = np.zeros(len(occasions))
    np.maximum.at(loudest, cells, by_hour)
    enough = occasions >= FEWEST_BLOCKS
    return np.where(enough, (sums - loudest) / np.maximum(occasions - 1, 1), sums / np.maximum(occasions, 1))


def _worth(shape: Floats, hours: Hours) -> float:
    """What the window is worth in hours of average loudness."""
    weight = np.zeros(hours.period)
    weight[hours.cells] = shape
    return float(sum(share * weight[hour % hours.period] for hour, share in hours.window.items()))


def _spreads(before: pl.DataFrame, asked: _Asked, summed: Floats, hours: Hours) -> tuple[Floats, Floats]:
    """By family the squared coefficient of variation, beyond Poisson's, of its counts in blocks as long as the window,
    and how many blocks told it. Where events are few, luck hides the spread: there it is what families usually have.
    """
    length = int(max(1, min(round(sum(hours.window.values())), hours.count // FEWEST_BLOCKS)))
    blocks = max(1, hours.count // length)
    edges = hours.count - length * np.arange(blocks, -1, -1)
    shares = summed[:, edges[1:]] - summed[:, edges[:-1]]
    first = np.clip(np.searchsorted(edges, asked.start, side="right") - 1, 0, blocks - 1)
    # The sums over all blocks from a family's first on, as if it had been silent; blocks in which it spoke correct it.
    ones = np.cumsum(shares[:, ::-1], axis=1)[:, ::-1][asked.service, first] * asked.level
    squares = np.cumsum(shares[:, ::-1] ** 2, axis=1)[:, ::-1][asked.service, first] * asked.level**2
    rows = pl.DataFrame({"family_id": asked.family_id, "row": np.arange(len(asked.family_id))})
    block = (pl.col("hour") - hours.first - int(edges[0])) // length
    spoke = before.join(rows, "family_id").with_columns(block.alias("block")).filter(pl.col("block") >= 0)
    spoke = spoke.group_by("row", "block").agg(pl.col("n").sum())
    row, at, n = (spoke[name].to_numpy() for name in ("row", "block", "n"))
    expected = asked.level[row] * shares[asked.service[row], at]
    corrections = np.bincount(row, weights=(n - expected) ** 2 - expected**2, minlength=len(asked.level))
    told = (blocks - first).astype(np.float64)
    own = np.maximum(squares + corrections - ones, 0.0) / np.maximum(squares, LEAST)
    sure = ones >= EVENTS_A_BLOCK * told
    usual = max(float(np.median(own[sure])), STEADY) if sure.any() else 1.0
    weight = np.where(sure, told, 0.0)
    # Never less than usual: among many families those that happened to stray little would be the false findings.
    return np.maximum((weight * own + PRIOR_BLOCKS * usual) / (weight + PRIOR_BLOCKS), usual), told
