"""Growth rate and doubling time of daily counts."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import t as student

from tongchou.science.reproduction.serial_interval import Floats, checked_incidence

STEEPEST = 3.0  # a day: twentyfold; beyond it the counts sit on one or two days and say nothing of a rate
ROUNDS = 60


@dataclass(frozen=True, slots=True)
class Growth:
    """Growth of log counts a day with its interval; doubling time in days, negative = halving.

    ``doubling_low`` and ``doubling_high`` are NaN when the interval of the rate holds 0: then neither growth nor decline is shown.
    All NaN when fewer than two days have cases.
    """

    per_day: float
    low: float
    high: float
    dispersion: float
    doubling_days: float
    doubling_low: float
    doubling_high: float


def growth_rate(counts: ArrayLike, coverage: float = 0.95) -> Growth:
    """Fit a straight line to the logarithm of daily counts.

    Parameters
    ----------
    counts: (days,) daily counts of one window, 0 or more, at least 3; whole weeks, so that weekdays do not tilt the line.
    coverage: of the interval, e.g. 0.95.

    Returns
    -------
    Growth

    Notes
    -----
    log mu_t = alpha + r t, variance phi mu (quasi-Poisson); alpha given r is closed, r by Newton. phi = Pearson / (n - 2), at least 1;
    sd of r = sqrt(phi / (sum y Var_mu(t))); Student interval with n - 2 degrees of freedom. Doubling time = log 2 / r.
    Assumes one rate over the window and complete reports; use `growth_of_draws` for the last days.

    Examples
    --------
    >>> found = growth_rate([10, 12, 13, 17, 18, 22, 26, 28, 33, 41, 45, 52, 64, 71])
    >>> round(found.per_day, 2), round(found.doubling_days, 1)
    (0.15, 4.6)
    """
    values = checked_incidence(counts, "counts", least_days=3)
    half = _half_width(coverage, len(values))
    rate, sd, dispersion = (float(x[0]) for x in _fit(values[None, :]))
    return _growth(rate, rate - half * sd, rate + half * sd, dispersion)


def growth_of_draws(counts: Floats, rng: np.random.Generator, coverage: float = 0.95) -> Growth:
    """Growth rate over equally likely histories (draws, days) of one window: what is not yet reported widens the interval.

    One rate is drawn for each history from its own Student interval; the interval is that of all. Histories without a rate are left out.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> histories = rng.poisson(20 * np.exp(0.1 * np.arange(14)), size=(200, 14))
    >>> found = growth_of_draws(histories, rng)
    >>> bool(found.low < 0.1 < found.high)
    True
    """
    histories = np.asarray(counts, dtype=np.float64)
    if histories.ndim != 2 or histories.shape[1] < 3 or not np.all(np.isfinite(histories)) or np.any(histories < 0):
        raise ValueError("draws: needs (draws, days) of counts of 0 or more over at least 3 days, none missing")
    _half_width(coverage, histories.shape[1])
    rate, sd, dispersion = _fit(histories)
    drawn = (rate + sd * rng.standard_t(histories.shape[1] - 2, size=len(rate)))[np.isfinite(rate)]
    if not len(drawn):
        return _growth(math.nan, math.nan, math.nan, math.nan)
    low, middle, high = np.quantile(drawn, [(1 - coverage) / 2, 0.5, (1 + coverage) / 2])
    return _growth(float(middle), float(low), float(high), float(np.nanmean(dispersion)))


def _half_width(coverage: float, days: int) -> float:
    if not 0 < coverage < 1:
        raise ValueError(f"coverage must lie between 0 and 1, got {coverage}")
    return float(student.ppf((1 + coverage) / 2, days - 2))


def _fit(histories: Floats) -> tuple[Floats, Floats, Floats]:
    """Rate, its sd and the dispersion of each history; NaN where fewer than two days have cases or they fix no rate."""
    t = np.arange(histories.shape[1], dtype=np.float64) - (histories.shape[1] - 1) / 2
    total, first = histories.sum(axis=1), histories @ t
    rate = np.zeros(len(histories))
    usable = (histories > 0).sum(axis=1) >= 2
    for _ in range(ROUNDS):
        weight = np.exp(rate[:, None] * t)
        weight /= weight.sum(axis=1, keepdims=True)
        centre = weight @ t
        spread = np.maximum(weight @ t**2 - centre**2, 1e-12)
        step = np.divide(first / np.where(total > 0, total, 1) - centre, spread, where=usable, out=np.zeros(len(rate)))
        rate = np.clip(rate + np.clip(step, -0.5, 0.5), -STEEPEST, STEEPEST)
    mean = total[:, None] * weight
    usable &= np.abs(rate) < STEEPEST
    with np.errstate(divide="ignore", invalid="ignore"):
        pearson = np.where(mean > 0, (histories - mean) ** 2 / mean, 0).sum(axis=1)
        dispersion = np.maximum(pearson / (len(t) - 2), 1.0)
        sd = np.sqrt(dispersion / (total * spread))
    return tuple(np.where(usable, x, np.nan) for x in (rate, sd, dispersion))  # type: ignore[return-value]


def _growth(rate: float, low: float, high: float, dispersion: float) -> Growth:
    """Add the doubling time; its interval exists only where the sign of the rate is known."""

    def doubling(value: float) -> float:
        return math.nan if math.isnan(value) else math.inf if value == 0 else math.log(2) / value

    known = low > 0 or high < 0
    return Growth(rate, low, high, dispersion, doubling(rate), doubling(high) if known else math.nan, doubling(low) if known else math.nan)
