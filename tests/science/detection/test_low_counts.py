"""The exact Poisson prediction limit: the conditional test, its promise, and why it was chosen."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tongchou.science.detection.low_counts import ExactParams, exact_poisson


@given(past=st.integers(0, 30), now=st.integers(0, 12), window=st.integers(1, 4))
@settings(max_examples=60, deadline=None)
def test_it_is_the_exact_conditional_binomial_test(past: int, now: int, window: int) -> None:
    counts = np.zeros(60)
    counts[5] = past
    counts[-1] = now
    params = ExactParams(window_steps=window, baseline_steps=59 - 4, guard_steps=0)
    n = 60 - window if window > 5 else min(55, 60 - window)
    in_baseline = past if 60 - window - n <= 5 else 0
    p_value = stats.binomtest(now, in_baseline + now, window / (n + window), alternative="greater").pvalue if now else 1.0
    assert exact_poisson(counts, params).alarm[-1] == (p_value <= params.alpha)


def test_it_bounds_where_nothing_was_ever_seen_and_is_sharper_than_garwood() -> None:
    silent = np.zeros(60)
    assert exact_poisson(silent).upper[-1] == 1
    five = np.zeros(60)
    five[[3, 9, 20, 31, 50]] = 1
    n = 52
    garwood = stats.chi2.ppf(0.99, 2 * (5 + 1)) / 2 / n
    assert exact_poisson(five).upper[-1] == 1 < stats.poisson.ppf(0.99, garwood)


def test_a_window_alarms_only_while_events_come() -> None:
    counts = np.zeros(70)
    counts[64:67] = 1
    params = ExactParams(window_steps=4)
    assert exact_poisson(counts, params).alarm[64:].tolist() == [False, True, True, False, False, False]
    assert not exact_poisson(counts).alarm.any()


def test_impossible_parameters_are_refused() -> None:
    with pytest.raises(ValueError, match="baseline_steps"):
        ExactParams(baseline_steps=3)
    with pytest.raises(ValueError, match="alpha"):
        ExactParams(alpha=1.0)
