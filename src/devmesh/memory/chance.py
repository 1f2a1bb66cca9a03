"""How likely a count is by luck alone: tails of the negative binomial, and the correction for many questions at once.

Counts of log lines come in bursts: their spread is larger than a Poisson's. A negative binomial has a mean and a
variance of its own; where the two are equal it is the Poisson (here: its size is bounded at 1e9).
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

_MOST_SIZE = 1e9
_TINY = 1e-300
_STEPS = 400
_LARGE = 20_000.0  # of mean and size: beyond, the fraction below takes too long and a normal tail is as good


def at_least(counts: Floats, means: Floats, variances: Floats) -> Floats:
    """P(X >= count) for each; means above 0, variances at least the means."""
    return np.where(counts <= 0, 1.0, _tails(np.maximum(counts, 1.0), means, variances, upper=True))


def at_most(counts: Floats, means: Floats, variances: Floats) -> Floats:
    """P(X <= count) for each."""
    return _tails(counts + 1.0, means, variances, upper=False)


def false_discoveries(chances: Floats) -> Floats:
    """For each chance the share of false ones to expect among all that are as unlikely or more (Benjamini and Hochberg
    1995): those up to 0.05 are findings of which at most 5 % are luck, however many questions were asked.
    """
    order = np.argsort(chances)
    ranked = chances[order] * len(chances) / np.arange(1, len(chances) + 1)
    out = np.empty_like(ranked)
    out[order] = np.minimum.accumulate(ranked[::-1])[::-1]
    return np.minimum(out, 1.0)


def _tails(counts: Floats, means: Floats, variances: Floats, *, upper: bool) -> Floats:
    """P(X >= count) or P(X < count)."""
    sizes = means**2 / np.maximum(variances - means, means**2 / _MOST_SIZE)
    success = sizes / (sizes + means)
    above = _beta_share(counts, sizes, 1.0 - success) if upper else _beta_share(sizes, counts, success)
    large = (means > _LARGE) & (sizes > _LARGE)
    spread = np.sqrt(means + means**2 / sizes)
    distance = (counts - 0.5 - means) / spread
    normal = np.array([0.5 * math.erfc((z if upper else -z) / math.sqrt(2.0)) for z in distance[large]])
    above[large] = normal
    return above


def _beta_share(a: Floats, b: Floats, x: Floats) -> Floats:
    """The regularized incomplete beta function I_x(a, b), by its continued fraction (Lentz's way; DLMF 8.17.22)."""
    mirrored = x > (a + 1.0) / (a + b + 2.0)
    p, q = np.where(mirrored, b, a), np.where(mirrored, a, b)
    y = np.where(mirrored, 1.0 - x, x)
    front = np.exp(_log_gamma(p + q) - _log_gamma(p) - _log_gamma(q) + p * _log(y) + q * _log(1.0 - y)) / p
    share = np.clip(front * _fraction(p, q, y), 0.0, 1.0)
    return np.where(mirrored, 1.0 - share, share)


def _fraction(p: Floats, q: Floats, y: Floats) -> Floats:
    c = np.ones_like(y)
    d = 1.0 / _far_from_0(1.0 - (p + q) * y / (p + 1.0))
    value = d.copy()
    for step in range(1, _STEPS):
        even = step * (q - step) * y / ((p + 2 * step - 1) * (p + 2 * step))
        odd = -(p + step) * (p + q + step) * y / ((p + 2 * step) * (p + 2 * step + 1))
        for term in (even, odd):
            d = 1.0 / _far_from_0(1.0 + term * d)
            c = _far_from_0(1.0 + term / c)
            change = c * d
            value = value * change
        if np.all(np.abs(change - 1.0) < 1e-12):  # noqa: PLR2004 - of doubles
            break
    return value


def _far_from_0(values: Floats) -> Floats:
    return np.where(np.abs(values) < _TINY, _TINY, values)


def _log(values: Floats) -> Floats:
    return np.log(np.maximum(values, _TINY))


def _log_gamma(values: Floats) -> Floats:
    return np.array([math.lgamma(value) for value in values])
