"""The robust seasonal baseline against statsmodels, and what must hold whatever the counts."""

from datetime import date

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tongchou.science.detection.seasonal import Baseline, SeasonalParams, design_of, mid_p, seasonal_baseline, upper_bounds

WEEKLY = SeasonalParams(year_steps=52)
PLAIN = SeasonalParams(year_steps=52, residual_limit=1e9)  # without reweighting: an ordinary ridge regression


def seasonal_counts(seed: int, mean: float = 8.0, steps: int = 400, phi: float = 1.5) -> np.ndarray:
    rng = np.random.default_rng(seed)
    t = np.arange(steps)
    mu = mean * np.exp(0.5 * np.cos(2 * np.pi * t / 52) + 0.0005 * t)
    return (rng.negative_binomial(mu / (phi - 1), 1 / phi) if phi > 1 else rng.poisson(mu)).astype(float)


def ridge_poisson(y: np.ndarray, x: np.ndarray, row: np.ndarray, penalty: np.ndarray, weights: np.ndarray | None = None):
    """Penalised quasi-Poisson fit written plainly, with statsmodels' mean and variance: mean of the row, its error, dispersion."""
    family = sm.families.Poisson()
    weights = np.ones(len(y)) if weights is None else weights
    beta, phi = np.zeros(x.shape[1]), 1.0
    beta[0] = np.log(y.mean())
    for _ in range(200):
        mu = family.fitted(x @ beta)
        information = (x.T * (weights * mu)) @ x + phi * np.diag(penalty)
        moved = np.linalg.solve(information, x.T @ (weights * (y - mu)) - phi * penalty * beta)
        beta = beta + moved
        mu = family.fitted(x @ beta)
        phi = max(1.0, float(np.sum(weights * (y - mu) ** 2 / family.variance(mu)) / max(weights.sum() - x.shape[1], 1)))
        if np.abs(moved).max() < 1e-12:
            break
    information = (x.T * (weights * mu)) @ x + phi * np.diag(penalty)
    mean = float(np.exp(row @ beta))
    return mean, mean * float(np.sqrt(phi * row @ np.linalg.solve(information, row))), phi


@given(seed=st.integers(0, 10_000), mean=st.sampled_from([0.3, 3.0, 60.0]), phi=st.sampled_from([1.0, 3.0]))
@settings(max_examples=15, deadline=None)
def test_equals_a_plain_ridge_regression(seed: int, mean: float, phi: float) -> None:
    counts = seasonal_counts(seed, mean, phi=phi)
    base = seasonal_baseline(counts, [399], PLAIN)
    x, penalty = design_of(400, PLAIN, None, None)
    wanted = ridge_poisson(counts[:397], x[:397], x[399], penalty)
    np.testing.assert_allclose((base.expected[0, 0], base.error[0, 0], base.dispersion[0, 0]), wanted, rtol=1e-4)


def test_without_penalty_it_is_the_glm_of_statsmodels() -> None:
    counts = seasonal_counts(3)
    free = SeasonalParams(year_steps=52, residual_limit=1e9, season_penalty=0, trend_penalty=0)
    x, _ = design_of(400, free, None, None)
    fit = sm.GLM(counts[:397], x[:397], family=sm.families.Poisson()).fit(scale="X2")
    base = seasonal_baseline(counts, [399], free)
    assert base.expected[0, 0] == pytest.approx(float(fit.predict(x[[399]])[0]), rel=1e-6)
    assert base.dispersion[0, 0] == pytest.approx(fit.scale, rel=1e-6)
    error = float(np.sqrt(x[399] @ fit.cov_params() @ x[399])) * base.expected[0, 0]
    assert base.error[0, 0] == pytest.approx(error, rel=1e-5)


def test_offsets_equal_those_of_statsmodels() -> None:
    rng = np.random.default_rng(4)
    sites = rng.integers(3, 12, 400).astype(float)
    counts = rng.poisson(2.5 * sites).astype(float)
    free = SeasonalParams(year_steps=52, residual_limit=1e9, season_penalty=0, trend_penalty=0)
    x, _ = design_of(400, free, None, None)
    fit = sm.GLM(counts[:397], x[:397], family=sm.families.Poisson(), offset=np.log(sites[:397])).fit()
    wanted = float(fit.predict(x[[399]], offset=np.log(sites[[399]]))[0])
    assert seasonal_baseline(counts, [399], free, offsets=sites).expected[0, 0] == pytest.approx(wanted, rel=1e-6)


