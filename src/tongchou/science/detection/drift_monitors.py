"""What each drift monitor compares: log likelihood ratios (alternatives, steps) against the worst that is borne, and the size to show."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import logsumexp

from tongchou.science.detection.drift_ratios import (
    DriftParams,
    SeenStream,
    clustered_ratios,
    count_ratios,
    dispersion_used,
    either_way,
    normal_ratios,
    standard_scores,
)
from tongchou.science.detection.model import Floats

Monitor = Literal["level", "step", "shared", "spread", "tails", "missing", "sites"]


@dataclass(frozen=True, slots=True, eq=False)
class Stream:
    """A kind of stream prepared once for all its monitors: cells, and totals of a step as expected before the day effect."""

    seen: SeenStream
    params: DriftParams
    present: np.ndarray
    scores: Floats
    dispersion: float
    pearson: float
    total: Floats
    expected: Floats

    @property
    def recent(self) -> slice:
        return slice(-(self.params.recent_days // self.seen.step_days), None)


def prepared(seen: SeenStream, params: DriftParams) -> Stream:
    present = seen.present
    y, mean = np.where(present, seen.observed, 0.0), np.where(present, seen.expected, 0.0)
    dispersion = dispersion_used(seen) if seen.is_count else 1.0
    scores = standard_scores(seen)
    if not seen.is_count:
        return Stream(
            seen, params, present, scores, 1.0, float(np.nanmean(scores**2)), np.nansum(scores, axis=0), present.sum(axis=0).astype(float)
        )
    pearson = float((np.where(present, (y - mean) ** 2, 0.0)).sum() / (dispersion * mean.sum()))
    total, expected = y.sum(axis=0), mean.sum(axis=0)
    if seen.day_effect_variance > 0 and len(seen.places) > 1:
        # Solves expected = m G, G = (1/s2 + total/phi) / (1/s2 + m/phi), for m: what was expected before the other places spoke.
        pool = dispersion / seen.day_effect_variance
        expected = pool * expected / np.maximum(pool + total - expected, 1e-6 * pool)
    return Stream(seen, params, present, scores, dispersion, pearson, total, expected)


def sum_over_onsets(ratios: Floats, stream: Stream) -> tuple[Floats, np.ndarray]:
    """Log of the sum over onsets of the mean over alternatives (first axis) of the product since, and the onset that says most."""
    steps = ratios.shape[-1]
    open_onsets = max(1, steps - max(1, stream.params.least_days // stream.seen.step_days) + 1)
    since = np.cumsum(ratios[..., ::-1], axis=-1)[..., ::-1][..., :open_onsets]
    by_onset = logsumexp(since, axis=0) - np.log(len(ratios))
    # The latest of equals: days that say nothing do not date a finding back.
    return logsumexp(by_onset, axis=-1), open_onsets - 1 - np.argmax(by_onset[..., ::-1], axis=-1)


Size = Callable[[slice], float]


def _level(s: Stream) -> tuple[Floats, Size]:
    """The town's total over its expectation."""
    p, present = s.params, s.expected > 0
    if s.seen.is_count:
        mean = np.where(present, s.expected, 1.0)
        spread = p.borne_spread * s.dispersion + p.borne_shared * mean
        ratios = either_way(
            p.levels, p.borne_level, lambda null, other: count_ratios(s.total, (null * mean, spread), (other * mean, spread), present)
        )
        return ratios, lambda days: float(s.total[days].sum() / max(s.expected[days].sum(), 1e-9))
    root = np.sqrt(np.maximum(s.expected, 1.0))
    shifts = [(sign * p.borne_shift_sd, sign * shift) for shift in p.shifts_sd for sign in (1, -1)]
    ratios = np.stack([normal_ratios(s.total / root, (null * root, 1.0), (other * root, 1.0), present) for null, other in shifts])
    seen = s.seen
    return ratios, lambda days: float(
        np.nansum(seen.observed[:, days]) / max(np.nansum(np.where(s.present, seen.expected, np.nan)[:, days]), 1e-9)
    )


