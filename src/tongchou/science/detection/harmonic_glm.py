"""Generalised linear models with trend and yearly harmonics: Poisson, negative binomial and binomial, by iterative weighted least squares.

Same start, stopping rule and order of steps as R's `glm` and `glm.nb` (MASS), so that means agree to rounding, not only to convergence.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, expit, gammaln, polygamma, xlogy

from tongchou.science.detection.model import Floats

MAX_ITERATIONS = 25  # R glm.control
TOLERANCE = 1e-8  # R glm.control
SMALLEST_MEAN = float(np.finfo(float).eps)  # R: floor of a mean with log link
LARGEST_LOG_MEAN = 700.0
LARGEST_SIZE = 1e10  # beyond it a negative binomial is a Poisson


def design(steps: int, steps_per_year: int, harmonics: int, trend: bool) -> Floats:
    """Columns 1, t, cos and sin of 2 pi j t / year for j = 1..harmonics; t = 1..steps."""
    t = np.arange(1, steps + 1, dtype=np.float64)
    columns = [np.ones(steps)] + ([t] if trend else [])
    for j in range(1, harmonics + 1):
        angle = 2 * np.pi * j * t / steps_per_year
        columns += [np.cos(angle), np.sin(angle)]
    return np.column_stack(columns)


def _mean(eta: Floats) -> Floats:
    return np.maximum(np.exp(np.minimum(eta, LARGEST_LOG_MEAN)), SMALLEST_MEAN)


@dataclass(frozen=True, slots=True, eq=False)
class _Family:
    """Mean, working weight and residual on the link scale, and deviance, as functions of the linear predictor or the mean."""

    mean: Callable[[Floats], Floats]
    weight: Callable[[Floats], Floats]
    slope: Callable[[Floats], Floats]  # d mean / d eta
    deviance: Callable[[Floats], float]


def _iterate(y: Floats, x: Floats, family: _Family, eta: Floats) -> tuple[Floats, Floats]:
    """Coefficients and linear predictor after iterative weighted least squares from ``eta``."""
    mu = family.mean(eta)
    before = family.deviance(mu)
    coefficients: Floats = np.zeros(x.shape[1])
    for _ in range(MAX_ITERATIONS):
        root = np.sqrt(family.weight(mu))
        target = eta + (y - mu) / family.slope(mu)
        if not np.isfinite(root).all() or not np.isfinite(target).all():
            break
        coefficients = np.asarray(np.linalg.lstsq(x * root[:, None], target * root, rcond=None)[0], dtype=np.float64)
        eta = x @ coefficients
        mu = family.mean(eta)
        now = family.deviance(mu)
        if abs(now - before) / (abs(now) + 0.1) < TOLERANCE:
            break
        before = now
    return coefficients, eta


def fit_poisson(y: Floats, x: Floats) -> Floats:
    """Coefficients of log mean = x b. y: (n,) whole numbers, x: (n, p)."""
    return _iterate(y, x, _poisson(y), np.log(y + 0.1))[0]


def _poisson(y: Floats) -> _Family:
    return _Family(_mean, lambda mu: mu, lambda mu: mu, lambda mu: float(2 * np.sum(xlogy(y, np.maximum(y, 1) / mu) - (y - mu))))


def fit_negative_binomial(y: Floats, x: Floats, dispersion: float | None = None) -> tuple[Floats, float]:
    """Coefficients of log mean = x b and dispersion a (variance mu + a mu^2) by maximum likelihood; 0 when no spread beyond Poisson can be told.

    Mean and dispersion are estimated in turns. As in R, each turn's dispersion belongs to the mean of the turn before.
    """
    coefficients, eta = _iterate(y, x, _poisson(y), np.log(y + 0.1))
    mu = _mean(eta)
    if dispersion is not None:
        return (_iterate(y, x, _negative_binomial(y, 1 / dispersion), eta)[0] if dispersion > 0 else coefficients), dispersion
    theta = _theta(y, mu)
    if not np.isfinite(theta) or theta <= 0:
        return coefficients, 0.0
    scale = np.sqrt(2 * max(1, len(y) - x.shape[1]))
    now, before, change = _log_likelihood(y, mu, theta), np.inf, 1.0
    for turn in range(MAX_ITERATIONS):
        if turn and abs(before - now) / scale + abs(change) <= TOLERANCE:
            break
        coefficients, eta = _iterate(y, x, _negative_binomial(y, theta), eta)
        last, theta = theta, _theta(y, mu)
        if not np.isfinite(theta) or theta <= 0:
            return coefficients, 1 / last
        mu, change = _mean(eta), last - theta
        before, now = now, _log_likelihood(y, mu, theta)
    return coefficients, 1 / theta


def _negative_binomial(y: Floats, theta: float) -> _Family:
    def deviance(mu: Floats) -> float:
        return float(2 * np.sum(xlogy(y, np.maximum(y, 1) / mu) - (y + theta) * np.log((y + theta) / (mu + theta))))

    return _Family(_mean, lambda mu: mu / (1 + mu / theta), lambda mu: mu, deviance)


def _theta(y: Floats, mu: Floats) -> float:
    """Size of a negative binomial by Newton's method from the moment estimate; infinite when the mean fits every count."""
    spread = float(np.sum((y / mu - 1) ** 2))
    theta = len(y) / spread if spread > 0 else np.inf
    for _ in range(MAX_ITERATIONS - 1):
        theta = abs(theta)
        if not 0 < theta < LARGEST_SIZE:
            return np.inf
        score = np.sum(digamma(theta + y) - digamma(theta) + np.log(theta) + 1 - np.log(theta + mu) - (y + theta) / (mu + theta))
        information = np.sum(polygamma(1, theta) - polygamma(1, theta + y) - 1 / theta + 2 / (mu + theta) - (y + theta) / (mu + theta) ** 2)
        if information == 0:
            return np.inf
        step = float(score / information)
        theta += step
        if abs(step) <= np.finfo(float).eps ** 0.25:
            break
    return theta


def _log_likelihood(y: Floats, mu: Floats, theta: float) -> float:
    return float(
        np.sum(
            gammaln(theta + y) - gammaln(theta) - gammaln(y + 1) + theta * np.log(theta) + xlogy(y, mu) - (theta + y) * np.log(theta + mu)
        )
    )


def fit_binomial(y: Floats, n: Floats, x: Floats) -> Floats:
    """Coefficients of logit P = x b for y positives among n samples, each (m,); rows without samples must be left out."""
    share = y / n

    def deviance(mu: Floats) -> float:
        return float(2 * np.sum(n * (xlogy(share, share / mu) + xlogy(1 - share, (1 - share) / (1 - mu)))))

    family = _Family(
        lambda eta: np.clip(expit(eta), SMALLEST_MEAN, 1 - SMALLEST_MEAN),
        lambda mu: n * mu * (1 - mu),
        lambda mu: mu * (1 - mu),
        deviance,
    )
    start = (y + 0.5) / (n + 1)
    return _iterate(share, x, family, np.log(start / (1 - start)))[0]
