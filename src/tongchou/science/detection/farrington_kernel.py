"""Compiled fits for Farrington's algorithm.

The iterations are those of R's `glm` (same start, same stopping rule), so results agree to rounding. But:

- With one intercept per season group each step is closed form, and needs three sums per group only: W = sum w mu, sum w mu t, sum w mu t t.
  The rest of the normal equations and the deviance follow from sums of the counts that no iteration changes.
- Along unbroken weeks exp(alpha + beta t) is a geometric series. A run of weeks of one group whose weights are equal (nearly all) needs no
  loop over its weeks: its sums follow from those of a run of the same length.

So an iteration goes over runs, not weeks, and calls exp once per group. A missing week has weight 0.
"""

import math

import numpy as np
from numba import njit

MAX_ITERATIONS = 25  # R glm.control
TOLERANCE = 1e-8  # R glm.control
ADDED = 0.1  # R: a Poisson fit starts at y + 0.1
BEGIN, END, GROUP, IS_EVEN = 0, 1, 2, 3  # columns of `runs`; even: every week of the run has the common weight
W, WT, WTT, WZ, WTZ, WY, WTY, WYLOGY, DEVIANCE, WEIGHT = range(10)  # columns of a run's sums at the start


@njit(cache=True, error_model="numpy")
def _at_start(y, ylogy, log_start, w, t, table, row):  # type: ignore[no-untyped-def]
    """Add one week at mu = y + 0.1 to the sums of its run."""
    wy = w * y
    weight = wy + w * ADDED
    z = weight * log_start - w * ADDED
    table[row, W] += weight
    table[row, WT] += weight * t
    table[row, WTT] += weight * t * t
    table[row, WZ] += z
    table[row, WTZ] += z * t
    table[row, WY] += wy
    table[row, WTY] += wy * t
    table[row, WYLOGY] += w * ylogy
    table[row, DEVIANCE] += 2 * (w * ylogy - wy * log_start + w * ADDED)
    table[row, WEIGHT] += w


@njit(cache=True, error_model="numpy")
def _begin(runs, parts, y, ylogy, log_start, w, t, common, total):  # type: ignore[no-untyped-def]
    """`total` (groups, 10): the sums of the first step; even runs are `common` times those of weight 1, `parts`."""
    total[:] = 0.0
    for r in range(runs.shape[0]):
        g = runs[r, GROUP]
        if runs[r, IS_EVEN]:
            for k in range(10):
                total[g, k] += common * parts[r, k]
        else:
            for i in range(runs[r, BEGIN], runs[r, END]):
                _at_start(y[i], ylogy[i], log_start[i], w[i], t[i], total, g)


@njit(cache=True, error_model="numpy")
def _weigh(runs, w, t, common, slope, sums, series):  # type: ignore[no-untyped-def]
    """Sums W, W t, W t t at mu = exp(slope t), intercepts left out.

    `series` (4, longest run + 1) is filled with the sums of q^j, j q^j, j j q^j below each length, and q^length, q = exp(slope).
    """
    growth, power = math.exp(slope), 1.0
    for j in range(series.shape[1] - 1):
        series[3, j] = power
        series[0, j + 1] = series[0, j] + power
        series[1, j + 1] = series[1, j] + power * j
        series[2, j + 1] = series[2, j] + power * j * j
        power *= growth
    series[3, series.shape[1] - 1] = power
    sums[:] = 0.0
    following, first = math.inf, 1.0
    for r in range(runs.shape[0]):
        begin, end = runs[r, BEGIN], runs[r, END]
        if begin == end:
            continue
        g, u = runs[r, GROUP], t[begin]
        if u != following:
            first = math.exp(slope * u)
        if runs[r, IS_EVEN]:
            n = end - begin
            scale, s0, s1, s2 = common * first, series[0, n], series[1, n], series[2, n]
            sums[g, W] += scale * s0
            sums[g, WT] += scale * (u * s0 + s1)
            sums[g, WTT] += scale * (u * (u * s0 + 2 * s1) + s2)
        else:
            grown = first
            for i in range(begin, end):
                weight = w[i] * grown
                sums[g, W] += weight
                sums[g, WT] += weight * t[i]
                sums[g, WTT] += weight * t[i] * t[i]
                grown *= growth
        first *= series[3, end - begin]
        following = u + (end - begin)


@njit(cache=True, error_model="numpy")
def _solve(sums, trend, intercept):  # type: ignore[no-untyped-def]
    """One weighted least squares step: sets the intercepts; gives back the slope and its information."""
    information, slope_sum = 0.0, 0.0
    if trend:
        for g in range(sums.shape[0]):
            if sums[g, W] > 0:
                information += sums[g, WTT] - sums[g, WT] * sums[g, WT] / sums[g, W]
                slope_sum += sums[g, WTZ] - sums[g, WT] * sums[g, WZ] / sums[g, W]
    slope = slope_sum / information if information > 0 else 0.0
    for g in range(sums.shape[0]):
        intercept[g] = (sums[g, WZ] - slope * sums[g, WT]) / sums[g, W] if sums[g, W] > 0 else 0.0
    return slope, information


