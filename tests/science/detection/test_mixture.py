"""The two-week mixture ratio against a plain oracle, and what must hold whatever the counts."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tongchou.science.detection.mixture import MixtureParams, decide, evidence_of, mixture_ratio
from tongchou.science.detection.seasonal import Baseline, SeasonalParams, seasonal_baseline

PARAMS = MixtureParams()


def known(mean: np.ndarray, phi: float | np.ndarray = 1.5, error: float = 0.0) -> Baseline:
    """A baseline that is given, not fitted."""
    mean = np.atleast_2d(np.asarray(mean, dtype=float))
    return Baseline(
        np.arange(mean.shape[1]),
        mean,
        np.full(mean.shape, error),
        np.broadcast_to(phi, mean.shape).astype(float),
        np.zeros(mean.shape, int),
    )


def log_pmf(y: float, mean: float, variance: float) -> float:
    if variance <= mean * 1.0001:
        return float(stats.poisson(mean).logpmf(y))
    size = mean**2 / (variance - mean)
    return float(stats.nbinom(size, size / (size + mean)).logpmf(y))


def ratio(y: float, mean: float, variance: float, added: float) -> float:
    return 0.0 if math.isnan(y) else log_pmf(y, mean + added, variance + added) - log_pmf(y, mean, variance)


def oracle(y: np.ndarray, base: Baseline, p: MixtureParams) -> tuple[list[float], list[bool]]:
    """One series, one step after another, with the formulas of the docstring."""
    scores, alarms, is_on = [], [], False
    for t in range(len(y)):
        mean, variance = base.expected[0, t], base.variance[0, t]
        if math.isnan(mean):
            scores.append(math.nan), alarms.append(False)
            is_on = False
            continue
        now = np.mean([math.exp(ratio(y[t], mean, variance, k * math.sqrt(variance) * p.first_share)) for k in p.sizes])
        if is_on:
            score = math.log(now) + p.continuing_log
        else:
            total = p.weight_now * now
            if t and not math.isnan(base.expected[0, t - 1]):
                m, v = base.expected[0, t - 1], base.variance[0, t - 1]
                total += (1 - p.weight_now) * np.mean(
                    [
                        math.exp(
                            ratio(y[t - 1], m, v, k * math.sqrt(v) * p.first_share)
                            + ratio(y[t], mean, variance, k * math.sqrt(variance) * p.second_share)
                        )
                        for k in p.sizes
                    ]
                )
            score = math.log(total)
        is_on = not math.isnan(y[t]) and score >= p.threshold_log
        scores.append(score), alarms.append(is_on)
    return scores, alarms


rows = st.lists(st.one_of(st.integers(0, 40).map(float), st.just(math.nan)), min_size=2, max_size=8)


@given(counts=rows, mean=st.sampled_from([0.05, 1.0, 8.0]), phi=st.sampled_from([1.0, 1.5, 6.0]), share=st.sampled_from([0.5, 0.8]))
@settings(max_examples=80, deadline=None)
def test_equals_the_plain_oracle(counts: list[float], mean: float, phi: float, share: float) -> None:
    y, params = np.array(counts), replace(PARAMS, first_share=share)
    mu = mean * np.linspace(0.8, 1.3, len(y))
    if len(y) > 4:
        mu[2] = np.nan
    base = known(mu, phi, error=0.1)
    found = mixture_ratio(y, base, params)
    scores, alarms = oracle(y, base, params)
    np.testing.assert_allclose(found.score[0], scores, rtol=1e-6, atol=1e-6)
    assert found.alarm[0].tolist() == alarms


@given(counts=rows, phi=st.sampled_from([1.0, 2.5]))
@settings(max_examples=40, deadline=None)
def test_the_bound_is_the_largest_count_that_does_not_alarm(counts: list[float], phi: float) -> None:
    base = known(np.full(len(counts), 3.0), phi)
    upper = mixture_ratio(np.array(counts), base).upper[0]
    last = len(counts) - 1
    for value, is_alarm in ((upper[last], False), (upper[last] + 1, True)):
        changed = np.array([*counts[:-1], value])
        assert bool(mixture_ratio(changed, base).alarm[0, last]) is is_alarm


@given(counts=rows, step=st.integers(0, 7), more=st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_evidence_does_not_fall_when_a_count_rises(counts: list[float], step: int, more: int) -> None:
    y = np.array(counts)
    step %= len(y)
    raised = y.copy()
    raised[step] += more
    base = known(np.full(len(y), 4.0))
    low, high = evidence_of(y, base), evidence_of(raised, base)
    assert (high.now >= low.now - 1e-9).all()
    assert (high.before[:, 1:] >= low.before[:, 1:] - 1e-9).all()
    # With the restart it holds up to the step itself: an alarm there ends the memory of the next one.
    assert mixture_ratio(raised, base).score[0, step] >= mixture_ratio(y, base).score[0, step] - 1e-9


def test_a_missing_count_is_a_factor_of_one() -> None:
    base = known(np.full(4, 4.0))
    y = np.array([3.0, math.nan, 9.0, 4.0])
    found = evidence_of(y, base)
    assert found.now[0, 1] == pytest.approx(0)
    assert found.before[0, 1] == pytest.approx(found.now[0, 0])
    alone = [np.log(np.mean([math.exp(ratio(9.0, 4.0, 6.0, k * math.sqrt(6) * 0.5)) for k in PARAMS.sizes]))]
    assert found.before[0, 2] == pytest.approx(alone[0])
    assert not mixture_ratio(np.array([60.0, math.nan, 60.0]), known(np.full(3, 4.0))).alarm[0, 1]


def test_without_a_baseline_there_is_no_score_no_bound_and_no_alarm() -> None:
    found = mixture_ratio(np.array([5.0, 500.0, 5.0]), known([4.0, np.nan, 4.0]))
    assert np.isnan([found.score[0, 1], found.upper[0, 1]]).all()
    assert not found.alarm[0, 1]
    assert found.score[0, 2] == mixture_ratio(np.array([5.0]), known([4.0])).score[0, 0]  # nothing is remembered across the gap


def test_the_memory_ends_at_an_alarm_and_the_line_lies_lower_while_it_is_on() -> None:
    base = known(np.full(3, 4.0))
    found = mixture_ratio(np.array([4.0, 20.0, 11.0]), base)
    assert found.alarm[0].tolist() == [False, True, True]
    assert found.score[0, 2] == pytest.approx(evidence_of(np.array([11.0]), known([4.0])).now[0, 0] + PARAMS.continuing_log)
    assert not mixture_ratio(np.array([11.0]), known([4.0])).alarm[0, 0]


def test_deciding_again_with_another_line_equals_weighing_again() -> None:
    rng = np.random.default_rng(1)
    y = rng.poisson(5, (50, 60)).astype(float)
    base = known(np.full(y.shape, 4.0))
    held = evidence_of(y, base)
    for line in (0.5, 1.5, 4.0):
        params = replace(PARAMS, threshold_log=line)
        score, alarm = decide(held, params)
        whole = mixture_ratio(y, base, params)
        np.testing.assert_array_equal(alarm, whole.alarm)
        np.testing.assert_array_equal(score, whole.score)


def test_the_restarting_rule_keeps_its_interval_under_the_true_baseline() -> None:
    """Without a line that falls, a threshold of log c alarms at most once in c steps: 200,000 steps, 99.99 % binomial interval."""
    rng = np.random.default_rng(2)
    y = rng.negative_binomial(6.0 / 0.5, 1 / 1.5, (200, 1000)).astype(float)
    params = replace(PARAMS, continuing_log=0.0, threshold_log=math.log(50))
    alarms = mixture_ratio(y, known(np.full(y.shape, 6.0)), params).alarm.sum()
    assert 0 < alarms <= stats.binom.ppf(0.9999, y.size, 1 / 50)


def test_batch_equals_one_by_one_and_relabelling_permutes() -> None:
    rng = np.random.default_rng(3)
    batch = rng.poisson([[0.2], [3.0], [200.0]], (3, 300)).astype(float)
    batch[1, 290] = np.nan
    steps = list(range(270, 300))
    base = seasonal_baseline(batch, steps)
    together = mixture_ratio(batch, base)
    for row, counts in enumerate(batch):
        alone = mixture_ratio(counts, seasonal_baseline(counts, steps))
        np.testing.assert_array_equal(together.score[row], alone.score[0])
        np.testing.assert_array_equal(together.upper[row], alone.upper[0])
    turned = mixture_ratio(batch[::-1], seasonal_baseline(batch[::-1], steps))
    np.testing.assert_array_equal(turned.score, together.score[::-1])


def test_later_counts_do_not_change_earlier_scores() -> None:
    y = np.random.default_rng(4).poisson(4, 300).astype(float)
    later = y.copy()
    later[290:] += 50
    steps = list(range(280, 300))
    first, second = (mixture_ratio(c, seasonal_baseline(c, steps)).score[0, :10] for c in (y, later))
    np.testing.assert_array_equal(first, second)


def test_all_zero_series_give_no_alarm_and_no_nan() -> None:
    y = np.zeros((2, 300))
    found = mixture_ratio(y, seasonal_baseline(y, list(range(250, 300))))
    assert not found.alarm.any()
    assert np.isfinite(found.score).all() and np.isfinite(found.upper).all()


def test_huge_counts_stay_finite() -> None:
    y = np.full(300, 1e6)
    y[299] = 9e6
    found = mixture_ratio(y, seasonal_baseline(y, [298, 299]))
    assert np.isfinite(found.score).all()
    assert found.alarm[0].tolist() == [False, True]


def test_a_higher_line_never_alarms_earlier() -> None:
    y = np.random.default_rng(5).poisson(5, (300, 40)).astype(float)
    held = evidence_of(y, known(np.full(y.shape, 4.0)))
    firsts = []
    for line in (1.0, 1.0 + math.log(2), 3.0):
        alarm = decide(held, replace(PARAMS, threshold_log=line))[1]
        firsts.append(np.where(alarm.any(axis=1), alarm.argmax(axis=1), 99))
    assert (firsts[0] <= firsts[1]).all() and (firsts[1] <= firsts[2]).all()


def test_the_published_line_gives_about_one_false_alarm_in_a_hundred_weeks() -> None:
    """On estimated baselines of one busy stream (mean 12, dispersion 1.5); over the 42 scenarios the rate runs from .3 to 2.6 %."""
    rng = np.random.default_rng(6)
    y = rng.negative_binomial(12 / 0.5, 1 / 1.5, (120, 400)).astype(float)
    alarm = mixture_ratio(y, seasonal_baseline(y, list(range(350, 400)), SeasonalParams(year_steps=52))).alarm
    assert 0.003 < alarm.mean() < 0.02


def test_counts_of_other_series_are_refused() -> None:
    with pytest.raises(ValueError, match="2 series of counts, 1 of the baseline"):
        mixture_ratio(np.ones((2, 3)), known(np.full(3, 4.0)))


@pytest.mark.parametrize(
    ("changes", "words"),
    [({"sizes": ()}, "sizes"), ({"sizes": (0.0,)}, "sizes"), ({"second_share": 0.0}, "shares"), ({"weight_now": 1.0}, "weight_now"),
     ({"continuing_log": -1.0}, "continuing_log")],
)  # fmt: skip
def test_parameters_out_of_range_are_refused(changes: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(PARAMS, **changes)
