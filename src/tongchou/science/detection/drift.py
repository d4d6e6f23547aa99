"""Drift monitors: from what was kept of the last weeks, whether the promise of few false alarms is in doubt, since when and why.

Seven monitors a kind of stream, each a Shiryaev-Roberts sum of likelihood ratios over onsets in the window, together with one budget.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np

from tongchou.science.detection.drift_monitors import RATIOS, Monitor, Stream, prepared, sum_over_onsets
from tongchou.science.detection.drift_ratios import DriftParams, SeenStream, count_ratios, either_way, normal_ratios

MONITORS: tuple[Monitor, ...] = ("missing", "sites", "step", "level", "shared", "spread", "tails")
# A wrong level makes every day surprising: the shape says nothing of its own until the level is right.
_SHAPES, _LEVELS = frozenset({"shared", "spread", "tails"}), frozenset({"level", "step"})
_FEWEST_PLACES = 3


@dataclass(frozen=True, slots=True)
class DriftReading:
    """One monitor of one kind of stream.

    ``size``: level, step = observed over expected; spread = variance over the variance used; shared = standard deviation of a day's factor
    common to all places; tails = surprising days over their expected number; missing = share of expected reports that did not come;
    sites = places that joined or left. Over the days since ``since``, or over the recent days where nothing was found (``since`` None).
    ``log_evidence`` puts the promise in doubt when it reaches ``needed_log``. ``places``: where, when it is not everywhere.
    """

    monitor: Monitor
    kind: str
    size: float
    log_evidence: float
    needed_log: float
    since: date | None = None
    places: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Drift:
    """Every monitor's reading; `findings` are those that put the promise in doubt, causes before consequences."""

    readings: tuple[DriftReading, ...]
    days_between_false_doubts: float

    @property
    def findings(self) -> tuple[DriftReading, ...]:
        wrong = {r.kind for r in self.readings if r.since is not None and r.monitor in _LEVELS}
        found = [r for r in self.readings if r.since is not None and not (r.monitor in _SHAPES and r.kind in wrong)]
        return tuple(sorted(found, key=lambda r: (MONITORS.index(r.monitor), -r.log_evidence)))

    @property
    def is_in_doubt(self) -> bool:
        return bool(self.findings)


def judge_drift(streams: Sequence[SeenStream], params: DriftParams = DriftParams()) -> Drift:
    """Read every monitor of every kind of stream of one town.

    Notes
    -----
    Each monitor compares what was seen with the worst that is borne (`DriftParams`), not with perfection. With e_t its likelihood ratio of
    step t, S = sum over onsets (at least ``least_days`` ago) of the mean over alternatives of prod e_t: an e-detector, so while everything
    is borne the mean time to S >= c is at least c steps, whatever the window (Shin, Ramdas and Rinaldo, arXiv 2203.03532). With m monitors
    in play c = m x ``days_between_false_doubts`` keeps all of them together to one false doubt in that time (Bonferroni; no independence of
    monitors is needed). Independence of the days given the past is assumed, of places only where `tails` and `missing` say how much not.

    Examples
    --------
    >>> import numpy as np
    >>> from datetime import date
    >>> from tongchou.science.detection.counts import sizes_of, upper_mid_p
    >>> y = np.random.default_rng(1).poisson(4.0, (6, 90)).astype(float)
    >>> y[:, 50:] = np.random.default_rng(2).poisson(8.0, (6, 40))
    >>> mean = np.full(y.shape, 4.0)
    >>> seen = SeenStream("clinic", tuple("abcdef"), date(2024, 3, 30), y, mean, upper_mid_p(y, mean, sizes_of(mean, 1.0)))
    >>> [(f.monitor, f.since.isoformat(), round(f.size, 1)) for f in judge_drift([seen]).findings]
    [('level', '2024-02-20', 2.0)]
    """
    usable = [s for s in (_newest(s, params) for s in streams) if s.present.any()]
    asked = [(s, monitor) for s in usable for monitor in _monitors_of(s)]
    needed = np.log(max(len(asked), 1) * params.days_between_false_doubts)
    readings: list[DriftReading] = []
    for s in usable:
        readings += _readings(s, params, needed - np.log(s.step_days))
    return Drift(tuple(readings), params.days_between_false_doubts)


