"""Back-projection: equal to plain loops, keeps the total, finds the day."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongchou.science.reproduction.back_projection import BackProjectionParams, back_project

INCUBATION = [0.0, 0.2, 0.5, 0.2, 0.1]


def one_round(y: list[int], f: list[float], infections: list[float]) -> list[float]:
    """One EM step and one smoothing over three days, in plain loops."""
    days = len(y)
    expected = [sum(f[d] * infections[t - d] for d in range(len(f)) if t - d >= 0) for t in range(days)]
    step = []
    for t in range(days):
        seen = sum(f[d] for d in range(len(f)) if t + d < days)
        pull = sum(f[d] * y[t + d] / expected[t + d] for d in range(len(f)) if t + d < days and expected[t + d] > 0)
        step.append(infections[t] * pull / seen if seen > 0 else 0.0)
    smoothed = []
    for t in range(days):
        near = [(w, step[t + k]) for w, k in ((0.25, -1), (0.5, 0), (0.25, 1)) if 0 <= t + k < days]
        smoothed.append(sum(w * x for w, x in near) / sum(w for w, _ in near))
    return smoothed


@given(y=st.lists(st.integers(0, 30), min_size=6, max_size=30), rounds=st.integers(1, 6))
@settings(max_examples=60, deadline=None)
def test_rounds_equal_plain_loops(y: list[int], rounds: int) -> None:
    plain = [sum(y) / len(y)] * len(y)
    found = back_project(y, INCUBATION, BackProjectionParams(rounds=rounds, tolerance=1e-300))
    for _ in range(found.rounds):
        plain = one_round(y, INCUBATION, plain)
    np.testing.assert_allclose(found.infections, plain, rtol=1e-9, atol=1e-12)
    assert np.all(found.infections >= 0)


def test_without_smoothing_the_total_is_kept() -> None:
    y = [0, 0, 0, 0, 0, 2, 6, 9, 4, 1, 0, 0, 0, 0, 0]
    found = back_project(y, INCUBATION, BackProjectionParams(smoothing=0, tolerance=1e-9, rounds=2000))
    assert found.infections.sum() == pytest.approx(sum(y), rel=1e-6)


def test_one_exposure_is_put_near_its_day() -> None:
    day, onsets = 12, np.zeros(40)
    onsets[day : day + 5] = 200 * np.array(INCUBATION)
    assert abs(int(back_project(onsets, INCUBATION).infections.argmax()) - day) <= 1


def test_no_onset_no_infection() -> None:
    found = back_project([0] * 20, INCUBATION)
    assert not found.infections.any() and found.is_converged


@pytest.mark.parametrize(
    ("onsets", "incubation", "told"),
    [
        ([1, 2, -1], INCUBATION, "onsets: day 3 is -1"),
        ([1, np.nan], INCUBATION, "onsets: day 2 is nan"),
        ([1, 2], [0.5, 0.4], "incubation: the chances add up to 0.9"),
        ([1, 2], [1.5, -0.5], "incubation: day 2 is -0.5"),
        ([], INCUBATION, "at least 1 days"),
    ],
)
def test_bad_input_is_named(onsets, incubation, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        back_project(onsets, incubation)


def test_odd_smoothing_is_refused() -> None:
    with pytest.raises(ValueError, match="even"):
        BackProjectionParams(smoothing=3)
