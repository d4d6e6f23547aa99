"""CUSUM, OutbreakP and the binomial CUSUM written plainly."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongchou.science.detection.charts import BinomialCusumParams, CusumParams, binomial_cusum, binomial_sums, cusum, outbreak_p

COUNTS = st.lists(st.one_of(st.integers(0, 12), st.none()), min_size=1, max_size=40)


def numbers(counts: list[int | None]) -> np.ndarray:
    return np.array([math.nan if c is None else float(c) for c in counts])


@pytest.mark.parametrize("transformation", ["standard", "rossi"])
@given(counts=COUNTS, mean=st.floats(0.05, 20))
@settings(max_examples=40, deadline=None)
def test_the_cusum_equals_the_plain_recursion_and_its_bound_is_what_reaches_the_threshold(transformation, counts, mean) -> None:
    params = CusumParams(transformation=transformation, mean=mean, learning_steps=1)
    values = np.r_[0.0, numbers(counts)]
    result = cusum(values, params)
    held = 0.0
    for t in range(1, len(values)):

        def after(x: float, before: float = held) -> float:
            z = (
                (x - mean) / math.sqrt(mean)
                if transformation == "standard"
                else (x - 3 * mean + 2 * math.sqrt(x * mean)) / (2 * math.sqrt(mean))
            )
            return max(0.0, before + z - 1.04)

        upper = float(result.upper[t])
        if upper > 0 and transformation == "standard":
            assert after(upper + 1e-9) >= 2.26 - 1e-9
            assert after(upper - 1 - 1e-9) < 2.26
        if not math.isnan(values[t]):
            held = after(values[t])
            assert result.score[t] == pytest.approx(held, abs=1e-9)
        else:
            assert not result.alarm[t]


def isotonic(values: list[float]) -> list[float]:
    """The never-falling fit by its max-min formula."""
    n = len(values)
    return [max(min(sum(values[i : j + 1]) / (j + 1 - i) for j in range(t, n)) for i in range(t + 1)) for t in range(n)]


@given(counts=COUNTS)
@settings(max_examples=40, deadline=None)
def test_outbreak_p_equals_the_ratio_of_the_two_likelihoods(counts: list[int | None]) -> None:
    values = numbers(counts)
    scores = outbreak_p(values).score
    for t in range(len(values)):
        seen = [v for v in values[: t + 1] if not math.isnan(v)]
        if math.isnan(values[t]):
            assert math.isnan(scores[t])
            continue
        level = sum(seen) / len(seen)
        log_ratio = sum(x * math.log(c / level) for x, c in zip(seen, isotonic(seen), strict=True) if x > 0)
        assert scores[t] == pytest.approx(math.exp(log_ratio), rel=1e-9)


@given(counts=st.lists(st.integers(0, 10), min_size=1, max_size=30), p0=st.floats(0.05, 0.4))
@settings(max_examples=40, deadline=None)
def test_the_binomial_sums_equal_the_plain_recursion_and_begin_again_after_an_alarm(counts: list[int], p0: float) -> None:
    p1, held, oracle = min(0.9, 2 * p0), 0.0, []
    for y in counts:
        held = max(0.0, held + y * math.log(p1 / p0) + (10 - y) * math.log((1 - p1) / (1 - p0)))
        oracle.append(held)
        held = 0.0 if held >= 3 else held
    steps = len(counts)
    sums = binomial_sums(np.array(counts, float), np.full(steps, 10.0), np.full(steps, p0), np.full(steps, p1), 3.0)
    np.testing.assert_allclose(sums, oracle, rtol=1e-12)


def test_a_week_without_samples_says_nothing() -> None:
    positives = np.r_[np.tile([1.0, 2.0, 1.0, 0.0], 26), 0.0, 9.0]
    samples = np.full(106, 100.0)
    samples[104] = 0
    result = binomial_cusum(positives, samples=samples)
    assert result.score[104] == 0
    assert result.alarm[105]
    samples[104] = np.nan
    assert np.isnan(binomial_cusum(positives, samples=samples).score[104])


def test_more_positives_than_samples_are_refused_with_their_place() -> None:
    with pytest.raises(ValueError, match=r"series 0, step 3 has 7\.0 of 5\.0"):
        binomial_cusum(np.array([1.0, 1, 1, 7]), samples=np.full(4, 5.0))


@pytest.mark.parametrize("wrong", [{"threshold": 0.0}, {"mean": 0.0}, {"transformation": "log"}])
def test_impossible_parameters_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match="CusumParams"):
        CusumParams(**wrong)
    with pytest.raises(ValueError, match="odds_ratio"):
        BinomialCusumParams(odds_ratio=1.0)
