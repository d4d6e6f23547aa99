"""Growth rates: equal to a fit by another library, and a doubling time only where there is one."""

from __future__ import annotations

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from tongchou.science.reproduction.growth import growth_of_draws, growth_rate


@pytest.mark.parametrize("seed", range(12))
def test_the_line_is_that_of_a_poisson_regression(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.poisson(30 * np.exp(rng.normal(0, 0.1) * np.arange(14))).astype(float)
    wanted = sm.GLM(counts, sm.add_constant(np.arange(14.0)), family=sm.families.Poisson()).fit(scale="X2")
    scale = max(wanted.scale, 1.0)
    found = growth_rate(counts)
    sd = wanted.bse[1] * math.sqrt(scale / wanted.scale)
    assert found.per_day == pytest.approx(wanted.params[1], abs=1e-7)
    assert found.dispersion == pytest.approx(scale, rel=1e-6)
    assert found.high - found.low == pytest.approx(2 * 2.1788128 * sd, rel=1e-6)


def test_doubling_every_five_days_is_found() -> None:
    found = growth_rate(1000 * 2 ** (np.arange(14) / 5))
    assert found.doubling_days == pytest.approx(5)
    assert found.doubling_low < 5 < found.doubling_high


def test_a_decline_is_a_halving() -> None:
    found = growth_rate(1000 * 0.5 ** (np.arange(14) / 7))
    assert found.doubling_days == pytest.approx(-7)
    assert found.doubling_high < -7 < found.doubling_low < 0 or found.doubling_low < -7 < found.doubling_high < 0


def test_no_direction_no_doubling_interval() -> None:
    found = growth_rate([3, 1, 4, 1, 5, 2, 3, 2, 4, 1, 3, 3, 2, 4])
    assert found.low < 0 < found.high
    assert math.isnan(found.doubling_low) and math.isnan(found.doubling_high)


@pytest.mark.parametrize("counts", [[0] * 7, [0, 0, 5, 0, 0, 0, 0]])
def test_fewer_than_two_days_with_cases_say_nothing(counts: list[int]) -> None:
    assert math.isnan(growth_rate(counts).per_day)


@given(st.lists(st.integers(0, 10_000), min_size=3, max_size=30))
@settings(max_examples=100, deadline=None)
def test_the_interval_holds_its_rate_and_turns_with_time(counts: list[int]) -> None:
    found, back = growth_rate(counts), growth_rate(counts[::-1])
    if not math.isnan(found.per_day):
        assert found.low <= found.per_day <= found.high
        assert back.per_day == pytest.approx(-found.per_day, abs=1e-6)


def test_coverage_under_its_own_model() -> None:
    rng = np.random.default_rng(1)
    histories = rng.poisson(20 * np.exp(0.05 * np.arange(14)), size=(2000, 14))
    inside = np.mean([(g := growth_rate(h)).low <= 0.05 <= g.high for h in histories])
    assert 0.935 < inside < 0.99  # phi is never below 1, so the interval is a little wide


def test_draws_that_differ_widen_it_and_one_history_is_itself() -> None:
    rng = np.random.default_rng(1)
    counts = np.round(100 * np.exp(0.05 * np.arange(14)))
    exact = growth_rate(counts)
    same = growth_of_draws(np.tile(counts, (20_000, 1)), rng)
    assert same.low == pytest.approx(exact.low, abs=0.001) and same.high == pytest.approx(exact.high, abs=0.001)
    late = np.tile(counts, (4000, 1))
    late[:, -3:] *= np.exp(rng.normal(0, 0.4, (4000, 1)))
    wide = growth_of_draws(late, rng)
    assert wide.high - wide.low > 1.5 * (exact.high - exact.low)
    assert math.isnan(growth_of_draws(np.zeros((5, 9)), rng).per_day)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: growth_rate([1, 2]), "at least 3 days"),
        (lambda: growth_rate([1, 2, -3]), "counts: day 3 is -3"),
        (lambda: growth_rate([1, 2, 3], coverage=1.0), "coverage"),
        (lambda: growth_of_draws(np.ones(5), np.random.default_rng(1)), r"\(draws, days\)"),
    ],
)
def test_bad_input_is_named(make, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        make()