def test_reweighting_ends_where_the_weights_no_longer_move() -> None:
    """The robust fit is a fixed point: refitting plainly with the weights its residuals give returns the same mean."""
    counts = seasonal_counts(5)
    counts[300:306] += 40
    base = seasonal_baseline(counts, [399], WEEKLY)
    x, penalty = design_of(400, WEEKLY, None, None)
    mean = np.array([seasonal_baseline(np.r_[counts[:397], [np.nan, np.nan], 0.0], [399], WEEKLY).expected[0, 0]])
    assert mean[0] == base.expected[0, 0]  # what stands in the two weeks left out does not matter
    weights = np.ones(397)
    for _ in range(300):
        beta_mean, _, phi = ridge_poisson(counts[:397], x[:397], x[399], penalty, weights)
        fitted = np.array([ridge_poisson(counts[:397], x[:397], row, penalty, weights)[0] for row in x[298:308]])
        a = 1.5 * (np.maximum(counts[298:308] - 1, 0) ** (2 / 3) * fitted ** (-1 / 6) - np.sqrt(fitted)) / np.sqrt(phi)
        fresh = weights.copy()
        fresh[298:308] = np.where(a > 2, (2 / a) ** 2, 1.0)
        if np.abs(fresh - weights).max() < 1e-4:
            break
        weights = fresh
    assert weights[300:306].max() < 0.2
    assert base.expected[0, 0] == pytest.approx(beta_mean, rel=0.03)  # the other weeks' few weights are left out here


def test_a_past_outbreak_hardly_moves_the_baseline() -> None:
    counts = seasonal_counts(6)
    struck = counts.copy()
    struck[200:206] += 60
    robust, naive = (seasonal_baseline(struck, [399], p).expected[0, 0] for p in (WEEKLY, PLAIN))
    clean = seasonal_baseline(counts, [399], WEEKLY).expected[0, 0]
    assert abs(robust / clean - 1) < abs(naive / clean - 1) / 3


def test_weekdays_and_holidays_are_found() -> None:
    rng = np.random.default_rng(7)
    first = date(2023, 12, 30)  # leap day inside
    weekday = (first.weekday() + np.arange(800)) % 7
    holidays = np.zeros(800, dtype=bool)
    holidays[::29] = True
    factor = np.where(weekday == 6, 0.5, 1.0) * np.where(holidays, 0.3, 1.0)
    counts = rng.poisson(40 * factor).astype(float)
    daily = SeasonalParams(step_days=1, weekday=True, past_steps=730)
    sunday = int(np.flatnonzero((weekday == 6) & ~holidays & (np.arange(800) > 780))[0])
    free = int(np.flatnonzero(holidays & (weekday != 6))[-1])
    base = seasonal_baseline(counts, sorted({sunday, free}), daily, first_day=first, holidays=holidays)
    by_step = dict(zip(base.steps.tolist(), base.expected[0], strict=True))
    assert by_step[sunday] == pytest.approx(20, rel=0.15)
    assert by_step[free] == pytest.approx(12, rel=0.15)


def test_a_year_of_days_is_the_calendars() -> None:
    """Leap years and ISO weeks 53 do not shift the season: a year is 365.25 days."""
    x, _ = design_of(1462, SeasonalParams(step_days=1), None, None)
    np.testing.assert_allclose(x[0, 2:], x[1461, 2:], atol=1e-9)
    weekly, _ = design_of(4 * 365 + 1, SeasonalParams(), None, None)
    np.testing.assert_allclose(weekly[0, 2], np.cos(0), atol=1e-12)
    assert weekly[52, 2] < 1 - 1e-5  # 52 weeks are a day and a quarter short of a year


def test_batch_equals_one_by_one_and_relabelling_permutes() -> None:
    batch = np.stack([seasonal_counts(s, mean) for s, mean in enumerate([0.1, 2, 8, 300])])
    batch[2, 100:120] = np.nan
    steps = list(range(380, 400))
    together = seasonal_baseline(batch, steps, WEEKLY)
    for row, counts in enumerate(batch):
        np.testing.assert_array_equal(together.expected[row], seasonal_baseline(counts, steps, WEEKLY).expected[0])
    order = [3, 1, 0, 2]
    np.testing.assert_array_equal(seasonal_baseline(batch[order], steps, WEEKLY).error, together.error[order])


