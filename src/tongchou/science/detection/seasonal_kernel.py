"""Compiled fits of the seasonal model: penalised quasi-Poisson regression with down-weighted outbreaks, one step after another."""

import math

import numpy as np
from numba import njit

MOST_ITERATIONS = 60
DAMPED_FROM = 10  # iterations after which weights that swing are averaged with the last ones
FROZEN_FROM = 40  # ... and after which they, and the dispersion, stay as they are: a dozen rare events may have no weights at rest
TOLERANCE = 1e-6  # largest change of a coefficient between two iterations
LOG_MEAN_RANGE = (-14.0, 23.0)
LEAST_PRESENT_PER_COEFFICIENT = 2
CONVERGED, TOO_SHORT, NOT_CONVERGED = 0, 1, 2


@njit(cache=True, error_model="numpy")
def _solve(matrix, right, factor, out):  # type: ignore[no-untyped-def]
    """Cholesky solution of a small symmetric system; False when it is not positive definite."""
    n = len(right)
    for i in range(n):
        for j in range(i + 1):
            s = matrix[i, j]
            for k in range(j):
                s -= factor[i, k] * factor[j, k]
            if i == j:
                if s <= 0:
                    return False
                factor[i, i] = math.sqrt(s)
            else:
                factor[i, j] = s / factor[j, j]
    return _substitute(factor, right, out)


@njit(cache=True, error_model="numpy")
def _substitute(factor, right, out):  # type: ignore[no-untyped-def]
    n = len(right)
    for i in range(n):
        s = right[i]
        for k in range(i):
            s -= factor[i, k] * out[k]
        out[i] = s / factor[i, i]
    for i in range(n - 1, -1, -1):
        s = out[i]
        for k in range(i + 1, n):
            s -= factor[k, i] * out[k]
        out[i] = s / factor[i, i]
    return True


@njit(cache=True, error_model="numpy")
def _log_mean(row, coefficients, log_offset):  # type: ignore[no-untyped-def]
    eta = log_offset
    for k in range(len(coefficients)):
        eta += row[k] * coefficients[k]
    return min(max(eta, LOG_MEAN_RANGE[0]), LOG_MEAN_RANGE[1])


@njit(cache=True, error_model="numpy")
def anscombe(y, mean, dispersion):  # type: ignore[no-untyped-def]
    """Standardised Anscombe residual of a quasi-Poisson count."""
    return 1.5 * (y ** (2 / 3) * mean ** (-1 / 6) - math.sqrt(mean)) / math.sqrt(dispersion)


@njit(cache=True, error_model="numpy")
def _normal_equations(y, design, mean, weights, begin, end, coefficients, penalty, dispersion, matrix, right):  # type: ignore[no-untyped-def]
    """One Newton step's system: matrix x new coefficients = right."""
    n = len(coefficients)
    matrix[:] = 0.0
    right[:] = 0.0
    for i in range(begin, end):
        if math.isnan(y[i]):
            continue
        weight = weights[i] * mean[i]
        fitted = 0.0
        for k in range(n):
            fitted += design[i, k] * coefficients[k]
        response = weight * fitted + weights[i] * (y[i] - mean[i])
        for k in range(n):
            right[k] += response * design[i, k]
            scaled = weight * design[i, k]
            for j in range(k + 1):
                matrix[k, j] += scaled * design[i, j]
    for k in range(n):
        matrix[k, k] += penalty[k] * dispersion
        for j in range(k):
            matrix[j, k] = matrix[k, j]


@njit(cache=True, error_model="numpy")
def _reweigh(y, design, log_offset, mean, weights, begin, end, coefficients, dispersion, limit, keep):  # type: ignore[no-untyped-def]
    """New means and weights, and the dispersion they leave (at least 1); `keep` is the share of the old weights that stays."""
    squares, total = 0.0, 0.0
    for i in range(begin, end):
        if math.isnan(y[i]):
            continue
        m = math.exp(_log_mean(design[i], coefficients, log_offset[i]))
        mean[i] = m
        fresh = 1.0
        # The Anscombe residual never exceeds Pearson's (y^(2/3) is concave), which costs no power.
        # One event may be chance at any mean: counted in full, a stream of rare events would lose all of them, one after another.
        if y[i] - 1 - m > limit * math.sqrt(dispersion * m):
            residual = anscombe(y[i] - 1, m, dispersion)
            fresh = (limit / residual) ** 2 if residual > limit else 1.0
        weights[i] = keep * weights[i] + (1 - keep) * fresh
        squares += weights[i] * (y[i] - m) ** 2 / m
        total += weights[i]
    return max(1.0, squares / max(total - len(coefficients), 1.0))


