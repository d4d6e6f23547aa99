"""Limits from plain past values of the same season: Bayes 1-3, RKI 1-3, and the moving percentile of the Chinese national system."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import nbinom

from tongchou.science.detection.counts import count_quantiles
from tongchou.science.detection.model import Floats
from tongchou.science.detection.series import Calendar, Detection, checked_counts, exceedance, shaped

# Upper ends of the 95 % interval of Crow & Gardner for a Poisson count of 0, 1, ... 20 (CG59: 10.1093/biomet/46.3-4.441).
CROW_GARDNER = np.array(
    [3.285, 5.323, 6.686, 8.102, 9.598, 11.177, 12.817, 13.765, 14.921, 16.768, 17.633,
     19.050, 20.335, 21.364, 22.945, 23.762, 25.400, 26.306, 27.735, 28.966, 30.017]
)  # fmt: skip
NORMAL_ABOVE = 20  # RKI: from here mean + 2 sd


@dataclass(frozen=True, slots=True)
class ReferenceParams:
    """Which past steps are compared with (R04: Riebler 2004; H07: Höhle 2007, 10.1007/s00180-007-0074-8).

    The three systems: (0, 6, True), (1, 6, True), (2, 4, False) for years back, half window, recent.
    """

    years_back: int = 2  # R04, H07: system 3
    half_window: int = 4  # R04, H07: system 3
    recent: bool = False  # R04, H07: the half_window steps just before count as well (systems 1 and 2)
    alpha: float = 0.05  # H07; not used by RKI
    least_present: int = 4  # assumption: fewer present values give no bound

    def __post_init__(self) -> None:
        if self.years_back < 0 or self.half_window < 0 or not 0 < self.alpha < 1 or self.least_present < 1:
            raise ValueError(f"ReferenceParams: years_back, half_window from 0, alpha in (0, 1), least_present from 1; got {self}")
        if not self.years_back and not (self.recent and self.half_window):
            raise ValueError("ReferenceParams: without years_back and without recent steps there is nothing to compare with")


def bayes(counts: Floats, params: ReferenceParams = ReferenceParams(), calendar: Calendar = Calendar()) -> Detection:
    """Flag counts above the predictive quantile of a Poisson rate with Jeffreys' prior.

    Parameters
    ----------
    counts: (..., steps), whole numbers; NaN = missing: never alarms, and is left out.
    calendar: only its steps per year count; a 53rd week shifts the window by one, which is less than its half width.

    Returns
    -------
    Detection, equal to R surveillance 1.20.3 `algo.bayes1`, `2`, `3` exactly. The score is -log10 of the mid-p value.

    Notes
    -----
    With n values adding up to S: rate ~ Gamma(1/2 + S, n), next count ~ NegBin(size 1/2 + S, prob n / (n + 1)); bound = its 1 - alpha
    quantile. The uncertainty of the mean is in the bound, overdispersion and trend are not: it alarms too often where counts are overdispersed.

    Examples
    --------
    >>> import numpy as np
    >>> bayes(np.array([1, 0, 2, 1, 1, 0, 7.0]), ReferenceParams(0, 6, True)).upper[-1]
    np.float64(3.0)
    """
    values = checked_counts(counts)
    n, total, _ = _reference_sums(values, params, calendar)
    known = n > 0
    size, prob = 0.5 + total, n / (n + 1)
    upper = np.full(values.shape, np.nan)
    upper[known] = predictive_quantile(1 - params.alpha, size[known], prob[known])
    score = surprise(values, size, prob)
    with np.errstate(invalid="ignore", divide="ignore"):
        expected = np.where(known, size / n, np.nan)
    return shaped(counts, expected, upper, np.where(known, score, np.nan), values > upper)


def predictive_quantile(p: float, size: Floats, prob: Floats) -> Floats:
    """Quantile of negative binomial counts of the given size and probability (0 to 1, neither included)."""
    return np.asarray(count_quantiles(p, size * (1 - prob) / prob, 1 / prob))


def surprise(values: Floats, size: Floats, prob: Floats) -> Floats:
    """-log10 of the upper mid-p value P(Y > y) + P(Y = y)/2 of negative binomial counts; NaN where the value is."""
    with np.errstate(invalid="ignore", divide="ignore"):
        mid_p = (nbinom.sf(values, size, prob) + nbinom.sf(values - 1, size, prob)) / 2
        return np.asarray(-np.log10(np.maximum(mid_p, 1e-300)))


def rki(counts: Floats, params: ReferenceParams = ReferenceParams(), calendar: Calendar = Calendar()) -> Detection:
    """Flag counts by the former rule of the Robert Koch Institute.

    Parameters
    ----------
    counts: (..., steps); NaN = missing: never alarms, and is left out.

    Returns
    -------
    Detection, equal to R surveillance 1.20.3 `algo.rki1`, `2`, `3` (1e-8). The score is the exceedance.

    Notes
    -----
    With m the mean of the reference values: above 20, bound = m + 2 sd; else the upper end of Crow & Gardner's 95 % Poisson interval for
    the whole part of m. Cutting off the fraction makes the rule alarm too often at low counts, up to twice the nominal rate.

    Examples
    --------
    >>> import numpy as np
    >>> rki(np.array([1, 0, 2, 1, 1, 0, 4.0]), ReferenceParams(0, 6, True)).upper[-1]
    np.float64(3.285)
    """
    values = checked_counts(counts, whole=False)
    n, total, squares = _reference_sums(values, params, calendar)
    known = n > 1
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(known, total / n, np.nan)
        sd = np.sqrt(np.maximum(squares - total * mean, 0) / (n - 1))
    small = CROW_GARDNER[np.minimum(np.nan_to_num(mean), NORMAL_ABOVE).astype(int)]
    upper = np.where(known, np.where(mean > NORMAL_ABOVE, mean + 2 * sd, small), np.nan)
    return shaped(counts, mean, upper, exceedance(values, mean, upper), values > upper)


def _reference_sums(values: Floats, params: ReferenceParams, calendar: Calendar) -> tuple[Floats, Floats, Floats]:
    """Number, sum and sum of squares of each step's reference values; number 0 where the past is too short or too empty."""
    steps, w = values.shape[1], params.half_window
    windows = [(year * calendar.steps_per_year - w, year * calendar.steps_per_year + w) for year in range(1, params.years_back + 1)]
    if params.recent and w:
        windows.append((1, w))
    start = max(furthest for _, furthest in windows)
    sums = np.zeros((3, *values.shape))
    if min(nearest for nearest, _ in windows) < 1:
        raise ValueError(f"half_window {w} reaches from a year of {calendar.steps_per_year} steps into the present; make it smaller")
    present = ~np.isnan(values)
    filled = np.where(present, values, 0.0)
    running = np.zeros((3, values.shape[0], steps + 1))
    for row, part in enumerate((present, filled, filled**2)):
        np.cumsum(part, axis=1, out=running[row, :, 1:])
    now = np.arange(start, steps)
    for nearest, furthest in windows:
        sums[:, :, start:] += running[:, :, now - nearest + 1] - running[:, :, now - furthest]
    sums[:, sums[0] < params.least_present] = 0.0
    return sums[0], sums[1], sums[2]