def _shared(s: Stream) -> tuple[Floats, Size]:
    """A factor of the day common to all places: the total scatters more than its places do."""
    p, present = s.params, s.expected > 0
    inside = p.borne_spread * s.dispersion * max(1.0, s.pearson)
    if s.seen.is_count:
        mean = np.where(present, s.expected, 1.0)
        null = (mean, inside + p.borne_shared * mean)
        ratios = np.stack([count_ratios(s.total, null, (mean, inside + v * mean), present) for v in p.shared])
        return ratios, lambda days: _shared_sd(s.total[days], s.expected[days], s.dispersion)
    z, root = s.total / np.sqrt(np.maximum(s.expected, 1.0)), max(1.0, s.pearson) * p.borne_spread
    sds = [np.sqrt(root + v * s.expected) for v in (p.borne_shared, *p.shared)]
    ratios = np.stack([normal_ratios(z, (0.0, sds[0]), (0.0, other), present) for other in sds[1:]])
    return ratios, lambda days: max(0.0, float(np.mean((z[days] ** 2 - 1) / np.maximum(s.expected[days], 1.0)))) ** 0.5


def _shared_sd(total: Floats, mean: Floats, dispersion: float) -> float:
    """Moment estimate of the standard deviation of the common factor."""
    excess = ((total - mean) ** 2 - dispersion * mean).sum()
    return float(np.sqrt(max(excess, 0.0) / max((mean**2).sum(), 1e-9)))


def _spread(s: Stream) -> tuple[Floats, Size]:
    """Single places scatter more around their expectation than the watch assumes."""
    p = s.params
    if s.seen.is_count:
        mean = np.where(s.present, s.seen.expected, 1.0)
        phi = [np.full(mean.shape, p.borne_spread * s.dispersion * k) for k in (1.0, *p.spreads)]
        ratios = np.stack([count_ratios(s.seen.observed, (mean, phi[0]), (mean, other), s.present).sum(axis=0) for other in phi[1:]])
    else:
        sds = [np.sqrt(p.borne_spread * k) for k in (1.0, *p.spreads)]
        ratios = np.stack([normal_ratios(s.scores, (0.0, sds[0]), (0.0, other), s.present).sum(axis=0) for other in sds[1:]])
    return ratios, lambda days: _pearson(s, days)


def _pearson(s: Stream, days: slice) -> float:
    present = s.present[:, days]
    if not s.seen.is_count:
        return float(np.nanmean(s.scores[:, days] ** 2)) if present.any() else float("nan")
    y, mean = s.seen.observed[:, days][present], s.seen.expected[:, days][present]
    return float(((y - mean) ** 2).sum() / max(s.dispersion * mean.sum(), 1e-9))


def _tails(s: Stream) -> tuple[Floats, Size]:
    """More days than should be so high that only one in a hundred would be: these are what rings."""
    p = s.params
    hits, cells = (s.present & (s.seen.mid_p < p.tail)).sum(axis=0).astype(float), s.present.sum(axis=0).astype(float)
    null = p.tail * p.borne_tail
    ratios = np.stack([clustered_ratios(hits, cells, null, min(0.5, null * k), p.tail_correlation) for k in p.tails])
    return ratios, lambda days: float(hits[days].sum() / max(p.tail * cells[days].sum(), 1e-9))


def _missing(s: Stream) -> tuple[Floats, Size]:
    """Reports that no longer come, weekday by weekday, beside the weeks before."""
    p, seen = s.params, s.seen
    steps = seen.observed.shape[1]
    recent = min(steps, p.recent_days // seen.step_days)
    watched, came = ~seen.is_explained, np.isfinite(seen.observed)
    before = slice(0, steps - recent)
    expected = watched & (came & watched)[:, before].any(axis=1)[:, None]
    trials, missed = expected.sum(axis=0).astype(float), (expected & ~came).sum(axis=0).astype(float)
    weekday = (np.arange(steps) - steps) % (7 if seen.step_days == 1 else 1)
    counts = [(missed[before][weekday[before] == d].sum(), trials[before][weekday[before] == d].sum()) for d in range(7)]
    usual = np.array([(m + 0.5) / (n + 1) if n else 1.0 for m, n in counts])[weekday]
    times, plus = p.borne_missing
    null = np.minimum(times * usual + plus, 0.95)
    # Weekdays on which hardly anybody reports say nothing; nor do the weeks that set the measure.
    asked = (usual < 0.5) & (trials > 0) & (np.arange(steps) >= steps - recent)
    ratios = [np.where(asked, clustered_ratios(missed, trials, null, null + (1 - null) * k, p.missing_correlation), 0.0) for k in p.missing]
    working = usual < 0.5
    return np.stack(ratios), lambda days: float(missed[days][working[days]].sum() / max(trials[days][working[days]].sum(), 1.0))


RATIOS: dict[Monitor, Callable[[Stream], tuple[Floats, Size]]] = {
    "level": _level, "shared": _shared, "spread": _spread, "tails": _tails, "missing": _missing,
}  # fmt: skip
