"""Compiled fits for the improved Farrington algorithm.

The iterations are those of R's `glm` (same start, same stopping rule), so results agree to rounding; but normal equations are closed
form per season group, and within a run of weeks exp(alpha + beta t) is a product, so no iteration calls exp or log per week.
"""

import math

import numpy as np
from numba import njit

MAX_ITERATIONS = 25  # R glm.control
TOLERANCE = 1e-8  # R glm.control


@njit(cache=True, error_model="numpy")
def _store(sums, g, a, b, c, d, e):  # type: ignore[no-untyped-def]
    sums[g, 0] += a
    sums[g, 1] += b
    sums[g, 2] += c
    sums[g, 3] += d
    sums[g, 4] += e


@njit(cache=True, error_model="numpy")
def _solve(y, w, times, eta, mu, work, group, n, trend, sums):  # type: ignore[no-untyped-def]
    """One weighted least squares step: sums[g] = (W, W t, W t t, W z, W t z); returns slope and its information."""
    sums[:] = 0.0
    # Neighbouring weeks mostly share a group: adding up in registers is cheaper than in the array.
    held, a, b, c, d, e = group[0], 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(n):
        if group[i] != held:
            _store(sums, held, a, b, c, d, e)
            held, a, b, c, d, e = group[i], 0.0, 0.0, 0.0, 0.0, 0.0
        t = times[i]
        weight = w[i] * mu[i]
        wz = w[i] * (mu[i] * eta[i] + y[i] - mu[i])
        work[i] = weight
        a += weight
        b += weight * t
        c += weight * t * t
        d += wz
        e += wz * t
    _store(sums, held, a, b, c, d, e)
    information, slope_sum = 0.0, 0.0
    if trend:
        for g in range(sums.shape[0]):
            if sums[g, 0] > 0:
                information += sums[g, 2] - sums[g, 1] * sums[g, 1] / sums[g, 0]
                slope_sum += sums[g, 4] - sums[g, 1] * sums[g, 3] / sums[g, 0]
    slope = slope_sum / information if information > 0 else 0.0
    return slope, information


@njit(cache=True, error_model="numpy")
def _irls(y, ylogy, log_start, w, times, group, first, n, trend, eta, mu, work, sums, intercept, base):  # type: ignore[no-untyped-def]
    """Fit log mu = intercept[group] + slope t; returns (converged to something finite, slope, information)."""
    deviance_before, slope, information = 0.0, 0.0, 0.0
    for i in range(n):
        mu[i] = y[i] + 0.1
        eta[i] = log_start[i]
        deviance_before += 2 * w[i] * (ylogy[i] - y[i] * eta[i] - (y[i] - mu[i]))
    for _ in range(MAX_ITERATIONS):
        slope, information = _solve(y, w, times, eta, mu, work, group, n, trend, sums)
        for g in range(sums.shape[0]):
            intercept[g] = (sums[g, 3] - slope * sums[g, 1]) / sums[g, 0] if sums[g, 0] > 0 else 0.0
            base[g] = math.exp(intercept[g])
        growth, grown, deviance = math.exp(slope), 1.0, 0.0
        for i in range(n):
            eta[i] = intercept[group[i]] + slope * times[i]
            grown = math.exp(slope * times[i]) if first[i] else grown * growth
            mu[i] = base[group[i]] * grown
            deviance += 2 * w[i] * (ylogy[i] - y[i] * eta[i] - (y[i] - mu[i]))
        if not math.isfinite(deviance):
            return False, slope, information
        if abs(deviance - deviance_before) / (abs(deviance) + 0.1) < TOLERANCE:
            break
        deviance_before = deviance
    return True, slope, information


@njit(cache=True, error_model="numpy")
def _reweight(y, y23, mu, work, times, group, first, n, df, slope, information, threshold, sums, w, intercept, base):  # type: ignore[no-untyped-def]
    """Weights s^-2 for Anscombe residuals above the threshold, scaled to sum n (Farrington 1996, Noufaily 2013)."""
    pearson = 0.0
    for i in range(n):
        residual = (y[i] - mu[i]) / mu[i]
        pearson += work[i] * residual * residual
    phi = max(pearson / df, 1.0)
    for g in range(sums.shape[0]):
        base[g] = math.exp(intercept[g] / 6)
    total, grown, growth = 0.0, 1.0, math.exp(slope / 6)
    for i in range(n):
        g = group[i]
        grown = math.exp(slope * times[i] / 6) if first[i] else grown * growth
        sixth = base[g] * grown
        hat = 1 / sums[g, 0]
        if information > 0:
            distance = times[i] - sums[g, 1] / sums[g, 0]
            hat += distance * distance / information
        hat *= work[i]
        excess = 1.5 * (y23[i] / sixth - sixth * sixth * sixth)
        w[i] = 1.0
        if excess > 0 and hat < 1:
            squared = excess * excess / (phi * (1 - hat))
            if squared > threshold * threshold:
                w[i] = 1 / squared
        total += w[i]
    for i in range(n):
        w[i] *= n / total


