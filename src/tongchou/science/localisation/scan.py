"""Space-time scan statistics: which circle of places has, over the last days, more than chance explains."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from tongchou.science.detection.model import Floats
from tongchou.science.localisation.replicates import Quiet
from tongchou.science.localisation.scan_kernel import NEGATIVE_BINOMIAL, POISSON, POPULATION, highest_scores, scores_of, zone_sums
from tongchou.science.localisation.zones import Zones

ScanModel = Literal["population", "poisson", "negative_binomial"]
MODELS: dict[ScanModel, int] = {"population": POPULATION, "poisson": POISSON, "negative_binomial": NEGATIVE_BINOMIAL}
MOST_CASES = 20_000_000  # the table of c log c; more cases than that are no question of chance
ROUNDING = 1e-9  # two orders of summing one zone differ by less: a replicate as high as the data counts as higher


@dataclass(frozen=True, slots=True)
class ScanParams:
    """What is compared and how far back. `model`: see `space_time_scan`."""

    model: ScanModel = "poisson"
    longest_days: int = 14  # assumption: an outbreak older than two weeks is known
    replicates: int = 999  # Kulldorff 1997; p-values are multiples of 1 / (replicates + 1)
    clusters: int = 5  # assumption: more than five circles is no list to act on

    def __post_init__(self) -> None:
        if self.model not in MODELS:
            raise ValueError(f"ScanParams: model is one of {', '.join(MODELS)}; got {self.model!r}")
        if min(self.longest_days, self.clusters) < 1 or self.replicates < 0:
            raise ValueError(f"ScanParams: longest_days and clusters at least 1, replicates at least 0; got {self}")


@dataclass(frozen=True, slots=True)
class Cluster:
    """One zone over the last `days`: what was seen and expected there, its score, and how often chance alone scores as high anywhere.

    `p_value` is None without replicates. Clusters after the first are compared with the best of each replicate: conservative.
    """

    places: tuple[int, ...]  # nearest to the centre first
    radius: float
    days: int
    observed: float
    expected: float
    score: float
    p_value: float | None

    @property
    def centre(self) -> int:
        return self.places[0]


@dataclass(frozen=True, slots=True, eq=False)
class ScanResult:
    """Clusters that share no place, best first (none: nothing above expectation); the best score of a zone with each place in it."""

    clusters: tuple[Cluster, ...]
    place_scores: Floats
    null_scores: Floats  # the best score of every replicate


def space_time_scan(
    counts: ArrayLike,
    expected: ArrayLike,
    zones: Zones,
    params: ScanParams = ScanParams(),
    *,
    seed: int,
    dispersion: ArrayLike = 1.0,
    doubt: ArrayLike = 0.0,
) -> ScanResult:
    """Search circles of places and recent durations for an excess, with Monte-Carlo p-values.

    Parameters
    ----------
    counts: (places, days), whole, not negative, the newest day last; NaN = missing: neither observed nor expected there.
    expected: (places, days); "poisson", "negative_binomial": expected counts; "population": people at risk or anything proportional
        to the expectation. Positive wherever something was counted.
    dispersion: variance / mean, at least 1, a number or (places, days); only for "negative_binomial".
    doubt: relative standard deviation of `expected` of each place, a number or (places,); estimated from Y counted cases about 1 / sqrt(Y).
        Replicates then draw a true expectation for each place first, so that an estimated expectation keeps the p-values honest.
    seed: of the replicates; the same seed gives the same p-values.

    Notes
    -----
    c, b = counted and expected in the zone over its days, C, B over everything.
    population (Kulldorff 1997, 2001): with e = C b / B, c log(c/e) + (C - c) log((C - c)/(C - e)) if c > e; replicates share out C: asks where
    *within* the data the excess lies, and is blind to a rise everywhere.
    poisson (Neill 2005): c log(c/b) + b - c if c > b; replicates are Poisson(expected).
    negative_binomial (Tango 2011): sum (y - mu)/phi / sqrt(sum mu/phi), an efficient score; replicates are negative binomial, variance phi mu.
    With an estimated expectation and doubt 0 all p-values are too small.

    References
    ----------
    Kulldorff 1997 10.1080/03610929708831995; Kulldorff 2001 10.1111/1467-985X.00186; Neill 2005 (KDD) 10.1145/1081870.1081897; Tango 2011 10.1111/j.1541-0420.2010.01412.x.

    Examples
    --------
    >>> from tongchou.science.localisation.zones import circular_zones, plane_distances
    >>> zones = circular_zones(plane_distances([[0, 0], [1, 0], [9, 0], [9, 1]]), [1, 1, 1, 1])
    >>> counts = np.array([[1, 0, 4], [0, 1, 5], [1, 1, 0], [0, 0, 1]])
    >>> found = space_time_scan(counts, np.full((4, 3), 0.7), zones, ScanParams(replicates=99), seed=1)
    >>> found.clusters[0].places, found.clusters[0].days, found.clusters[0].p_value
    ((0, 1), 1, 0.01)
    """
    seen, expectation, phi = _checked(counts, expected, dispersion, zones, params)
    days = min(params.longest_days, seen.shape[1])
    total = int(seen.sum())
    constants = _constants(params.model, expectation, phi, days, zones, total)
    table = _clogc(0 if params.model == "negative_binomial" else total)
    (newest, mu), spread = (a[:, ::-1][:, :days] for a in (seen, expectation)), phi[:, ::-1][:, :days]
    best, length = np.empty(zones.ends.shape), np.empty(zones.ends.shape, np.int32)
    code = MODELS[params.model]
    scores_of(code, (newest / spread).cumsum(axis=1), total, zones.neighbours, zones.ends, *constants, table, best, length)
    quiet = Quiet(total, np.ascontiguousarray(mu), expectation[:, : expectation.shape[1] - days].sum(axis=1), spread, _doubts(doubt, zones))
    null = _null_scores(params, quiet, zones, constants, seed)
    scale = seen.sum() / expectation.sum() if params.model == "population" and expectation.sum() > 0 else 1.0
    return ScanResult(_clusters(best, length, seen, expectation * scale, null, zones, params), _place_scores(best, zones), null)


def _checked(
    counts: ArrayLike, expected: ArrayLike, dispersion: ArrayLike, zones: Zones, params: ScanParams
) -> tuple[Floats, Floats, Floats]:
    """Counts, expectation and dispersion (places, days), both of the first 0 where the count is missing."""
    seen, expectation = np.asarray(counts, dtype=np.float64), np.asarray(expected, dtype=np.float64)
    if seen.ndim != 2 or seen.shape[0] != zones.places or seen.shape[1] == 0 or expectation.shape != seen.shape:
        raise ValueError(
            f"scan: counts and expected are both (places, days) with {zones.places} places; got {seen.shape} and {expectation.shape}"
        )
    missing = np.isnan(seen)
    seen = np.where(missing, 0.0, seen)
    wrong = ~(np.isfinite(seen) & (seen >= 0) & (seen == np.floor(seen)))
    if wrong.any():
        place, day = np.argwhere(wrong)[0]
        raise ValueError(f"scan: counts are whole and not negative (NaN = missing); place {place}, day {day} has {seen[place, day]}")
    expectation = np.where(missing, 0.0, expectation)
    wrong = ~(np.isfinite(expectation) & (expectation >= 0)) | ((expectation == 0) & (seen > 0))
    if wrong.any():
        place, day = np.argwhere(wrong)[0]
        raise ValueError(
            f"scan: expected is finite, not negative, positive where something was counted; "
            f"place {place}, day {day} has {expectation[place, day]} beside a count of {seen[place, day]:g}"
        )
    if params.model != "negative_binomial" and max(seen.sum(), expectation.sum() if params.model == "poisson" else 0) > MOST_CASES:
        raise ValueError(f"scan: more than {MOST_CASES:,} cases counted or expected; use model='negative_binomial' or coarser counts")
    spread = np.asarray(dispersion, dtype=np.float64)
    if spread.shape not in ((), seen.shape) or not (np.isfinite(spread).all() and (spread >= 1).all()):
        raise ValueError(
            f"scan: dispersion is at least 1, one number or one for each cell; got shape {spread.shape}, least {np.min(spread)}"
        )
    if params.model != "negative_binomial" and (spread != 1).any():
        raise ValueError(f"scan: model {params.model!r} knows no dispersion; use model='negative_binomial'")
    return seen, expectation, np.broadcast_to(spread, seen.shape)


def _doubts(doubt: ArrayLike, zones: Zones) -> Floats:
    given = np.asarray(doubt, dtype=np.float64)
    if given.shape not in ((), (zones.places,)) or not (np.isfinite(given).all() and (given >= 0).all()):
        raise ValueError(
            f"scan: doubt is finite, not negative, one number or one for each of {zones.places} places; got shape {given.shape}"
        )
    return np.broadcast_to(given, zones.places)


def _constants(model: ScanModel, expectation: Floats, phi: Floats, days: int, zones: Zones, total: int) -> tuple[Floats, Floats, Floats]:
    """What `scores_of` needs of every zone and duration besides its count: the limit it must pass, and two more."""
    weighted = expectation / phi if model == "negative_binomial" else expectation
    sums = zone_sums(weighted[:, ::-1][:, :days].cumsum(axis=1), zones.neighbours, zones.ends)
    positive = np.where(sums > 0, sums, 1.0)
    if model == "poisson":
        return sums, np.log(positive) + 1, sums
    if model == "negative_binomial":
        return sums, sums, 1 / np.sqrt(positive)
    share = np.minimum(sums / max(float(expectation.sum()), 1e-300), 1.0)
    # A zone that holds everybody has nothing outside to compare with: no count passes its limit.
    part = share < 1 - 1e-12
    limit = np.where(part, share * total, np.inf)
    return limit, np.log(np.where(share > 0, share, 1.0)), np.log1p(-np.where(part, share, 0.0))


def _clogc(largest: int) -> Floats:
    c = np.arange(largest + 1, dtype=np.float64)
    return np.asarray(c * np.log(np.maximum(c, 1.0)))


def _null_scores(params: ScanParams, quiet: Quiet, zones: Zones, constants: tuple[Floats, Floats, Floats], seed: int) -> Floats:
    """Best score of every replicate under "no cluster"."""
    code, draw = MODELS[params.model], getattr(quiet, params.model)
    scores: list[Floats] = [np.empty(0)]
    for draws in quiet.batches(draw, seed, params.replicates):
        largest = {"population": quiet.total, "poisson": int(draws.sum(axis=(1, 2)).max()), "negative_binomial": 0}[params.model]
        scores.append(highest_scores(code, draws, quiet.total, zones.neighbours, zones.ends, *constants, _clogc(largest)))
    return np.concatenate(scores)


def _clusters(
    best: Floats, length: np.ndarray, seen: Floats, expectation: Floats, null: Floats, zones: Zones, params: ScanParams
) -> tuple[Cluster, ...]:
    """The best zone, then the best that shares no place with those before; equal scores: the smaller zone, then the lower centre."""
    centres, sizes = np.nonzero(best > 0)
    order = np.lexsort((centres, sizes, -best[centres, sizes]))
    found: list[Cluster] = []
    taken: set[int] = set()
    for at in order:
        centre, size = int(centres[at]), int(sizes[at])
        places = zones.members(centre, size + 1)
        if taken.isdisjoint(places):
            taken.update(places)
            days, score = int(length[centre, size]), float(best[centre, size])
            cells = (list(places), slice(-days, None))
            reached = int((null >= score - ROUNDING * max(1.0, score)).sum())
            p_value = (1 + reached) / (1 + params.replicates) if params.replicates else None
            radius = float(zones.radius[centre, size])
            found.append(Cluster(places, radius, days, float(seen[cells].sum()), float(expectation[cells].sum()), score, p_value))
            if len(found) == params.clusters:
                break
    return tuple(found)


def _place_scores(best: Floats, zones: Zones) -> Floats:
    """The best score of all zones that hold each place: the k-th neighbour is in every zone of its centre from size k on."""
    onwards = np.maximum.accumulate(best[:, ::-1], axis=1)[:, ::-1]
    scores = np.zeros(zones.places)
    np.maximum.at(scores, zones.neighbours.ravel(), onwards.ravel())
    return scores
