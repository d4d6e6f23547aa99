"""What holds for every detector of the catalogue, whatever the counts: hard series, missing values, batches, time."""

from dataclasses import FrozenInstanceError, fields, replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongchou.science.detection.catalogue import METHODS
from tongchou.science.detection.farrington import ORIGINAL
from tongchou.science.detection.series import Calendar, Detection

STEPS = 330
every = pytest.mark.parametrize("name", METHODS)


def detect(name: str, counts: np.ndarray, calendar: Calendar = Calendar()) -> Detection:
    method = METHODS[name]
    extra: dict[str, Any] = {"samples": np.full(counts.shape, 1e7)} if method.needs_samples else {}
    return method.detect(counts, method.default, calendar, **extra)


def noisy(seed: int, mean: float = 6.0, steps: int = STEPS) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mu = mean * np.exp(0.4 * np.cos(2 * np.pi * np.arange(steps) / 52))
    return rng.negative_binomial(3.0, 3.0 / (3.0 + mu)).astype(float)


@every
def test_the_result_has_the_shape_of_the_input_and_is_frozen(name: str) -> None:
    for counts in (noisy(1), noisy(1)[None], np.stack([noisy(1), noisy(2)])):
        result = detect(name, counts)
        assert all(getattr(result, f.name).shape == counts.shape for f in fields(result))
    with pytest.raises(FrozenInstanceError):
        result.alarm = result.alarm  # type: ignore[misc]


@every
def test_an_all_zero_series_never_alarms(name: str) -> None:
    assert not detect(name, np.zeros(STEPS)).alarm.any()


@every
def test_a_constant_series_never_alarms(name: str) -> None:
    assert not detect(name, np.full(STEPS, 7.0)).alarm.any()


@every
@pytest.mark.parametrize("steps", [0, 1, 2, 7, 30])
def test_a_stream_that_starts_yesterday_is_judged_without_error_and_a_single_point_not_at_all(name: str, steps: int) -> None:
    result = detect(name, noisy(3)[:steps])
    assert result.alarm.shape == (steps,)
    if steps == 1:
        assert not result.alarm.any()
        assert np.isnan(result.upper).all()


@every
def test_huge_counts_stay_finite_numbers_and_their_jump_is_seen(name: str) -> None:
    counts = np.full(STEPS, 1_000_000.0) + np.arange(STEPS) % 7
    counts[-3:] = 9_000_000.0
    result = detect(name, counts)
    assert result.alarm[-3:].any()
    assert np.isfinite(result.upper[~np.isnan(result.upper)]).all()


@every
def test_a_gap_of_a_year_neither_alarms_nor_stops_the_rest(name: str) -> None:
    counts = noisy(4)
    counts[200:252] = np.nan
    result = detect(name, counts)
    assert not result.alarm[200:252].any()
    assert np.isnan(result.score[200:252]).all()
    assert not np.isnan(result.score[315:]).all()


@every
def test_missing_values_never_alarm_and_an_empty_series_is_silent(name: str) -> None:
    counts = noisy(5)
    counts[::7] = np.nan
    result = detect(name, counts)
    assert not result.alarm[::7].any()
    assert not detect(name, np.full(STEPS, np.nan)).alarm.any()


@every
def test_a_missing_value_of_the_past_is_not_a_zero(name: str) -> None:
    counts = noisy(6, mean=20.0)
    counts[40:-1:3] = np.nan
    zeros = np.where(np.isnan(counts), 0.0, counts)
    ours, with_zeros = detect(name, counts), detect(name, zeros)
    assert np.nanmean(ours.expected[-20:]) > 1.1 * np.nanmean(with_zeros.expected[-20:])


@every
def test_years_of_53_weeks_are_followed_by_the_date(name: str) -> None:
    """From 2015, a year of 53 weeks, on: the last steps are judged, and nothing else changes than which weeks are compared."""
    counts = noisy(7)
    dated, plain = detect(name, counts, Calendar(first_day=date(2014, 12, 29))), detect(name, counts)
    assert not np.isnan(dated.score[-1])
    follows = name in {"farrington", "farringtonFlexible", "movingPercentile"}
    assert np.array_equal(dated.expected, plain.expected, equal_nan=True) is not follows


@every
@given(seed=st.integers(0, 10_000))
@settings(max_examples=5, deadline=None)
def test_an_alarm_is_a_count_above_its_bound(name: str, seed: int) -> None:
    counts = noisy(seed, mean=3.0)
    result = detect(name, counts)
    bounded = ~np.isnan(result.upper)
    if METHODS[name].shown_as_bound == "score":
        assert not bounded.any()
    elif name != "cusum":  # its sum may stay high although the count is not
        np.testing.assert_array_equal(result.alarm[bounded], (counts > result.upper)[bounded])
        assert not result.alarm[~bounded].any()


@every
@given(seed=st.integers(0, 10_000))
@settings(max_examples=5, deadline=None)
def test_more_cases_now_are_never_less_unusual(name: str, seed: int) -> None:
    counts = noisy(seed)
    more = counts.copy()
    more[-1] += 30
    before, after = detect(name, counts).score[-1], detect(name, more).score[-1]
    if name != "glrnb":  # its search as R's may run away: see its notes, and the test of search="exact"
        assert after >= before


@every
@pytest.mark.parametrize("bad", [-1.0, np.inf])
def test_what_is_no_count_is_refused_with_its_place(name: str, bad: float) -> None:
    counts = noisy(8)
    counts[17] = bad
    with pytest.raises(ValueError, match="step 17"):
        detect(name, counts)


@pytest.mark.parametrize("name", ["farringtonFlexible", "bayes1", "glrnb", "exactPoisson", "outbreakP", "cusum"])
def test_fractions_are_refused_where_the_method_counts(name: str) -> None:
    with pytest.raises(ValueError, match="whole numbers"):
        detect(name, noisy(8) + 0.5)


@pytest.mark.parametrize("name", ["bayes2", "rki3", "movingPercentile", "glrpois", "farrington", "earsC1"])
def test_monthly_series_are_judged_by_twelve_steps_a_year(name: str) -> None:
    method = METHODS[name]
    params = replace(ORIGINAL, half_window=1) if name == "farrington" else method.default
    counts = np.round(20 + 15 * np.cos(2 * np.pi * np.arange(150) / 12))
    counts[-1] += 60
    assert method.detect(counts, params, Calendar(steps_per_year=12)).alarm[-1]


def test_a_window_that_swallows_a_monthly_year_is_refused() -> None:
    method = METHODS["farringtonFlexible"]
    with pytest.raises(ValueError, match="make them smaller"):
        method.detect(noisy(1), method.default, Calendar(steps_per_year=12))
