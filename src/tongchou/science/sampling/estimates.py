"""What a draw says of everybody: design-based prevalence with an interval that holds when positives are few."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from tongchou.science.sampling.finding import clopper_pearson
from tongchou.science.sampling.model import Floats


@dataclass(frozen=True, slots=True)
class Prevalence:
    """Estimated share of positives; `least` and `most`: if all without a result were negative, or all positive."""

    estimate: float
    standard_error: float
    low: float
    high: float
    effective_size: float
    drawn: int
    answered: int
    least: float
    most: float


def prevalence(results: Floats, probabilities: Floats, strata: Sequence[str], sizes: Mapping[str, int], level: float = 0.95) -> Prevalence:
    """Share of positives among everybody in the frame.

    Parameters
    ----------
    results: (drawn,), 1 positive, 0 negative, NaN no result. probabilities: (drawn,), inclusion probability of each. strata: stratum of each.
    sizes: units of each stratum in the frame. Replacements are not rows of their own: give the first draw, NaN where it had no result.

    Returns
    -------
    Prevalence. ValueError: a stratum without a single result (merge strata first), lengths that differ, a probability outside (0, 1].

    Notes
    -----
    In each stratum the Hajek ratio sum(y/pi) / sum(1/pi); in all, weighted by the known sizes. Nonresponse: pi is multiplied by the answered share of the
    stratum, right if those without a result are like the others of their stratum, which nobody knows: hence `least` and `most`.
    Variance of a stratum: n/(n-1) sum (1 - pi)(e - B)^2 / N^2, e = (y - p)/pi, B the (1 - pi)-weighted mean of e; Deville's approximation to
    Sen-Yates-Grundy, which needs no joint probabilities and is that of simple random sampling where probabilities are equal.
    Interval: Clopper-Pearson at n* = min(p(1 - p)/V, Kish's n) (t[n-1]/t[n-strata])^2 (Korn & Graubard). Kish's n as a ceiling: with few positives V is itself
    an accident, so the interval errs wide.

    References
    ----------
    Deville 1999, Survey Methodology 25; Hajek 1971; Korn & Graubard 1998, Survey Methodology 24; Kish 1965

    Examples
    --------
    >>> found = prevalence(np.r_[np.ones(2), np.zeros(98)], np.full(100, 0.01), ["all"] * 100, {"all": 10_000})
    >>> round(found.estimate, 3), round(found.low, 4), round(found.high, 4)
    (0.02, 0.0024, 0.0704)
    """
    y, pi, names = np.asarray(results, float), np.asarray(probabilities, float), np.asarray(strata)
    _check(y, pi, names, sizes)
    total = sum(sizes.values())
    known = ~np.isnan(y)
    share, variance, least, most = 0.0, 0.0, 0.0, 0.0
    weights = np.zeros(y.size)
    for name, size in sizes.items():
        here = (names == name) & known
        if not here.any():
            raise ValueError(f"stratum {name!r} has no result; merge it with another before estimating")
        part = size / total
        drawn = names == name
        p, v = _of_stratum(y[here], pi[here] * here.sum() / drawn.sum(), size)
        share, variance = share + part * p, variance + part**2 * v
        weights[here] = part / pi[here] / np.sum(1 / pi[here])
        whole = np.sum(1 / pi[drawn])
        positive = np.sum(y[here] / pi[here])
        least += part * positive / whole
        most += part * (positive + np.sum(1 / pi[drawn & ~known])) / whole
    size_now = _effective(share, variance, weights[known], len(sizes), level)
    low, high = clopper_pearson(share * size_now, size_now, level)
    counts = int(y.size), int(known.sum())
    return Prevalence(float(share), float(variance**0.5), low, high, size_now, *counts, float(least), float(most))


def corrected_for_test(share: float, sensitivity: float, specificity: float) -> float:
    """Rogan and Gladen: the true share behind an apparent one, held within 0 and 1; use it on the estimate and on both ends of its interval.

    Notes
    -----
    (p + sp - 1) / (se + sp - 1), sensitivity and specificity taken as known: their own doubt is not in the interval.

    References
    ----------
    Rogan & Gladen 1978, 10.1093/oxfordjournals.aje.a112510

    Examples
    --------
    >>> round(corrected_for_test(0.10, 0.8, 0.95), 4)
    0.0667
    """
    if not (0 < sensitivity <= 1 and 0 < specificity <= 1 and sensitivity + specificity > 1):
        raise ValueError(f"sensitivity and specificity in (0, 1] with a sum above 1; got {sensitivity}, {specificity}")
    return min(1.0, max(0.0, (share + specificity - 1) / (sensitivity + specificity - 1)))


def _of_stratum(y: Floats, pi: Floats, size: int) -> tuple[float, float]:
    p = float(np.sum(y / pi) / np.sum(1 / pi))
    free = 1 - pi
    if y.size < 2 or free.sum() <= 0:
        return p, 0.0
    e = (y - p) / pi
    middle = np.sum(free * e) / free.sum()
    return p, float(y.size / (y.size - 1) * np.sum(free * (e - middle) ** 2) / size**2)


def _effective(share: float, variance: float, weights: Floats, strata: int, level: float) -> float:
    kish = float(weights.sum() ** 2 / np.sum(weights**2))
    size = kish if variance <= 0 else min(kish, share * (1 - share) / variance)
    if weights.size <= strata or weights.size < 2:
        return size
    tail = (1 + level) / 2
    return size * float(student.ppf(tail, weights.size - 1) / student.ppf(tail, weights.size - strata)) ** 2


def _check(y: Floats, pi: Floats, names: np.ndarray, sizes: Mapping[str, int]) -> None:
    if not y.shape == pi.shape == names.shape or y.ndim != 1:
        raise ValueError(f"results, probabilities and strata must be as long as one another; got {y.shape}, {pi.shape}, {names.shape}")
    if not (np.isnan(y) | (y == 0) | (y == 1)).all():
        raise ValueError("results must be 1, 0 or NaN")
    if not ((pi > 0) & (pi <= 1)).all():
        raise ValueError("probabilities must lie in (0, 1]")
    if strange := sorted(set(names.tolist()) - set(sizes)):
        raise ValueError(f"sizes are missing for strata: {', '.join(strange)}")