@given(seed=st.integers(0, 1000), step=st.integers(300, 398))
@settings(max_examples=15, deadline=None)
def test_the_future_changes_nothing(seed: int, step: int) -> None:
    counts = seasonal_counts(seed)
    later = counts.copy()
    later[step - 1 :] = 999
    np.testing.assert_array_equal(seasonal_baseline(counts, [step]).expected, seasonal_baseline(later, [step]).expected)


def test_all_zero_past_has_the_rate_of_half_an_event_and_no_alarm() -> None:
    counts = np.zeros((2, 300))
    base = seasonal_baseline(counts, [298, 299], WEEKLY)
    np.testing.assert_allclose(base.expected, [[0.5 / 296, 0.5 / 297]] * 2)
    assert base.status_of(0, 0) == "converged"
    assert np.isfinite(base.variance).all()
    assert (mid_p(counts, base) > 0.5).all()
    counts[:, 299] = 1
    assert (mid_p(counts, base)[:, 1] < 0.01).all()  # the first case after a silent past is news


def test_constant_and_single_event_series_give_finite_expectations() -> None:
    single = np.zeros(300)
    single[100] = 1
    base = seasonal_baseline(np.stack([np.full(300, 5.0), single, np.full(300, 1e6)]), [299], WEEKLY)
    assert base.expected[:, 0] == pytest.approx([5, 1 / 297, 1e6], rel=0.3)


def test_rare_events_are_not_weighed_away() -> None:
    """Poisson streams of a case in 3, 20 and 100 weeks: on average the expectation is the rate, not a fraction of it."""
    rng = np.random.default_rng(12)
    for mean in (0.3, 0.05, 0.01):
        counts = rng.poisson(mean, (400, 400)).astype(float)
        assert seasonal_baseline(counts, [399], WEEKLY).expected.mean() == pytest.approx(mean, rel=0.15)


@pytest.mark.parametrize("events", [{14: 1, 25: 4}, {1: 1, 5: 1, 9: 1, 15: 1, 16: 1, 25: 5}, {0: 4}, {25: 1}, {0: 9, 1: 9}])
def test_a_dozen_rare_events_still_give_a_baseline(events: dict[int, int]) -> None:
    """Half a year of weeks in which the weights of the robust fit find no rest."""
    counts = np.full(330, np.nan)
    counts[300:326] = 0
    for week, cases in events.items():
        counts[300 + week] = cases
    base = seasonal_baseline(counts, [328], SeasonalParams(harmonics=0, past_steps=26))
    assert base.status_of(0, 0) == "converged"
    assert 0 < base.expected[0, 0] < 9 and np.isfinite(base.variance).all()


@pytest.mark.parametrize("mean", [0.02, 0.1, 0.3, 1.0])
def test_short_and_rare_streams_are_fitted_at_every_step(mean: float) -> None:
    counts = np.random.default_rng(13).poisson(mean, (300, 60)).astype(float)
    for params in (SeasonalParams(harmonics=0, past_steps=26), SeasonalParams()):
        base = seasonal_baseline(counts, list(range(40, 60)), params)
        assert {base.status_of(s, e) for s in range(300) for e in range(20)} == {"converged"}


def test_a_gap_of_a_year_is_bridged() -> None:
    counts = seasonal_counts(8, mean=20)
    gap = counts.copy()
    gap[250:302] = np.nan
    with_gap, without = (seasonal_baseline(c, [399], WEEKLY).expected[0, 0] for c in (gap, counts))
    assert with_gap == pytest.approx(without, rel=0.1)


def test_missing_weeks_equal_weeks_that_never_were() -> None:
    counts = seasonal_counts(9)
    gap = counts.copy()
    gap[:150] = np.nan
    short = SeasonalParams(year_steps=52, past_steps=397 - 150)
    x_gap = seasonal_baseline(gap, [399], SeasonalParams(year_steps=52, past_steps=397 - 150))
    np.testing.assert_array_equal(x_gap.expected, seasonal_baseline(counts, [399], short).expected)


