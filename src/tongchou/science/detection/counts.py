"""Poisson and negative binomial counts: quantiles, bands, mid-p values, quantiles of mixtures."""

import math

import numpy as np
from numba import njit
from scipy.special import betainc, gammainc

from tongchou.science.detection.model import Floats

LARGEST_MEAN = 1e7
LARGEST_SIZE = 1e9
POISSON_BELOW = 1.0001


@njit(cache=True, error_model="numpy")
def _quantile(p, mean, dispersion):  # type: ignore[no-untyped-def]
    """Smallest k with P(Y <= k) >= p, summed from twelve standard deviations below the mean."""
    if not mean <= LARGEST_MEAN:
        return np.inf
    k = max(0.0, math.floor(mean - 12 * math.sqrt(dispersion * mean)))
    if dispersion > 1:
        size = mean / (dispersion - 1)
        log_p = math.lgamma(k + size) - math.lgamma(size) - math.lgamma(k + 1) - size * math.log(dispersion)
        mass = math.exp(log_p + k * math.log(1 - 1 / dispersion))
    else:
        size = 0.0
        mass = math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) if mean > 0 else 1.0
    total = mass
    while total < p and mass > 0:
        mass *= (k + size) / (k + 1) * (1 - 1 / dispersion) if dispersion > 1 else mean / (k + 1)
        k += 1
        total += mass
    return k


@njit(cache=True, error_model="numpy")
def count_quantiles(p, means, dispersions):  # type: ignore[no-untyped-def]
    """Quantile of Poisson (dispersion 1) or negative binomial counts; infinite where the mean is beyond any use."""
    quantiles = np.empty(means.shape[0])
    for i in range(means.shape[0]):
        quantiles[i] = _quantile(p, means[i], dispersions[i])
    return quantiles


def sizes_of(means: Floats, dispersion: float | Floats) -> Floats:
    """Sizes of negative binomials with variance dispersion x mean (very large for Poisson)."""
    spread = np.maximum(np.asarray(dispersion, dtype=np.float64) - 1, POISSON_BELOW - 1)
    wide = np.asarray(dispersion) > POISSON_BELOW
    return np.asarray(np.where(wide, np.minimum(means / spread, LARGEST_SIZE), LARGEST_SIZE))


def upper_tail(counts: Floats, means: Floats, sizes: Floats) -> Floats:
    """P(Y > count); sizes of `LARGEST_SIZE` or more are Poisson."""
    following = np.floor(counts) + 1
    at_least = np.maximum(following, 1e-300)
    poisson = gammainc(at_least, means)
    wide = betainc(at_least, sizes, means / (sizes + means))
    return np.asarray(np.where(following <= 0, 1.0, np.where(sizes >= LARGEST_SIZE, poisson, wide)))


def upper_mid_p(counts: Floats, means: Floats, sizes: Floats) -> Floats:
    """P(Y > count) + P(Y = count)/2; NaN where an argument is."""
    return (upper_tail(counts, means, sizes) + upper_tail(counts - 1, means, sizes)) / 2


def count_bands(counts: Floats, means: Floats, sizes: Floats, coverage: float) -> tuple[Floats, Floats, Floats]:
    """Lower and upper end of the central band and upper mid-p values, all (n,); NaN counts give NaN mid-p."""
    tail = (1 - coverage) / 2
    dispersions = np.where(sizes >= LARGEST_SIZE, 1.0, 1 + means / sizes)
    bands = count_quantiles(tail, means, dispersions), count_quantiles(1 - tail, means, dispersions)
    return *bands, upper_mid_p(counts, means, sizes)


def mixture_quantile(p: float, weights: Floats, means: Floats, size: float) -> float:
    """Smallest whole k with P(Y <= k) >= p for a mixture of counts of one size."""
    low, high = -1, max(8, int(means.max() * 4 + 50))
    sizes = np.full(means.shape, size)
    while high - low > 1:
        middle = (low + high) // 2
        below = 1 - float(weights @ upper_tail(np.full(means.shape, float(middle)), means, sizes))
        low, high = (low, middle) if below >= p else (middle, high)
    return float(high)
