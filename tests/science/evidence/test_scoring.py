"""Reliability, Brier and ranked probability score; grades that rise at once and fall slowly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from tongchou.science.detection.model import GRADES, Grade
from tongchou.science.evidence.hysteresis import LEVELS, grade_over_time
from tongchou.science.evidence.scoring import ranked_probability_score, reliability, weighted_interval_score

DAYS = st.lists(st.sampled_from(LEVELS), max_size=60)


def levels(grades: tuple[Grade | None, ...] | list[Grade | None]) -> list[int]:
    return [LEVELS.index(g) for g in grades]


@given(cases=st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60), bins=st.integers(1, 12))
@settings(deadline=None)
def test_the_parts_of_the_brier_score_add_up(cases: list[tuple[float, bool]], bins: int) -> None:
    p, o = np.array([c[0] for c in cases]), np.array([c[1] for c in cases])
    found = reliability(p, o, bins)
    assert found.brier == pytest.approx(sum((a - b) ** 2 for a, b in cases) / len(cases), abs=1e-12)
    assert found.miscalibration - found.resolution + found.uncertainty + found.within_bins == pytest.approx(found.brier, abs=1e-12)
    assert found.cases.sum() == len(cases)
    assert ((found.low <= found.happened) & (found.happened <= found.high)).all()
    order = np.random.default_rng(1).permutation(len(p))
    again = reliability(p[order], o[order], bins)
    assert (again.brier, list(again.happened)) == (pytest.approx(found.brier), pytest.approx(list(found.happened)))


def test_true_probabilities_lie_on_the_diagonal_and_exaggerated_ones_do_not() -> None:
    rng = np.random.default_rng(6)
    p = rng.uniform(size=4000)
    o = rng.uniform(size=4000) < p
    honest, loud = reliability(p, o), reliability(np.clip(0.5 + 2 * (p - 0.5), 0, 1), o)
    assert honest.inside.sum() >= binom.ppf(1e-4, 10, 0.95)
    assert loud.inside.sum() < honest.inside.sum()
    assert honest.miscalibration < 0.002 < 0.01 < loud.miscalibration
    assert honest.brier < loud.brier


def test_two_grades_make_the_ranked_score_the_brier_score() -> None:
    rng = np.random.default_rng(6)
    p, o = rng.uniform(size=50), rng.integers(0, 2, 50)
    rps = ranked_probability_score(np.column_stack([1 - p, p]), o)
    np.testing.assert_allclose(rps, (p - o) ** 2)


@given(weights=st.lists(st.floats(0.01, 1), min_size=2, max_size=6), data=st.data())
@settings(deadline=None)
def test_the_ranked_score_is_proper_and_equals_the_plain_sum(weights: list[float], data: st.DataObject) -> None:
    truth = np.array(weights) / sum(weights)
    other = np.array(data.draw(st.lists(st.floats(0.01, 1), min_size=len(weights), max_size=len(weights))))
    k = len(truth)
    came = np.arange(k)

    def mean_score(stated: np.ndarray) -> float:
        return float(truth @ ranked_probability_score(np.tile(stated, (k, 1)), came))

    assert mean_score(truth) <= mean_score(other / other.sum()) + 1e-12
    plain = [sum((truth[: g + 1].sum() - (c <= g)) ** 2 for g in range(k)) for c in came]
    np.testing.assert_allclose(ranked_probability_score(np.tile(truth, (k, 1)), came), plain, atol=1e-12)


def test_a_grade_further_off_costs_more() -> None:
    certain = np.tile([1.0, 0, 0, 0, 0], (5, 1))
    np.testing.assert_allclose(ranked_probability_score(certain, np.arange(5)), [0, 1, 2, 3, 4])


@given(grades=DAYS, days=st.integers(1, 5))
def test_it_never_shows_less_than_asked_rises_at_once_and_falls_one_level_at_a_time(grades: list[Grade | None], days: int) -> None:
    asked, shown = levels(grades), levels(grade_over_time(grades, days))
    before, fell = 0, -days
    for day, (a, s) in enumerate(zip(asked, shown, strict=True)):
        assert s >= a
        assert s in {before, before - 1} or s == a > before
        if s < before:
            assert day - fell >= days
            assert all(x < before for x in asked[max(0, day - days + 1) : day + 1])
            fell = day
        before = s


@given(grades=DAYS, later=DAYS, days=st.integers(1, 5))
def test_days_already_shown_never_change(grades: list[Grade | None], later: list[Grade | None], days: int) -> None:
    assert grade_over_time(grades + later, days)[: len(grades)] == grade_over_time(grades, days)


@given(pairs=st.lists(st.tuples(st.sampled_from(LEVELS), st.sampled_from(LEVELS)), max_size=40), days=st.integers(1, 4))
def test_more_evidence_never_shows_a_lower_grade(pairs: list[tuple[Grade | None, Grade | None]], days: int) -> None:
    low = [min(p, key=LEVELS.index) for p in pairs]
    high = [max(p, key=LEVELS.index) for p in pairs]
    for a, b in zip(levels(grade_over_time(low, days)), levels(grade_over_time(high, days)), strict=True):
        assert a <= b


def test_three_days_below_and_then_one_level() -> None:
    shown = grade_over_time(["red", "blue", "blue", "yellow", None, None, None, None, None, None, None, None], 3)
    assert shown == ("red", "red", "red", "orange", "orange", "orange", "yellow", "yellow", "yellow", "blue", "blue", "blue")
    assert grade_over_time([], 3) == ()
    interrupted = grade_over_time(["orange", "blue", "blue", "orange", "blue", "blue"], 3)
    assert interrupted == ("orange",) * 6


@given(seed=st.integers(0, 9999))
def test_the_interval_score_is_the_weighted_sum_over_intervals(seed: int) -> None:
    """Bracher 2021 (1): |y - median|/2 and alpha/2 times width plus penalties of each central interval, over their number and a half."""
    rng = np.random.default_rng(seed)
    p = np.array([0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975])
    q, y = np.sort(rng.gamma(2.0, 10.0, (5, 7)), axis=1), rng.gamma(2.0, 10.0, 5)
    plain = 0.5 * np.abs(y - q[:, 3])
    for k in range(3):
        low, high, alpha = q[:, k], q[:, -1 - k], 2 * p[k]
        plain += alpha / 2 * (high - low + 2 / alpha * (np.maximum(low - y, 0) + np.maximum(y - high, 0)))
    np.testing.assert_allclose(weighted_interval_score(q, p, y), plain / 3.5)


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="fall_after_days is at least 1"):
        grade_over_time(["blue"], 0)
    with pytest.raises(ValueError, match="day 1 has 'green'"):
        grade_over_time(["blue", "green"])  # type: ignore[list-item]
    for p, o, words in [([1.2], [1], "in .0, 1."), ([np.nan], [1], "in .0, 1."), ([0.5], [2], "true or false"), ([], [], "at least one")]:
        with pytest.raises(ValueError, match=words):
            reliability(p, o)
    with pytest.raises(ValueError, match="sums to 1"):
        ranked_probability_score([[0.5, 0.4]], [0])
    with pytest.raises(ValueError, match="whole numbers from 0 to 1"):
        ranked_probability_score([[0.5, 0.5]], [2])
    with pytest.raises(ValueError, match="one for each probability"):
        weighted_interval_score([[1, 2]], [0.25, 0.5, 0.75], [1])
    with pytest.raises(ValueError, match="symmetrically"):
        weighted_interval_score([[1, 2]], [0.5, 0.75], [1])
    assert (None, *GRADES) == LEVELS
