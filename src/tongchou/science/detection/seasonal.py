"""Robust seasonal baseline: trend, harmonics, weekday and holiday, with the uncertainty of the fit (docs/methods/seasonal.md)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tongchou.science.detection.counts import count_quantiles, sizes_of, upper_mid_p
from tongchou.science.detection.model import Floats
from tongchou.science.detection.seasonal_kernel import CONVERGED, NOT_CONVERGED, TOO_SHORT, fit_steps

DAYS_PER_YEAR = 365.25
Status = Literal["converged", "too short", "not converged"]
STATUS: dict[int, Status] = {CONVERGED: "converged", TOO_SHORT: "too short", NOT_CONVERGED: "not converged"}


@dataclass(frozen=True, slots=True)
class SeasonalParams:
    """Parameters of the seasonal model. Penalties are in units of the dispersion: the inverse variance of a normal prior at dispersion 1."""

    step_days: int = 7
    year_steps: float | None = None  # steps a year has; None: 365.25 / step_days (52 equals R's weekly series without dates)
    harmonics: int = 2  # docs/methods/seasonal.md
    weekday: bool = False  # assumption: switch on for daily counts
    past_steps: int = 520  # docs/methods/seasonal.md: ten years of weeks
    left_out_steps: int = 2  # assumption, tried beside 4 on development seeds: the newest steps may already be an outbreak
    residual_limit: float = 2.0  # docs/methods/seasonal.md
    season_penalty: float = 3.0  # assumption: harmonics and weekdays rarely move the level more than twofold
    trend_penalty: float = 0.2  # assumption: the level may change severalfold over the whole past
    alpha: float = 0.01  # convention, one-sided

    def __post_init__(self) -> None:
        if self.step_days < 1 or self.harmonics < 0 or self.past_steps < 8 or self.left_out_steps < 0 or not 0 < self.alpha < 0.5:
            raise ValueError(f"SeasonalParams out of range: {self}")
        if min(self.season_penalty, self.trend_penalty) < 0 or self.residual_limit <= 0:
            raise ValueError(f"SeasonalParams: penalties must not be negative, residual_limit must be positive; got {self}")
        if self.weekday and self.step_days != 1:
            raise ValueError("SeasonalParams: weekday is for daily steps")


@dataclass(frozen=True, slots=True, eq=False)
class Baseline:
    """Expected counts (series, steps evaluated), standard error of the expectation, dispersion of counts, and whether the fit held."""

    steps: NDArray[np.int64]
    expected: Floats
    error: Floats
    dispersion: Floats
    status: NDArray[np.int64]

    @property
    def variance(self) -> Floats:
        """Variance of a new count: its own and that of its estimated mean."""
        return np.asarray(self.dispersion * self.expected + self.error**2)

    def status_of(self, series: int, step: int) -> Status:
        """How the fit of one evaluated step went, in words."""
        return STATUS[int(self.status[series, step])]


def seasonal_baseline(
    counts: Floats,
    steps: Sequence[int],
    params: SeasonalParams = SeasonalParams(),
    first_day: date | None = None,
    offsets: Floats | None = None,
    holidays: NDArray[np.bool_] | None = None,
) -> Baseline:
    """Fit each evaluated step to the past before it and predict its count.

    Parameters
    ----------
    counts: (steps,) or (series, steps), at least 0; NaN = missing.
    steps: positions to evaluate, rising; each sees only the ``past_steps`` that end ``left_out_steps`` before it.
    first_day: first day of step 0; needed for weekdays.
    offsets: sites that reported, same shape as counts, positive; expected counts are proportional to them. A step with 0 or NaN
        counts as missing.
    holidays: (steps,) bool, one factor common to all holidays; the days before and after are ordinary.

    Returns
    -------
    Baseline; NaN where the past is too short (fewer than two values per coefficient) or the fit did not converge.

    Notes
    -----
    log mu_t = intercept + trend + sum_j (a_j cos + b_j sin)(2 pi j t / year) [+ weekday + holiday] + log offset; quasi-Poisson,
    variance phi mu, phi >= 1. Values with Anscombe residual r above the limit weigh (limit / r)^2. A ridge pulls all but the
    intercept to 0. A past without a single event has no maximum: its rate is that of half an event (Jeffreys). Errs towards alarms where a level has shifted within the past window, towards silence after unlabelled
    outbreaks that last for months.

    References
    ----------
    10.1002/sim.5595 (weights), 10.1016/j.csda.2009.12.008 (residuals of overdispersed counts)

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> base = seasonal_baseline(rng.poisson(20, 300), [299])
    >>> bool(15 < base.expected[0, 0] < 25)
    True
    """
    values = _counts(counts)
    chosen = np.asarray(steps, dtype=np.int64)
    if len(chosen) and (chosen.min() < 0 or chosen.max() >= values.shape[1] or np.any(np.diff(chosen) <= 0)):
        raise ValueError(f"steps must rise and lie in 0..{values.shape[1] - 1}")
    log_offset = np.zeros(values.shape)
    if offsets is not None:
        exposure = np.atleast_2d(np.asarray(offsets, dtype=np.float64))
        if exposure.shape != values.shape or np.any(exposure < 0) or np.any(np.isinf(exposure)):
            raise ValueError(f"offsets must have the shape of counts, {values.shape}, finite and not negative; got {exposure.shape}")
        usable = exposure > 0
        log_offset = np.where(usable, np.log(np.where(usable, exposure, 1.0)), 0.0)
        values = np.where(usable, values, np.nan)
    design, penalty = design_of(values.shape[1], params, first_day, holidays)
    shape = (len(values), len(chosen))
    expected, error, dispersion, status = np.empty(shape), np.empty(shape), np.empty(shape), np.empty(shape, dtype=np.int64)
    fit_steps(
        values, design, log_offset, chosen, params.past_steps, params.left_out_steps, penalty, params.residual_limit,
        expected, error, dispersion, status,
    )  # fmt: skip
    return Baseline(chosen, expected, error, dispersion, status)


def design_of(steps: int, params: SeasonalParams, first_day: date | None, holidays: NDArray[np.bool_] | None) -> tuple[Floats, Floats]:
    """Regressors (steps, coefficients) and the penalty of each coefficient."""
    t = np.arange(steps, dtype=np.float64)
    year = params.year_steps or DAYS_PER_YEAR / params.step_days
    columns, penalty = [np.ones(steps), t / params.past_steps], [0.0, params.trend_penalty]
    for j in range(1, params.harmonics + 1):
        columns += [np.cos(2 * np.pi * j * t / year), np.sin(2 * np.pi * j * t / year)]
    if params.weekday:
        if first_day is None:
            raise ValueError("seasonal_baseline: weekdays need first_day")
        weekday = (first_day.weekday() + np.arange(steps)) % 7
        columns += [(weekday == d).astype(float) - (weekday == 6) for d in range(6)]
    if holidays is not None:
        free = np.asarray(holidays, dtype=bool)
        if free.shape != (steps,):
            raise ValueError(f"holidays must have shape ({steps},), got {free.shape}")
        columns.append(free.astype(float))
    penalty += [params.season_penalty] * (len(columns) - 2)
    return np.ascontiguousarray(np.array(columns).T), np.array(penalty)


def mid_p(counts: Floats, baseline: Baseline) -> Floats:
    """P(Y > y) + P(Y = y)/2 of each evaluated count under its baseline; NaN where either is missing.

    Examples
    --------
    >>> counts = np.r_[np.full(150, 4.0), 12.0]
    >>> base = seasonal_baseline(counts, [150])
    >>> mid_p(counts, base).round(4), upper_bounds(base, alpha=0.01)
    (array([[0.0009]]), array([[10.]]))
    """
    return mid_p_of(_counts(counts)[:, baseline.steps], baseline.expected, baseline.variance)


def mid_p_of(counts: Floats, mean: Floats, variance: Floats) -> Floats:
    """P(Y > y) + P(Y = y)/2 of negative binomial counts, Poisson where the variance is the mean; arrays of one shape."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found = upper_mid_p(counts, mean, sizes_of(mean, variance / mean))
    return np.where(np.isnan(counts) | np.isnan(mean), np.nan, found)


def upper_bounds(baseline: Baseline, alpha: float) -> Floats:
    """Largest counts that do not exceed the 1 - alpha quantile of the prediction; an example stands with `mid_p`."""
    upper = np.full(baseline.expected.shape, np.nan)
    known = np.isfinite(baseline.expected)
    mean = baseline.expected[known]
    upper[known] = count_quantiles(1 - alpha, mean, baseline.variance[known] / mean)
    return upper


def _counts(counts: Floats) -> Floats:
    values = np.atleast_2d(np.asarray(counts, dtype=np.float64))
    if values.ndim != 2:
        raise ValueError(f"counts must be (steps,) or (series, steps), got shape {values.shape}")
    if np.any(np.isinf(values)) or np.any(values < 0):
        raise ValueError("counts must be finite and not negative (NaN = missing)")
    return np.ascontiguousarray(values)
