"""The improved Farrington algorithm written plainly: matrices, one week at a time, for whole 52-week years."""

import numpy as np
from scipy import stats

from tongchou.science.detection.farrington import FarringtonParams


def reference_weeks(week: int, params: FarringtonParams) -> tuple[np.ndarray, np.ndarray]:
    """Past weeks and their season group: walk back week by week and ask how far each is from an anniversary."""
    w = params.half_window
    if params.periods == 1:
        past = [week - 52 * year + shift for year in range(params.years_back, 0, -1) for shift in range(-w, w + 1)]
        return np.array(past), np.zeros(len(past), int)
    past = list(range(week - 52 * params.years_back - w, week - params.past_weeks_left_out))
    groups = []
    for p in past:
        after_window = (p - week - w - 1) % 52
        rest = 52 - (2 * w + 1)
        groups.append(0 if after_window >= rest else 1 + int(after_window // (rest / (params.periods - 1))))
    keep = [i for i, p in enumerate(past) if p >= 0]
    return np.array(past)[keep], np.array(groups)[keep]


def quasi_poisson(design: np.ndarray, y: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Iteratively reweighted least squares with log link: coefficients, fitted, unscaled covariance, working weights."""

    def deviance(mean: np.ndarray) -> float:
        return float(2 * np.sum(weights * (np.where(y > 0, y * np.log(np.maximum(y, 1) / mean), 0.0) - (y - mean))))

    mu = y + 0.1
    eta, before = np.log(mu), deviance(mu)
    for _ in range(25):
        working = weights * mu
        covariance = np.linalg.inv((design.T * working) @ design)
        coefficients = covariance @ ((design.T * working) @ (eta + (y - mu) / mu))
        eta = design @ coefficients
        mu = np.exp(eta)
        now = deviance(mu)
        if abs(now - before) / (abs(now) + 0.1) < 1e-8:
            break
        before = now
    return coefficients, mu, covariance, working


def fit(design: np.ndarray, y: np.ndarray, params: FarringtonParams) -> tuple[np.ndarray, float, np.ndarray]:
    """Fit, weigh down past outbreaks, fit again: coefficients, dispersion, covariance of the coefficients."""
    n, p = design.shape
    coefficients, mu, covariance, working = quasi_poisson(design, y, np.ones(n))
    phi = max(1.0, float(np.sum(working * ((y - mu) / mu) ** 2) / (n - p)))
    leverage = np.einsum("ij,jk,ik->i", design, covariance, design) * working
    residual = 1.5 * (y ** (2 / 3) * mu ** (-1 / 6) - mu**0.5) / np.sqrt(phi * (1 - leverage))
    omega = np.where(residual > params.weights_threshold, np.maximum(residual, 1e-9) ** -2.0, 1.0)
    omega *= n / omega.sum()
    coefficients, mu, covariance, working = quasi_poisson(design, y, omega)
    phi = max(1.0, float(np.sum(working * ((y - mu) / mu) ** 2) / (n - p)))
    scale = float(np.sum(omega * ((y - mu) / mu) ** 2) / (n - p))
    return coefficients, phi, scale * covariance


def bound(counts: np.ndarray, week: int, params: FarringtonParams) -> float:
    """Upper bound of one week (NaN below 5 events in 4 weeks)."""
    if counts[max(0, week - 3) : week + 1].sum() < 5:
        return float("nan")
    past, groups = reference_weeks(week, params)
    y = counts[past]
    season = np.column_stack([groups == g for g in range(params.periods)]).astype(float)
    season[:, 0] = 1.0
    with_trend = np.column_stack([season, past - week])
    kept = False
    if params.years_back >= 3:
        coefficients, phi, covariance = fit(with_trend, y, params)
        t_value = coefficients[-1] / np.sqrt(covariance[-1, -1])
        p_value = 2 * stats.t.sf(abs(t_value), len(y) - with_trend.shape[1])
        kept = p_value <= params.trend_p and np.exp(coefficients[0]) <= y.max()
    if not kept:
        coefficients, phi, covariance = fit(season, y, params)
    mean, variance, z = float(np.exp(coefficients[0])), covariance[0, 0], stats.norm.ppf(1 - params.alpha)
    if params.bound == "delta":
        return float(mean * (1 + 2 / 3 * z * np.sqrt((phi + variance * mean) / mean)) ** 1.5)
    if params.bound == "muan":
        mean *= float(np.exp(z * np.sqrt(variance)))
    return float(stats.poisson.ppf(1 - params.alpha, mean) if phi <= 1 else stats.nbinom.ppf(1 - params.alpha, mean / (phi - 1), 1 / phi))