def _newest(seen: SeenStream, params: DriftParams) -> SeenStream:
    steps = slice(-(params.window_days // seen.step_days), None)
    explained = seen.is_explained[:, steps]
    cut = {name: np.where(explained, np.nan, getattr(seen, name)[:, steps]) for name in ("observed", "expected", "mid_p")}
    return replace(seen, explained=explained, **cut)  # type: ignore[arg-type]


def _monitors_of(seen: SeenStream) -> tuple[Monitor, ...]:
    several = len(seen.places) >= _FEWEST_PLACES
    return tuple(m for m in MONITORS if m != "sites" and (several or m not in ("shared", "step")))


def _readings(seen: SeenStream, params: DriftParams, needed: float) -> Iterator[DriftReading]:
    stream = prepared(seen, params)
    for monitor in _monitors_of(seen):
        if monitor == "step":
            yield _place_reading(stream, needed)
            continue
        ratios, size = RATIOS[monitor](stream)
        evidence, onset = map(float, sum_over_onsets(ratios, stream))
        fires, onset = evidence >= needed, int(onset)
        since = _day_of(seen, onset) if fires else None
        yield DriftReading(monitor, seen.kind, size(slice(onset, None) if fires else stream.recent), float(evidence), float(needed), since)
    yield from _sites_readings(stream)


def _day_of(seen: SeenStream, step: int) -> date:
    return seen.last_day - timedelta(days=(seen.observed.shape[1] - step) * seen.step_days - 1)


def _place_reading(s: Stream, needed: float) -> DriftReading:
    """A step in one place or a few, as after a change of method; in most places at once it is the level."""
    p, seen = s.params, s.seen
    if seen.is_count:
        mean = np.where(s.present, seen.expected, 1.0)
        phi = np.full(mean.shape, p.borne_spread * s.dispersion)
        ratios = either_way(p.places, p.borne_place, lambda a, b: count_ratios(seen.observed, (a * mean, phi), (b * mean, phi), s.present))
    else:
        shifts = [(sign * p.borne_shift_sd, sign * 1.5 * shift) for shift in p.shifts_sd for sign in (1, -1)]
        ratios = np.stack([normal_ratios(s.scores, (null, 1.0), (other, 1.0), s.present) for null, other in shifts])
    alone, onsets = sum_over_onsets(ratios, s)
    alone -= np.log(len(alone))  # places share the monitor's budget
    top = int(np.argmax(alone))
    named = [row for row in np.argsort(-alone, kind="stable") if alone[row] >= needed]
    fires = 0 < len(named) < len(seen.places) / 2
    onset = int(onsets[top]) if fires else seen.observed.shape[1] - p.recent_days // seen.step_days
    cells = s.present[top, onset:]
    size = float(seen.observed[top, onset:][cells].sum() / max(seen.expected[top, onset:][cells].sum(), 1e-9))
    since, places = (_day_of(seen, onset), tuple(seen.places[row] for row in named)) if fires else (None, (seen.places[top],))
    return DriftReading("step", seen.kind, size, float(alone[top]), float(needed), since, places)


def _sites_readings(s: Stream) -> Iterator[DriftReading]:
    """Places that fell silent for longer than ever before, or that began to report: facts, not tests."""
    seen, recent = s.seen, s.params.recent_days // s.seen.step_days
    came = np.isfinite(seen.observed) | seen.is_explained
    steps, least = came.shape[1], max(1, s.params.least_days // seen.step_days)
    for name, row in zip(seen.places, came, strict=True):
        days = np.flatnonzero(row)
        if not len(days):
            continue
        longest = int(np.diff(days).max(initial=1))
        silent, late = steps - 1 - int(days[-1]), int(days[0])
        if silent >= max(least, 3 * longest):
            yield DriftReading("sites", seen.kind, -1.0, np.inf, 0.0, _day_of(seen, int(days[-1]) + 1), (name,))
        elif late >= recent and late >= 3 * longest and steps - late <= recent:
            yield DriftReading("sites", seen.kind, 1.0, np.inf, 0.0, _day_of(seen, late), (name,))