@njit(cache=True, error_model="numpy")
def _fit(y, ylogy, log_start, y23, times, group, first, n, parameters, trend, threshold, textbook, w, eta, mu, work, sums, intercept, base):  # type: ignore[no-untyped-def]
    """Fit, reweight, fit again; returns (ok, mean now, phi, variance of log mean now, t value of the trend).

    ``textbook``: variances are phi times the inverse information, as Farrington 1996; else as the R program of Noufaily 2013.
    """
    df = n - parameters
    if df <= 0:
        return False, np.nan, np.nan, np.nan, 0.0
    w[:n] = 1.0
    ok, slope, information = _irls(y, ylogy, log_start, w, times, group, first, n, trend, eta, mu, work, sums, intercept, base)
    if not ok or (trend and information <= 0):
        return False, np.nan, np.nan, np.nan, 0.0
    _reweight(y, y23, mu, work, times, group, first, n, df, slope, information, threshold, sums, w, intercept, base)
    ok, slope, information = _irls(y, ylogy, log_start, w, times, group, first, n, trend, eta, mu, work, sums, intercept, base)
    if not ok or (trend and information <= 0) or sums[0, 0] <= 0:
        return False, np.nan, np.nan, np.nan, 0.0
    pearson, overwritten = 0.0, 0.0
    for i in range(n):
        residual = (y[i] - mu[i]) / mu[i]
        pearson += work[i] * residual * residual
        overwritten += w[i] * residual * residual
    phi = max(pearson / df, 1.0)
    scale = phi if textbook else overwritten / df
    spread = 1 / sums[0, 0]
    t_value = 0.0
    if trend:
        distance = sums[0, 1] / sums[0, 0]
        spread += distance * distance / information
        # The trend is judged by the dispersion as it is, without the floor of 1.
        spread_now = (pearson if textbook else overwritten) / df
        t_value = abs(slope) / math.sqrt(spread_now / information) if spread_now > 0 else np.inf
    return True, math.exp(intercept[0]), phi, scale * spread, t_value


@njit(cache=True, error_model="numpy")
def fit_all(counts, weeks, starts, lengths, groups, periods, threshold, may_trend, textbook, critical, log_table, ylogy_table, y23_table):  # type: ignore[no-untyped-def]
    """Fit every series at every week; returns mean, dispersion, variance of the log mean, trend kept: each (series, weeks)."""
    n_series, n_weeks, n_runs = counts.shape[0], weeks.shape[0], starts.shape[1]
    expected = np.full((n_series, n_weeks), np.nan)
    dispersion, variance = expected.copy(), expected.copy()
    trends = np.zeros((n_series, n_weeks), dtype=np.bool_)
    size = critical.shape[0]
    y, ylogy, log_start, y23, times = np.empty(size), np.empty(size), np.empty(size), np.empty(size), np.empty(size)
    w, eta, mu, work = np.empty(size), np.empty(size), np.empty(size), np.empty(size)
    group, first = np.empty(size, dtype=np.int64), np.empty(size, dtype=np.bool_)
    sums, intercept, base = np.empty((periods, 5)), np.empty(periods), np.empty(periods)
    used = np.empty(periods, dtype=np.bool_)
    for s in range(n_series):
        for k in range(n_weeks):
            n, largest, before = 0, 0.0, -2
            used[:] = False
            for r in range(n_runs):
                for position in range(starts[k, r], starts[k, r] + lengths[k, r]):
                    value = counts[s, position]
                    if math.isnan(value):
                        continue
                    index = int(value)
                    y[n], ylogy[n], log_start[n], y23[n] = value, ylogy_table[index], log_table[index], y23_table[index]
                    times[n], group[n], first[n] = position - weeks[k], groups[k, r], position != before + 1
                    used[groups[k, r]] = True
                    largest = max(largest, value)
                    before = position
                    n += 1
            if n == 0 or not used[0]:
                continue
            p = used.sum()
            keep = False
            if may_trend:
                ok, mean, phi, var, t_value = _fit(
                    y, ylogy, log_start, y23, times, group, first, n, p + 1, True, threshold, textbook,
                    w, eta, mu, work, sums, intercept, base,
                )  # fmt: skip
                keep = ok and mean <= largest and t_value >= critical[n - p - 1]
            if not keep:
                ok, mean, phi, var, t_value = _fit(
                    y, ylogy, log_start, y23, times, group, first, n, p, False, threshold, textbook, w, eta, mu, work, sums, intercept, base
                )
            if ok:
                expected[s, k], dispersion[s, k], variance[s, k], trends[s, k] = mean, phi, var, keep
    return expected, dispersion, variance, trends
