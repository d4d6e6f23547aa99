"""Low-count streams: an outbreak adds events of a known delay to an estimated background (science.md 2.4 (8)-(10))."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numba import njit
from scipy.stats import gamma

from tongchou.science.detection.counts import POISSON_BELOW, count_bands, sizes_of
from tongchou.science.detection.model import METHOD_ADDITIVE, TOWNWIDE, Additive, DetectionParams, Floats, History, StreamScore

INITIAL_GROWTH_FACTOR = 1.3  # science.md 2.4 (8)


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """Expected counts of one stream at (places, steps), the newest step last, and the dispersion of single places and of their total."""

    values: Floats
    expected: Floats
    expected_next: Floats  # (places, steps ahead)
    dispersion: float
    total: Floats
    total_expected: Floats
    total_dispersion: float


def excess_table(model: Additive, params: DetectionParams, step_days: int, longest_days: int) -> Floats:
    """Expected extra events per step whose last day has the given age: (growth, size, age)."""
    ages = np.arange(longest_days + 1)
    shape = (model.delay_mean_days / model.delay_sd_days) ** 2
    cdf = gamma.cdf(np.arange(longest_days + 2) - 0.5, shape, scale=model.delay_sd_days**2 / model.delay_mean_days)
    delay = model.events_per_infection * np.diff(np.maximum(cdf, 0))
    table = np.empty((len(params.growth_per_day), len(params.seed_sizes), longest_days + 1))
    for i, growth in enumerate(params.growth_per_day):
        infections = INITIAL_GROWTH_FACTOR * growth * np.exp(growth * ages)
        infections[0] = 1.0
        daily = np.convolve(delay, infections)[: longest_days + 1]
        summed = np.cumsum(daily)
        per_step = summed - np.concatenate([np.zeros(min(step_days, len(ages))), summed[:-step_days]])
        for k, size in enumerate(params.seed_sizes):
            table[i, k] = size * per_step
    return table


@njit(cache=True, error_model="numpy")
def additive_log_lambda(values, expected, dispersion, ages_of_step, onset_ages, table):  # type: ignore[no-untyped-def]
    """Log likelihood ratios (places, onset, growth, size) of negative binomial counts with known background.

    ``ages_of_step[t]`` = days from the last day of step t to today; a step counts for an onset when it ends on or after it.
    """
    n_places, n_steps = values.shape
    n_growth, n_size = table.shape[0], table.shape[1]
    result = np.zeros((n_places, onset_ages.shape[0], n_growth, n_size))
    for v in range(n_places):
        for t in range(n_steps):
            y, mu = values[v, t], expected[v, t]
            if math.isnan(y) or math.isnan(mu):
                continue
            size = mu / (dispersion - 1) if dispersion > POISSON_BELOW else 0.0
            for a in range(onset_ages.shape[0]):
                age = onset_ages[a] - ages_of_step[t]
                if age < 0:
                    continue
                for i in range(n_growth):
                    for k in range(n_size):
                        h = table[i, k, age]
                        gain = y * math.log1p(h / mu) if y > 0 else 0.0
                        loss = (y + size) * math.log1p(h / (mu + size)) if size > 0 else h
                        result[v, a, i, k] += gain - loss
    return result


def estimate_background(histories: Sequence[History], day: date, params: DetectionParams, ahead_steps: int) -> Background:
    """Level (shrunk over places) x weekday x recent drift, from steps before the onset window; drift lags behind each day."""
    step = histories[0].step_days
    window = params.window_days // step + 1
    reach = params.baseline_days // step
    values, exposure = _newest(histories, day, window + reach)
    class_of = _weekdays(histories[0], day, window + reach, ahead_steps)
    population = np.array([h.population for h in histories])
    kept = np.isfinite(values)
    for _ in range(3):
        level, weekday = _level_and_weekday(values, exposure, kept, class_of[: reach + window], population, reach, params)
        steady = level[:, None] * weekday[class_of[: reach + window]] * exposure
        kept = np.isfinite(values) & ~_outbreak_weeks(values, steady, 7 // step, params)
    drift = _drift(values, steady, kept, step, params)
    expected = steady * drift
    past = kept[:, :reach]
    squares = np.where(past, (values[:, :reach] - expected[:, :reach]) ** 2, 0.0).sum()
    dispersion = max(1.0, float(squares / max(np.where(past, expected[:, :reach], 0.0).sum(), 1e-9)))
    present = np.isfinite(values)
    total = np.where(present.any(axis=0), np.where(present, values, 0.0).sum(axis=0), np.nan)
    total_expected = np.where(present, expected, 0.0).sum(axis=0)
    calm = present[:, :reach].any(axis=0) & (kept[:, :reach] | ~present[:, :reach]).all(axis=0)
    total_squares = ((total[:reach] - total_expected[:reach])[calm] ** 2).sum()
    total_dispersion = max(dispersion, float(total_squares / max(total_expected[:reach][calm].sum(), 1e-9)))
    ahead = level[:, None] * weekday[class_of[reach + window :]] * float(drift[-1])
    return Background(
        values[:, reach:], np.where(present, expected, np.nan)[:, reach:], ahead, dispersion,
        total[reach:], np.where(total_expected > 0, total_expected, np.nan)[reach:], total_dispersion,
    )  # fmt: skip


def _newest(histories: Sequence[History], day: date, steps: int) -> tuple[Floats, Floats]:
    """Values and exposure of the last steps up to the day, NaN where there is none."""
    step = histories[0].step_days
    values = np.full((len(histories), steps), np.nan)
    exposure = np.ones((len(histories), steps))
    for row, history in enumerate(histories):
        newest = ((day - history.first_day).days + 1) // step
        end = history.upto(day)
        start = max(0, newest - steps)
        if end > start:
            columns = slice(start - newest + steps, end - newest + steps)
            values[row, columns] = history.values[start:end]
            if history.offsets is not None:
                exposure[row, columns] = history.offsets[start:end]
    usable = np.isfinite(exposure) & (exposure > 0)
    return np.where(usable, values, np.nan), np.where(usable, exposure, 1.0)


def _weekdays(history: History, day: date, steps: int, ahead: int) -> np.ndarray:
    """Weekday of every step, past and ahead (one class for weekly steps)."""
    if history.step_days == 7:
        return np.zeros(steps + ahead, dtype=np.int64)
    return (day.weekday() - steps + 1 + np.arange(steps + ahead)) % 7


def _level_and_weekday(
    values: Floats, exposure: Floats, kept: np.ndarray, class_of: np.ndarray, population: Floats, reach: int, params: DetectionParams
) -> tuple[Floats, Floats]:
    past = kept.copy()
    past[:, reach:] = False
    if not past.any():
        past = kept
    events = np.where(past, values, 0.0).sum(axis=1)
    exposed = np.where(past, exposure, 0.0).sum(axis=1)
    per_head = (events.sum() + 0.5) / max(float((exposed * population).sum()), float(population.max()))
    prior = per_head * population
    level = (events + params.shrink_events) / (exposed + params.shrink_events / prior)
    weekday = np.ones(7)
    steady = np.where(past, level[:, None] * exposure, 0.0)
    for c in np.unique(class_of):
        columns = class_of == c
        seen = np.where(past, values, 0.0)[:, columns].sum()
        weekday[c] = (seen + params.shrink_events) / (steady[:, columns].sum() + params.shrink_events)
    return level, weekday


def _outbreak_weeks(values: Floats, steady: Floats, steps_per_week: int, params: DetectionParams) -> np.ndarray:
    """Cells of weeks (counted back from the newest step) so far above their level that they are no background."""
    places, steps = values.shape
    pad = -steps % steps_per_week
    present = np.isfinite(values)
    shape = (places, (steps + pad) // steps_per_week, steps_per_week)
    seen = np.pad(np.where(present, values, 0.0), ((0, 0), (pad, 0))).reshape(shape).sum(axis=2)
    mean = np.pad(np.where(present, steady, 0.0), ((0, 0), (pad, 0))).reshape(shape).sum(axis=2)
    high = seen > params.outbreak_week_factor * mean + 4 * np.sqrt(2 * mean) + 3
    return np.repeat(high, steps_per_week, axis=1)[:, pad:]


def _drift(values: Floats, steady: Floats, kept: np.ndarray, step: int, params: DetectionParams) -> Floats:
    """Observed over expected of all places in the drift window that ends ``drift_lag_days`` before each step."""
    length, lag = max(1, params.drift_days // step), max(1, params.drift_lag_days // step)
    seen = np.concatenate([[0.0], np.cumsum(np.where(kept, values, 0.0).sum(axis=0))])
    mean = np.concatenate([[0.0], np.cumsum(np.where(kept, steady, 0.0).sum(axis=0))])
    steps = np.arange(values.shape[1])
    end = np.maximum(steps - lag + 1, 0)
    start = np.maximum(end - length, 0)
    ratio = (seen[end] - seen[start] + params.drift_shrink_events) / (mean[end] - mean[start] + params.drift_shrink_events)
    return np.asarray(np.clip(ratio, 1 / params.drift_limit, params.drift_limit))


def day_effect(values: Floats, expected: Floats, dispersion: float, variance: float) -> Floats:
    """Factor per place and step from what all *other* places did that step: 1 when they match expectation (science.md (10))."""
    if variance <= 0 or len(values) < 2:
        return np.ones(values.shape)
    present = np.isfinite(values) & np.isfinite(expected)
    seen, mean = np.where(present, values, 0.0) / dispersion, np.where(present, expected, 0.0) / dispersion
    others_seen, others_mean = seen.sum(axis=0) - seen, mean.sum(axis=0) - mean
    return np.asarray((1 / variance + others_seen) / (1 / variance + others_mean))


def score_additive(histories: Sequence[History], day: date, params: DetectionParams, with_total: bool) -> list[StreamScore]:
    """Score one additive stream of many places; with_total adds the whole area's sum without day effect, as place "*"."""
    first = histories[0]
    assert isinstance(first.model, Additive)
    horizon = max(params.horizons_days)
    ahead_steps = -(-horizon // first.step_days)
    background = estimate_background(histories, day, params, ahead_steps)
    table = excess_table(first.model, params, first.step_days, params.window_days)
    late = ((day - first.first_day).days + 1) % first.step_days
    ages_of_step = late + first.step_days * np.arange(background.values.shape[1] - 1, -1, -1)
    onset_ages = np.array(params.onset_ages_days)
    effect = day_effect(background.values, background.expected, background.dispersion, params.day_effect_variance)
    expected = background.expected * effect
    evidence = additive_log_lambda(background.values, expected, background.dispersion, ages_of_step, onset_ages, table)
    excess_next = _excess_next(first.model, params)
    values, dispersions = background.values, np.full(len(histories), background.dispersion)
    ahead = background.expected_next
    if with_total:
        total, mean = background.total[None], background.total_expected[None]
        whole = additive_log_lambda(total, mean, background.total_dispersion, ages_of_step, onset_ages, table)
        values, expected = np.concatenate([values, total]), np.concatenate([expected, mean])
        evidence = np.concatenate([evidence, whole])
        ahead = np.concatenate([ahead, ahead.sum(axis=0)[None]])
        dispersions = np.append(dispersions, background.total_dispersion)
    steps_in = [max(1, round(h / first.step_days)) for h in params.horizons_days]
    next_sums = np.stack([ahead[:, :n].sum(axis=1) for n in steps_in], axis=1)
    next_sizes = sizes_of(next_sums, dispersions[:, None])
    excess_next = _excess_next(first.model, params)
    newest = _newest_shown(values, expected, dispersions, params.band_coverage)
    return [
        StreamScore(
            stream=first.stream, place=history.place if history else TOWNWIDE, day=day,
            population=history.population if history else 0.0, weight=first.weight, outside=first.outside, log_evidence=evidence[v],
            statistic=sum_over_onsets(evidence[v]), threshold=params.theory_log + params.margin_log,
            observed=newest.observed[v], observed_on=_last_day(day, ages_of_step, newest.steps[v]), expected=newest.expected[v],
            lower=newest.lower[v], upper=newest.upper[v], mid_p=newest.mid_p[v],
            baseline_next=next_sums[v], excess_next=excess_next, next_size=next_sizes[v],
            is_count=True, fold_next=None, method=METHOD_ADDITIVE,
        )
        for v, history in enumerate([*histories, None] if with_total else histories)
    ]  # fmt: skip


def _excess_next(model: Additive, params: DetectionParams) -> Floats:
    """Extra events over each horizon ahead: (onset, growth, size, horizons)."""
    longest = params.window_days + max(params.horizons_days)
    summed = np.cumsum(excess_table(model, params, 1, longest), axis=2)
    ages = np.array(params.onset_ages_days)
    parts = [summed[:, :, ages + h] - summed[:, :, ages] for h in params.horizons_days]
    return np.ascontiguousarray(np.moveaxis(np.stack(parts, axis=-1), 2, 0))


@dataclass(frozen=True, slots=True, eq=False)
class _Newest:
    """Per row the newest value that is present (step -1: none), with its band and mid-p."""

    steps: list[int]
    observed: list[float]
    expected: list[float]
    lower: list[float]
    upper: list[float]
    mid_p: list[float]


def _newest_shown(values: Floats, expected: Floats, dispersions: Floats, coverage: float) -> _Newest:
    shown = np.isfinite(values) & np.isfinite(expected)
    steps = values.shape[1] - 1 - np.argmax(shown[:, ::-1], axis=1)
    rows = np.arange(len(values))
    any_shown = shown.any(axis=1)
    observed = np.where(any_shown, values[rows, steps], np.nan)
    mean = np.where(any_shown, expected[rows, steps], np.nan)
    filled = np.where(any_shown, mean, 1.0)
    bands = count_bands(observed, filled, sizes_of(filled, dispersions), coverage)
    columns = [np.where(any_shown, b, np.nan).tolist() for b in bands]
    return _Newest(np.where(any_shown, steps, -1).tolist(), observed.tolist(), mean.tolist(), *columns)


def _last_day(day: date, ages_of_step: np.ndarray, step: int) -> date | None:
    return None if step < 0 else day - timedelta(days=int(ages_of_step[step]))


def sum_over_onsets(evidence: Floats) -> float:
    """Log of the sum over onsets of the mean over growth and size."""
    peak = float(evidence.max())
    return peak + math.log(float(np.exp(evidence - peak).sum()) / (evidence.shape[1] * evidence.shape[2]))
