"""The background of an additive stream: what every step is expected to count, estimated once a week from the past alone.

An expectation is made before its week begins and then stands. So each likelihood ratio is that of a forecast, which is what the alarm budget
is a theorem about; and a replay of years updates its sums day by day and says exactly what every morning would have said.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tongchou.science.detection.model import DetectionParams, Floats, History

WEEKDAYS = 7
USUAL_DAYS, LONGEST_SILENCE_DAYS = 28, 56
PASSES = 3  # level, weekday and outbreak weeks are estimated in turn; the third pass moves nothing that matters


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """The same stream of many places on one calendar: values and exposure (places, steps), NaN = missing; `first_day` begins step 0."""

    values: Floats
    exposure: Floats
    population: Floats
    first_day: date
    step_days: int

    @property
    def week_starts(self) -> NDArray[np.int64]:
        """Steps at which a week begins: Mondays, or every step of weekly figures."""
        steps = self.values.shape[1]
        if self.step_days != 1:
            return np.arange(steps)
        return np.arange(-self.first_day.weekday() % WEEKDAYS, steps, WEEKDAYS)

    @property
    def weekday_of(self) -> NDArray[np.int64]:
        """Weekday of every step; one class for weekly figures."""
        steps = self.values.shape[1]
        return (self.first_day.weekday() + np.arange(steps)) % WEEKDAYS if self.step_days == 1 else np.zeros(steps, dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class Background:
    """Expected counts (places, steps), NaN where nothing is expected yet; dispersion of single places and of their total (steps,).

    `level` (places,) and `weekday` (classes,) are those of the newest week, `drift` that of the newest step: they make the outlook.
    """

    expected: Floats
    dispersion: Floats
    total_dispersion: Floats
    level: Floats
    weekday: Floats
    drift: float


def panel_of(histories: Sequence[History], day: date, steps: int) -> Panel:
    """The last steps of histories of one stream up to a day; steps before the first value are missing."""
    first = histories[0]
    newest = ((day - first.first_day).days + 1) // first.step_days
    values = np.full((len(histories), steps), np.nan)
    exposure = np.ones((len(histories), steps))
    for row, history in enumerate(histories):
        end = ((day - history.first_day).days + 1) // history.step_days
        known = history.upto(day)
        start = max(0, end - steps)
        if known > start:
            columns = slice(start - end + steps, known - end + steps)
            values[row, columns] = history.values[start:known]
            if history.offsets is not None:
                exposure[row, columns] = history.offsets[start:known]
    usable = np.isfinite(exposure) & (exposure > 0)
    begins = first.last_day(newest - steps - 1).toordinal() + 1
    population = np.array([h.population for h in histories])
    return Panel(np.where(usable, values, np.nan), np.where(usable, exposure, 1.0), population, date.fromordinal(begins), first.step_days)


def past_steps(params: DetectionParams, step_days: int) -> int:
    """Steps before a week that its background looks at."""
    return (params.baseline_days + params.baseline_gap_days + LONGEST_SILENCE_DAYS + USUAL_DAYS) // step_days


def without_catch_up(panel: Panel, params: DetectionParams) -> Panel:
    """The panel without first reports after an unusual silence: they may carry what was not told on the days missed.

    Unusual: `catch_up_days` or more missing in a row (weekly figures: two weeks) where at least half of the four weeks before were reported, or eight weeks.
    """
    step = panel.step_days
    values = panel.values.copy()
    _drop_catch_up(panel.values, max(2, params.catch_up_days // step), USUAL_DAYS // step, LONGEST_SILENCE_DAYS // step, values)
    return replace(panel, values=values)


@njit(cache=True, error_model="numpy")
def _drop_catch_up(seen, silence, usual, longest, values):  # type: ignore[no-untyped-def]
    """Set caught-up reports to NaN in `values`; looks at most `longest + usual` steps back."""
    for v in range(seen.shape[0]):
        last = -1
        for t in range(seen.shape[1]):
            if math.isnan(seen[v, t]):
                continue
            gap = t - last - 1
            if gap >= longest:
                values[v, t] = np.nan
            elif gap >= silence:
                told = 0
                for u in range(max(last - usual + 1, 0), last + 1):
                    told += not math.isnan(seen[v, u])
                if 2 * told >= usual:
                    values[v, t] = np.nan
            last = t


def expect(panel: Panel, params: DetectionParams, begin: int = 0) -> Background:
    """Expected count of every step from `begin` on, each from the steps before its week.

    Notes
    -----
    mu = level x weekday x drift x exposure. Level and weekday from `baseline_days` that end `baseline_gap_days` before the week, the level pulled to
    the panel's per-head level by `shrink_events`; weeks far above their level are left out. Drift: observed over expected of all places in
    `drift_days` that end `drift_lag_days` before each step, pulled to 1 by `drift_shrink_events` x dispersion. Dispersion: Pearson's
    sum of squares over sum of means, at least 1.
    """
    step = panel.step_days
    places, steps = panel.values.shape
    expected = np.full((places, steps), np.nan)
    dispersion, total_dispersion, drift = np.ones(steps), np.ones(steps), np.ones(steps)
    level, weekday = np.full(places, np.nan), np.ones(WEEKDAYS)
    block = WEEKDAYS // step
    starts = panel.week_starts
    _expect(
        panel.values, panel.exposure, panel.population, panel.weekday_of, starts[starts + block > begin], block,
        params.baseline_days // step, params.baseline_gap_days // step, max(1, params.baseline_least_days // step),
        max(1, params.drift_days // step), max(1, params.drift_lag_days // step), params.drift_limit, params.drift_shrink_events,
        params.shrink_events, params.outbreak_week_factor, expected, dispersion, total_dispersion, drift, level, weekday,
    )  # fmt: skip
    return Background(expected, dispersion, total_dispersion, level, weekday, float(drift[-1]) if steps else 1.0)


@njit(cache=True, error_model="numpy")
def _expect(  # type: ignore[no-untyped-def]
    values, exposure, population, weekday_of, starts, per_week, reach, gap, least,
    drift_length, drift_lag, drift_limit, drift_shrink, shrink, factor,
    expected, dispersion, total_dispersion, drift, level, weekday,
):  # fmt: skip
    """Fill the outputs week by week; see `expect`. A week of weekly figures is one step."""
    places, steps = values.shape
    for start in starts:
        end = min(start + per_week, steps)
        low = max(0, start - gap - reach)
        high = start - gap if start - gap - low >= least else start  # a short past is used whole
        if _first_present(values, low, high) > high - least:
            continue
        past, shown, days = values[:, low:start], exposure[:, low:start], weekday_of[low:start]
        kept = _level_and_weekday(past, shown, population, days, high - low, per_week, shrink, factor, level, weekday)
        steady = np.zeros(past.shape)  # level x weekday x exposure where a cell counts as background
        for v in range(places):
            for t in range(start - low):
                if kept[v, t]:
                    steady[v, t] = level[v] * weekday[days[t]] * shown[v, t]
        phi, _ = _dispersions(past, steady, kept, high - low, np.ones(end - low))
        course = _drift(past, steady, kept, end - low, drift_length, drift_lag, drift_limit, drift_shrink * phi)
        phi, whole = _dispersions(past, steady, kept, high - low, course)
        for t in range(start, end):
            drift[t], dispersion[t], total_dispersion[t] = course[t - low], phi, max(phi, whole)
            for v in range(places):
                expected[v, t] = level[v] * weekday[weekday_of[t]] * exposure[v, t] * course[t - low]


@njit(cache=True, error_model="numpy")
def _first_present(values, low, high):  # type: ignore[no-untyped-def]
    """First step in [low, high) at which any place reported; `high` when none did."""
    for t in range(low, high):
        for v in range(values.shape[0]):
            if not math.isnan(values[v, t]):
                return t
    return high


@njit(cache=True, error_model="numpy")
def _level_and_weekday(past, exposure, population, days, high, per_week, shrink, factor, level, weekday):  # type: ignore[no-untyped-def]
    """Set `level` and `weekday` from the first `high` steps; give back which cells of the past count as background."""
    places = past.shape[0]
    kept = ~np.isnan(past)
    weekday[:] = 1.0
    for _ in range(PASSES):
        events, exposed = np.zeros(places), np.zeros(places)
        for v in range(places):
            for t in range(high):
                if kept[v, t]:
                    events[v] += past[v, t]
                    exposed[v] += exposure[v, t] * weekday[days[t]]
        per_head = (events.sum() + 0.5) / max((exposed * population).sum(), population.max())
        level[:] = (events + shrink) / (exposed + shrink / (per_head * population))
        seen, mean = np.full(len(weekday), shrink), np.full(len(weekday), shrink)
        for v in range(places):
            for t in range(high):
                if kept[v, t]:
                    seen[days[t]] += past[v, t]
                    mean[days[t]] += level[v] * exposure[v, t]
        weekday[:] = seen / mean
        _leave_out_outbreaks(past, exposure, days, per_week, factor, level, weekday, kept)
    return kept


@njit(cache=True, error_model="numpy")
def _leave_out_outbreaks(past, exposure, days, per_week, factor, level, weekday, kept):  # type: ignore[no-untyped-def]
    """Weeks (counted back from the end) so far above their level that they are no background are not kept, nor the weeks beside them."""
    weeks = -(-past.shape[1] // per_week)
    for v in range(past.shape[0]):
        high = np.zeros(weeks + 2, dtype=np.bool_)
        for w in range(weeks):
            seen, mean = 0.0, 0.0
            for t in range(max(past.shape[1] - (w + 1) * per_week, 0), past.shape[1] - w * per_week):
                if not math.isnan(past[v, t]):
                    seen += past[v, t]
                    mean += level[v] * weekday[days[t]] * exposure[v, t]
            high[w + 1] = seen > factor * mean + 4 * math.sqrt(2 * mean) + 1.5
        for w in range(weeks):
            low = not (high[w] or high[w + 1] or high[w + 2])
            for t in range(max(past.shape[1] - (w + 1) * per_week, 0), past.shape[1] - w * per_week):
                kept[v, t] = low and not math.isnan(past[v, t])


@njit(cache=True, error_model="numpy")
def _drift(past, steady, kept, steps, length, lag, limit, shrink):  # type: ignore[no-untyped-def]
    """Observed over expected of all places in the window that ends `lag` steps before each of `steps` steps."""
    known = past.shape[1]
    seen, mean = np.zeros(known + 1), np.zeros(known + 1)
    for v in range(past.shape[0]):
        for t in range(known):
            if kept[v, t]:
                seen[t + 1] += past[v, t]
                mean[t + 1] += steady[v, t]
    seen, mean = np.cumsum(seen), np.cumsum(mean)
    course = np.empty(steps)
    for t in range(steps):
        last = min(max(t - lag + 1, 0), known)
        first = max(last - length, 0)
        ratio = (seen[last] - seen[first] + shrink) / (mean[last] - mean[first] + shrink)
        course[t] = min(max(ratio, 1 / limit), limit)
    return course


@njit(cache=True, error_model="numpy")
def _dispersions(past, steady, kept, high, course):  # type: ignore[no-untyped-def]
    """Pearson dispersion over the first `high` steps: of single places, at least 1, and of the total over steps without any outbreak week."""
    squares, mean = 0.0, 1e-9
    off, total, calm = np.zeros(high), np.zeros(high), np.ones(high, dtype=np.bool_)
    for v in range(past.shape[0]):
        for t in range(high):
            if kept[v, t]:
                mu = steady[v, t] * course[t]
                squares += (past[v, t] - mu) ** 2
                mean += mu
                off[t] += past[v, t] - mu
                total[t] += mu
            elif not math.isnan(past[v, t]):
                calm[t] = False
    whole = (off[calm] ** 2).sum() / (total[calm].sum() + 1e-9)
    return max(1.0, squares / mean), whole
