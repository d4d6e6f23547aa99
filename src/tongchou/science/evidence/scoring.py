"""Are stated probabilities right? Reliability diagram, Brier score, ranked probability score."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import beta

from tongchou.science.detection.model import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """One bin per entry, empty bins left out: mean stated probability, how often it happened, with a 95 % interval, out of how many.

    `brier` = `miscalibration` - `resolution` + `uncertainty` + `within_bins` exactly.
    """

    stated: Floats
    happened: Floats
    low: Floats
    high: Floats
    cases: NDArray[np.int64]
    brier: float
    miscalibration: float
    resolution: float
    uncertainty: float
    within_bins: float

    @property
    def inside(self) -> NDArray[np.bool_]:
        """Bins whose stated probability lies in the interval of what happened."""
        return np.asarray((self.low <= self.stated) & (self.stated <= self.high))


def reliability(probabilities: ArrayLike, happened: ArrayLike, bins: int = 10) -> Reliability:
    """Compare stated probabilities with what happened, in bins of equal width.

    Parameters
    ----------
    probabilities: (cases,) in [0, 1]. happened: (cases,) true or false. No NaN: leave undecided cases out.

    Notes
    -----
    miscalibration = mean (stated - happened)^2, resolution = mean (happened - rate)^2 over bins weighted by cases, uncertainty = rate (1 - rate)
    (Murphy 1973); within_bins = mean (p - stated)^2 - 2 mean (p - stated)(o - happened), what binning loses (Stephenson 2008). Interval: Jeffreys.
    Cases of one wave are not independent: the intervals are then too narrow.

    References
    ----------
    Murphy 1973 10.1175/1520-0450(1973)012<0595:ANVPOT>2.0.CO;2; Stephenson, Coelho & Jolliffe 2008 10.1175/2007WAF2006116.1.

    Examples
    --------
    >>> diagram = reliability([0.1, 0.1, 0.9, 0.9], [False, False, True, False], bins=2)
    >>> diagram.happened, round(diagram.brier, 2)
    (array([0. , 0.5]), 0.21)
    """
    p, outcome = np.asarray(probabilities, dtype=np.float64), np.asarray(happened, dtype=np.float64)
    if p.ndim != 1 or p.shape != outcome.shape or len(p) == 0:
        raise ValueError(f"reliability: at least one probability, and as many outcomes; got {p.shape} and {outcome.shape}")
    if not ((p >= 0) & (p <= 1)).all() or not np.isin(outcome, (0.0, 1.0)).all() or bins < 1:
        raise ValueError("reliability: probabilities in [0, 1], outcomes true or false, at least one bin; leave undecided cases out")
    at = np.minimum((p * bins).astype(np.int64), bins - 1)
    counted = np.bincount(at, minlength=bins)
    full = counted > 0
    n = np.maximum(counted, 1)
    stated, seen = (np.bincount(at, weights=v, minlength=bins) / n for v in (p, outcome))
    share, rate = counted / len(p), outcome.mean()
    off = p - stated[at]
    successes = np.round(seen * n)[full]
    low, high = beta.ppf(0.025, successes + 0.5, n[full] - successes + 0.5), beta.ppf(0.975, successes + 0.5, n[full] - successes + 0.5)
    return Reliability(
        stated[full],
        seen[full],
        np.where(successes == 0, 0.0, low),
        np.where(successes == n[full], 1.0, high),
        counted[full],
        float(np.mean((p - outcome) ** 2)),
        float(share @ (stated - seen) ** 2),
        float(share @ np.where(full, seen - rate, 0.0) ** 2),
        float(rate * (1 - rate)),
        float(np.mean(off**2) - 2 * np.mean(off * (outcome - seen[at]))),
    )


def ranked_probability_score(probabilities: ArrayLike, outcomes: ArrayLike) -> Floats:
    """Score stated probabilities of ordered grades against the grade that came; 0 is perfect, a grade further off costs more.

    Parameters
    ----------
    probabilities: (cases, grades), lowest grade first, each row summing to 1. outcomes: (cases,) index of the grade that came.

    Returns
    -------
    (cases,) sum over grades of (P(grade <= g) - [outcome <= g])^2, in [0, grades - 1]. With two grades it is the Brier score.

    References
    ----------
    Epstein 1969 10.1175/1520-0450(1969)008<0985:ASSFPF>2.0.CO;2.

    Examples
    --------
    >>> ranked_probability_score([[0.2, 0.5, 0.3], [0, 0, 1]], [1, 2]).round(2)
    array([0.13, 0.  ])
    """
    p, came = np.asarray(probabilities, dtype=np.float64), np.asarray(outcomes)
    if p.ndim != 2 or came.shape != p.shape[:1] or p.shape[1] < 2:
        raise ValueError(f"ranked_probability_score: (cases, grades) and one outcome each; got {p.shape} and {came.shape}")
    if not ((p >= 0).all() and np.allclose(p.sum(axis=1), 1, atol=1e-6)):
        raise ValueError("ranked_probability_score: every row of probabilities is not negative and sums to 1")
    if not (np.isin(came, np.arange(p.shape[1]))).all():
        raise ValueError(f"ranked_probability_score: outcomes are whole numbers from 0 to {p.shape[1] - 1}")
    reached = np.arange(p.shape[1])[None, :] >= came[:, None]
    return np.asarray(((p.cumsum(axis=1) - reached) ** 2)[:, :-1].sum(axis=1))


def weighted_interval_score(quantiles: ArrayLike, probabilities: ArrayLike, observed: ArrayLike) -> Floats:
    """Score forecasts given as quantiles against what came; 0 is perfect, in the unit of the counts.

    Parameters
    ----------
    quantiles: (..., k), those of `probabilities`. probabilities: (k,) in (0, 1), rising, symmetric about 1/2, the median among them.
    observed: (...).

    Returns
    -------
    (...) mean over probabilities of 2 (observed - q) (p - [observed < q]); with intervals of level 1 - alpha_i and the median this is the WIS of
    Bracher 2021, `wis` of R `scoringutils`. NaN where a quantile or the observation is NaN.

    References
    ----------
    Bracher, Ray, Gneiting & Reich 2021 10.1371/journal.pcbi.1008618.

    Examples
    --------
    >>> weighted_interval_score([[8, 10, 13], [8, 10, 13]], [0.25, 0.5, 0.75], [10, 20]).round(2)
    array([0.83, 8.83])
    """
    q, p, seen = (np.asarray(given, dtype=np.float64) for given in (quantiles, probabilities, observed))
    if p.ndim != 1 or q.shape != (*seen.shape, len(p)):
        raise ValueError(
            f"weighted_interval_score: quantiles are (..., {p.size}), one for each probability, where observed is (...); got {q.shape}, {seen.shape}"
        )
    if not ((p > 0) & (p < 1)).all() or (np.diff(p) <= 0).any() or not np.allclose(p, 1 - p[::-1]) or 0.5 not in p:
        raise ValueError("weighted_interval_score: probabilities rise within (0, 1), lie symmetrically about 1/2 and include it")
    off = seen[..., None] - q
    return np.asarray(2 * np.mean(np.maximum(p * off, (p - 1) * off), axis=-1))
