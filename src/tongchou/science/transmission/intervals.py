"""Serial and generation intervals from pairs whose days are known only to within some days."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize
from scipy.special import gammainc

from tongchou.science.reproduction.serial_interval import Floats

LEAST_PAIRS = 5
_NORMAL_95 = 1.959964
_WIDEST = math.log(1e6)
_LOG_BOUNDS = (math.log(0.1), math.log(1000))  # days; a sd below a tenth of a day cannot be told from none


@dataclass(frozen=True, slots=True)
class IntervalEstimate:
    """Mean and standard deviation in days of a Gamma interval, with 95 % intervals, and from how many pairs."""

    mean_days: float
    mean_low: float
    mean_high: float
    sd_days: float
    sd_low: float
    sd_high: float
    pairs: int


def estimate_interval(infector: ArrayLike, infectee: ArrayLike) -> IntervalEstimate:
    """Fit a Gamma interval to pairs by maximum likelihood when each day is known only to within a span.

    Parameters
    ----------
    infector, infectee: (pairs, 2) first and last possible whole day of each, or (pairs,) when known to the day. Onsets give the serial
        interval, days of infection (spans of exposure) the generation interval. No NaN; at least 5 pairs.

    Returns
    -------
    IntervalEstimate.

    Notes
    -----
    An instant is uniform within [first, last + 1). With F the distribution function and H(x) the integral of F from 0 to x,
    H(x) = x F_a(x) - a b F_{a+1}(x), the chance of a pair with spans [p, q) and [c, d) is
    (H(d - p) - H(d - q) - H(c - p) + H(c - q)) / ((q - p)(d - c)), taken to the density of both (Reich 2009). Intervals: normal on the log
    scale from the observed information. A Gamma has no negative interval: pairs in reverse order are refused, which errs towards longer
    intervals when people fall ill before who infected them. No correction for an epidemic that grows, which errs towards shorter ones.

    References
    ----------
    Reich 2009 10.1002/sim.3659

    Examples
    --------
    >>> found = estimate_interval([0, 0, 1, 2, 5, 5, 7, 8], [3, 5, 4, 8, 8, 9, 12, 11])
    >>> round(found.mean_days, 2), round(found.sd_days, 2), found.pairs
    (4.0, 1.03, 8)
    """
    p, q = _spans("infector", infector)
    c, d = _spans("infectee", infectee)
    if len(p) != len(c) or len(p) < LEAST_PAIRS:
        raise ValueError(f"pairs: needs at least {LEAST_PAIRS} infectors and as many infectees, got {len(p)} and {len(c)}")
    if len(reversed_pairs := np.flatnonzero(d <= p)):
        raise ValueError(f"pair {reversed_pairs[0] + 1}: the infectee's last possible day lies before the infector's first")

    def cost(logs: Floats) -> float:
        mean, sd = np.exp(np.clip(logs, *_LOG_BOUNDS))
        chances = pair_chances(p, q, c, d, float(mean), float(sd))
        return -float(np.log(np.maximum(chances, 1e-300)).sum())

    apart = np.maximum((c + d - p - q) / 2, 0.5)
    start = np.log([apart.mean(), max(float(apart.std()), 0.5)])
    best = minimize(cost, start, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9, "maxiter": 4000})
    spread, middle = _half_widths(cost, best.x), np.clip(best.x, *_LOG_BOUNDS)
    (mean, sd), (mean_low, sd_low), (mean_high, sd_high) = (np.exp(x).tolist() for x in (middle, middle - spread, middle + spread))
    return IntervalEstimate(mean, mean_low, mean_high, sd, sd_low, sd_high, len(p))


def pair_chances(p: Floats, q: Floats, c: Floats, d: Floats, mean_days: float, sd_days: float) -> Floats:
    """Likelihood of each pair: infector within [p, q), infectee within [c, d), Gamma interval; see `estimate_interval`."""
    shape, scale = (mean_days / sd_days) ** 2, sd_days**2 / mean_days

    def integral(x: Floats) -> Floats:
        x = np.maximum(x, 0)
        return np.asarray(x * gammainc(shape, x / scale) - shape * scale * gammainc(shape + 1, x / scale))

    return (integral(d - p) - integral(d - q) - integral(c - p) + integral(c - q)) / ((q - p) * (d - c))


def _spans(name: str, given: ArrayLike) -> tuple[Floats, Floats]:
    days = np.asarray(given, dtype=np.float64)
    days = np.stack([days, days], axis=1) if days.ndim == 1 else days
    if days.ndim != 2 or days.shape[1:] != (2,) or not np.all(np.isfinite(days)):
        raise ValueError(f"{name}: needs (pairs,) or (pairs, 2) days, none missing, got shape {days.shape}")
    if np.any(days[:, 1] < days[:, 0]):
        raise ValueError(f"{name}: a last possible day lies before the first")
    return days[:, 0], days[:, 1] + 1


def _half_widths(cost: Callable[[Floats], float], at: Floats, step: float = 1e-3) -> Floats:
    """Half of a 95 % interval, from the curvature of the cost (central differences); `_WIDEST` where the data do not bound a parameter."""
    information = np.empty((2, 2))
    moves = np.eye(2) * step
    for i in range(2):
        for j in range(2):
            a, b = moves[i], moves[j]
            information[i, j] = (cost(at + a + b) - cost(at + a - b) - cost(at - a + b) + cost(at - a - b)) / (4 * step**2)
    if np.linalg.det(information) <= 0 or at[1] <= _LOG_BOUNDS[0] + step:
        # The sd cannot be told from none: only the mean is bounded, as if the sd were known.
        return np.array([min(_NORMAL_95 / math.sqrt(information[0, 0]), _WIDEST) if information[0, 0] > 0 else _WIDEST, _WIDEST])
    return np.minimum(_NORMAL_95 * np.sqrt(np.maximum(np.diag(np.linalg.inv(information)), 0)), _WIDEST)
