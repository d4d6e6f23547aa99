"""What every morning of a long past would have said, in one pass: for thresholds from the own past, and for benchmarks.

Equal to `screen` on each morning, with every value as it is known now: late corrections count as if they had been there from the start.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np
from numba import njit

from tongchou.science.detection.additive import courses_of, excess_table
from tongchou.science.detection.background import WEEKDAYS, panel_of, past_steps
from tongchou.science.detection.counts import POISSON_BELOW
from tongchou.science.detection.fusion import Places, places_of, screen, thresholds
from tongchou.science.detection.model import TOWNWIDE, Additive, DetectionParams, Floats, History
from tongchou.science.detection.multiplicative import score_multiplicative
from tongchou.science.detection.stream_evidence import LEAST_PLACES_FOR_TOTAL, panels_of

NEGLIGIBLE_LOG = -40.0  # beside the largest term; a hundred thousand such terms do not reach the twelfth digit


@dataclass(frozen=True, slots=True, eq=False)
class Replay:
    """What each morning said: statistics (days,), (days, streams), (days, places); excess over the threshold (days,) before the margin.

    `alarms` are the mornings that rang, each with who rang; after one, only later onsets count. The last of `places` may be the whole area.
    """

    first_day: date
    statistic: Floats
    stream_statistic: Floats
    place_statistic: Floats
    excess: Floats
    alarms: tuple[tuple[date, Literal["fusion", "stream"]], ...]
    streams: tuple[str, ...]
    places: tuple[str | None, ...]

    @property
    def days(self) -> tuple[date, ...]:
        """The mornings replayed."""
        return tuple(self.first_day + timedelta(days=n) for n in range(len(self.statistic)))


def replay(histories: Sequence[History], first_day: date, last_day: date, params: DetectionParams, *, restarts: bool = True) -> Replay:
    """Screen every morning from first_day to last_day; `restarts`: an alarm answers every onset up to its day.

    Daily calendars take one pass; for others every morning is screened anew. Raises ValueError without histories or days.

    Examples
    --------
    >>> visits = np.where(np.arange(200) < 190, 1.0, 9.0)
    >>> clinic = History("clinic", visits, date(2024, 1, 1), 1, "count", Additive(0.2, 6.0, 2.0))
    >>> told = replay([clinic], date(2024, 6, 1), date(2024, 7, 18), DetectionParams(alarms_per_year=4))
    >>> told.alarms[0][0] > date(2024, 7, 8), len(told.excess)
    (True, 48)
    """
    if not histories or last_day < first_day:
        raise ValueError("replay: at least one history, and a last day not before the first")
    if params.onset_ages_days != tuple(range(len(params.onset_ages_days))):
        return _screened(histories, first_day, last_day, params, restarts)
    begin = first_day - timedelta(days=params.window_days)  # the earliest onset that the first morning weighs
    days = (last_day - begin).days + 1
    laid = _lay_out(histories, last_day, days, params)
    fusion_at, streams_at = thresholds(laid.streams, params)
    alone = np.array([streams_at[name] for name in laid.names])
    statistic, streams, places = (
        np.full(days, -np.inf),
        np.full((days, len(alone)), -np.inf),
        np.full((days, len(laid.places.names)), -np.inf),
    )
    rang = np.zeros(days, dtype=np.int64)
    _run(
        laid.values, laid.expected, laid.sizes, laid.tables, laid.stream_of, laid.given, laid.given_row, laid.given_stream,
        laid.weights, np.log(laid.places.weights), fusion_at, alone, params.window_days, restarts, statistic, streams, places, rang,
    )  # fmt: skip
    shown = slice(params.window_days, None)
    best = np.where(np.isfinite(alone), streams - np.where(np.isfinite(alone), alone, 0.0), -np.inf).max(axis=1)
    excess = np.maximum(statistic - fusion_at, best) + params.margin_log
    by: tuple[Literal["fusion"], Literal["stream"]] = ("fusion", "stream")
    alarms = tuple((first_day + timedelta(days=int(n)), by[rang[shown][n] - 1]) for n in np.flatnonzero(rang[shown]))
    return Replay(first_day, statistic[shown], streams[shown], places[shown], excess[shown], alarms, laid.names, laid.places.names)


def _screened(histories: Sequence[History], first_day: date, last_day: date, params: DetectionParams, restarts: bool) -> Replay:
    found, alarms = [], []
    restarted_on = None
    for n in range((last_day - first_day).days + 1):
        a = screen(histories, first_day + timedelta(days=n), params, restarted_on).assessment
        found.append(a)
        if a.alarm_by is not None:
            alarms.append((a.day, a.alarm_by))
            restarted_on = a.day if restarts else None
    return Replay(
        first_day, np.array([a.statistic for a in found]), np.array([[s.statistic for s in a.streams] for a in found]),
        np.array([[p.log_evidence for p in a.places] for a in found]), np.array([a.excess for a in found]), tuple(alarms),
        tuple(s.stream for s in found[0].streams), tuple(p.place for p in found[0].places),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class _Laid:
    """Everything the pass reads. Panels of additive streams: values, expected, sizes (panels, places, days), tables (panels, growth, size, age);
    multiplicative histories: given evidence (histories, days, age, growth, size), the place it is about (-1 = all)."""

    streams: tuple[History, ...]  # one of each
    names: tuple[str, ...]
    weights: Floats
    places: Places
    values: Floats
    expected: Floats
    sizes: Floats
    tables: Floats
    stream_of: np.ndarray
    given: Floats
    given_row: np.ndarray
    given_stream: np.ndarray


def _lay_out(histories: Sequence[History], last_day: date, days: int, params: DetectionParams) -> _Laid:
    groups = [[histories[i] for i in indices] for indices in panels_of(histories)]
    names = tuple(dict.fromkeys(h.stream for h in histories))
    first_of = tuple(next(h for h in histories if h.stream == name) for name in names)
    totals = [isinstance(g[0].model, Additive) and len(g) >= LEAST_PLACES_FOR_TOTAL for g in groups]
    places = places_of(histories, any(totals), params)
    rows = len(places.names)
    additive = [(g, total) for g, total in zip(groups, totals, strict=True) if isinstance(g[0].model, Additive)]
    shape = (len(additive), rows, days)
    values, expected, dispersion = np.full(shape, np.nan), np.full(shape, np.nan), np.ones(shape)
    tables = np.zeros((len(additive), *params.grid_shape[1:], params.window_days + 1))
    for p, (group, with_total) in enumerate(additive):
        _fill(values[p], expected[p], dispersion[p], group, with_total, places, last_day, params)
        tables[p] = excess_table(group[0].model, params, group[0].step_days, params.window_days)  # type: ignore[arg-type]
    wide = dispersion > POISSON_BELOW
    sizes = np.where(wide, expected / np.where(wide, dispersion - 1, 1.0), 0.0)
    others = [h for h in histories if not isinstance(h.model, Additive)]
    given = np.zeros((len(others), days, *params.grid_shape))
    for i, history in enumerate(others):
        for n in range(days):
            given[i, n] = score_multiplicative(history, last_day - timedelta(days=days - 1 - n), params).log_evidence
    return _Laid(
        first_of, names, np.array([h.weight for h in first_of]), places, values, expected, sizes, tables,
        np.array([names.index(g[0].stream) for g, _ in additive], dtype=np.int64), given,
        np.array([-1 if h.place is None else places.names.index(h.place) for h in others], dtype=np.int64),
        np.array([names.index(h.stream) for h in others], dtype=np.int64),
    )  # fmt: skip


def _fill(
    values: Floats, expected: Floats, dispersion: Floats, group: Sequence[History], with_total: bool, places: Places, last_day: date, params: DetectionParams
) -> None:  # fmt: skip
    """One panel's courses into (places, days); a step of a week stands on its last day."""
    step, days = group[0].step_days, values.shape[1]
    shown = days // step + 1
    panel = panel_of(group, last_day, past_steps(params, step) + shown + WEEKDAYS // step - 1)
    courses = courses_of(panel, params, with_total, begin=panel.values.shape[1] - shown)
    late = ((last_day - group[0].first_day).days + 1) % step
    columns = np.arange(days - 1 - late, -1, -step)[::-1]
    names = [*(h.place for h in group), *([TOWNWIDE] if with_total else [])]
    for row, name in enumerate(names):
        for target, course in zip((values, expected, dispersion), courses.rows, strict=True):
            target[places.rows(name), columns] = course[row, -len(columns) :]


@njit(cache=True, error_model="numpy")
def _run(  # type: ignore[no-untyped-def]
    values, expected, sizes, tables, stream_of, given, given_row, given_stream, weights, log_prior,
    fusion_at, alone_at, window, restarts, statistic, streams, places, rang,
):  # fmt: skip
    """Shiryaev-Roberts sums day by day. `own` holds log Lambda (streams, places, onset slot, growth, size); slot = onset day modulo window + 1."""
    panels, rows, days = values.shape
    growths, seeds = tables.shape[1], tables.shape[2]
    if panels == 0:
        growths, seeds = given.shape[3], given.shape[4]
    slots = window + 1
    own = np.zeros((len(weights), rows, slots, growths, seeds))
    today = np.zeros(own.shape) if len(given) else own  # what multiplicative streams say belongs to the day alone
    fused = np.zeros((rows, slots, growths, seeds))
    is_open = np.zeros(slots, dtype=np.bool_)
    answered = -1
    for t in range(days):
        own[:, :, t % slots] = 0.0
        for age in range(slots):
            is_open[(t - age) % slots] = t - age >= 0 and t - age > answered
        for p in range(panels):
            for v in range(rows):
                _add_step(own[stream_of[p], v], values[p, v, t], expected[p, v, t], sizes[p, v, t], tables[p], t, slots)
        if len(given):
            today[:] = own
        for i in range(len(given)):
            for v in range(rows):
                if given_row[i] == -1 or given_row[i] == v:
                    for age in range(min(t + 1, slots)):
                        today[given_stream[i], v, (t - age) % slots] += given[i, t, age]
        fused[:] = 0.0
        for s in range(len(weights)):
            fused += weights[s] * today[s]
            streams[t, s] = _log_sums(today[s], log_prior, is_open, places[t])
        statistic[t] = _log_sums(fused, log_prior, is_open, places[t])
        if t < window:
            continue
        if statistic[t] >= fusion_at:
            rang[t] = 1
        elif (streams[t] >= alone_at).any():
            rang[t] = 2
        if rang[t] > 0 and restarts:
            answered = t


@njit(cache=True, error_model="numpy")
def _add_step(evidence, y, mu, size, table, t, slots):  # type: ignore[no-untyped-def]
    """Add one count's log likelihood ratios to the evidence (slots, growth, size) of one place."""
    if math.isnan(y) or math.isnan(mu):
        return
    for age in range(min(t + 1, slots)):
        slot = (t - age) % slots
        for i in range(table.shape[0]):
            for k in range(table.shape[1]):
                h = table[i, k, age]
                gain = y * math.log1p(h / mu) if y > 0 else 0.0
                loss = (y + size) * math.log1p(h / (mu + size)) if size > 0 else h
                evidence[slot, i, k] += gain - loss


@njit(cache=True, error_model="numpy")
def _log_sums(evidence, log_prior, is_open, by_place):  # type: ignore[no-untyped-def]
    """Log of the sum over places and open onsets of prior x mean over growth and size; each place's own into `by_place`."""
    rows, slots, growths, seeds = evidence.shape
    for v in range(rows):
        peak = -np.inf
        for j in range(slots):
            if is_open[j]:
                for i in range(growths):
                    for k in range(seeds):
                        peak = max(peak, evidence[v, j, i, k])
        part = 0.0
        for j in range(slots):
            if is_open[j]:
                for i in range(growths):
                    for k in range(seeds):
                        gap = evidence[v, j, i, k] - peak
                        part += math.exp(gap) if gap > NEGLIGIBLE_LOG else 0.0
        by_place[v] = log_prior[v] + peak + math.log(part / (growths * seeds)) if part > 0 else -np.inf
    highest = by_place.max()
    return highest + math.log(np.exp(by_place - highest).sum()) if highest > -np.inf else -np.inf
