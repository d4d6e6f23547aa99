"""The margin keeps the promised number of alarms in a replay, and says when the past is too short to know."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongchou.science.detection.budget import calibrate_threshold


@given(seed=st.integers(0, 999), per_year=st.sampled_from([0.5, 1.0, 4.0]))
@settings(max_examples=30, deadline=None)
def test_the_replay_keeps_the_promise_at_the_margin(seed: int, per_year: float) -> None:
    excess = np.random.default_rng(seed).gumbel(0, 1, size=5 * 365)
    found = calibrate_threshold(excess, per_year)
    assert found.alarms_left <= per_year * found.past_years
    assert found.margin_log >= 0


def test_a_stricter_promise_never_lowers_the_margin() -> None:
    excess = np.random.default_rng(1).gumbel(0, 1, size=5 * 365)
    margins = [calibrate_threshold(excess, a).margin_log for a in (12.0, 4.0, 1.0, 0.5, 0.1)]
    assert margins == sorted(margins)


def test_a_quiet_past_leaves_the_theory() -> None:
    found = calibrate_threshold(np.full(3650, -2.0), 1.0)
    assert (found.margin_log, found.basis, found.alarms_left) == (0.0, "theory", 0)
    assert not found.is_past_too_short


def test_half_a_year_cannot_prove_one_alarm_a_year() -> None:
    excess = np.full(183, -1.0)
    excess[50] = 3.0
    found = calibrate_threshold(excess, 1.0)
    assert found.basis == "extrapolated"
    assert found.margin_log == pytest.approx(3.0 + math.log(365.25 / 183))
    assert found.is_past_too_short
    assert found.rate_upper_per_year > 5


def test_no_past_promises_nothing() -> None:
    found = calibrate_threshold(np.array([np.nan]), 1.0)
    assert found.rate_upper_per_year == math.inf
    assert found.is_past_too_short


def test_one_rise_is_one_alarm() -> None:
    excess = np.full(3660, -5.0)
    excess[100:120] = 2.0
    assert calibrate_threshold(excess, 0.1).basis == "theory"
    assert calibrate_threshold(excess, 0.1).alarms_left == 1


def test_a_promise_of_no_alarm_is_refused() -> None:
    with pytest.raises(ValueError, match="alarms_per_year"):
        calibrate_threshold(np.zeros(10), 0)
