"""Busy, rate and concentration streams: an outbreak multiplies the level of the last eight weeks (docs/methods/fusion_real.md)."""

import math
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numba import njit
from scipy.stats import norm

from tongchou.science.detection.additive import sum_over_onsets
from tongchou.science.detection.counts import count_bands
from tongchou.science.detection.model import (
    METHOD_MULTIPLICATIVE_COUNT,
    METHOD_MULTIPLICATIVE_RATE,
    DetectionParams,
    Floats,
    History,
    StreamScore,
)

DAYS_PER_BLOCK = 7
MAD_TO_SD = 1.4826
LEAST_DIFFERENCES = 8
LEAST_NOISE_VARIANCE = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Blocks:
    """Weekly values (counts: sums; else means), the newest last, exposure, and days from the end of each block to today."""

    values: Floats
    exposure: Floats
    ages: np.ndarray


def weekly_blocks(history: History, day: date, blocks: int) -> Blocks:
    """Cut a history into weeks that end on the day (daily steps) or on its own week ends; too few days make a missing week."""
    if len(history.values) == 0:
        return Blocks(np.full(blocks, np.nan), np.ones(blocks), DAYS_PER_BLOCK * np.arange(blocks - 1, -1, -1))
    end = history.upto(day)
    exposure = np.ones(len(history.values)) if history.offsets is None else history.offsets
    usable = np.isfinite(history.values) & np.isfinite(exposure) & (exposure > 0)
    per_block = DAYS_PER_BLOCK // history.step_days
    # Weeks end on the day itself even where the newest days are missing; only then are their ages right.
    newest = max(end, ((day - history.first_day).days + 1) // history.step_days)
    need = blocks * per_block
    columns = np.arange(newest - need, newest)
    inside = (columns >= 0) & (columns < end)
    seen = np.zeros(need, dtype=bool)
    seen[inside] = usable[columns[inside]]
    raw = np.where(seen, history.values[np.clip(columns, 0, len(usable) - 1)], 0.0).reshape(blocks, per_block)
    weight = np.where(seen, exposure[np.clip(columns, 0, len(usable) - 1)], 0.0).reshape(blocks, per_block)
    present = seen.reshape(blocks, per_block).sum(axis=1)
    enough = present >= -(-per_block // 2) if history.kind == "count" else present >= 1
    if history.kind == "count":
        values, offset = raw.sum(axis=1), weight.sum(axis=1) / per_block
    else:
        values, offset = raw.sum(axis=1) / np.maximum(present, 1), np.ones(blocks)
    late = (day - history.first_day).days + 1 - newest * history.step_days
    ages = late + DAYS_PER_BLOCK * np.arange(blocks - 1, -1, -1)
    return Blocks(np.where(enough, values, np.nan), np.where(enough, offset, 1.0), ages)


def log_growth(ages: Floats, growth: Floats, shares: Floats) -> Floats:
    """h = log(1 + A (e^{r age} - 1)): (growth, share, age), 0 before the onset."""
    factor = np.expm1(growth[:, None, None] * np.maximum(ages, 0.0))
    return np.asarray(np.log1p(shares[None, :, None] * factor))


def spreads(blocks: Blocks, history: History, params: DetectionParams) -> tuple[float, float]:
    """Noise and random-walk variance (s2, q2) of the log level from 1- and 4-week differences."""
    logs = _logs(blocks, history)
    first, fourth = logs[1:] - logs[:-1], logs[4:] - logs[:-4]
    first, fourth = first[np.isfinite(first)], fourth[np.isfinite(fourth)]
    if len(first) < LEAST_DIFFERENCES or len(fourth) < LEAST_DIFFERENCES:
        return params.default_variance, 0.0
    one, four = _mad_variance(first), _mad_variance(fourth)
    walk = 0.0 if history.kind == "concentration" else max((four - one) / 3, 0.0)
    noise = max((one - walk) / 2, 0.0)
    if history.kind == "count":
        noise = max(noise - float(np.nanmedian(1 / (blocks.values + 1))), 0.0)
    return max(noise, LEAST_NOISE_VARIANCE), walk


def _mad_variance(differences: Floats) -> float:
    return float((MAD_TO_SD * np.median(np.abs(differences - np.median(differences)))) ** 2)


def _logs(blocks: Blocks, history: History) -> Floats:
    if history.kind == "count":
        return np.asarray(np.log((blocks.values + 0.5) / blocks.exposure))
    positive = blocks.values[blocks.values > 0]
    floor = positive.min() / 2 if len(positive) else 1.0
    return np.asarray(np.log(np.maximum(blocks.values, floor)))


@njit(cache=True, error_model="numpy")
def _level(values, exposure, ages, onset_age, steps, least):  # type: ignore[no-untyped-def]
    """Mean per exposure of the last present steps that ended before the onset; (NaN, 0) when there are too few."""
    total, exposed, n = 0.0, 0.0, 0
    for t in range(len(values) - 1, -1, -1):
        if ages[t] < onset_age or math.isnan(values[t]):
            continue
        if ages[t] >= onset_age + steps * 7:
            break
        total += values[t]
        exposed += exposure[t]
        n += 1
    return (total / exposed, n) if n >= least else (np.nan, n)


@njit(cache=True, error_model="numpy")
def count_log_lambda(values, exposure, ages, onset_ages, growth_log, noise, walk, extra, steps, least):  # type: ignore[no-untyped-def]
    """Negative binomial log likelihood ratios (onset, growth, share); ``growth_log[i, k, age]`` is h at each age in days."""
    n_growth, n_share = growth_log.shape[0], growth_log.shape[1]
    result = np.zeros((len(onset_ages), n_growth, n_share))
    levels = np.full(len(onset_ages), np.nan)
    for a in range(len(onset_ages)):
        level, n = _level(values, exposure, ages, onset_ages[a], steps, least)
        levels[a] = level
        if math.isnan(level):
            continue
        level = max(level, 0.5 / n)
        for t in range(len(values)):
            age = onset_ages[a] - ages[t]
            if age <= 0 or math.isnan(values[t]):
                continue
            mu = level * exposure[t]
            size = 1 / (noise + walk + 1 / (n * mu) + extra)
            for i in range(n_growth):
                for k in range(n_share):
                    h = growth_log[i, k, age]
                    result[a, i, k] += values[t] * h - (values[t] + size) * math.log1p(mu * math.expm1(h) / (mu + size))
    return result, levels


def rate_log_lambda(
    logs: Floats, ages: np.ndarray, onset_ages: np.ndarray, growth_log: Floats, noise: float, walk: float, params: DetectionParams
) -> tuple[Floats, Floats]:
    """Gaussian log likelihood ratios of log rates against the mean log of the level steps (onset, growth, share)."""
    result = np.zeros((len(onset_ages), *growth_log.shape[:2]))
    levels = np.full(len(onset_ages), np.nan)
    for a, onset_age in enumerate(onset_ages):
        before = (ages >= onset_age) & (ages < onset_age + params.level_steps * DAYS_PER_BLOCK) & np.isfinite(logs)
        n = int(before.sum())
        if n < params.level_steps_least:
            continue
        level = float(logs[before].mean())
        levels[a] = math.exp(level)
        after = np.flatnonzero((ages < onset_age) & np.isfinite(logs))
        if len(after) == 0:
            continue
        order = np.ceil((onset_age - ages[after]) / DAYS_PER_BLOCK)
        shared = noise / n + n * walk / 3
        own = (noise + params.extra_variance) * np.eye(len(after))
        covariance = walk * np.minimum(order[:, None], order[None, :]) + own + shared
        h = growth_log[:, :, onset_age - ages[after]]
        solved = np.linalg.solve(covariance, h.reshape(-1, len(after)).T).T.reshape(h.shape)
        result[a] = solved @ (logs[after] - level) - 0.5 * (solved * h).sum(axis=2)
    return result, levels


def score_multiplicative(history: History, day: date, params: DetectionParams) -> StreamScore:
    """Score one multiplicative stream; its own growing share is averaged over (docs/methods/fusion_real.md)."""
    blocks = weekly_blocks(history, day, params.spread_steps + params.level_steps + -(-params.window_days // DAYS_PER_BLOCK))
    noise, walk = spreads(blocks, history, params)
    onset_ages = np.array(params.onset_ages_days)
    recent = blocks.ages < params.window_days + params.level_steps * DAYS_PER_BLOCK
    values, exposure, ages = blocks.values[recent], blocks.exposure[recent], blocks.ages[recent]
    growth, shares = np.array(params.growth_per_day), np.array(params.growing_shares)
    longest = params.window_days + max(params.horizons_days)
    sign = 1.0 if history.direction == "higher" else -1.0
    table = sign * log_growth(np.arange(longest + 1.0), growth, shares)
    if history.kind == "count":
        by_share, levels = count_log_lambda(
            values, exposure, ages, onset_ages, table, noise, walk, params.extra_variance, params.level_steps, params.level_steps_least
        )
    else:
        by_share, levels = rate_log_lambda(_logs(blocks, history)[recent], ages, onset_ages, table, noise, walk, params)
    peak = by_share.max(axis=2)
    averaged = peak + np.log(np.exp(by_share - peak[:, :, None]).mean(axis=2))
    evidence = np.ascontiguousarray(np.broadcast_to(averaged[:, :, None], params.grid_shape))
    share_posterior = np.exp(by_share - by_share.max(axis=2, keepdims=True))
    share_posterior /= share_posterior.sum(axis=2, keepdims=True)
    observed, observed_on, expected, band, next_size = _newest_week(history, day, blocks, noise, walk, params)
    base, excess = _outlook(history, levels, table, share_posterior, expected, blocks.exposure, params)
    fourteen = table[:, :, onset_ages + max(params.horizons_days)]
    fold = np.einsum("iak,aik->ai", np.exp(sign * fourteen).transpose(0, 2, 1), share_posterior)
    return StreamScore(
        stream=history.stream, place=history.place, day=day, population=history.population, weight=history.weight,
        outside=history.outside, log_evidence=evidence, statistic=sum_over_onsets(evidence),
        threshold=params.theory_log + params.margin_log, observed=observed, observed_on=observed_on, expected=expected,
        lower=band[0], upper=band[1], mid_p=band[2], baseline_next=base, excess_next=excess,
        next_size=np.full(len(base), next_size), is_count=history.kind == "count", fold_next=fold,
        method=METHOD_MULTIPLICATIVE_COUNT if history.kind == "count" else METHOD_MULTIPLICATIVE_RATE,
        basis=() if observed_on is None else (("level", expected),),
    )  # fmt: skip


def _newest_week(
    history: History, day: date, blocks: Blocks, noise: float, walk: float, params: DetectionParams
) -> tuple[float, date | None, float, tuple[float, float, float], float]:
    """Newest present week against the level of the weeks before it: value, last day, expected, band and mid-p, size or log variance."""
    missing = (math.nan, math.nan, math.nan)
    present = np.flatnonzero(np.isfinite(blocks.values))
    is_count = history.kind == "count"
    if len(present) < params.level_steps_least + 1:
        return math.nan, None, math.nan, missing, 1.0
    newest = int(present[-1])
    before = present[:-1][blocks.ages[present[:-1]] <= blocks.ages[newest] + params.level_steps * DAYS_PER_BLOCK]
    if len(before) < params.level_steps_least:
        return math.nan, None, math.nan, missing, 1.0
    observed, on = float(blocks.values[newest]), day - timedelta(days=int(blocks.ages[newest]))
    n = len(before)
    if is_count:
        level = max(float(blocks.values[before].sum() / blocks.exposure[before].sum()), 0.5 / n)
        expected = level * float(blocks.exposure[newest])
        size = 1 / (noise + walk + 1 / (n * expected) + params.extra_variance)
        bands = count_bands(np.array([observed]), np.array([expected]), np.array([size]), params.band_coverage)
        low, high, mid_p = (float(end[0]) for end in bands)
        next_size = size
    else:
        logs = _logs(blocks, history)
        level = float(logs[before].mean())
        expected = math.exp(level)
        variance = noise + walk + noise / n + n * walk / 3
        z = norm.ppf((1 + params.band_coverage) / 2) * math.sqrt(variance)
        low, high = math.exp(level - z), math.exp(level + z)
        mid_p = float(norm.sf((logs[newest] - level) / math.sqrt(variance)))
        next_size = variance
    if history.direction == "lower":
        mid_p = 1 - mid_p
    return observed, on, expected, (low, high, mid_p), next_size


def _outlook(
    history: History, levels: Floats, table: Floats, share_posterior: Floats, expected: float, exposure: Floats, params: DetectionParams
) -> tuple[Floats, Floats]:
    """Next sums (counts) or means (rates) without an outbreak, and what each onset and growth adds: broadcast over the size axis."""
    onset_ages = np.array(params.onset_ages_days)
    base = np.zeros(len(params.horizons_days))
    excess = np.zeros((*params.grid_shape, len(base)))
    if not math.isfinite(expected):
        return base, excess
    exposed = float(exposure[-1]) if history.kind == "count" else 1.0
    for j, horizon in enumerate(params.horizons_days):
        weeks = max(1, round(horizon / DAYS_PER_BLOCK))
        units = weeks if history.kind == "count" else 1
        base[j] = expected * units
        ahead = np.stack([table[:, :, onset_ages + DAYS_PER_BLOCK * (w + 1)] for w in range(weeks)])
        factor = np.einsum("ika,aik->ai", np.exp(ahead).mean(axis=0), share_posterior)
        level = np.where(np.isfinite(levels), levels, expected / exposed) * exposed
        excess[..., j] = (level[:, None] * factor * units - base[j])[:, :, None]
    return base, excess
