"""One baseline of two memories: what the season lets expect and what the last half year does, by how well each foretold lately."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numba import njit
from numpy.typing import NDArray

from tongchou.science.detection.mixture import log_count
from tongchou.science.detection.model import Floats
from tongchou.science.detection.seasonal import Baseline, SeasonalParams, seasonal_baseline
from tongchou.science.detection.seasonal_kernel import CONVERGED

LEVEL = SeasonalParams(harmonics=0, past_steps=26)  # assumption: half a year of weeks, without a season


@dataclass(frozen=True, slots=True)
class MemoriesParams:
    """How two baselines are weighed. All three values were tried on development seeds 12 and 21 and on the onsets of `evaluation.onsets`."""

    history_steps: int = 26  # assumption: forecasts of the last half year are compared
    left_out_steps: int = 2  # as SeasonalParams: the newest steps may already be an outbreak
    prior_log_odds: float = 2.0  # for the season: 7 to 1 before anything was compared
    most_log_odds: float = 1.0  # a single step moves the odds by no more: an outbreak must not overthrow a good baseline

    def __post_init__(self) -> None:
        if self.history_steps < 0 or self.left_out_steps < 0 or not self.most_log_odds > 0 or not np.isfinite(self.prior_log_odds):
            raise ValueError(f"MemoriesParams: steps from 0, most_log_odds above 0, prior_log_odds finite; got {self}")


def two_memories(
    counts: Floats,
    steps: Sequence[int],
    season: SeasonalParams = SeasonalParams(),
    level: SeasonalParams = LEVEL,
    params: MemoriesParams = MemoriesParams(),
    first_day: date | None = None,
    offsets: Floats | None = None,
    holidays: NDArray[np.bool_] | None = None,
) -> Baseline:
    """Fit both baselines and average them by their forecasts of the steps before.

    Parameters
    ----------
    counts, steps, first_day, offsets, holidays: as `seasonal_baseline`.

    Returns
    -------
    Baseline; where only one of the two could be fitted it stands alone.

    Notes
    -----
    D_u = log NB(y_u; season) - log NB(y_u; level), each forecast made before u, cut off at +- most_log_odds. Log odds of the season at
    t: prior + sum of D_u over the ``history_steps`` that end ``left_out_steps`` before t; w its share. Mean = w m1 + (1 - w) m2;
    variance = weighted variances + w (m1 - mean)^2 + (1 - w) (m2 - mean)^2: where the two disagree less is surprising. The weights know
    nothing of the step itself, so evidence still rises with its count. Where seasons come as they used to this is the seasonal baseline; after years
    that were unlike the present one it is the level.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> base = two_memories(rng.poisson(20, 300), [299])
    >>> bool(15 < base.expected[0, 0] < 25)
    True
    """
    chosen = np.asarray(steps, dtype=np.int64)
    begin = max(0, int(chosen[0]) - params.history_steps - params.left_out_steps) if len(chosen) else 0
    every = np.arange(begin, int(chosen[-1]) + 1 if len(chosen) else 0)
    if len(chosen) and (chosen.min() < 0 or np.any(np.diff(chosen) <= 0)):
        raise ValueError("two_memories: steps must rise from 0")
    one, two = (seasonal_baseline(counts, every.tolist(), p, first_day, offsets, holidays) for p in (season, level))
    values = np.atleast_2d(np.asarray(counts, dtype=np.float64))[:, every]
    odds = np.empty(values.shape)
    limits = (params.history_steps, params.left_out_steps, params.prior_log_odds, params.most_log_odds)
    _weigh_forecasts(values, one.expected, one.variance, two.expected, two.variance, *limits, odds)
    return averaged(one, two, 1 / (1 + np.exp(-odds)), chosen - begin)


def averaged(one: Baseline, two: Baseline, share: Floats, positions: NDArray[np.int64]) -> Baseline:
    """Two baselines of the same steps as one; ``share`` of the first, (series, steps). positions: which of the steps are kept."""
    parts = [(base.expected, base.error, base.dispersion) for base in (one, two)]
    w = np.where(np.isnan(one.expected), 0.0, np.where(np.isnan(two.expected), 1.0, share))
    weights = (w, 1 - w)

    def mean_of(values: tuple[Floats, Floats]) -> Floats:
        return np.asarray(sum(k * np.where(k > 0, v, 0.0) for k, v in zip(weights, values, strict=True)))

    expected = mean_of((one.expected, two.expected))
    spread = mean_of(tuple(e**2 + (m - expected) ** 2 for m, e, _ in parts))  # type: ignore[arg-type]
    own = mean_of(tuple(phi * m for m, _, phi in parts))  # type: ignore[arg-type]
    nothing = np.isnan(one.expected) & np.isnan(two.expected)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean, error, dispersion = (np.where(nothing, np.nan, part)[:, positions] for part in (expected, np.sqrt(spread), own / expected))
    status = np.where((two.status == CONVERGED) & (one.status != CONVERGED), CONVERGED, one.status)[:, positions]
    return Baseline(one.steps[positions], mean, error, dispersion, status)


@njit(cache=True, error_model="numpy")
def _weigh_forecasts(values, mean_1, variance_1, mean_2, variance_2, history, left_out, prior, most, odds):  # type: ignore[no-untyped-def]
    n_steps = values.shape[1]
    gained = np.empty(n_steps)
    for s in range(values.shape[0]):
        for u in range(n_steps):
            y, m, k = values[s, u], mean_1[s, u], mean_2[s, u]
            difference = log_count(y, m, variance_1[s, u] / m) - log_count(y, k, variance_2[s, u] / k)
            # NaN (a missing count or baseline) tells nothing.
            gained[u] = 0.0 if np.isnan(difference) else min(max(difference, -most), most)
        for t in range(n_steps):
            odds[s, t] = prior
            for u in range(max(0, t - left_out - history), max(0, t - left_out)):
                odds[s, t] += gained[u]
