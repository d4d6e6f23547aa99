"""Improved Farrington against a plain oracle, and what must hold whatever the counts."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.science.detection import farrington_oracle
from tongchou.science.detection.farrington import FarringtonParams, farrington_flexible

DELTA = FarringtonParams(bound="delta", alpha=0.05)
PLAIN = FarringtonParams(bound="delta", alpha=0.05, periods=1, past_weeks_left_out=3, weights_threshold=1.0, trend_p=0.05)


def seasonal(seed: int, weeks: int = 330, mean: float = 8.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mu = mean * np.exp(0.5 * np.cos(2 * np.pi * np.arange(weeks) / 52) + 0.001 * np.arange(weeks))
    return rng.negative_binomial(mu, 0.5).astype(float)


@pytest.mark.parametrize(
    "params", [DELTA, PLAIN, FarringtonParams(), FarringtonParams(bound="muan", alpha=0.05)], ids=["delta", "windows", "nb", "muan"]
)
@given(seed=st.integers(0, 10_000), mean=st.sampled_from([2.0, 8.0, 60.0]))
@settings(max_examples=8, deadline=None)
def test_equals_the_plain_oracle(params: FarringtonParams, seed: int, mean: float) -> None:
    counts = seasonal(seed, mean=mean)
    weeks = [300, 329]
    upper = farrington_flexible(counts, weeks, params).upper[0]
    np.testing.assert_allclose(upper, [farrington_oracle.bound(counts, w, params) for w in weeks], rtol=1e-6)


def test_batch_equals_one_by_one() -> None:
    batch = np.stack([seasonal(s) for s in range(5)])
    weeks = list(range(300, 330))
    together = farrington_flexible(batch, weeks, DELTA)
    for row, counts in enumerate(batch):
        np.testing.assert_array_equal(together.upper[row], farrington_flexible(counts, weeks, DELTA).upper[0])


def test_the_future_does_not_change_a_past_bound() -> None:
    counts = seasonal(3)
    later = counts.copy()
    later[311:] += 500
    np.testing.assert_array_equal(farrington_flexible(counts, [310], DELTA).upper, farrington_flexible(later, [310], DELTA).upper)


def test_all_zero_past_gives_no_alarm_and_no_bound() -> None:
    result = farrington_flexible(np.zeros((2, 330)), [320, 329], DELTA)
    assert np.isnan(result.upper).all()
    assert not result.alarm.any()


def test_first_events_after_a_silent_past_alarm() -> None:
    counts = np.zeros(330)
    counts[326:] = 4
    assert farrington_flexible(counts, [329], DELTA).alarm.all()


def test_a_missing_past_week_is_left_out_and_a_missing_week_never_alarms() -> None:
    counts = seasonal(4)
    counts[[100, 200, 329]] = np.nan
    result = farrington_flexible(counts, [328, 329], DELTA)
    assert np.isfinite(result.upper).all()
    assert not result.alarm[0, 1]


def test_a_past_shorter_than_asked_is_cut_off() -> None:
    assert np.isfinite(farrington_flexible(seasonal(5)[:200], [199], DELTA).upper).all()


def test_with_dates_the_same_monday_of_past_years_is_meant() -> None:
    counts = seasonal(6)
    counts[329 - 53 * 1] = 0
    dated = farrington_flexible(counts, [329], DELTA, first_day=date(2018, 1, 1))
    assert np.isfinite(dated.expected).all()
    assert dated.expected[0, 0] != farrington_flexible(counts, [329], DELTA).expected[0, 0]


@pytest.mark.parametrize(("counts", "words"), [([1.5] * 60, "whole numbers"), ([-1.0] * 60, "whole numbers"), ([2e7] * 60, "beyond")])
def test_counts_that_are_none_are_refused(counts: list[float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        farrington_flexible(np.array(counts), [59])


def test_a_week_outside_the_series_is_refused() -> None:
    with pytest.raises(ValueError, match=r"0\.\.329"):
        farrington_flexible(seasonal(1), [330])
