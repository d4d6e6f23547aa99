"""Farrington's algorithm, original (1996) and improved (Noufaily et al. 2013): a quasi-Poisson model of the same season in past years."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student

from tongchou.science.detection.counts import count_quantiles
from tongchou.science.detection.farrington_kernel import ADDED, fit_all
from tongchou.science.detection.model import Floats
from tongchou.science.detection.series import Calendar, Detection, checked_counts, exceedance, shaped


@dataclass(frozen=True, slots=True)
class FarringtonParams:
    """Parameters (F96: Farrington 1996, 10.2307/2983331; N13: Noufaily 2013, 10.1002/sim.5595; S16: Salmon 2016, 10.18637/jss.v070.i10)."""

    years_back: int = 5  # N13
    half_window: int = 3  # N13, weeks
    periods: int = 10  # N13: this season and nine more; 1 = only this season's windows are used
    past_weeks_left_out: int = 26  # N13
    reweight: bool = True  # F96
    weights_threshold: float = 2.58  # N13: Anscombe residual above which a past week is down-weighted
    may_trend: bool = True  # F96
    trend_p: float = 1.0  # N13: trend always tried; F96: 0.05
    trend_least_years: int = 3  # F96
    bound: Literal["delta", "nbPlugin", "muan"] = "nbPlugin"  # S16
    power: float = 2 / 3  # F96, for "delta": 2/3 takes out the skewness, 1/2 steadies the variance, 1 does neither
    alpha: float = 0.01  # N13
    two_sided: bool = False  # F96: True, so that alpha 0.05 is 0.025 above
    textbook_variance: bool = False  # F96: True; False: as R's program of N13, see the notes
    least_events: int = 5  # F96: no bound below 5 events ...
    least_events_weeks: int = 4  # ... in 4 weeks

    def __post_init__(self) -> None:
        if self.years_back < 1 or self.half_window < 0 or self.periods < 1 or not 0 < self.alpha < 0.5:
            raise ValueError(f"FarringtonParams: years_back and periods from 1, half_window from 0, alpha in (0, 0.5); got {self}")
        if self.bound not in ("delta", "nbPlugin", "muan") or not 0 < self.power <= 1 or not self.weights_threshold > 0:
            raise ValueError(f"FarringtonParams: bound delta, nbPlugin or muan, power in (0, 1], weights_threshold above 0; got {self}")
        if min(self.past_weeks_left_out, self.least_events, self.least_events_weeks) < 0 or not 0 <= self.trend_p <= 1:
            raise ValueError(f"FarringtonParams: no negative number of weeks or events, trend_p in [0, 1]; got {self}")


ORIGINAL = FarringtonParams(
    periods=1, past_weeks_left_out=0, weights_threshold=1.0, trend_p=0.05, bound="delta", alpha=0.05, two_sided=True, textbook_variance=True
)  # F96


@dataclass(frozen=True, slots=True, eq=False)
class FarringtonResult:
    """Arrays (series, evaluated weeks). ``upper`` is NaN where there are too few events or no usable past; then ``alarm`` is False."""

    weeks: NDArray[np.int64]
    expected: Floats
    upper: Floats
    dispersion: Floats
    has_trend: NDArray[np.bool_]
    alarm: NDArray[np.bool_]


def farrington(counts: Floats, params: FarringtonParams = FarringtonParams(), calendar: Calendar = Calendar()) -> Detection:
    """Bound every count that has a year of past by what the same season of past years lets expect.

    Parameters
    ----------
    counts: (..., weeks), whole numbers; NaN = missing (left out of the past; never alarms).
    calendar: with `first_day` years are calendar years (the Monday nearest to the same date), as R does for series with dates.

    Returns
    -------
    Detection, equal to R surveillance 1.20.3 `farringtonFlexible` (default) and `farrington` (params `ORIGINAL`): bounds 1e-6, nbPlugin and
    muan exactly. The score is the exceedance; for nbPlugin and muan, as in R, with the logarithm of the mean in place of the mean.

    Notes
    -----
    log mu_t = alpha_season(t) + beta t, variance phi mu, fitted twice; after the first fit weeks with Anscombe residual s above the
    threshold get weight s^-2. Bound "delta": (mu^p + z p mu^(p-1) sqrt(tau mu))^(1/p), tau = phi + mu var(log mu). As in R, in the improved
    version the standard error of the prediction uses sum omega ((y - mu)/mu)^2 / df instead of phi (R overwrites the working weights);
    the trend is dropped when it is not significant, predicts more than was ever seen or has fewer than three years. Errs towards silence
    after past outbreaks and where counts are low (no bound below 5 events in 4 weeks).

    References
    ----------
    10.2307/2983331, 10.1002/sim.5595, 10.18637/jss.v070.i10

    Examples
    --------
    >>> import numpy as np
    >>> counts = np.tile([3.0, 5.0, 4.0, 4.0], 80)
    >>> counts[-1] = 30
    >>> farrington(counts, ORIGINAL).alarm[-1]
    np.True_
    """
    values = checked_counts(counts)
    weeks = np.arange(min(calendar.steps_per_year + params.half_window, values.shape[1]), values.shape[1])
    fitted, bounds = _fitted(values, weeks, params, calendar)
    expected, upper, score = (np.full(values.shape, np.nan) for _ in range(3))
    expected[:, weeks], upper[:, weeks] = fitted.expected, fitted.upper
    if params.bound == "delta":
        centre = fitted.expected
    else:
        with np.errstate(divide="ignore"):
            centre = np.log(fitted.expected)
    score[:, weeks] = exceedance(values[:, weeks], centre, bounds)
    return shaped(counts, expected, upper, score, values > upper)


def farrington_flexible(
    counts: Floats, weeks: Sequence[int], params: FarringtonParams = FarringtonParams(), first_day: date | None = None
) -> FarringtonResult:
    """The fits of some weeks only: mean, bound, dispersion and trend of each; see `farrington`.

    Parameters
    ----------
    counts: (weeks,) or (series, weeks), whole numbers; NaN = missing (left out of the past; never alarms).
    weeks: positions to evaluate. A past that begins before the first week is cut off.
    first_day: Monday of week 0; then years are calendar years. None: a year has 52 weeks.
    """
    values = checked_counts(counts)
    chosen = np.asarray(weeks, dtype=np.int64)
    if len(chosen) and (chosen.min() < 0 or chosen.max() >= values.shape[1]):
        raise ValueError(f"weeks must lie in 0..{values.shape[1] - 1}")
    return _fitted(values, chosen, params, Calendar(first_day=first_day))[0]


def _fitted(values: Floats, weeks: NDArray[np.int64], params: FarringtonParams, calendar: Calendar) -> tuple[FarringtonResult, Floats]:
    """The fits, and every bound that they give, also where there are too few events to use it."""
    starts, lengths, groups = reference_runs(weeks, params, calendar)
    longest = int(lengths.sum(axis=1).max()) if len(weeks) else 0
    df = np.maximum(np.arange(longest + 1), 1)
    critical = np.zeros(longest + 1) if params.trend_p >= 1 else student.ppf(1 - params.trend_p / 2, df)
    # Without reweighting R has no weights to overwrite.
    textbook = params.textbook_variance or not params.reweight
    expected, dispersion, variance, trend = fit_all(
        values, weeks, starts, lengths, groups, params.periods, params.weights_threshold if params.reweight else np.inf,
        params.may_trend and params.years_back >= params.trend_least_years, textbook, critical, *_tables(values),
    )  # fmt: skip
    events = np.concatenate([np.zeros((len(values), 1)), np.cumsum(np.nan_to_num(values), axis=1)], axis=1)
    recent = events[:, weeks + 1] - events[:, np.maximum(weeks + 1 - params.least_events_weeks, 0)]
    bounds = np.full(expected.shape, np.nan)
    known = ~np.isnan(expected)
    bounds[known] = upper_bound(expected[known], dispersion[known], variance[known], params)
    upper = np.where(recent >= params.least_events, bounds, np.nan)
    return FarringtonResult(weeks, expected, upper, dispersion, trend, values[:, weeks] > upper), bounds


def upper_bound(expected: Floats, dispersion: Floats, variance: Floats, params: FarringtonParams) -> Floats:
    """Upper bound of counts with the given mean, dispersion and variance of the log mean, each (n,)."""
    tail = params.alpha / 2 if params.two_sided else params.alpha
    z = float(norm.ppf(1 - tail))
    if params.bound == "delta":
        tau = dispersion + variance * expected
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(expected * (1 + params.power * z * np.sqrt(tau / expected)) ** (1 / params.power))
    with np.errstate(over="ignore"):
        mean = expected if params.bound == "nbPlugin" else expected * np.exp(z * np.sqrt(variance))
    return np.asarray(count_quantiles(1 - tail, mean, dispersion))


def reference_runs(
    weeks: NDArray[np.int64], params: FarringtonParams, calendar: Calendar = Calendar()
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Runs of past weeks that belong to one season group: start, length (0 = unused), group, each (evaluated weeks, runs)."""
    year = calendar.steps_per_year
    if 2 * params.half_window + 1 > year or (params.periods > 1 and params.past_weeks_left_out > year - params.half_window - 1):
        raise ValueError(
            f"FarringtonParams: half_window {params.half_window} and past_weeks_left_out {params.past_weeks_left_out} leave no window of the "
            f"last season in a year of {year} steps; make them smaller"
        )
    known: dict[tuple[int, ...], NDArray[np.int64]] = {}
    rows = []
    for week in weeks.tolist():
        back = tuple(centre - week for centre in calendar.anniversaries(week, params.years_back))
        if back not in known:
            known[back] = np.array(_runs_around(back, params), dtype=np.int64)
        rows.append(known[back])
    shape = (len(weeks), params.years_back * (params.periods if params.periods > 1 else 1), 3)
    relative = np.array(rows, dtype=np.int64).reshape(shape)
    # With season groups every week counts up to those left out; without, the windows alone.
    last = weeks[:, None] - (params.past_weeks_left_out if params.periods > 1 else 0)
    starts = np.maximum(relative[:, :, 0] + weeks[:, None], 0)
    return starts, np.maximum(np.minimum(relative[:, :, 1] + weeks[:, None], last) - starts, 0), np.ascontiguousarray(relative[:, :, 2])


def _runs_around(back: Sequence[int], params: FarringtonParams) -> list[tuple[int, int, int]]:
    """Begin, end and group of every run, in weeks from now, around the same season of past years (``back``, negative, oldest first)."""
    w, runs = params.half_window, []
    for centre, following in pairwise([*back, 0]):
        runs.append((centre - w, centre + w + 1, 0))
        if params.periods > 1:
            begin, end = centre + w + 1, following - w
            cuts = [begin - int(-(k * (end - begin)) // (params.periods - 1)) for k in range(params.periods)]
            runs += [(cuts[k], cuts[k + 1], k + 1) for k in range(params.periods - 1)]
    return runs


def _tables(values: Floats) -> tuple[Floats, Floats]:
    """log(y + 0.1) and y log y for every count that occurs: the kernel needs no logarithm."""
    largest = 0 if np.all(np.isnan(values)) else int(np.nanmax(values))
    y = np.arange(largest + 1, dtype=np.float64)
    return np.log(y + ADDED), y * np.log(np.maximum(y, 1))
