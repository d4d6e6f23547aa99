"""Reproduction numbers: equal to plain loops, sane at the edges, honest about what is not yet reported."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import gamma

from tongchou.science.reproduction.cori import PROBABILITIES, CoriParams, reproduction_number, reproduction_of_draws
from tongchou.science.reproduction.serial_interval import SerialInterval, gamma_serial_interval
from tongchou.science.reproduction.wallinga_teunis import case_reproduction_number

COUNTS = st.lists(st.integers(0, 50), min_size=8, max_size=40)
INTERVAL = gamma_serial_interval(4.7, 2.9)


def pressure(cases: list[float], w: np.ndarray, t: int) -> float:
    return sum(w[s] * cases[t - s] for s in range(1, t + 1) if s < len(w))


@given(cases=COUNTS, imported=COUNTS)
@settings(max_examples=60, deadline=None)
def test_windows_equal_a_plain_loop(cases: list[int], imported: list[int]) -> None:
    days = min(len(cases), len(imported))
    local, others = cases[:days], imported[:days]
    found = reproduction_number(local, INTERVAL, imported=others)
    total = [a + b for a, b in zip(local, others, strict=True)]
    for n, start in enumerate(range(1, days - 6)):
        window = range(start, start + 7)
        shape = 1 + sum(local[t] for t in window)
        rate = 5 / 25 + sum(pressure(total, INTERVAL.probabilities, t) for t in window)
        assert found.mean[n] == pytest.approx(shape / rate, rel=1e-9)
        np.testing.assert_allclose(found.quantiles[n], gamma.ppf(PROBABILITIES, shape) / rate, rtol=1e-9)


@given(cases=COUNTS)
@settings(max_examples=60, deadline=None)
def test_shares_of_each_case_add_up(cases: list[int]) -> None:
    """Every case with a possible source is caused exactly once."""
    found = case_reproduction_number(cases, INTERVAL)
    caused = np.nansum(found.by_day * np.array(cases))
    with_source = sum(c for t, c in enumerate(cases) if pressure([float(x) for x in cases], INTERVAL.probabilities, t) > 0)
    assert caused == pytest.approx(with_source, abs=1e-6)


@given(cases=COUNTS)
@settings(max_examples=40, deadline=None)
def test_case_numbers_equal_a_plain_loop(cases: list[int]) -> None:
    w, days = INTERVAL.probabilities, len(cases)
    found = case_reproduction_number(cases, INTERVAL)
    for t in range(days):
        total = 0.0
        for u in range(t + 1, days):
            below = pressure([float(c) for c in cases], w, u)
            if below > 0 and u - t < len(w):
                total += w[u - t] * cases[u] / below
        if cases[t]:
            assert found.by_day[t] == pytest.approx(total, abs=1e-9)
        else:
            assert math.isnan(found.by_day[t])


def test_a_steady_stream_has_one() -> None:
    found = reproduction_number(np.full(120, 200.0), INTERVAL)
    assert found.mean[-1] == pytest.approx(1, abs=0.01)
    assert case_reproduction_number(np.full(120, 200.0), INTERVAL).mean[50] == pytest.approx(1, abs=0.01)


def test_without_cases_there_is_only_the_prior() -> None:
    found = reproduction_number(np.zeros(30), INTERVAL)
    assert found.mean[-1] == pytest.approx(5) and found.sd[-1] == pytest.approx(5)
    assert np.all(np.isnan(case_reproduction_number(np.zeros(30), INTERVAL).mean))


def test_too_early_is_said_by_nothing() -> None:
    found = reproduction_number(np.ones(20), SerialInterval(np.array([0, *[0.0] * 8, 0.5, 0, 0.5])))
    assert np.isnan(found.mean).tolist() == [e + 1 <= 10 for e in found.ends]


def test_one_history_many_times_is_that_history() -> None:
    cases = np.array([3, 5, 8, 9, 12, 11, 15, 18, 22, 25, 30.0])
    exact = reproduction_number(cases, INTERVAL)
    drawn = reproduction_of_draws(np.tile(cases, (20_000, 1)), INTERVAL, np.random.default_rng(1))
    np.testing.assert_allclose(drawn.quantiles, exact.quantiles, rtol=0.02)


def test_histories_that_differ_widen_the_interval() -> None:
    cases = np.full(40, 300.0)
    rng = np.random.default_rng(1)
    spread = np.tile(cases, (2000, 1))
    spread[:, -7:] *= np.exp(rng.normal(0, 0.3, (2000, 1)))
    exact, drawn = reproduction_number(cases, INTERVAL), reproduction_of_draws(spread, INTERVAL, rng)
    width = [r.quantiles[-1, -1] - r.quantiles[-1, 0] for r in (exact, drawn)]
    assert width[1] > 2 * width[0]
    np.testing.assert_allclose(drawn.quantiles[20], exact.quantiles[20], rtol=0.03)


def test_the_same_seed_gives_the_same_answer() -> None:
    draws = np.random.default_rng(3).poisson(20, (50, 30)).astype(float)
    a, b = (reproduction_of_draws(draws, INTERVAL, np.random.default_rng(4)).quantiles for _ in range(2))
    np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: reproduction_number([1, 2, -1, 3, 4, 5, 6, 7, 8], INTERVAL), "incidence: day 3 is -1"),
        (lambda: reproduction_number([1, np.nan, 1, 3, 4, 5, 6, 7, 8], INTERVAL), "incidence: day 2 is nan"),
        (lambda: reproduction_number([1] * 7, INTERVAL), "need 8 days, got 7"),
        (lambda: reproduction_number([[1] * 9], INTERVAL), "one count a day"),
        (lambda: reproduction_number([1] * 9, INTERVAL, imported=[1] * 8), "imported: has 8 days where incidence has 9"),
        (lambda: reproduction_of_draws(np.ones(9), INTERVAL, np.random.default_rng(1)), r"\(draws, days\)"),
        (lambda: case_reproduction_number([1, 2, 3], INTERVAL, window_days=3), "window_days must lie in 1..2"),
        (lambda: CoriParams(window_days=0), "CoriParams"),
        (lambda: gamma_serial_interval(1.0, 1.0), "mean must be above 1"),
        (lambda: gamma_serial_interval(4.0, 0.0), "sd above 0"),
        (lambda: gamma_serial_interval(20_000.0, 10.0), "are the units days"),
        (lambda: SerialInterval(np.array([0.1, 0.9])), "chance of 0 days is 0.1"),
        (lambda: SerialInterval(np.array([0, 0.4])), "add up to 0.4"),
        (lambda: SerialInterval(np.array([0, 1.4, -0.4])), "0 or more"),
    ],
)
def test_bad_input_is_named(make, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        make()


@given(mean=st.floats(1.2, 40), ratio=st.floats(0.1, 1.5))
@settings(max_examples=60, deadline=None)
def test_a_discretised_interval_keeps_its_mean(mean: float, ratio: float) -> None:
    interval = gamma_serial_interval(mean, max(0.3, ratio * mean))
    assert interval.probabilities.sum() == pytest.approx(1, abs=1e-9)
    # The part of the Gamma below one day cannot be spread to a negative lag; it moves the mean up a little.
    assert interval.mean_days == pytest.approx(mean, rel=0.02, abs=0.02)
