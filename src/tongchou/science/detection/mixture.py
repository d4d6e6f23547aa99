"""Two weeks of evidence: a likelihood ratio mixed over the size and the week an outbreak began (science.md (5)-(6))."""

import math
from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tongchou.science.detection.counts import POISSON_BELOW
from tongchou.science.detection.model import Floats
from tongchou.science.detection.seasonal import Baseline

LARGEST_COUNT = 2**40


@dataclass(frozen=True, slots=True)
class MixtureParams:
    """Parameters of the mixture ratio. A step's evidence is a natural logarithm."""

    sizes: tuple[float, ...] = (1, 2, 3, 4, 5, 6, 8, 10, 14)  # science.md (6): outbreak size in standard deviations of one step
    first_share: float = 0.5  # science.md (6), flat: share of the size that falls into the step of onset ...
    second_share: float = 0.5  # ... and into the next one
    weight_now: float = 0.6  # development seeds 21 and 22: more for the first week costs the later ones
    continuing_log: float = 1.0  # the same: how much lower the line lies while an alarm is on
    threshold_log: float = 2.36  # false-positive rate 1 % a week over the 42-scenario design, development seeds

    def __post_init__(self) -> None:
        if not self.sizes or min(self.sizes) <= 0 or min(self.first_share, self.second_share) <= 0:
            raise ValueError(f"MixtureParams: sizes and shares must be positive, got {self}")
        if not 0 < self.weight_now < 1 or self.continuing_log < 0:
            raise ValueError(f"MixtureParams: weight_now in (0, 1) and continuing_log of at least 0, got {self}")


@dataclass(frozen=True, slots=True, eq=False)
class MixtureResult:
    """Arrays (series, evaluated steps): evidence on the threshold's scale, the smallest count that alarms, and the alarm."""

    score: Floats
    upper: Floats
    alarm: NDArray[np.bool_]


def mixture_ratio(counts: Floats, baseline: Baseline, params: MixtureParams = MixtureParams()) -> MixtureResult:
    """Weigh "an outbreak began this step or the one before" against "none".

    Parameters
    ----------
    counts: (steps,) or (series, steps) as given to `seasonal_baseline`; NaN = missing: a factor of 1.
    baseline: of consecutive steps; the memory of a step reaches one evaluated step back.

    Returns
    -------
    MixtureResult; score NaN where there is no baseline, and no alarm there. ``upper`` is the largest count that does not alarm.

    Notes
    -----
    log LR_t(d) = log NB(y; mu + d, V + d) - log NB(y; mu, V): an outbreak adds Poisson(d) to the background. With K the sizes, sd
    the root of V and w the shares, S_t = log of weight_now mean_K LR_t(k sd w_0) + (1 - weight_now) mean_K LR_(t-1)(k sd w_0)
    LR_t(k sd w_1). The memory ends at an alarm: what was told once is no evidence for telling it again; while an alarm is on, a
    step speaks for itself and the line lies ``continuing_log`` lower, since after an alarm an outbreak is likely.
    Without the restart each term is an e-value under the true baseline and S a finite-window Shiryaev-Roberts sum.

    Examples
    --------
    >>> from tongchou.science.detection.seasonal import seasonal_baseline
    >>> y = np.random.default_rng(3).poisson(4, 300).astype(float)
    >>> y[298:] = 9
    >>> mixture_ratio(y, seasonal_baseline(y, [297, 298, 299])).alarm[0].tolist()
    [False, False, True]
    """
    values = np.atleast_2d(np.asarray(counts, dtype=np.float64))[:, baseline.steps]
    if values.shape != baseline.expected.shape:
        raise ValueError(f"mixture_ratio: {values.shape[0]} series of counts, {baseline.expected.shape[0]} of the baseline")
    score, upper, alarm = np.full(values.shape, np.nan), np.full(values.shape, np.nan), np.zeros(values.shape, dtype=np.bool_)
    shares = (params.first_share, params.second_share)
    lines = (params.weight_now, params.threshold_log, params.continuing_log)
    _weigh(values, baseline.expected, baseline.variance, np.array(params.sizes, dtype=float), shares, lines, score, upper, alarm)
    return MixtureResult(score, upper, alarm)


