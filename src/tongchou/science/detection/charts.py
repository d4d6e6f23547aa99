"""Control charts that add up evidence: Poisson CUSUM, OutbreakP, binomial CUSUM."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numba import njit
from scipy.special import expit

from tongchou.science.detection.harmonic_glm import design, fit_binomial
from tongchou.science.detection.model import Floats
from tongchou.science.detection.series import Calendar, Detection, checked_counts, shaped


@dataclass(frozen=True, slots=True)
class CusumParams:
    """Parameters of the Poisson CUSUM (R99: Rossi, Lampugnani & Marchi 1999, 10.1002/(SICI)1097-0258(19990830)18:16<2111::AID-SIM171>3.0.CO;2-Q)."""

    reference: float = 1.04  # R99: half the shift to be found, in standard deviations
    threshold: float = 2.26  # R99: about one false alarm in 500 steps
    transformation: Literal["standard", "rossi"] = "standard"  # R99
    mean: float | None = None  # None: mean of the learning steps
    learning_steps: int = 104  # assumption: two years; the chart begins after them

    def __post_init__(self) -> None:
        if self.reference < 0 or not self.threshold > 0 or (self.mean is not None and not self.mean > 0) or self.learning_steps < 1:
            raise ValueError(f"CusumParams: reference from 0, threshold and mean above 0, learning_steps from 1; got {self}")
        if self.transformation not in ("standard", "rossi"):
            raise ValueError(f"CusumParams: transformation standard or rossi; got {self.transformation!r}")


def cusum(counts: Floats, params: CusumParams = CusumParams(), calendar: Calendar = Calendar()) -> Detection:
    """Add up what is above the mean by more than the reference; flag while the sum is at the threshold or above.

    Parameters
    ----------
    counts: (..., steps), whole numbers; NaN = missing: the sum stays as it was, no alarm.
    calendar: not used; the mean has no season.

    Returns
    -------
    Detection, equal to R surveillance 1.20.3 `cusum` (1e-8): for "standard" the bound is the whole number that reaches the threshold, for
    "rossi" the number itself, both at least 0. The score is the sum.

    Notes
    -----
    S_t = max(0, S_(t-1) + z_t - k), alarm when S_t >= h, no reset. z = (x - m)/sqrt m ("standard") or (x - 3m + 2 sqrt(x m))/(2 sqrt m)
    ("rossi", closer to normal for small m). A learning period without any event counts as half an event (assumption).
    Assumes Poisson counts about a level mean: a season or a trend makes it ring for months. Errs towards long alarms: without a reset it goes on
    after the end of an outbreak.

    Examples
    --------
    >>> import numpy as np
    >>> cusum(np.r_[np.tile([1.0, 2.0], 52), 2, 9]).alarm[-2:]
    array([False,  True])
    """
    values = checked_counts(counts)
    means = np.full(len(values), params.mean if params.mean is not None else np.nan)
    start = min(params.learning_steps, values.shape[1])
    if params.mean is None and start == params.learning_steps:
        n = (~np.isnan(values[:, :start])).sum(axis=1)
        means = np.where(n > 0, np.maximum(np.nansum(values[:, :start], axis=1), 0.5) / np.maximum(n, 1), np.nan)
    expected, upper, score = (np.full(values.shape, np.nan) for _ in range(3))
    _add_up(values, means, start, params.reference, params.threshold, params.transformation == "rossi", upper, score)
    expected[:, start:] = means[:, None]
    return shaped(counts, expected, upper, score, score >= params.threshold)


@njit(cache=True, error_model="numpy")
def _add_up(values, means, start, reference, threshold, is_rossi, upper, score):  # type: ignore[no-untyped-def]
    for s in range(values.shape[0]):
        m = means[s]
        if math.isnan(m):
            continue
        root, held = math.sqrt(m), 0.0
        for t in range(start, values.shape[1]):
            room = threshold + reference - held
            if is_rossi:
                inside = 4 * m + 2 * room * root
                upper[s, t] = (math.sqrt(inside) - root) ** 2 if inside >= 0 else 0.0
            else:
                upper[s, t] = max(0.0, math.ceil(m + room * root))
            x = values[s, t]
            if math.isnan(x):
                continue
            z = (x - 3 * m + 2 * math.sqrt(x * m)) / (2 * root) if is_rossi else (x - m) / root
            held = max(0.0, held + z - reference)
            score[s, t] = held


@dataclass(frozen=True, slots=True)
class OutbreakPParams:
    """Parameter of OutbreakP (F09: Frisén, Andersson & Schiöler 2009, 10.1080/02664760802566788)."""

    threshold: float = 100.0  # R surveillance default

    def __post_init__(self) -> None:
        if not self.threshold > 0:
            raise ValueError(f"OutbreakPParams: threshold above 0; got {self}")


def outbreak_p(counts: Floats, params: OutbreakPParams = OutbreakPParams(), calendar: Calendar = Calendar()) -> Detection:
    """Flag when counts that only ever rise explain the whole past far better than a level mean.

    Parameters
    ----------
    counts: (..., steps), whole numbers; NaN = missing: left out, no alarm.

    Returns
    -------
    Detection, equal to R surveillance 1.20.3 `outbreakP` (1e-8 relative). The score is the likelihood ratio; there is no bound. expected = level mean.

    Notes
    -----
    Ratio of the Poisson likelihoods of the isotonic (never falling) and of the constant mean, from the first step to now. One falls
    by itself when counts fall, so an alarm ends. Made for the onset of one season: start the series in the trough. Over several seasons the
    past outbreaks raise the level mean and it is hardly of use.

    Examples
    --------
    >>> import numpy as np
    >>> outbreak_p(np.array([1, 0, 1, 0, 1, 4, 9, 16.0])).alarm[-1]
    np.True_
    """
    values = checked_counts(counts)
    logs = np.full(values.shape, np.nan)
    means = np.full(values.shape, np.nan)
    _isotonic(values, logs, means)
    with np.errstate(over="ignore"):
        score = np.exp(logs)
    return shaped(counts, means, np.full(values.shape, np.nan), score, score > params.threshold)


@njit(cache=True, error_model="numpy")
def _isotonic(values, logs, means):  # type: ignore[no-untyped-def]
    """Log likelihood ratio at every step: pools adjacent violators as they come, so each step costs what it merges."""
    steps = values.shape[1]
    total, width, part = np.empty(steps), np.empty(steps), np.empty(steps)
    for s in range(values.shape[0]):
        blocks, n, everything = 0, 0, 0.0
        for t in range(steps):
            x = values[s, t]
            if math.isnan(x):
                continue
            n += 1
            everything += x
            total[blocks], width[blocks] = x, 1.0
            blocks += 1
            while blocks > 1 and total[blocks - 2] * width[blocks - 1] >= total[blocks - 1] * width[blocks - 2]:
                total[blocks - 2] += total[blocks - 1]
                width[blocks - 2] += width[blocks - 1]
                blocks -= 1
            # part[b]: sum of S log(S/n) over the blocks up to b.
            last = total[blocks - 1] * math.log(total[blocks - 1] / width[blocks - 1]) if total[blocks - 1] > 0 else 0.0
            part[blocks - 1] = last + (part[blocks - 2] if blocks > 1 else 0.0)
            level = everything * math.log(everything / n) if everything > 0 else 0.0
            logs[s, t] = max(0.0, part[blocks - 1] - level)
            means[s, t] = everything / n


@dataclass(frozen=True, slots=True)
class BinomialCusumParams:
    """Parameters of the binomial CUSUM for positives among samples (H10: Höhle 2010, 10.1007/978-3-7908-2413-1_20)."""

    odds_ratio: float = 2.0  # assumption: the smallest rise of the odds worth finding
    threshold: float = 3.0  # H10
    learning_steps: int = 104  # H10: two years for the model of the share
    harmonics: int = 1  # H10
    trend: bool = True  # H10

    def __post_init__(self) -> None:
        if not self.odds_ratio > 1 or not self.threshold > 0 or self.learning_steps < 1 or self.harmonics < 0:
            raise ValueError(
                f"BinomialCusumParams: odds_ratio above 1, threshold above 0, learning_steps from 1, harmonics from 0; got {self}"
            )


def binomial_cusum(
    counts: Floats, params: BinomialCusumParams = BinomialCusumParams(), calendar: Calendar = Calendar(), *, samples: Floats
) -> Detection:
    """Flag when the share of positives among spot-check samples has risen by an odds ratio.

    Parameters
    ----------
    counts: (..., steps), positives; samples: the same shape, samples taken. NaN or no sample = missing: the sum stays, no alarm.

    Returns
    -------
    Detection, equal to R surveillance 1.20.3 `categoricalCUSUM` with a binomial (1e-8). Score = the sum; expected = samples x in-control share; no bound.

    Notes
    -----
    In-control share p0 from a logistic model with trend and season on the learning steps; p1 has its odds times the odds ratio.
    s = max(0, s + y log(p1/p0) + (n - y) log((1 - p1)/(1 - p0))), alarm at the threshold, then from 0 again. A trend carried on for years is
    a guess: watch that expected stays near the data. Pooled samples are not independent: the threshold is then too low.

    Examples
    --------
    >>> import numpy as np
    >>> positives = np.r_[np.tile([1.0, 2.0, 1.0, 0.0], 26), 9, 9]
    >>> binomial_cusum(positives, samples=np.full(106, 100.0)).alarm[-2:]
    array([ True,  True])
    """
    values, taken = checked_counts(counts), checked_counts(samples)
    if values.shape != taken.shape:
        raise ValueError(f"samples must have the shape of counts, {values.shape}; got {taken.shape}")
    if (values > taken).any():
        row, step = (int(i) for i in np.argwhere(values > taken)[0])
        raise ValueError(f"more positives than samples: series {row}, step {step} has {values[row, step]} of {taken[row, step]}")
    score, expected = np.full(values.shape, np.nan), np.full(values.shape, np.nan)
    x = design(values.shape[1], calendar.steps_per_year, params.harmonics, params.trend)
    for row, (y, n) in enumerate(zip(values, taken, strict=True)):
        learning = np.flatnonzero(~np.isnan(y) & (n > 0))
        learning = learning[learning < params.learning_steps]
        if len(learning) <= x.shape[1] or values.shape[1] <= params.learning_steps:
            continue
        eta = x[params.learning_steps :] @ fit_binomial(y[learning], n[learning], x[learning])
        expected[row, params.learning_steps :] = n[params.learning_steps :] * expit(eta)
        score[row, params.learning_steps :] = binomial_sums(
            y[params.learning_steps :], n[params.learning_steps :], expit(eta), expit(eta + np.log(params.odds_ratio)), params.threshold
        )
    return shaped(counts, expected, np.full(values.shape, np.nan), score, score >= params.threshold)


@njit(cache=True, error_model="numpy")
def binomial_sums(y, n, p0, p1, threshold):  # type: ignore[no-untyped-def]
    """The sum after each step, begun again after reaching the threshold; NaN where nothing was sampled. All (steps,)."""
    sums, held = np.full(y.shape[0], np.nan), 0.0
    for t in range(y.shape[0]):
        if math.isnan(y[t]) or not n[t] >= 0:
            continue
        ratio = y[t] * math.log(p1[t] / p0[t]) + (n[t] - y[t]) * math.log((1 - p1[t]) / (1 - p0[t]))
        held = max(0.0, held + ratio)
        sums[t] = held
        if held >= threshold:
            held = 0.0
    return sums
