"""The benchmark on real streams: every way to combine them at equal false alarms, on a development and a held-out part."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np

from tongchou.science.detection.model import Floats
from tongchou.science.evaluation.carrying import BASES, Carried, carry, joined
from tongchou.science.evaluation.combining import ALONE, Evidence, alone, combined
from tongchou.science.evaluation.onsets import Bools, Delays, OnsetGround, delays, paired, part_of

DEVELOPMENT, HELD_OUT, EVERY = "development", "held out", "all"
PARTS = (DEVELOPMENT, HELD_OUT, EVERY)
CARRIED = ("best", "weighted", "bestAndRest", "fused")
LEAST_ONSETS = 5  # a stream that saw fewer onsets says nothing about the average stream
NEW_SEASON = (5, 1)  # assumption: on 1 May no wave of either kind runs


@dataclass(frozen=True, slots=True, eq=False)
class RealTarget:
    """One target of a country: evidence and ground of the same places and weeks; ``adjusted`` with the season's growth taken out."""

    code: str
    evidence: Evidence
    adjusted: Evidence | None
    ground: OnsetGround
    weeks: tuple[date, ...]
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class RealRow:
    """One method on one part at one rate: days from the onsets, and days beside the best single stream with a 95 % interval."""

    target: str
    part: str
    rate: float
    delays: Delays
    gap: tuple[float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class RealMeasured:
    """What one target gave. ``beside_each``: by part, rate and stream, mean days of (fused, that stream) on the onsets the stream saw."""

    target: RealTarget
    best: str
    grounds: dict[str, OnsetGround]
    rows: tuple[RealRow, ...]
    beside_each: dict[tuple[str, float, str], tuple[float, float]]
    carried: tuple[Carried, ...]

    def row(self, method: str, part: str, rate: float) -> RealRow:
        return next(r for r in self.rows if (r.delays.method, r.part, r.rate) == (method, part, rate))

    def gain_on_average(self, part: str, rate: float) -> float:
        """Days by which the fused streams are before the average single one (positive: earlier), each stream on the onsets it saw."""
        pairs = [p for key, p in self.beside_each.items() if key[:2] == (part, rate)]
        return float(np.mean([single - fused for fused, single in pairs])) if pairs else float("nan")

    def behind_hindsight(self, part: str, rate: float) -> tuple[str, float]:
        """The stream that was best against the fused ones on the onsets it saw, and by how many days (negative: none was earlier)."""
        gaps = {key[2]: fused - single for key, (fused, single) in self.beside_each.items() if key[:2] == (part, rate)}
        name = max(gaps, key=lambda stream: gaps[stream], default="")
        return name, gaps.get(name, float("nan"))


def is_development(target: RealTarget, held_out_from: date, held_out_places: Sequence[str]) -> Bools:
    """(places, weeks): seen places before the day."""
    early = np.array([week < held_out_from for week in target.weeks])
    seen = np.array([place not in held_out_places for place in target.places])
    return np.asarray(seen[:, None] & early, dtype=np.bool_)


def measure_target(target: RealTarget, development: Bools, rates: Sequence[float]) -> RealMeasured:
    """Pick the best single stream on the development part, then measure every method on every part at every rate."""
    masks = {DEVELOPMENT: development, HELD_OUT: ~development, EVERY: np.ones_like(development)}
    grounds = {part: part_of(target.ground, mask) for part, mask in masks.items()}
    best = pick_best(target.evidence, grounds[DEVELOPMENT], rates)
    scores = combined(target.evidence, best, grounds[DEVELOPMENT].is_quiet)
    if target.adjusted is not None:
        without = combined(target.adjusted, best, grounds[DEVELOPMENT].is_quiet)
        scores |= {f"{name}WithoutSeason": without[name] for name in ("weighted", "fused")}
    rows, beside_each = [], {}
    for part, ground in grounds.items():
        if not ground.onsets:
            continue
        for rate in rates:
            of = {name: delays(name, score, ground, rate) for name, score in scores.items()}
            rows += [RealRow(target.code, part, rate, d, paired(d, of["best"], ground.onsets)) for d in of.values()]
            for name in (target.evidence.names[k] for k in target.evidence.own):
                pair = _beside(scores[f"{ALONE}{name}"], scores["fused"], ground, rate)
                if pair is not None:
                    beside_each[part, rate, name] = pair
    return RealMeasured(target, best, grounds, tuple(rows), beside_each, _carried(target, scores, rates))


def pick_best(evidence: Evidence, ground: OnsetGround, rates: Sequence[float]) -> str:
    """The own stream with the fewest days on average over the rates; a missed onset counts, so a stream that came late loses."""
    scores = alone(evidence)

    def mean_days(name: str) -> float:
        return float(np.mean([delays(name, scores[name], ground, rate).mean for rate in rates]))

    return min((evidence.names[k] for k in evidence.own), key=mean_days)


def _beside(single: Floats, fused: Floats, ground: OnsetGround, rate: float) -> tuple[float, float] | None:
    """Mean days of (fused, alone) at equal false alarms in the weeks in which the stream spoke; None with too few onsets."""
    seen = part_of(ground, ~np.isnan(single))
    if len(seen.onsets) < LEAST_ONSETS:
        return None
    return delays("fused", fused, seen, rate).mean, delays("alone", single, seen, rate).mean


def _carried(target: RealTarget, scores: dict[str, Floats], rates: Sequence[float]) -> tuple[Carried, ...]:
    """Thresholds of every past carried to the season after it, all such transitions together."""
    seasons = _seasons(target)
    found = []
    for method in CARRIED:
        for basis in BASES:
            for rate in rates:
                parts = [carry(method, scores[method], past, later, rate, basis) for past, later in seasons]
                found += [joined(parts)] if parts else []
    return tuple(found)


def _seasons(target: RealTarget) -> list[tuple[OnsetGround, OnsetGround]]:
    """Past and next season at every 1 May with onsets on both sides."""
    weeks, shape = np.array(target.weeks), target.ground.is_quiet.shape
    years = range(target.weeks[0].year, target.weeks[-1].year + 2)
    cuts = [date(year, *NEW_SEASON) for year in years]
    pairs = [
        (part_of(target.ground, np.broadcast_to(weeks < cut, shape)), part_of(target.ground, np.broadcast_to((weeks >= cut) & (weeks < after), shape)))
        for cut, after in pairwise(cuts)
    ]  # fmt: skip
    return [(past, later) for past, later in pairs if past.onsets and later.onsets]
