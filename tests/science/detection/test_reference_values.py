"""Bayes, RKI and the moving percentile written plainly; the table of Crow & Gardner from its definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tongchou.science.detection.reference_values import (
    CROW_GARDNER,
    PercentileParams,
    ReferenceParams,
    bayes,
    moving_percentile,
    rki,
)
from tongchou.science.detection.series import Calendar

SYSTEMS = [ReferenceParams(0, 6, True), ReferenceParams(1, 6, True), ReferenceParams(2, 4, False)]
YEAR = Calendar(steps_per_year=20)


def past(counts: np.ndarray, t: int, params: ReferenceParams, year: int) -> list[float]:
    w = params.half_window
    found = [counts[i] for i in range(t - w, t)] if params.recent else []
    for back in range(1, params.years_back + 1):
        found += [counts[i] for i in range(t - back * year - w, t - back * year + w + 1)]
    return [v for v in found if not np.isnan(v)]


@pytest.mark.parametrize("params", SYSTEMS, ids=["1", "2", "3"])
@given(seed=st.integers(0, 10_000), mean=st.sampled_from([0.3, 4.0, 40.0]))
@settings(max_examples=20, deadline=None)
def test_bayes_and_rki_equal_the_plain_oracle(params: ReferenceParams, seed: int, mean: float) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.poisson(mean, 60).astype(float)
    counts[rng.random(60) < 0.1] = np.nan
    t = 59
    values = past(counts, t, params, 20)
    n, total = len(values), sum(values)
    if n < params.least_present:
        assert np.isnan(bayes(counts, params, YEAR).upper[t])
        return
    rate = stats.gamma(0.5 + total, scale=1 / n)
    limit = int(bayes(counts, params, YEAR).upper[t])
    grid = rate.ppf(np.linspace(0.0005, 0.9995, 1000))  # the predictive distribution as a mixture of Poissons
    assert np.mean(stats.poisson.cdf(limit, grid)) >= 0.95 - 0.002
    assert np.mean(stats.poisson.cdf(limit - 1, grid)) < 0.95 + 0.002
    m = total / n
    expected = m + 2 * np.std(values, ddof=1) if m > 20 else CROW_GARDNER[int(m)]
    assert rki(counts, params, YEAR).upper[t] == pytest.approx(expected)


def test_the_table_of_crow_and_gardner_follows_from_its_definition() -> None:
    """For each mean the fewest counts that hold 95 %, as high up as possible, never moving down; the upper end is the last mean that takes the count in."""
    upper, lowest = np.zeros(21), 0
    for mean in np.arange(0.005, 31, 0.005):
        below = np.r_[0, stats.poisson.cdf(np.arange(80), mean)]
        width, held = next(
            (n, np.flatnonzero(below[n:] - below[:-n] >= 0.95)) for n in range(1, 80) if (below[n:] - below[:-n] >= 0.95).any()
        )
        lowest = max(int(held.max()), lowest)
        upper[lowest : lowest + width] = mean
    np.testing.assert_allclose(CROW_GARDNER, upper, atol=0.006)


def test_too_short_a_past_gives_no_bound() -> None:
    counts = np.ones(60)
    assert np.flatnonzero(~np.isnan(rki(counts, SYSTEMS[2], YEAR).upper))[0] == 44
    assert np.flatnonzero(~np.isnan(bayes(counts, SYSTEMS[1], YEAR).upper))[0] == 26


@given(seed=st.integers(0, 10_000), percentile=st.sampled_from([50.0, 80.0, 95.0]))
@settings(max_examples=20, deadline=None)
def test_the_moving_percentile_equals_numpys(seed: int, percentile: float) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.poisson(5, 140).astype(float)
    counts[rng.random(140) < 0.2] = np.nan
    values = [counts[i] for back in range(1, 6) for i in range(139 - 20 * back - 2, 139 - 20 * back + 3)]
    result = moving_percentile(counts, PercentileParams(percentile=percentile), YEAR)
    assert result.upper[139] == pytest.approx(np.nanpercentile(values, percentile))


def test_the_percentile_waits_for_three_years() -> None:
    found = np.flatnonzero(~np.isnan(moving_percentile(np.ones(140), calendar=YEAR).upper))
    assert found[0] == 62


def test_impossible_parameters_are_refused() -> None:
    with pytest.raises(ValueError, match="nothing to compare"):
        ReferenceParams(0, 0, True)
    with pytest.raises(ValueError, match="least_years"):
        PercentileParams(years_back=2)
    with pytest.raises(ValueError, match="into the present"):
        rki(np.ones(60), ReferenceParams(1, 20, False), YEAR)
