"""EARS written plainly; missing days."""

from typing import Literal

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from tongchou.science.detection.ears import EarsParams, ears

KINDS: tuple[Literal["C1", "C2", "C3"], ...] = ("C1", "C2", "C3")


def plain(counts: list[float], kind: str, z: float) -> list[tuple[float, bool]]:
    """Bound and alarm of every day, day by day."""
    guard = 0 if kind == "C1" else 2
    days = []
    excess = [float("nan")] * len(counts)
    for t, y in enumerate(counts):
        if t < 7 + guard:
            days.append((float("nan"), False))
            continue
        week = counts[t - guard - 7 : t - guard]
        mean, sd = float(np.mean(week)), float(np.std(week, ddof=1))
        bound = mean + z * sd
        if kind == "C3":
            excess[t] = max(0.0, (y - mean) / sd - 1) if sd > 0 else float("nan") if y <= mean else float("inf")
            room = sd * (z - excess[t - 1] - excess[t - 2])  # without spread today: 0, as in R; without spread then: NaN
            bound = float("nan") if np.isnan(room) else max(0.0, y + room)
        days.append((bound, y > bound))
    return days


@pytest.mark.parametrize("kind", KINDS)
@given(counts=st.lists(st.integers(0, 30), min_size=12, max_size=40), alpha=st.sampled_from([0.001, 0.05]))
@example(counts=[0, 1, *[0] * 10], alpha=0.001)  # a week with spread, then one without
@settings(max_examples=40, deadline=None)
def test_equals_the_plain_oracle(kind: Literal["C1", "C2", "C3"], counts: list[int], alpha: float) -> None:
    oracle = plain([float(c) for c in counts], kind, float(norm.ppf(1 - alpha)))
    result = ears(np.array(counts, dtype=float), EarsParams(kind, alpha=alpha))
    upper = np.array([bound for bound, _ in oracle])
    np.testing.assert_allclose(result.upper, upper, rtol=1e-9, atol=1e-9)
    # On the bound itself rounding decides.
    clear = np.abs(np.array(counts) - np.nan_to_num(upper, nan=-1)) > 1e-9
    np.testing.assert_array_equal(result.alarm[clear], np.array([alarm for _, alarm in oracle])[clear])


def test_a_missing_day_neither_alarms_nor_enters_the_baseline() -> None:
    counts = np.array([2, 3, 2, 3, 2, 3, 2, 2, 2, 9, 2], dtype=float)
    gap = counts.copy()
    gap[3] = np.nan
    gap[9] = np.nan
    result = ears(gap)
    assert not result.alarm[9]
    assert result.expected[10] == pytest.approx(np.nanmean(gap[1:8]))


def test_rates_are_welcome() -> None:
    assert ears(np.r_[np.tile([0.1, 0.2], 8), 0.9]).alarm[-1]


@pytest.mark.parametrize("wrong", [{"alpha": 0.0}, {"kind": "C4"}, {"baseline_steps": 1}])
def test_impossible_parameters_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="EarsParams"):
        EarsParams(**wrong)
