"""Two weeks of evidence: a likelihood ratio mixed over the size and the week an outbreak began (docs/methods/seasonal.md)."""

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

    sizes: tuple[float, ...] = (1, 2, 3, 4, 5, 6, 8, 10, 14)  # docs/methods/seasonal.md: outbreak size in standard deviations of one step
    first_share: float = 0.5  # flat: share of the size that falls into the step of onset ...
    second_share: float = 0.5  # ... and into the next one
    weight_now: float = 0.6  # development seeds 21 and 22: more for the first week costs the later ones
    continuing_log: float = 1.0  # the same: how much lower the line lies while an alarm is on
    threshold_log: float = 2.33  # false-positive rate 1 % a week over the 42-scenario design, development seeds

    def __post_init__(self) -> None:
        if not self.sizes or min(self.sizes) <= 0 or min(self.first_share, self.second_share) <= 0:
            raise ValueError(f"MixtureParams: sizes and shares must be positive, got {self}")
        if not 0 < self.weight_now < 1 or self.continuing_log < 0:
            raise ValueError(f"MixtureParams: weight_now in (0, 1) and continuing_log of at least 0, got {self}")


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What no threshold changes, arrays (series, evaluated steps): log ratio of "began this step" and of "began the step before".

    A missing count is a factor of 1, and `is_present` says so. NaN: no baseline, in ``before`` also for the step before.
    """

    now: Floats
    before: Floats
    is_present: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class MixtureResult:
    """Arrays (series, evaluated steps): evidence on the threshold's scale, the largest count that does not alarm, and the alarm."""

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
    score, alarm = decide(evidence_of(counts, baseline, params), params)
    upper = np.full(score.shape, np.nan)
    _find_bounds(_evaluated(counts, baseline), baseline.expected, baseline.variance, *_constants(params), alarm, upper)
    return MixtureResult(score, upper, alarm)


def evidence_of(counts: Floats, baseline: Baseline, params: MixtureParams = MixtureParams()) -> Evidence:
    """The two ratios of every evaluated step: all of the method that costs time, and nothing that depends on a threshold."""
    values = _evaluated(counts, baseline)
    now, before = np.full(values.shape, np.nan), np.full(values.shape, np.nan)
    sizes, shares, _ = _constants(params)
    _weigh(values, baseline.expected, baseline.variance, sizes, shares, now, before)
    return Evidence(now, before, ~np.isnan(values))


def decide(evidence: Evidence, params: MixtureParams = MixtureParams()) -> tuple[Floats, NDArray[np.bool_]]:
    """Score on the threshold's scale and alarm of every step, with the restart after each alarm."""
    score, alarm = np.full(evidence.now.shape, np.nan), np.zeros(evidence.now.shape, dtype=np.bool_)
    _decide(evidence.now, evidence.before, evidence.is_present, _constants(params)[2], score, alarm)
    return score, alarm


def _evaluated(counts: Floats, baseline: Baseline) -> Floats:
    values = np.atleast_2d(np.asarray(counts, dtype=np.float64))[:, baseline.steps]
    if values.shape != baseline.expected.shape:
        raise ValueError(f"mixture_ratio: {values.shape[0]} series of counts, {baseline.expected.shape[0]} of the baseline")
    return values


def _constants(params: MixtureParams) -> tuple[Floats, tuple[float, float], tuple[float, float, float]]:
    """Sizes, shares and lines as the kernels take them."""
    shares = (params.first_share, params.second_share)
    return np.array(params.sizes, dtype=float), shares, (params.weight_now, params.threshold_log, params.continuing_log)


@njit(cache=True, error_model="numpy")
def log_count(y, mean, ratio):  # type: ignore[no-untyped-def]
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
    sd, none = math.sqrt(variance), log_count(y, mean, variance / mean)
    if variance / mean < POISSON_BELOW:
        # Variance and mean grow alike, so the Poisson stays one; written as the negative binomial's limit.
        for k in range(len(sizes)):
            added = sizes[k] * sd * share
            out[k] = y * math.log1p(added / mean) - added
        return
    for k in range(len(sizes)):
        added = sizes[k] * sd * share
        out[k] = log_count(y, mean + added, (variance + added) / (mean + added)) - none


