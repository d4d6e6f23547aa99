"""The GLR charts against a plain search, and the models of the mean against statsmodels."""

from collections.abc import Callable

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import minimize_scalar

from tests.science.detection.reference import series
from tongchou.science.detection.harmonic_glm import design, fit_binomial, fit_negative_binomial, fit_poisson
from tongchou.science.detection.likelihood_ratio import (
    LikelihoodRatioParams,
    glr_negative_binomial,
    glr_poisson,
    negative_binomial_statistics,
    poisson_statistics,
)
from tongchou.science.detection.series import Detection


def plain(y: np.ndarray, mu: np.ndarray, a: float, window: int) -> list[float]:
    """The largest log likelihood ratio over onset and size, by a search of its own; begun again at 5."""

    def log_likelihood(x: np.ndarray, mean: np.ndarray) -> float:
        return float(np.sum(stats.poisson.logpmf(x, mean) if a == 0 else stats.nbinom.logpmf(x, 1 / a, 1 / (1 + a * mean))))

    statistics, first = [], 0
    for t in range(len(y)):
        best = 0.0
        for k in range(max(first, t - window + 1), t + 1):
            x, m = y[k : t + 1], mu[k : t + 1]
            found = minimize_scalar(
                lambda kappa, x=x, m=m: -log_likelihood(x, m * np.exp(kappa)), bounds=(0, 8), method="bounded", options={"xatol": 1e-9}
            )
            best = max(best, -found.fun - log_likelihood(x, m))
        statistics.append(best)
        first = t + 1 if best >= 5 else first
    return statistics


@given(seed=st.integers(0, 10_000), window=st.sampled_from([3, 99]))
@settings(max_examples=10, deadline=None)
def test_the_statistics_equal_a_plain_search(seed: int, window: int) -> None:
    rng = np.random.default_rng(seed)
    mu = rng.uniform(0.5, 4, 12)
    y = rng.poisson(mu * rng.choice([1, 3])).astype(float)
    np.testing.assert_allclose(poisson_statistics(y, mu, 5.0, window), plain(y, mu, 0, window), rtol=1e-6, atol=1e-6)
    ours = negative_binomial_statistics(y, mu, 0.3, 5.0, window, True)
    np.testing.assert_allclose(ours, plain(y, mu, 0.3, window), rtol=1e-6, atol=1e-6)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=10, deadline=None)
def test_the_exact_search_never_finds_less_than_newtons_before_the_first_alarm(seed: int) -> None:
    rng = np.random.default_rng(seed)
    mu = rng.uniform(0.1, 3, 60)
    y = rng.negative_binomial(2.0, 2.0 / (2.0 + mu)).astype(float)
    exact, newton = (negative_binomial_statistics(y, mu, 0.5, np.inf, 60, is_exact) for is_exact in (True, False))
    assert np.all(exact >= newton - 1e-9)


def test_the_exact_search_sees_the_outbreak_that_newtons_misses() -> None:
    """S. Newport in Germany, autumn 2009: what R's search reports as 0."""
    counts, _ = series("stsNewport")
    week = int(np.argmax(counts))
    as_r = glr_negative_binomial(counts)
    exact = glr_negative_binomial(counts, LikelihoodRatioParams(search="exact"))
    assert as_r.score[week] == 0
    assert exact.score[week] > 100


@pytest.mark.parametrize("detect", [glr_poisson, glr_negative_binomial])
def test_a_missing_count_adds_no_evidence(detect: Callable[..., Detection]) -> None:
    """A missing week says what the same series says without that week, as far as the mean stays the same."""
    flat = LikelihoodRatioParams(harmonics=0, trend=False, threshold=50.0, search="exact")
    y = np.r_[np.tile([2.0, 6.0, 1.0, 3.0], 26), 2, 3, 9, 5, 4, 11]
    gap = y.copy()
    gap[107] = np.nan
    found = detect(gap, flat).score
    assert np.isnan(found[107])
    np.testing.assert_allclose(np.delete(found, 107), detect(np.delete(y, 107), flat).score)


def test_the_models_of_the_mean_equal_statsmodels() -> None:
    rng = np.random.default_rng(2)
    x = design(160, 52, 1, True)
    mean = np.exp(1 + 0.004 * np.arange(160) + 0.5 * np.cos(2 * np.pi * np.arange(160) / 52))
    y = rng.negative_binomial(2.0, 2.0 / (2.0 + mean)).astype(float)
    np.testing.assert_allclose(fit_poisson(y, x), sm.GLM(y, x, family=sm.families.Poisson()).fit(tol=1e-12).params, rtol=1e-6)
    coefficients, a = fit_negative_binomial(y, x)
    theirs = sm.NegativeBinomial(y, x)
    # The slope of its log likelihood (it works with log a) at our estimate.
    np.testing.assert_allclose(theirs.score(np.array([*coefficients, np.log(a)])), 0, atol=1e-3)
    n = rng.integers(20, 60, 160).astype(float)
    positives = rng.binomial(n.astype(int), 0.1).astype(float)
    binomial = sm.GLM(np.column_stack([positives, n - positives]), x, family=sm.families.Binomial()).fit(tol=1e-12)
    np.testing.assert_allclose(fit_binomial(positives, n, x), binomial.params, rtol=1e-6, atol=1e-9)


def test_a_given_dispersion_is_kept_and_none_makes_a_poisson_chart() -> None:
    counts, _ = series("hepatitisA")
    x = design(104, 52, 1, True)
    assert fit_negative_binomial(counts[:104], x, 0.25)[1] == 0.25
    as_poisson, dispersion = fit_negative_binomial(counts[:104], x, 0.0)
    assert dispersion == 0
    np.testing.assert_array_equal(as_poisson, fit_poisson(counts[:104], x))


@pytest.mark.parametrize("wrong", [{"threshold": 0.0}, {"search": "fast"}, {"dispersion": -1.0}])
def test_impossible_parameters_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="LikelihoodRatioParams"):
        LikelihoodRatioParams(**wrong)
