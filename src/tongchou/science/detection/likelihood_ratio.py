"""Generalised likelihood ratio charts for counts with season and trend: Poisson and negative binomial (Höhle & Paul 2008)."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numba import njit

from tongchou.science.detection.harmonic_glm import LARGEST_LOG_MEAN, SMALLEST_MEAN, design, fit_negative_binomial, fit_poisson
from tongchou.science.detection.model import Floats
from tongchou.science.detection.series import Calendar, Detection, checked_counts, shaped

NEWTON_START = 0.5  # R: every step's search begins here
NEWTON_STEPS = 50
NEWTON_TOLERANCE = 1e-6
NO_DISPERSION = 1e-10


@dataclass(frozen=True, slots=True)
class LikelihoodRatioParams:
    """Parameters of the GLR charts (HP08: Höhle & Paul 2008, 10.1016/j.csda.2008.02.015)."""

    threshold: float = 5.0  # R surveillance default
    learning_steps: int = 104  # assumption: two years for the model of the mean; the chart begins after them
    harmonics: int = 1  # HP08
    trend: bool = True  # HP08
    window_steps: int = 0  # HP08: onsets this many steps back at most; 0 = any since the last alarm
    dispersion: float | None = None  # variance mu + a mu^2; None: estimated from the learning steps. Poisson: not used
    search: Literal["newton", "exact"] = "newton"  # newton: as R, which misses steep rises of negative binomial counts; see the notes

    def __post_init__(self) -> None:
        if not self.threshold > 0 or self.learning_steps < 1 or self.harmonics < 0 or self.window_steps < 0:
            raise ValueError(
                f"LikelihoodRatioParams: threshold above 0, learning_steps from 1, harmonics and window_steps from 0; got {self}"
            )
        if self.search not in ("newton", "exact") or (self.dispersion is not None and self.dispersion < 0):
            raise ValueError(f"LikelihoodRatioParams: search newton or exact, dispersion of at least 0; got {self}")


def glr_poisson(counts: Floats, params: LikelihoodRatioParams = LikelihoodRatioParams(), calendar: Calendar = Calendar()) -> Detection:
    """Flag when "the log mean rose by some amount at some past step" beats "it did not" by the threshold; then begin again.

    Parameters
    ----------
    counts: (..., steps), whole numbers; NaN = missing: adds no evidence, no alarm.
    calendar: only its steps per year count, for the harmonics.

    Returns
    -------
    Detection, equal to R surveillance 1.20.3 `glrpois` with ret="value" (1e-8). Score = the statistic, no bound, expected = mu0.

    Notes
    -----
    mu0 from a Poisson model with trend and season on the learning steps. For an onset at k, X and M sums of counts and of mu0 from k to now:
    kappa = log(X/M) if that is positive, statistic = max over k of X kappa - (e^kappa - 1) M. Assumes Poisson counts: with overdispersion far
    too many alarms. A trend carried on for years is a guess; a past outbreak in the learning steps raises mu0.

    References
    ----------
    10.1016/j.csda.2008.02.015

    Examples
    --------
    >>> import numpy as np
    >>> glr_poisson(np.r_[np.tile([3.0, 4.0, 5.0], 40), 20]).alarm[-1]
    np.True_
    """
    return _chart(counts, params, calendar, is_poisson=True)


def glr_negative_binomial(
    counts: Floats, params: LikelihoodRatioParams = LikelihoodRatioParams(), calendar: Calendar = Calendar()
) -> Detection:
    """As `glr_poisson`, for negative binomial counts with variance mu + a mu^2.

    Parameters
    ----------
    counts: (..., steps), whole numbers; NaN = missing: adds no evidence, no alarm.

    Returns
    -------
    Detection, equal to R surveillance 1.20.3 `glrnb` with ret="value" (1e-8).

    Notes
    -----
    As `glr_poisson`, with a and mu0 by maximum likelihood on the learning steps and kappa found by iteration. ``search="newton"`` does
    what R does: Newton's method from 0.5 for the earliest onset, from there for the next. Where the mean is low and the rise steep it runs away and
    the onset counts as none: the steeper the rise the blinder the chart (S. Newport in its largest week of 2011: 163, and R says 0). ``search="exact"``
    brackets the maximum and cannot fail; take it for anything but a comparison with R.

    References
    ----------
    10.1016/j.csda.2008.02.015

    Examples
    --------
    >>> import numpy as np
    >>> exact = LikelihoodRatioParams(search="exact")
    >>> glr_negative_binomial(np.r_[np.tile([0.0, 9.0, 2.0, 5.0], 30), 60], exact).alarm[-1]
    np.True_
    """
    return _chart(counts, params, calendar, is_poisson=False)


def _chart(counts: Floats, params: LikelihoodRatioParams, calendar: Calendar, is_poisson: bool) -> Detection:
    values = checked_counts(counts)
    begin, steps = params.learning_steps, values.shape[1]
    expected, score = np.full(values.shape, np.nan), np.full(values.shape, np.nan)
    x = design(steps, calendar.steps_per_year, params.harmonics, params.trend)
    for row, y in enumerate(values):
        learning = np.flatnonzero(~np.isnan(y[:begin]))
        if steps <= begin or len(learning) <= x.shape[1]:
            continue
        a = 0.0
        if is_poisson:
            coefficients = fit_poisson(y[learning], x[learning])
        else:
            coefficients, a = fit_negative_binomial(y[learning], x[learning], params.dispersion)
        mu = np.maximum(np.exp(np.minimum(x[begin:] @ coefficients, LARGEST_LOG_MEAN)), SMALLEST_MEAN)
        expected[row, begin:] = mu
        window = params.window_steps or steps
        there = np.flatnonzero(~np.isnan(y[begin:]))
        seen, mu = y[begin + there], mu[there]
        if a < NO_DISPERSION:
            score[row, begin + there] = poisson_statistics(seen, mu, params.threshold, window)
        else:
            score[row, begin + there] = negative_binomial_statistics(seen, mu, a, params.threshold, window, params.search == "exact")
    return shaped(counts, expected, np.full(values.shape, np.nan), score, score >= params.threshold)


@njit(cache=True, error_model="numpy")
def poisson_statistics(y, mu, threshold, window):  # type: ignore[no-untyped-def]
    """Statistic at each step, begun again after each alarm. All (steps,), without missing counts."""
    statistics, first = np.empty(y.shape[0]), 0
    for t in range(y.shape[0]):
        best, counted, foreseen = 0.0, 0.0, 0.0
        for k in range(t, max(first, t - window + 1) - 1, -1):
            counted += y[k]
            foreseen += mu[k]
            if counted > foreseen:
                best = max(best, counted * math.log(counted / foreseen) - (counted - foreseen))
        statistics[t] = best
        if best >= threshold:
            first = t + 1
    return statistics


@njit(cache=True, error_model="numpy", fastmath={"reassoc"})
def _slope(y, mu, a, k, t, kappa):  # type: ignore[no-untyped-def]
    """First and second derivative of the log likelihood ratio in kappa, over steps k..t."""
    rise, score, curvature = math.exp(kappa), 0.0, 0.0
    for i in range(k, t + 1):
        mean = mu[i] * rise
        share = 1 / (1 + a * mean)
        pull = (a * y[i] + 1) * mean * share
        score += y[i] - pull
        curvature -= pull * share
    return score, curvature


@njit(cache=True, error_model="numpy")
def _ratio(y, mu, a, k, t, kappa):  # type: ignore[no-untyped-def]
    total, rise = 0.0, math.exp(kappa)
    for i in range(k, t + 1):
        total += y[i] * kappa - (y[i] + 1 / a) * math.log((1 + a * mu[i] * rise) / (1 + a * mu[i]))
    return total


@njit(cache=True, error_model="numpy")
def _newton(y, mu, a, k, t, kappa):  # type: ignore[no-untyped-def]
    """Newton's method without a safeguard; not finite when it ran away."""
    for _ in range(NEWTON_STEPS):
        score, curvature = _slope(y, mu, a, k, t, kappa)
        moved = kappa - score / curvature
        if not math.isfinite(moved) or abs(moved - kappa) < NEWTON_TOLERANCE:
            return moved
        kappa = moved
    return kappa