@njit(cache=True, error_model="numpy")
def _log_mean_exp(values):  # type: ignore[no-untyped-def]
    peak = values.max()
    return peak + math.log(np.exp(values - peak).sum() / len(values))


@njit(cache=True, error_model="numpy")
def _combine(now, before, is_on, lines):  # type: ignore[no-untyped-def]
    """Evidence of one step on the threshold's scale; ``before`` NaN: there is no step before."""
    weight_now, _, continuing = lines
    if is_on:
        return now + continuing
    if math.isnan(before):
        return now + math.log(weight_now)
    first, second = now + math.log(weight_now), before + math.log(1 - weight_now)
    peak = max(first, second)
    return peak + math.log(math.exp(first - peak) + math.exp(second - peak))


@njit(cache=True, error_model="numpy")
def _pair(y, mean, variance, sizes, shares, earlier, has_memory, work):  # type: ignore[no-untyped-def]
    """Log ratios of one count: began now, and began the step before, whose ratios at the first share are ``earlier``."""
    _log_ratios(y, mean, variance, sizes, shares[0], work)
    now = _log_mean_exp(work)
    if not has_memory:
        return now, math.nan
    _log_ratios(y, mean, variance, sizes, shares[1], work)
    return now, _log_mean_exp(work + earlier)


@njit(cache=True, error_model="numpy")
def _weigh(values, expected, variance, sizes, shares, now, before):  # type: ignore[no-untyped-def]
    earlier, work = np.zeros(len(sizes)), np.zeros(len(sizes))
    for s in range(values.shape[0]):
        has_memory = False
        for t in range(values.shape[1]):
            if math.isnan(expected[s, t]):
                has_memory = False
                continue
            now[s, t], before[s, t] = _pair(values[s, t], expected[s, t], variance[s, t], sizes, shares, earlier, has_memory, work)
            has_memory = True
            _log_ratios(values[s, t], expected[s, t], variance[s, t], sizes, shares[0], earlier)


@njit(cache=True, error_model="numpy")
def _decide(now, before, is_present, lines, score, alarm):  # type: ignore[no-untyped-def]
    for s in range(now.shape[0]):
        is_on = False
        for t in range(now.shape[1]):
            if math.isnan(now[s, t]):
                is_on = False
                continue
            score[s, t] = _combine(now[s, t], before[s, t], is_on, lines)
            # Nothing is told on a step that told nothing.
            is_on = is_present[s, t] and score[s, t] >= lines[1]
            alarm[s, t] = is_on


@njit(cache=True, error_model="numpy")
def _find_bounds(values, expected, variance, sizes, shares, lines, alarm, upper):  # type: ignore[no-untyped-def]
    earlier, work = np.zeros(len(sizes)), np.zeros(len(sizes))
    for s in range(values.shape[0]):
        for t in range(values.shape[1]):
            if math.isnan(expected[s, t]):
                continue
            has_memory = t > 0 and not math.isnan(expected[s, t - 1])
            if has_memory:
                _log_ratios(values[s, t - 1], expected[s, t - 1], variance[s, t - 1], sizes, shares[0], earlier)
            is_on = t > 0 and alarm[s, t - 1]
            upper[s, t] = _largest_silent(expected[s, t], variance[s, t], sizes, shares, earlier, has_memory, is_on, lines, work)


@njit(cache=True, error_model="numpy")
def _largest_silent(mean, variance, sizes, shares, earlier, has_memory, is_on, lines, work):  # type: ignore[no-untyped-def]
    """Largest whole count below the line: evidence rises with the count, so doubling and halving find it. -1: even 0 alarms."""
    low, high = -1, 1
    while high < LARGEST_COUNT:
        now, before = _pair(high, mean, variance, sizes, shares, earlier, has_memory, work)
        if _combine(now, before, is_on, lines) >= lines[1]:
            break
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        now, before = _pair(middle, mean, variance, sizes, shares, earlier, has_memory, work)
        if _combine(now, before, is_on, lines) < lines[1]:
            low = middle
        else:
            high = middle
    return low
