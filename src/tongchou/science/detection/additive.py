"""Low-count streams: an outbreak adds events of a known delay to an estimated background (docs/methods/detection.md 2)."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numba import njit
from scipy.stats import gamma

from tongchou.science.detection.background import WEEKDAYS, Background, Panel, expect, panel_of, past_steps, without_catch_up
from tongchou.science.detection.counts import POISSON_BELOW, count_bands, sizes_of
from tongchou.science.detection.model import METHOD_ADDITIVE, TOWNWIDE, Additive, DetectionParams, Floats, History, StreamScore

INITIAL_GROWTH_FACTOR = 1.3  # assumption: infections of the first days beside r e^(r a)


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
    """Log likelihood ratios (places, onset, growth, size) of negative binomial counts with known background, all (places, steps).

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
            size = mu / (dispersion[v, t] - 1) if dispersion[v, t] > POISSON_BELOW else 0.0
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


def day_effect(values: Floats, expected: Floats, dispersion: Floats, variance: float) -> Floats:
    """Factor per place and step from what all *other* places did that step: 1 when they match expectation."""
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
    step = first.step_days
    window = params.window_days // step + 1
    panel = panel_of(histories, day, past_steps(params, step) + window + WEEKDAYS // step - 1)
    courses = courses_of(panel, params, with_total, begin=panel.values.shape[1] - window)
    values, expected, dispersion = (np.ascontiguousarray(course[:, -window:]) for course in courses.rows)
    late = ((day - first.first_day).days + 1) % step
    ages_of_step = late + step * np.arange(window - 1, -1, -1)
    table = excess_table(first.model, params, step, params.window_days)
    evidence = additive_log_lambda(values, expected, dispersion, ages_of_step, np.array(params.onset_ages_days), table)
    ahead = _expected_ahead(courses.background, panel, max(params.horizons_days), with_total)
    steps_in = [max(1, round(h / step)) for h in params.horizons_days]
    next_sums = np.stack([ahead[:, :n].sum(axis=1) for n in steps_in], axis=1)
    next_sizes = sizes_of(next_sums, dispersion[:, -1:])
    excess_next = _excess_next(first.model, params)
    newest = _newest_shown(values, expected, dispersion, params.band_coverage)
    bases = _bases(courses, panel, [s if s < 0 else s + panel.values.shape[1] - window for s in newest.steps])
    return [
        StreamScore(
            stream=first.stream, place=history.place if history else TOWNWIDE, day=day,
            population=history.population if history else 0.0, weight=first.weight, outside=first.outside, log_evidence=evidence[v],
            statistic=sum_over_onsets(evidence[v]), threshold=params.theory_log + params.margin_log,
            observed=newest.observed[v], observed_on=_last_day(day, ages_of_step, newest.steps[v]), expected=newest.expected[v],
            lower=newest.lower[v], upper=newest.upper[v], mid_p=newest.mid_p[v],
            baseline_next=next_sums[v], excess_next=excess_next, next_size=next_sizes[v],
            is_count=True, fold_next=None, method=METHOD_ADDITIVE, basis=bases[v],
        )
        for v, history in enumerate([*histories, None] if with_total else histories)
    ]  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Courses:
    """What was seen and expected, day effect included: values, expected and dispersion, each (rows, steps); the total is the last row."""

    rows: tuple[Floats, Floats, Floats]
    background: Background


def courses_of(panel: Panel, params: DetectionParams, with_total: bool, begin: int = 0) -> Courses:
    """Values, expected counts and dispersion of every place of a panel from step `begin` on, and of their total if asked."""
    panel = without_catch_up(panel, params)
    background = expect(panel, params, begin)
    values, mean = panel.values, background.expected
    expected = mean * day_effect(values, mean, background.dispersion, params.day_effect_variance)
    dispersion = np.broadcast_to(background.dispersion, values.shape)
    if not with_total:
        return Courses((values, expected, dispersion), background)
    present = np.isfinite(values) & np.isfinite(mean)
    total, total_mean = (np.where(present.any(axis=0), np.where(present, x, 0.0).sum(axis=0), np.nan) for x in (values, mean))
    return Courses(
        (np.vstack([values, total]), np.vstack([expected, total_mean]), np.vstack([dispersion, background.total_dispersion])), background
    )


def _bases(courses: Courses, panel: Panel, steps: Sequence[int]) -> list[tuple[tuple[str, float], ...]]:
    """Factors of every place's expected count at its step (-1: none); a total has none of its own.

    Level and weekday are the newest week's; for a step before that week the drift takes up what they have moved since.
    """
    background = courses.background
    found: list[tuple[tuple[str, float], ...]] = []
    for v, step in enumerate(steps):
        if step < 0 or v >= len(panel.values):
            found.append(())
            continue
        mean, level = float(background.expected[v, step]), float(background.level[v])
        weekday, sites = float(background.weekday[panel.weekday_of[step]]), float(panel.exposure[v, step])
        others = float(courses.rows[1][v, step]) / mean
        found.append(
            (("level", level), ("weekday", weekday), ("drift", mean / (level * weekday * sites)), ("sites", sites), ("others", others))
        )
    return found


def _expected_ahead(background: Background, panel: Panel, horizon_days: int, with_total: bool) -> Floats:
    """Expected counts of the steps ahead without an outbreak, the newest drift held: (rows, steps); 0 where nothing is expected yet."""
    steps = -(-horizon_days // panel.step_days)
    first = panel.first_day + timedelta(days=panel.step_days * panel.values.shape[1])
    weekday = (first.weekday() + np.arange(steps)) % WEEKDAYS if panel.step_days == 1 else np.zeros(steps, dtype=np.int64)
    level = np.nan_to_num(background.level)
    ahead = level[:, None] * background.weekday[weekday] * background.drift
    return np.vstack([ahead, ahead.sum(axis=0)]) if with_total else ahead


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
    bands = count_bands(observed, filled, sizes_of(filled, dispersions[rows, steps]), coverage)
    columns = [np.where(any_shown, b, np.nan).tolist() for b in bands]
    return _Newest(np.where(any_shown, steps, -1).tolist(), observed.tolist(), mean.tolist(), *columns)


def _last_day(day: date, ages_of_step: np.ndarray, step: int) -> date | None:
    return None if step < 0 else day - timedelta(days=int(ages_of_step[step]))


def sum_over_onsets(evidence: Floats) -> float:
    """Log of the sum over onsets of the mean over growth and size."""
    peak = float(evidence.max())
    return peak + math.log(float(np.exp(evidence - peak).sum()) / (evidence.shape[1] * evidence.shape[2]))