@njit(cache=True, error_model="numpy")
def _bracketed(y, mu, a, k, t, kappa):  # type: ignore[no-untyped-def]
    """The maximum over kappa >= 0: Newton's method kept inside a bracket; the score only ever falls."""
    if _slope(y, mu, a, k, t, 0.0)[0] <= 0:
        return 0.0
    low, high = 0.0, 1.0
    while _slope(y, mu, a, k, t, high)[0] > 0:
        low, high = high, 2 * high
    kappa = min(max(kappa, low), high)
    for _ in range(100):
        score, curvature = _slope(y, mu, a, k, t, kappa)
        if score > 0:
            low = kappa
        else:
            high = kappa
        moved = kappa - score / curvature
        if not low < moved < high:
            moved = (low + high) / 2
        if abs(moved - kappa) < 1e-12 * (1 + kappa):
            return moved
        kappa = moved
    return kappa


@njit(cache=True, error_model="numpy")
def negative_binomial_statistics(y, mu, a, threshold, window, is_exact):  # type: ignore[no-untyped-def]
    """Statistic at each step, begun again after each alarm. All (steps,), without missing counts."""
    statistics, first = np.empty(y.shape[0]), 0
    for t in range(y.shape[0]):
        best, kappa = 0.0, NEWTON_START
        for k in range(max(first, t - window + 1), t + 1):
            kappa = _bracketed(y, mu, a, k, t, kappa) if is_exact else _newton(y, mu, a, k, t, kappa)
            if not 0 < kappa < np.inf:
                kappa = 0.0  # also where the search ran away
                continue
            best = max(best, _ratio(y, mu, a, k, t, kappa))
        statistics[t] = best
        if best >= threshold:
            first = t + 1
    return statistics
