"""Improved Farrington algorithm (Noufaily et al. 2013): a quasi-Poisson model of the same season in past years."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student

from tongchou.science.detection.counts import count_quantiles
from tongchou.science.detection.farrington_kernel import fit_all
from tongchou.science.detection.model import Floats

WEEKS_PER_YEAR = 52


@dataclass(frozen=True, slots=True)
class FarringtonParams:
    """Parameters of the improved Farrington algorithm (N13: Noufaily 2013, 10.1002/sim.5595; S16: Salmon 2016, 10.18637/jss.v070.i10)."""

    years_back: int = 5  # N13
    half_window: int = 3  # N13, weeks
    periods: int = 10  # N13: this season and nine more; 1 = only this season's windows are used
    past_weeks_left_out: int = 26  # N13
    weights_threshold: float = 2.58  # N13: Anscombe residual above which a past week is down-weighted
    trend_p: float = 1.0  # N13: trend always tried; Farrington 1996: 0.05
    trend_least_years: int = 3  # Farrington 1996
    bound: Literal["delta", "nbPlugin", "muan"] = "nbPlugin"  # S16
    alpha: float = 0.01  # N13, one-sided
    least_events: int = 5  # Farrington 1996: no bound below 5 events ...
    least_events_weeks: int = 4  # ... in 4 weeks

    def __post_init__(self) -> None:
        if self.years_back < 1 or not 0 <= self.half_window <= 12 or self.periods < 1 or not 0 < self.alpha < 0.5:
            raise ValueError(f"FarringtonParams out of range: {self}")
        if self.periods > 1 and self.past_weeks_left_out > WEEKS_PER_YEAR - self.half_window - 1:
            raise ValueError("FarringtonParams: past_weeks_left_out would swallow the last season's window")


@dataclass(frozen=True, slots=True, eq=False)
class FarringtonResult:
    """Arrays (series, evaluated weeks). ``upper`` is NaN where there are too few events or no usable past; then ``alarm`` is False."""

    weeks: NDArray[np.int64]
    expected: Floats
    upper: Floats
    dispersion: Floats
    has_trend: NDArray[np.bool_]
    alarm: NDArray[np.bool_]


def farrington_flexible(
    counts: Floats, weeks: Sequence[int], params: FarringtonParams = FarringtonParams(), first_day: date | None = None
) -> FarringtonResult:
    """Bound the counts of the given weeks by what the same season of past years lets expect.

    Parameters
    ----------
    counts: (weeks,) or (series, weeks), whole numbers; NaN = missing (left out of the past; never alarms).
    weeks: positions to evaluate. A past that begins before the first week is cut off.
    first_day: Monday of week 0; then years are calendar years (the same Monday, nearest to the date one year back) as R does for
        series with dates. None: a year has 52 weeks.

    Returns
    -------
    FarringtonResult, equal to R surveillance 1.20.3 `farringtonFlexible` (bounds 1e-6, nbPlugin and muan exactly).

    Notes
    -----
    log mu_t = alpha_season(t) + beta t, variance phi mu, fitted twice; after the first fit weeks with Anscombe residual s above the
    threshold get weight s^-2. As in R, the standard error of the prediction uses sum omega ((y - mu)/mu)^2 / df instead of phi
    (R overwrites the working weights), the trend is dropped when it is not significant, predicts more than was ever seen or has
    fewer than three years. Errs towards silence after past outbreaks and where counts are low (no bound below 5 events in 4 weeks).

    References
    ----------
    10.1002/sim.5595, 10.2307/2983331, 10.18637/jss.v070.i10
    """
    values = _checked(counts)
    chosen = np.asarray(weeks, dtype=np.int64)
    if len(chosen) and (chosen.min() < 0 or chosen.max() >= values.shape[1]):
        raise ValueError(f"weeks must lie in 0..{values.shape[1] - 1}")
    starts, lengths, groups = reference_runs(chosen, params, first_day)
    longest = int(lengths.sum(axis=1).max()) if len(chosen) else 0
    df = np.maximum(np.arange(longest + 1), 1)
    critical = np.zeros(longest + 1) if params.trend_p >= 1 else student.ppf(1 - params.trend_p / 2, df)
    tables = _tables(values)
    expected, dispersion, variance, trend = fit_all(
        values, chosen, starts, lengths, groups, params.periods, params.weights_threshold,
        params.years_back >= params.trend_least_years, critical, *tables,
    )  # fmt: skip
    events = np.concatenate([np.zeros((len(values), 1)), np.cumsum(np.nan_to_num(values), axis=1)], axis=1)
    recent = events[:, chosen + 1] - events[:, np.maximum(chosen + 1 - params.least_events_weeks, 0)]
    usable = (recent >= params.least_events) & ~np.isnan(expected)
    upper = np.full(expected.shape, np.nan)
    upper[usable] = upper_bound(expected[usable], dispersion[usable], variance[usable], params)
    return FarringtonResult(chosen, expected, upper, dispersion, trend, values[:, chosen] > upper)


def upper_bound(expected: Floats, dispersion: Floats, variance: Floats, params: FarringtonParams) -> Floats:
    """Upper bound of counts with the given mean, dispersion and variance of the log mean, each (n,)."""
    z = float(norm.ppf(1 - params.alpha))
    if params.bound == "delta":
        tau = dispersion + variance * expected
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(expected * (1 + 2 / 3 * z * np.sqrt(tau / expected)) ** 1.5)
    with np.errstate(over="ignore"):
        mean = expected if params.bound == "nbPlugin" else expected * np.exp(z * np.sqrt(variance))
    return np.asarray(count_quantiles(1 - params.alpha, mean, dispersion))


def reference_runs(
    weeks: NDArray[np.int64], params: FarringtonParams, first_day: date | None
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Runs of past weeks that belong to one season group: start, length (0 = unused), group, each (evaluated weeks, runs)."""
    w = params.half_window
    per_year = params.periods if params.periods > 1 else 1
    shape = (len(weeks), params.years_back * per_year)
    starts, lengths, groups = np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for row, week in enumerate(weeks):
        centres = [*_anniversaries(int(week), params.years_back, first_day), int(week)]
        runs: list[tuple[int, int, int]] = []
        for centre, following in pairwise(centres):
            runs.append((centre - w, centre + w + 1, 0))
            if params.periods > 1:
                begin, end = centre + w + 1, following - w
                cuts = [begin - int(-(k * (end - begin)) // (params.periods - 1)) for k in range(params.periods)]
                runs += [(cuts[k], cuts[k + 1], k + 1) for k in range(params.periods - 1)]
        # With season groups every week counts up to those left out; without, the windows alone.
        last = int(week) - params.past_weeks_left_out if params.periods > 1 else int(week)
        for column, (begin, end, group) in enumerate(runs):
            begin, end = max(begin, 0), min(end, last)
            starts[row, column], lengths[row, column], groups[row, column] = begin, max(end - begin, 0), group
    return starts, lengths, groups


def _anniversaries(week: int, years_back: int, first_day: date | None) -> list[int]:
    """Positions of the same week one to ``years_back`` years ago, oldest first."""
    if first_day is None:
        return [week - WEEKS_PER_YEAR * year for year in range(years_back, 0, -1)]
    day = first_day + timedelta(weeks=week)
    positions = []
    for year in range(years_back, 0, -1):
        leap_day = day.month == 2 and day.day == 29
        past = date(day.year - year, 3, 1) if leap_day else day.replace(year=day.year - year)
        offset = (past - first_day).days
        positions.append((offset + 3) // 7)
    return positions


def _checked(counts: Floats) -> Floats:
    values = np.atleast_2d(np.asarray(counts, dtype=np.float64))
    present = values[~np.isnan(values)]
    if np.any(present < 0) or np.any(present != np.floor(present)) or np.any(np.isinf(present)):
        raise ValueError("counts must be whole numbers of 0 or more (NaN = missing)")
    return np.ascontiguousarray(values)


def _tables(values: Floats) -> tuple[Floats, Floats, Floats]:
    """log(y + 0.1), y log y and y^(2/3) for every count that occurs: the kernel needs no logarithm."""
    largest = 0 if np.all(np.isnan(values)) else int(np.nanmax(values))
    if largest > 10_000_000:
        raise ValueError(f"a count of {largest} is beyond what this method is for")
    y = np.arange(largest + 1, dtype=np.float64)
    return np.log(y + 0.1), y * np.log(np.maximum(y, 1)), y ** (2 / 3)