@njit(cache=True, error_model="numpy")
def _irls(runs, parts, y, ylogy, log_start, w, t, common, trend, total, sums, after, intercept, before, series):  # type: ignore[no-untyped-def]
    """Fit log mu = intercept[group] + slope t; gives back (stayed finite, slope, its information, slope of the step before, steps).

    `sums` and `before` are left as of the last step: R takes its standard errors from the weights with which that step was made.
    """
    _begin(runs, parts, y, ylogy, log_start, w, t, common, total)
    sums[:] = total[:, :5]
    deviance_before, slope, slope_before, information = total[:, DEVIANCE].sum(), 0.0, 0.0, 0.0
    for step in range(1, MAX_ITERATIONS + 1):
        slope, information = _solve(sums, trend, intercept)
        if trend:
            _weigh(runs, w, t, common, slope, after, series)
        deviance = 0.0
        for g in range(sums.shape[0]):
            base, a = math.exp(intercept[g]), intercept[g]
            first = base * (after[g, W] if trend else total[g, WEIGHT])
            second, third = (base * after[g, WT], base * after[g, WTT]) if trend else (0.0, 0.0)
            after[g, W], after[g, WT], after[g, WTT] = first, second, third
            # sum w (mu eta + y - mu) and the same times t
            after[g, WZ] = a * first + slope * second + total[g, WY] - first
            after[g, WTZ] = a * second + slope * third + total[g, WTY] - second
            deviance += 2 * (total[g, WYLOGY] - a * total[g, WY] - slope * total[g, WTY] - total[g, WY] + first)
        if not math.isfinite(deviance):
            return False, slope, information, slope_before, step
        if abs(deviance - deviance_before) / (abs(deviance) + 0.1) < TOLERANCE or step == MAX_ITERATIONS:
            break
        deviance_before, slope_before = deviance, slope
        sums[:] = after
        before[:] = intercept
    return True, slope, information, slope_before, step


@njit(cache=True, error_model="numpy")
def _means(runs, y, w, t, intercept, slope, before, slope_before, steps, mu, work):  # type: ignore[no-untyped-def]
    """Means and the working weights of the last step of every week; sums of squared relative residuals, by working and by prior weight."""
    pearson, prior = 0.0, 0.0
    growth, growth_before = math.exp(slope), math.exp(slope_before)
    for r in range(runs.shape[0]):
        if runs[r, BEGIN] == runs[r, END]:
            continue
        g, u = runs[r, GROUP], t[runs[r, BEGIN]]
        mean, weight = math.exp(intercept[g] + slope * u), math.exp(before[g] + slope_before * u)
        for i in range(runs[r, BEGIN], runs[r, END]):
            mu[i] = mean
            work[i] = w[i] * (weight if steps > 1 else y[i] + ADDED)
            residual = (y[i] - mean) / mean
            pearson += work[i] * residual * residual
            prior += w[i] * residual * residual
            mean *= growth
            weight *= growth_before
    return pearson, prior


@njit(cache=True, error_model="numpy")
def _reweight(runs, y, mu, work, present, t, n, dispersion, information, threshold, sums, w):  # type: ignore[no-untyped-def]
    """Weights s^-2 for Anscombe residuals above the threshold, scaled to sum n (Farrington 1996, Noufaily 2013).

    Runs with such a week are no longer even; gives back the common weight of the others.
    """
    total, limit = 0.0, threshold * threshold * dispersion
    inverse = 1 / information if information > 0 else 0.0
    for r in range(runs.shape[0]):
        g, has_news = runs[r, GROUP], False
        own, centre = 1 / sums[g, W], sums[g, WT] / sums[g, W]
        for i in range(runs[r, BEGIN], runs[r, END]):
            w[i] = present[i]
            off, distance = y[i] - mu[i], t[i] - centre
            hat = work[i] * (own + distance * distance * inverse)
            # The Anscombe residual never exceeds Pearson's (y^(2/3) is concave), which costs no power.
            if off > 0 and present[i] > 0 and off * off > limit * (1 - hat) * mu[i] and hat < 1:
                excess = 1.5 * (y[i] ** (2 / 3) * mu[i] ** (-1 / 6) - math.sqrt(mu[i]))
                squared = excess * excess / (dispersion * (1 - hat))
                if squared > threshold * threshold:
                    w[i], has_news = 1 / squared, True
            total += w[i]
        if has_news:
            runs[r, IS_EVEN] = 0
    for i in range(runs[-1, END]):
        w[i] *= n / total
    return n / total