@njit(cache=True, error_model="numpy")
def _log_count(y, mean, ratio):  # type: ignore[no-untyped-def]
    """Log probability of a count, without the part that no mean changes; variance = ratio x mean."""
    if ratio < POISSON_BELOW:
        return y * math.log(mean) - mean
    size = mean / (ratio - 1)
    return math.lgamma(y + size) - math.lgamma(size) - size * math.log(ratio) + y * math.log((ratio - 1) / ratio)


@njit(cache=True, error_model="numpy")
def _log_ratios(y, mean, variance, sizes, share, out):  # type: ignore[no-untyped-def]
    """Log likelihood ratio of every size against none; 0 for a missing count."""
    if math.isnan(y) or math.isnan(mean):
        out[:] = 0.0
        return
    sd, none = math.sqrt(variance), _log_count(y, mean, variance / mean)
    if variance / mean < POISSON_BELOW:
        # Variance and mean grow alike, so the Poisson stays one; written as the negative binomial's limit.
        for k in range(len(sizes)):
            added = sizes[k] * sd * share
            out[k] = y * math.log1p(added / mean) - added
        return
    for k in range(len(sizes)):
        added = sizes[k] * sd * share
        out[k] = _log_count(y, mean + added, (variance + added) / (mean + added)) - none


@njit(cache=True, error_model="numpy")
def _log_mean_exp(values):  # type: ignore[no-untyped-def]
    peak = values.max()
    return peak + math.log(np.exp(values - peak).sum() / len(values))


@njit(cache=True, error_model="numpy")
def _score(y, mean, variance, sizes, shares, before, has_memory, is_on, lines, work):  # type: ignore[no-untyped-def]
    """Evidence of one step given the ratios of the step before at its first share."""
    weight_now, _, continuing = lines
    _log_ratios(y, mean, variance, sizes, shares[0], work)
    now = _log_mean_exp(work)
    if is_on:
        return now + continuing
    if not has_memory:
        return now + math.log(weight_now)
    _log_ratios(y, mean, variance, sizes, shares[1], work)
    earlier = _log_mean_exp(work + before) + math.log(1 - weight_now)
    now += math.log(weight_now)
    peak = max(now, earlier)
    return peak + math.log(math.exp(now - peak) + math.exp(earlier - peak))


@njit(cache=True, error_model="numpy")
def _largest_silent(mean, variance, sizes, shares, before, has_memory, is_on, lines, work):  # type: ignore[no-untyped-def]
    """Largest whole count below the line: evidence rises with the count, so doubling and halving find it. -1: even 0 alarms."""
    low, high = -1, 1
    while high < LARGEST_COUNT and _score(high, mean, variance, sizes, shares, before, has_memory, is_on, lines, work) < lines[1]:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if _score(middle, mean, variance, sizes, shares, before, has_memory, is_on, lines, work) < lines[1]:
            low = middle
        else:
            high = middle
    return low


@njit(cache=True, error_model="numpy")
def _weigh(values, expected, variance, sizes, shares, lines, score, upper, alarm):  # type: ignore[no-untyped-def]
    n_series, n_steps = values.shape
    before, work = np.zeros(len(sizes)), np.zeros(len(sizes))
    for s in range(n_series):
        is_on, has_memory = False, False
        for t in range(n_steps):
            y, mean = values[s, t], expected[s, t]
            if math.isnan(mean):
                is_on, has_memory = False, False
                continue
            args = (mean, variance[s, t], sizes, shares, before, has_memory, is_on, lines, work)
            upper[s, t] = _largest_silent(*args)
            score[s, t] = _score(y, *args)
            # A missing count adds nothing, and nothing is told on a step that told nothing.
            alarm[s, t] = not math.isnan(y) and score[s, t] >= lines[1]
            is_on, has_memory = alarm[s, t], True
            _log_ratios(y, mean, variance[s, t], sizes, shares[0], before)