@pytest.mark.parametrize("present", [0, 3, 11])
def test_too_short_a_past_says_so(present: int) -> None:
    counts = np.full(300, np.nan)
    counts[297 - present : 297] = 4
    base = seasonal_baseline(counts, [299], WEEKLY)
    assert base.status_of(0, 0) == "too short"
    assert np.isnan(base.expected[0, 0]) and np.isnan(mid_p(np.r_[counts[:299], 4], base)[0, 0])
    assert np.isnan(upper_bounds(base, 0.01)[0, 0])


def test_the_first_step_of_a_series_is_too_short() -> None:
    assert seasonal_baseline([3.0], [0]).status_of(0, 0) == "too short"


def test_mid_p_and_bounds_equal_scipys_negative_binomial() -> None:
    counts = seasonal_counts(10)
    base = seasonal_baseline(counts, list(range(380, 400)), WEEKLY)
    size = base.expected**2 / (base.variance - base.expected)
    law = stats.nbinom(size, size / (size + base.expected))
    y = counts[None, 380:]
    np.testing.assert_allclose(mid_p(counts, base), law.sf(y) + law.pmf(y) / 2, rtol=1e-9)
    np.testing.assert_array_equal(upper_bounds(base, 0.01), law.ppf(0.99))


def test_p_values_are_super_uniform_under_the_null() -> None:
    """P(Y >= y) of 2,000 new counts each from a series of its own, at four levels: never above the 99.99 % end of its binomial interval."""
    for mean in (0.5, 5.0, 50.0):
        counts = np.stack([seasonal_counts(1000 + s, mean, 300) for s in range(500)])
        base = seasonal_baseline(counts, [275, 282, 289, 296], WEEKLY)
        size = base.expected**2 / np.maximum(base.variance - base.expected, 1e-9)
        p = stats.nbinom(size, size / (size + base.expected)).sf(counts[:, base.steps] - 1)
        for level in (0.01, 0.05, 0.2):
            assert (p <= level).sum() <= stats.binom.ppf(0.9999, p.size, level)
        assert (p <= 0.2).mean() > 0.05  # and it is no empty promise


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: seasonal_baseline([1.0, -1.0] * 30, [59]), "not negative"),
        (lambda: seasonal_baseline([1.0, np.inf] * 30, [59]), "finite"),
        (lambda: seasonal_baseline(np.zeros((2, 3, 4)), [1]), "shape"),
        (lambda: seasonal_baseline(np.ones(60), [60]), r"0\.\.59"),
        (lambda: seasonal_baseline(np.ones(60), [50, 50]), "rise"),
        (lambda: seasonal_baseline(np.ones(60), [59], offsets=np.full(60, -1.0)), "offsets"),
        (lambda: seasonal_baseline(np.ones(60), [59], offsets=np.ones(59)), "offsets must have the shape"),
        (lambda: seasonal_baseline(np.ones(60), [59], holidays=np.zeros(59, bool)), "holidays must have shape"),
        (lambda: seasonal_baseline(np.ones(60), [59], SeasonalParams(step_days=1, weekday=True)), "first_day"),
        (lambda: SeasonalParams(weekday=True), "daily"),
        (lambda: SeasonalParams(alpha=0.7), "alpha"),
        (lambda: SeasonalParams(season_penalty=-1), "penalties"),
    ],
)
def test_what_cannot_be_fitted_is_refused_in_words(make, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()


def test_an_offset_of_zero_is_a_step_without_a_report() -> None:
    counts = seasonal_counts(11)
    sites = np.full(400, 5.0)
    sites[[100, 399]] = 0
    missing = counts.copy()
    missing[100] = np.nan
    base = seasonal_baseline(counts, [398], WEEKLY, offsets=sites)
    np.testing.assert_allclose(base.expected, seasonal_baseline(missing, [398], WEEKLY, offsets=np.full(400, 5.0)).expected)


def test_the_variance_of_a_new_count_holds_that_of_its_mean() -> None:
    base = Baseline(np.array([0]), np.array([[4.0]]), np.array([[0.5]]), np.array([[1.5]]), np.array([[0]]))
    assert base.variance[0, 0] == 6.25