@njit(cache=True, error_model="numpy")
def _count_present(y, begin, end):  # type: ignore[no-untyped-def]
    present, total = 0, 0.0
    for i in range(begin, end):
        if not math.isnan(y[i]):
            present += 1
            total += y[i]
    return present, total


@njit(cache=True, error_model="numpy")
def _exposure(y, log_offset, begin, end):  # type: ignore[no-untyped-def]
    exposed = 0.0
    for i in range(begin, end):
        if not math.isnan(y[i]):
            exposed += math.exp(log_offset[i])
    return exposed


@njit(cache=True, error_model="numpy")
def _converge(y, design, offset, mean, weights, begin, end, coefficients, before, penalty, dispersion, limit, matrix, factor, right):  # type: ignore[no-untyped-def]
    """Newton steps and new weights by turns until no coefficient moves: status and dispersion; `coefficients` are changed in place."""
    for iteration in range(MOST_ITERATIONS):
        before[:] = coefficients
        _normal_equations(y, design, mean, weights, begin, end, coefficients, penalty, dispersion, matrix, right)
        if not _solve(matrix, right, factor, coefficients):
            break
        keep = 1.0 if iteration >= FROZEN_FROM else 0.5 if iteration >= DAMPED_FROM else 0.0
        left = _reweigh(y, design, offset, mean, weights, begin, end, coefficients, dispersion, limit, keep)
        if iteration < FROZEN_FROM:
            dispersion = left
        if np.abs(coefficients - before).max() < TOLERANCE:
            return CONVERGED, dispersion
    return NOT_CONVERGED, dispersion


@njit(cache=True, error_model="numpy")
def fit_steps(counts, design, log_offset, steps, past, left_out, penalty, limit, expected, error, dispersions, status):  # type: ignore[no-untyped-def]
    """Fill (series, steps) with the expected count, its standard error, the dispersion and a status; each fit starts at the last one."""
    n_steps, n = design.shape
    matrix, factor = np.empty((n, n)), np.empty((n, n))
    right, coefficients, before = np.empty(n), np.zeros(n), np.zeros(n)
    weights, mean = np.ones(n_steps), np.empty(n_steps)
    for s in range(counts.shape[0]):
        y, offset = counts[s], log_offset[s]
        dispersion, is_warm = 1.0, False
        for e in range(len(steps)):
            end = max(0, steps[e] - left_out)
            begin = max(0, end - past)
            present, total = _count_present(y, begin, end)
            expected[s, e], error[s, e], dispersions[s, e] = math.nan, math.nan, math.nan
            if present < LEAST_PRESENT_PER_COEFFICIENT * n:
                status[s, e] = TOO_SHORT
                continue
            if total == 0:
                # No maximum exists at zero: Jeffreys' Gamma(1/2, exposure) for the rate.
                rate = math.exp(offset[steps[e]]) / _exposure(y, offset, begin, end)
                expected[s, e], error[s, e], dispersions[s, e] = 0.5 * rate, math.sqrt(0.5) * rate, 1.0
                status[s, e], is_warm = CONVERGED, False
                continue
            if not is_warm:
                weights[:] = 1.0
                coefficients[:] = 0.0
                coefficients[0] = math.log((total + 0.5) / _exposure(y, offset, begin, end))
                dispersion = 1.0
            for i in range(begin, end):
                mean[i] = math.exp(_log_mean(design[i], coefficients, offset[i]))
            status[s, e], dispersion = _converge(
                y, design, offset, mean, weights, begin, end, coefficients, before, penalty, dispersion, limit, matrix, factor, right
            )
            is_warm = status[s, e] == CONVERGED
            if not is_warm:
                continue
            row = design[steps[e]]
            predicted = math.exp(_log_mean(row, coefficients, offset[steps[e]]))
            _substitute(factor, row, before)
            leverage = 0.0
            for k in range(n):
                leverage += row[k] * before[k]
            expected[s, e], dispersions[s, e] = predicted, dispersion
            error[s, e] = predicted * math.sqrt(leverage * dispersion)
