"""Estimates: textbook formulas where they apply, exact enumeration, published tables, coverage inside binomial intervals."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from scipy.stats import binom

from tests.science.sampling.test_draws import chances
from tongchou.science import (
    best_pool_size,
    chance_to_find,
    clopper_pearson,
    corrected_for_test,
    expected_tests_per_person,
    inclusion_probabilities,
    pooled_prevalence,
    prevalence,
    randomised_systematic,
    size_to_find,
)


def test_simple_random_sampling_has_the_textbook_variance() -> None:
    y = np.r_[np.ones(12), np.zeros(28)]
    found = prevalence(y, np.full(40, 0.2), ["a"] * 40, {"a": 200})
    assert found.estimate == pytest.approx(0.3)
    assert found.standard_error == pytest.approx(np.sqrt((1 - 0.2) * 0.3 * 0.7 / 39))  # Cochran 1977, (3.8)


def test_strata_are_weighted_by_their_sizes() -> None:
    y, pi = np.r_[np.ones(5), np.zeros(5), np.zeros(10)], np.r_[np.full(10, 0.1), np.full(10, 0.01)]
    found = prevalence(y, pi, ["a"] * 10 + ["b"] * 10, {"a": 100, "b": 1000})
    assert found.estimate == pytest.approx(0.5 * 100 / 1100)
    assert found.standard_error == pytest.approx(100 / 1100 * np.sqrt(0.9 * 0.25 / 9))


def test_approximate_variance_beside_sen_yates_grundy_by_enumeration() -> None:
    """The mean of the approximation lies within a fifth of the true variance of the total it stands for (6 units, 3 drawn, exact joint probabilities)."""
    y, pi = np.array([0.0, 1, 0, 1, 1, 0]), inclusion_probabilities(np.array([1.0, 1.5, 2, 2.5, 3, 2]), 3)
    _, sets = chances(pi)
    joint = np.zeros((6, 6))
    for chosen, chance in sets.items():
        for i, j in combinations(sorted(chosen), 2):
            joint[i, j] += chance
    e = (y - y.mean()) / pi
    true = sum((pi[i] * pi[j] - joint[i, j]) * (e[i] - e[j]) ** 2 for i, j in combinations(range(6), 2))
    drawn = {chosen: np.array(sorted(chosen)) for chosen in sets}
    mean = 0.0
    for chosen, chance in sets.items():
        d, free = e[drawn[chosen]], 1 - pi[drawn[chosen]]
        mean += chance * 1.5 * np.sum(free * (d - np.sum(free * d) / free.sum()) ** 2)
    assert 0.8 < mean / true < 1.25


@pytest.mark.parametrize(("share", "by_risk"), [(0.01, False), (0.05, True), (0.3, True)])
def test_the_interval_covers_as_stated(share: float, by_risk: bool) -> None:
    rng, runs, size = np.random.default_rng(20220501), 1500, 60
    weights = rng.lognormal(0, 0.5, 1200) if by_risk else np.ones(1200)
    y = (rng.random(1200) < np.clip(share * (weights if by_risk else 1.0), 0, 1)).astype(float)
    pi = inclusion_probabilities(weights, size)
    hits = 0
    for _ in range(runs):
        drawn = randomised_systematic(pi, rng.random(1200), rng.random())
        found = prevalence(y[drawn], pi[drawn], ["a"] * size, {"a": 1200})
        hits += found.low <= y.mean() <= found.high
    assert binom.cdf(hits, runs, 0.95) > 1e-3


def test_nonresponse_is_said_and_bounded() -> None:
    y = np.r_[1.0, np.zeros(7), np.nan, np.nan]
    found = prevalence(y, np.full(10, 0.1), ["a"] * 10, {"a": 100})
    assert (found.drawn, found.answered) == (10, 8)
    assert (found.estimate, found.least, found.most) == pytest.approx((1 / 8, 1 / 10, 3 / 10))
    with pytest.raises(ValueError, match="'a' has no result"):
        prevalence(np.full(2, np.nan), np.full(2, 0.1), ["a"] * 2, {"a": 20})


def test_no_positive_gives_the_rule_of_three() -> None:
    found = prevalence(np.zeros(300), np.full(300, 1e-3), ["a"] * 300, {"a": 300_000})
    assert (found.estimate, found.low) == (0, 0)
    assert found.high == pytest.approx(clopper_pearson(0, 300)[1])


@pytest.mark.parametrize(
    ("results", "probabilities", "said"), [([2.0], [0.5], "1, 0 or NaN"), ([1.0], [1.5], r"\(0, 1\]"), ([1.0, 0.0], [0.5], "as long")]
)
def test_bad_numbers_are_refused(results: list[float], probabilities: list[float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        prevalence(np.array(results), np.array(probabilities), ["a"] * len(results), {"a": 10})


def test_rogan_gladen_undoes_the_test_and_stays_within_bounds() -> None:
    for true in (0.0, 0.02, 0.5, 1.0):
        assert corrected_for_test(true * 0.8 + (1 - true) * 0.05, 0.8, 0.95) == pytest.approx(true)
    assert corrected_for_test(0.01, 0.8, 0.95) == 0
    with pytest.raises(ValueError, match="sum above 1"):
        corrected_for_test(0.1, 0.5, 0.5)


@pytest.mark.parametrize("sensitivity", [1.0, 0.7])
def test_finite_populations_by_enumeration(sensitivity: float) -> None:
    for drawn in range(9):
        missed = [(1 - sensitivity) ** len({0, 1} & set(c)) for c in combinations(range(8), drawn)]
        assert chance_to_find(drawn, 0.25, 8, sensitivity) == pytest.approx(1 - sum(missed) / comb(8, drawn))


@pytest.mark.parametrize("population", [50, 100, 300, 1000, 5000])
@pytest.mark.parametrize("prevalence_", [0.02, 0.1, 0.25])
def test_sizes_agree_with_cannon_and_roe(population: int, prevalence_: float) -> None:
    """Formula (1) of Cannon & Roe 1982: n = (1 - (1 - p)^(1/D)) (N - (D - 1)/2); it is an approximation, so one unit more or less."""
    d = int(population * prevalence_ + 1e-9)
    published = (1 - 0.05 ** (1 / d)) * (population - (d - 1) / 2)
    found = size_to_find(0.95, prevalence_, population)
    assert abs(found - np.ceil(published)) <= 1
    assert chance_to_find(found, prevalence_, population) >= 0.95 > chance_to_find(found - 1, prevalence_, population)


def test_size_to_find_is_the_smallest_and_refuses_the_impossible() -> None:
    n = size_to_find(0.95, 0.001, sensitivity=0.8)
    assert chance_to_find(n, 0.001, sensitivity=0.8) >= 0.95 > chance_to_find(n - 1, 0.001, sensitivity=0.8)
    with pytest.raises(ValueError, match="testing all 100"):
        size_to_find(0.95, 0.01, 100, 0.7)


@pytest.mark.parametrize(
    ("rate", "size", "percent"), [(0.01, 11, 20), (0.02, 8, 27), (0.05, 5, 43), (0.10, 4, 59), (0.15, 3, 72), (0.20, 3, 82), (0.30, 3, 99)]
)
def test_dorfmans_table(rate: float, size: int, percent: int) -> None:
    """Dorfman 1943, Table I: optimum group sizes and their cost in per cent of one test each."""
    assert best_pool_size(rate) == size
    assert round(100 * expected_tests_per_person(size, rate)) == percent


def test_pooled_estimate_is_less_biased_than_the_likelihood_and_its_interval_covers() -> None:
    pools, k = 30, 10
    x = np.arange(pools + 1)
    found = [pooled_prevalence(int(n), pools, k) for n in x]
    for p in (0.005, 0.02, 0.08):
        chance = binom.pmf(x, pools, 1 - (1 - p) ** k)
        ours, likelihood = np.array([f.estimate for f in found]), 1 - (1 - x / pools) ** (1 / k)
        assert abs(chance @ ours - p) < abs(chance @ likelihood - p)
        assert chance @ np.array([f.low <= p <= f.high for f in found]) >= 0.95


def test_pools_of_one_are_single_tests() -> None:
    found = pooled_prevalence(3, 40, 1)
    assert (found.estimate, found.low, found.high) == pytest.approx((3 / 40, *clopper_pearson(3, 40)))
    assert expected_tests_per_person(1, 0.2) == 1