@dataclass(frozen=True, slots=True)
class PercentileParams:
    """Parameters of the moving percentile (Y11: Yang 2011, 10.5365/wpsar.2010.1.1.009; W17: Wang 2017, 10.1186/s12889-017-4488-0)."""

    years_back: int = 5  # W17: 5 years x 5 weeks; Y11 began with 3 years
    half_window: int = 2  # Y11, W17: the same week and two on either side
    percentile: float = 80.0  # Y11: P50 to P90, by disease
    least_years: int = 3  # Y11

    def __post_init__(self) -> None:
        if not 0 <= self.percentile <= 100 or self.half_window < 0 or not 1 <= self.least_years <= self.years_back:
            raise ValueError(f"PercentileParams: percentile in 0..100, half_window from 0, least_years in 1..years_back; got {self}")


def moving_percentile(counts: Floats, params: PercentileParams = PercentileParams(), calendar: Calendar = Calendar()) -> Detection:
    """Flag counts above a percentile of the same weeks of past years, as the Chinese national system (CIDARS) does.

    Parameters
    ----------
    counts: (..., steps); NaN = missing: never alarms, and is left out.
    calendar: with `first_day` the windows stand around the same date, so years of 53 weeks shift nothing.

    Returns
    -------
    Detection; expected = median of the past values, score = exceedance. No R counterpart.

    Notes
    -----
    No model, so no false-alarm rate can be promised: P80 of a steady stream is passed in about one week of five; the national system
    lets a person screen those signals. Blind to trend; a past outbreak raises the percentile for years. At low counts P80 is 0 and a single
    case alarms: use `exact_poisson` there.

    Examples
    --------
    >>> import numpy as np
    >>> moving_percentile(np.r_[np.tile([2.0, 3.0], 156), 9.0]).alarm[-1]
    np.True_
    """
    values = checked_counts(counts, whole=False)
    steps, w = values.shape[1], params.half_window
    upper, median = np.full(values.shape, np.nan), np.full(values.shape, np.nan)
    offsets = np.arange(-w, w + 1)
    for step in range(steps):
        centres = [c for c in calendar.anniversaries(step, params.years_back) if c - w >= 0 and c + w < step]
        if len(centres) >= params.least_years:
            past = np.sort(values[:, (np.array(centres)[:, None] + offsets).ravel()], axis=1)  # NaN last
            upper[:, step], median[:, step] = _percentile(past, params.percentile), _percentile(past, 50.0)
    return shaped(counts, median, upper, exceedance(values, median, upper), values > upper)


def _percentile(past: Floats, percentile: float) -> Floats:
    """Percentile of the present part of each sorted row, linear between order statistics; NaN below half of them present."""
    n = (~np.isnan(past)).sum(axis=1)
    place = np.maximum(n - 1, 0) * percentile / 100
    low = np.floor(place).astype(int)
    rows = np.arange(len(past))
    below, above = past[rows, low], past[rows, np.minimum(low + 1, np.maximum(n - 1, 0))]
    return np.asarray(np.where(n * 2 >= past.shape[1], below + (place - low) * (above - below), np.nan))
