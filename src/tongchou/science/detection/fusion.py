"""Fusion of all streams of one area into one evidence with a promised alarm budget."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np

from tongchou.science.detection.forecasting import forecast_streams, interval_on_grid
from tongchou.science.detection.grading import grade_of, infections_ahead, limits_of, size_probabilities
from tongchou.science.detection.model import (
    TOWNWIDE,
    Assessment,
    DetectionParams,
    Floats,
    Grade,
    History,
    PlaceEvidence,
    Screening,
    StreamEvidence,
    StreamScore,
)
from tongchou.science.detection.stream_evidence import score_area


def screen(histories: Sequence[History], day: date, params: DetectionParams, restarted_on: date | None = None) -> Screening:
    """Score and fuse every history of one area on one morning."""
    scores = score_area(histories, day, params)
    return Screening(scores[: len(histories)], fuse(scores, params, restarted_on))


@dataclass(frozen=True, slots=True, eq=False)
class Places:
    """The places an outbreak may have begun in and their prior weights, summing to 1."""

    names: tuple[str | None, ...]
    weights: Floats

    def rows(self, place: str | None) -> slice | int:
        """Hypotheses a stream of this place speaks about: a whole-area stream about all."""
        return slice(None) if place is None else self.names.index(place)


def fuse(scores: Sequence[StreamScore], params: DetectionParams, restarted_on: date | None = None) -> Assessment:
    """Fuse scores of one area and day; onsets on or before ``restarted_on`` (an answered alarm) no longer count.

    Notes
    -----
    M = sum over places v of weight_v times sum over onsets of mean over growth and size of the product over streams of
    Lambda^weight, an e-detector (Shin, Ramdas & Rinaldo, arXiv 2203.03532). Under the true background E[M_t - M_(t-1)] <= 1, so the average run length to M >= c is at
    least c; with an estimated background it is shorter, which is why a replay sets `margin_log`. Half the budget is the fusion's,
    half is shared by the specific streams alone: those of stated weight 1, whatever verdicts taught. Probabilities use the stated prior rate of onsets.

    Streams from outside (`History.outside`) are one factor more, the mean of their log evidence: a rise here is local or part of the wave
    they see, at even odds, so that their silence hides no local outbreak (at most log 2). They add at most as much as the own streams say
    beyond saying nothing: nobody is woken by what happens elsewhere alone, and half of every alarm is the place's own.
    """
    if not scores:
        raise ValueError("fuse: no scores given; nothing was observed in this area")
    day = scores[0].day
    if any(s.day != day or s.log_evidence.shape != params.grid_shape for s in scores):
        raise ValueError("fuse: scores must be of one day and scored with the same parameters")
    places = places_of(scores, any(s.place == TOWNWIDE for s in scores), params)
    open_onsets = _open_onsets(day, params, restarted_on)
    log_hypotheses, from_outside = _hypotheses(scores, places, open_onsets, params)
    statistic = _log_sum(log_hypotheses)
    posterior = np.exp(log_hypotheses - statistic) if math.isfinite(statistic) else np.full(log_hypotheses.shape, 1 / log_hypotheses.size)
    threshold, alone_at = thresholds(list({s.stream: s for s in reversed(scores)}.values()), params)
    streams = _stream_evidence(scores, places, posterior, open_onsets, from_outside, alone_at, params)
    able = [s.statistic - s.threshold for s in streams if math.isfinite(s.threshold)]
    best_alone = max(able, default=-math.inf)
    alarm_by: Literal["fusion", "stream"] | None = "fusion" if statistic >= threshold else "stream" if best_alone >= 0 else None
    probability = _outbreak_probability(statistic, params)
    evidence = _place_evidence(places, log_hypotheses, posterior, int(np.isfinite(open_onsets).sum()), params)
    size, sizes = _size_measure(scores, streams, params)
    summed = posterior.sum(axis=0)
    reached = size_probabilities(summed, sizes, probability, limits_of(params.grades, size))
    likely = sum(p.outbreak_probability >= 0.5 for p in evidence if p.place is not None)
    grade = grade_of(probability, reached, likely, params.grades)
    growth = np.array(params.growth_per_day)
    by_growth = summed.sum(axis=(0, 2))
    return Assessment(
        day=day, statistic=statistic, threshold=threshold,
        excess=max(statistic - threshold, best_alone) + params.margin_log, alarm_by=alarm_by,
        grade=_grade_with_alarm(grade, alarm_by), outbreak_probability=probability,
        prior_onsets_per_year=params.prior_onsets_per_year, alarms_per_year=params.alarms_per_year,
        onset_posterior={day - timedelta(days=a): float(p) for a, p in zip(params.onset_ages_days, summed.sum(axis=(1, 2)), strict=True)},
        growth_posterior=_as_mapping(params.growth_per_day, by_growth),
        size_posterior=_as_mapping(params.seed_sizes, summed.sum(axis=(0, 1))),
        growth_per_day=float(growth @ by_growth), growth_interval=interval_on_grid(growth, by_growth, params.forecast_coverage),
        size=size, size_probability=reached, places=evidence, streams=streams,
        forecasts=forecast_streams([s for s in scores if not s.outside], places.names, posterior, probability, params),
    )  # fmt: skip


def _hypotheses(scores: Sequence[StreamScore], places: Places, open_onsets: Floats, params: DetectionParams) -> tuple[Floats, Floats]:
    """Log evidence of every hypothesis with its prior, and the part of it that came from outside (onset, growth, size)."""
    own = np.zeros((len(places.names), *params.grid_shape))
    for s in scores:
        if not s.outside:
            own[places.rows(s.place)] += params.power_of(s) * s.log_evidence
    found = _with_prior(own, places, open_onsets)
    outside = [params.power_of(s) * s.log_evidence for s in scores if s.outside and s.log_evidence.any()]
    if not outside:
        return found, np.zeros(params.grid_shape)
    lead = _log_sum(found) - math.log(max(np.isfinite(open_onsets).sum(), 1))
    told = outside_factor(np.mean(outside, axis=0), np.array(lead))
    return found + told, told


def outside_factor(log_evidence: Floats, lead: Floats) -> Floats:
    """What evidence from outside adds to a place's own: log((1 + Lambda) / 2), at most the place's own lead over its neutral value.

    >>> outside_factor(np.array([-50.0, 0.0, 3.0, 50.0]), np.array(4.0)).round(2)
    array([-0.69,  0.  ,  2.36,  4.  ])
    >>> outside_factor(np.array([-50.0, 50.0]), np.array(-0.5)).round(2)
    array([-0.69,  0.  ])
    """
    return np.minimum(np.logaddexp(0.0, log_evidence) - math.log(2), np.maximum(lead, 0.0))


def places_of(seen: Sequence[StreamScore | History], with_total: bool, params: DetectionParams) -> Places:
    """Places weighted by residents (None, the whole area, is no place), and the whole area at once where totals are scored."""
    population: dict[str | None, float] = {}
    for s in seen:
        if s.place not in (None, TOWNWIDE):
            population[s.place] = max(s.population, population.get(s.place, 0.0))
    if not population:
        return Places((None,), np.ones(1))
    weights = np.array(list(population.values()))
    weights = weights / weights.sum()
    if not with_total:
        return Places(tuple(population), weights)
    return Places((*population, TOWNWIDE), np.append(weights * (1 - params.townwide_prior), params.townwide_prior))


def thresholds(streams: Sequence[StreamScore | History], params: DetectionParams) -> tuple[float, dict[str, float]]:
    """Log thresholds of the fusion and of every stream alone (infinite: never rings alone), from one score or history of each stream.

    The fusion has its share of the budget; the specific streams of the area itself share the rest.
    """
    alone = [s.stream for s in streams if s.weight == 1 and not s.outside]
    rest = 1 - params.fusion_budget_share
    at = params.theory_log + math.log(len(alone) / rest) + params.margin_log if alone and rest > 0 else math.inf
    fusion = params.theory_log - math.log(params.fusion_budget_share) + params.margin_log
    return fusion, {s.stream: at if s.stream in alone else math.inf for s in streams}


def _open_onsets(day: date, params: DetectionParams, restarted_on: date | None) -> Floats:
    """0 for onsets that still count, -inf for those already answered."""
    onsets = [day - timedelta(days=a) for a in params.onset_ages_days]
    return np.array([0.0 if restarted_on is None or onset > restarted_on else -np.inf for onset in onsets])


def _with_prior(log_lambda: Floats, places: Places, open_onsets: Floats) -> Floats:
    cells = log_lambda.shape[2] * log_lambda.shape[3]
    return np.asarray(log_lambda + np.log(places.weights)[:, None, None, None] + open_onsets[:, None, None] - math.log(cells))


def _log_sum(values: Floats) -> float:
    peak = float(values.max())
    return peak + math.log(float(np.exp(values - peak).sum())) if math.isfinite(peak) else -math.inf


def _stream_evidence(
    scores: Sequence[StreamScore],
    places: Places,
    posterior: Floats,
    open_onsets: Floats,
    from_outside: Floats,
    alone_at: Mapping[str, float],
    params: DetectionParams,
) -> tuple[StreamEvidence, ...]:
    """Share of each stream in the fused evidence, and what it says alone over all places."""
    names = list(dict.fromkeys(s.stream for s in scores))
    by_name = {name: [s for s in scores if s.stream == name] for name in names}
    heard = sum(s.outside and s.log_evidence.any() for s in scores)
    carried, statistics, leading = [], [], []
    for name in names:
        own = np.zeros(posterior.shape)
        for s in by_name[name]:
            own[places.rows(s.place)] += s.log_evidence
        told = from_outside * own.any() / max(heard, 1) if by_name[name][0].outside else params.power_of(by_name[name][0]) * own
        carried.append(max(float((posterior * told).sum()), 0.0))
        statistics.append(_log_sum(_with_prior(own, places, open_onsets)))
        leading.append(max(by_name[name], key=lambda s: s.statistic).place)
    if sum(carried) <= 0:  # nothing speaks for a rise: own streams share alike
        carried = [float(not by_name[name][0].outside) for name in names]
    total = sum(carried) or 1.0
    return tuple(
        StreamEvidence(
            stream=name, share=part / total, statistic=statistic, threshold=alone_at[name],
            outside=by_name[name][0].outside, leading_place=None if place == TOWNWIDE else place,
        )
        for name, part, statistic, place in zip(names, carried, statistics, leading, strict=True)
    )  # fmt: skip


def _outbreak_probability(log_evidence: float, params: DetectionParams) -> float:
    """Posterior probability at the stated prior; the margin is taken off, because the replay showed so much to arise by chance."""
    odds = math.exp(min(log_evidence - params.margin_log, 700.0)) * params.prior_onsets_per_year * params.calendar_step_days / 365.25
    return odds / (1 + odds)


def _place_evidence(
    places: Places, log_hypotheses: Floats, posterior: Floats, onsets: int, params: DetectionParams
) -> tuple[PlaceEvidence, ...]:
    found = []
    for row, name in enumerate(places.names):
        log_evidence = _log_sum(log_hypotheses[row])
        probability = _outbreak_probability(log_evidence, params)
        log_e = log_evidence - math.log(places.weights[row]) - math.log(max(onsets, 1)) - params.margin_log
        found.append(PlaceEvidence(None if name == TOWNWIDE else name, float(posterior[row].sum()), probability, log_evidence, log_e))
    return tuple(found)


def _size_measure(
    scores: Sequence[StreamScore], streams: Sequence[StreamEvidence], params: DetectionParams
) -> tuple[Literal["infections", "fold"], Floats]:
    """Infections 14 days on where a stream knows them, else times the old level as the leading stream sees it."""
    if any(s.fold_next is None for s in scores):
        return "infections", infections_ahead(params)
    own = [s for s in streams if not s.outside] or list(streams)
    leading = max(own, key=lambda s: s.share).stream
    of_leading = max((s for s in scores if s.stream == leading), key=lambda s: s.statistic)
    assert of_leading.fold_next is not None
    return "fold", np.broadcast_to(of_leading.fold_next[:, :, None], params.grid_shape)


def _grade_with_alarm(grade: Grade | None, alarm_by: str | None) -> Grade | None:
    """Only an alarm carries a grade, and every alarm at least blue: the budget decides whether, the size decides which."""
    return None if alarm_by is None else grade or "blue"


def _as_mapping(keys: Sequence[float], values: Floats) -> Mapping[float, float]:
    return {float(k): float(v) for k, v in zip(keys, values, strict=True)}