@njit(cache=True, error_model="numpy")
def _fit(runs, even, parts, data, t, n, parameters, trend, threshold, textbook, total, sums, after, intercept, before, series):  # type: ignore[no-untyped-def]
    """Fit, reweight, fit again; returns (ok, mean now, phi, variance of log mean now, t value of the trend).

    ``textbook``: variances are phi times the inverse information, as Farrington 1996; else as the R program of Noufaily 2013.
    """
    y, ylogy, log_start, present, w, mu, work = data[0], data[1], data[2], data[3], data[4], data[5], data[6]
    df = n - parameters
    if df <= 0:
        return False, np.nan, np.nan, np.nan, 0.0
    runs[:, IS_EVEN] = even
    ok, slope, information, slope_before, steps = _irls(
        runs, parts, y, ylogy, log_start, present, t, 1.0, trend, total, sums, after, intercept, before, series
    )
    if not ok or (trend and information <= 0):
        return False, np.nan, np.nan, np.nan, 0.0
    pearson, _ = _means(runs, y, present, t, intercept, slope, before, slope_before, steps, mu, work)
    common = _reweight(runs, y, mu, work, present, t, n, max(pearson / df, 1.0), information, threshold, sums, w)
    ok, slope, information, slope_before, steps = _irls(
        runs, parts, y, ylogy, log_start, w, t, common, trend, total, sums, after, intercept, before, series
    )
    if not ok or (trend and information <= 0) or sums[0, W] <= 0:
        return False, np.nan, np.nan, np.nan, 0.0
    pearson, overwritten = _means(runs, y, w, t, intercept, slope, before, slope_before, steps, mu, work)
    phi = max(pearson / df, 1.0)
    scale = phi if textbook else overwritten / df
    spread = 1 / sums[0, W]
    t_value = 0.0
    if trend:
        distance = sums[0, WT] / sums[0, W]
        spread += distance * distance / information
        # The trend is judged by the dispersion as it is, without the floor of 1.
        spread_now = (pearson if textbook else overwritten) / df
        t_value = abs(slope) / math.sqrt(spread_now / information) if spread_now > 0 else np.inf
    return True, math.exp(intercept[0]), phi, scale * spread, t_value


@njit(cache=True, error_model="numpy")
def _gather(counts, week, starts, lengths, groups, log_table, ylogy_table, runs, even, parts, data, t, used):  # type: ignore[no-untyped-def]
    """The past of one week: counts with their tables, weights 1 or 0, weeks from now, runs of one group; (values present, largest)."""
    y, ylogy, log_start, present = data[0], data[1], data[2], data[3]
    used[:] = False
    parts[:] = 0.0
    i, n, largest = 0, 0, 0.0
    for r in range(len(starts)):
        runs[r, BEGIN], runs[r, GROUP] = i, groups[r]
        there = 0
        for position in range(starts[r], starts[r] + lengths[r]):
            value = counts[position]
            present[i] = 0.0 if math.isnan(value) else 1.0
            index = 0 if math.isnan(value) else int(value)
            y[i], ylogy[i], log_start[i], t[i] = index, ylogy_table[index], log_table[index], position - week
            if present[i] > 0:
                _at_start(y[i], ylogy[i], log_start[i], 1.0, t[i], parts, r)
                largest = max(largest, value)
                there += 1
            i += 1
        runs[r, END] = i
        even[r] = there == lengths[r]
        used[groups[r]] |= there > 0
        n += there
    return n, largest


@njit(cache=True, error_model="numpy")
def fit_all(counts, weeks, starts, lengths, groups, periods, threshold, may_trend, textbook, critical, log_table, ylogy_table):  # type: ignore[no-untyped-def]
    """Fit every series at every week; returns mean, dispersion, variance of the log mean, trend kept: each (series, weeks)."""
    n_series, n_weeks = counts.shape[0], weeks.shape[0]
    expected = np.full((n_series, n_weeks), np.nan)
    dispersion, variance = expected.copy(), expected.copy()
    trends = np.zeros((n_series, n_weeks), dtype=np.bool_)
    data, t, used = np.empty((7, critical.shape[0])), np.empty(critical.shape[0]), np.empty(periods, dtype=np.bool_)
    runs, even, parts = (
        np.empty((starts.shape[1], 4), dtype=np.int64),
        np.empty(starts.shape[1], dtype=np.int64),
        np.empty((starts.shape[1], 10)),
    )
    total, sums, after = np.empty((periods, 10)), np.empty((periods, 5)), np.empty((periods, 5))
    intercept, before = np.empty(periods), np.zeros(periods)
    series = np.zeros((4, (lengths.max() if lengths.size else 0) + 1))
    for s in range(n_series):
        for k in range(n_weeks):
            n, largest = _gather(
                counts[s], weeks[k], starts[k], lengths[k], groups[k], log_table, ylogy_table, runs, even, parts, data, t, used
            )
            if n == 0 or not used[0]:
                continue
            p = used.sum()
            keep = False
            if may_trend:
                ok, mean, phi, var, t_value = _fit(
                    runs, even, parts, data, t, n, p + 1, True, threshold, textbook, total, sums, after, intercept, before, series
                )
                keep = ok and mean <= largest and t_value >= critical[n - p - 1]
            if not keep:
                ok, mean, phi, var, t_value = _fit(
                    runs, even, parts, data, t, n, p, False, threshold, textbook, total, sums, after, intercept, before, series
                )
            if ok:
                expected[s, k], dispersion[s, k], variance[s, k], trends[s, k] = mean, phi, var, keep
    return expected, dispersion, variance, trends
