"""Two memories: weights against plain arithmetic, and what must hold whatever the counts."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tongchou.science.detection.memories import LEVEL, MemoriesParams, averaged, two_memories
from tongchou.science.detection.mixture import mixture_ratio
from tongchou.science.detection.seasonal import Baseline, SeasonalParams, seasonal_baseline

SEASON = SeasonalParams(year_steps=52)


def counts_of(seed: int, mean: float = 8.0, steps: int = 330) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mu = mean * np.exp(0.6 * np.cos(2 * np.pi * np.arange(steps) / 52))
    return rng.negative_binomial(mu / 0.5, 1 / 1.5).astype(float)


def log_pmf(y: float, mean: float, variance: float) -> float:
    if variance <= mean * 1.0001:
        return float(stats.poisson(mean).logpmf(y))
    size = mean**2 / (variance - mean)
    return float(stats.nbinom(size, size / (size + mean)).logpmf(y))


@given(seed=st.integers(0, 1000), mean=st.sampled_from([0.3, 8.0, 90.0]), missing=st.booleans())
@settings(max_examples=10, deadline=None)
def test_equals_plain_arithmetic(seed: int, mean: float, missing: bool) -> None:
    y, t = counts_of(seed, mean), 320
    if missing:
        y[[300, 315]] = np.nan
    past = list(range(t - 28, t + 1))
    one, two = seasonal_baseline(y, past, SEASON), seasonal_baseline(y, past, LEVEL)
    odds = 2.0
    for k in range(26):  # steps t - 28 to t - 3
        if not math.isnan(y[t - 28 + k]):
            pair = [log_pmf(y[t - 28 + k], b.expected[0, k], b.variance[0, k]) for b in (one, two)]
            odds += min(max(pair[0] - pair[1], -1.0), 1.0)
    w = 1 / (1 + math.exp(-odds))
    m = w * one.expected[0, -1] + (1 - w) * two.expected[0, -1]
    v = sum(k * (b.variance[0, -1] + (b.expected[0, -1] - m) ** 2) for k, b in ((w, one), (1 - w, two)))
    found = two_memories(y, [t], SEASON)
    assert (found.expected[0, 0], found.variance[0, 0]) == pytest.approx((m, v), rel=1e-6)


def test_a_faithful_season_is_kept_and_a_broken_one_given_up() -> None:
    """Two years without a wave, then one: the seasonal memory foretold nothing, so the level takes over."""
    faithful = counts_of(1, 40, 420)
    broken = faithful.copy()
    broken[260:400] = np.random.default_rng(2).poisson(4, 140)
    broken[330:400] = np.random.default_rng(3).poisson(90, 70)
    steps = [399]
    season = [seasonal_baseline(y, steps, SEASON).expected[0, 0] for y in (faithful, broken)]
    level = [seasonal_baseline(y, steps, LEVEL).expected[0, 0] for y in (faithful, broken)]
    both = [two_memories(y, steps, SEASON).expected[0, 0] for y in (faithful, broken)]
    assert abs(both[0] - season[0]) < 0.1 * abs(level[0] - season[0])
    assert abs(both[1] - level[1]) < 0.1 * abs(level[1] - season[1])


def test_the_step_itself_and_the_two_before_do_not_weigh() -> None:
    y = counts_of(4)
    later = y.copy()
    later[328:] = 99
    assert two_memories(y, [329], SEASON).expected == two_memories(later, [329], SEASON).expected


@given(seed=st.integers(0, 500), more=st.integers(1, 40))
@settings(max_examples=15, deadline=None)
def test_evidence_rises_with_the_count_of_the_step(seed: int, more: int) -> None:
    y = counts_of(seed)
    raised = y.copy()
    raised[329] += more
    low, high = (mixture_ratio(c, two_memories(c, [328, 329], SEASON)).score[0, 1] for c in (y, raised))
    assert high >= low - 1e-9


def test_batch_equals_one_by_one_and_steps_do_not_depend_on_the_range_asked_for() -> None:
    batch = np.stack([counts_of(s, mean) for s, mean in enumerate([0.1, 3, 200])])
    steps = list(range(310, 330))
    together = two_memories(batch, steps, SEASON)
    for row, y in enumerate(batch):
        np.testing.assert_array_equal(together.expected[row], two_memories(y, steps, SEASON).expected[0])
    np.testing.assert_allclose(two_memories(batch, [329], SEASON).expected[:, 0], together.expected[:, -1], rtol=1e-4)
    np.testing.assert_array_equal(two_memories(batch, [315, 329], SEASON).steps, [315, 329])


def test_all_zero_series_give_no_alarm_and_no_nan() -> None:
    y = np.zeros((2, 300))
    found = mixture_ratio(y, two_memories(y, list(range(280, 300)), SEASON))
    assert not found.alarm.any()
    assert np.isfinite(found.score).all()


def test_where_one_cannot_be_fitted_the_other_stands_alone() -> None:
    y = np.full(330, np.nan)
    y[318:] = 5.0  # ten steps before the two left out: enough for a level, not for a season
    found = two_memories(y, [329], SEASON)
    assert found.expected[0, 0] == pytest.approx(seasonal_baseline(y, [329], LEVEL).expected[0, 0])
    assert found.status_of(0, 0) == "converged"
    nothing = two_memories(np.full(330, np.nan), [329], SEASON)
    assert np.isnan(nothing.expected[0, 0]) and nothing.status_of(0, 0) == "too short"


def test_where_two_disagree_the_variance_says_so() -> None:
    def base(mean: float) -> Baseline:
        one = np.ones((1, 1))
        return Baseline(np.array([0]), mean * one, 0.5 * one, 1.5 * one, np.zeros((1, 1), int))

    found = averaged(base(4.0), base(8.0), np.full((1, 1), 0.75), np.array([0]))
    assert found.expected[0, 0] == 5
    assert found.variance[0, 0] == pytest.approx(0.75 * (6 + 0.25 + 1) + 0.25 * (12 + 0.25 + 9))


@pytest.mark.parametrize("changes", [{"history_steps": -1}, {"most_log_odds": 0.0}, {"prior_log_odds": math.inf}])
def test_parameters_out_of_range_are_refused(changes: dict) -> None:
    with pytest.raises(ValueError, match="MemoriesParams"):
        MemoriesParams(**changes)


def test_steps_that_fall_are_refused() -> None:
    with pytest.raises(ValueError, match="rise"):
        two_memories(counts_of(1), [320, 319], SEASON)
