"""Learning from verdicts: the prior when there are none, any order, bounds, conjugacy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from tongchou.science.evidence.verdicts import DECISIONS, LearningParams, Verdict, onset_rate, ppv_of, stream_weights

STREAMS = ("pcr", "clinic", "calls")
STATED = {"pcr": 1.0, "clinic": 0.5, "calls": 0.25}


@st.composite
def histories(draw: st.DrawFn) -> list[Verdict]:
    """Up to 25 verdicts of two grades and two targets, with shares of three streams."""
    given_ = []
    for i in range(draw(st.integers(0, 25))):
        parts = draw(st.lists(st.integers(0, 7), min_size=3, max_size=3))
        shares = {s: p / max(sum(parts), 1) for s, p in zip(STREAMS, parts, strict=True)}
        grade, target = draw(st.sampled_from(("blue", "red"))), draw(st.sampled_from(("influenza", "covid")))
        outbreak = draw(st.sampled_from((None, "o1", "o2")))
        given_.append(Verdict(f"a{i}", grade, target, draw(st.sampled_from(DECISIONS)), shares, outbreak))
    return given_


def learnt(verdicts: list[Verdict]) -> tuple[object, ...]:
    return (
        ppv_of(verdicts, "blue", "influenza"),
        onset_rate(verdicts, "influenza", prior_per_year=0.4, watched_years=3),
        stream_weights(verdicts, STATED),
    )


@given(verdicts=histories(), seed=st.integers(0, 999))
@settings(max_examples=60, deadline=None)
def test_the_order_of_verdicts_does_not_matter_to_the_last_digit(verdicts: list[Verdict], seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(verdicts))
    assert learnt([verdicts[i] for i in order]) == learnt(verdicts)


def test_without_verdicts_everything_is_as_stated() -> None:
    ppv = ppv_of([], "red", "influenza")
    assert (ppv.mean, ppv.alpha, ppv.beta) == (0.5, 1.0, 1.0)
    assert (ppv.low, ppv.high) == pytest.approx((0.025, 0.975))
    assert onset_rate([], "influenza", prior_per_year=0.4, watched_years=0).per_year == 0.4
    assert stream_weights([], STATED) == STATED


@given(verdicts=histories())
@settings(max_examples=60, deadline=None)
def test_everything_stays_inside_its_bounds(verdicts: list[Verdict]) -> None:
    ppv, rate, weights = learnt(verdicts)
    assert 0 < ppv.low < ppv.mean < ppv.high < 1
    assert 0.02 <= rate.low <= rate.per_year <= rate.high <= 12
    assert all(0.1 <= w <= 1 for w in weights.values())


@given(verdicts=histories())
@settings(max_examples=40, deadline=None)
def test_unclear_verdicts_teach_nothing(verdicts: list[Verdict]) -> None:
    assert learnt([v for v in verdicts if v.decision != "unclear"]) == learnt(verdicts)


@given(verdicts=histories())
@settings(max_examples=40, deadline=None)
def test_one_more_true_alarm_raises_and_one_more_false_lowers_the_share(verdicts: list[Verdict]) -> None:
    before = ppv_of(verdicts, "blue", "influenza").mean
    more = {d: ppv_of([*verdicts, Verdict("new", "blue", "influenza", d)], "blue", "influenza").mean for d in DECISIONS}
    assert more["false"] < before < more["true"]
    assert more["unclear"] == before


def test_the_share_is_the_conjugate_one_and_says_its_prior() -> None:
    own = [Verdict(f"a{i}", "blue", "influenza", "true" if i < 3 else "false") for i in range(10)]
    alone = ppv_of(own, "blue", "influenza")
    assert (alone.alpha, alone.beta, alone.right, alone.wrong) == (4.0, 8.0, 3, 7)
    other = [Verdict(f"b{i}", "red", "influenza", "true") for i in range(8)]
    helped = ppv_of(own + other, "blue", "influenza")
    assert (helped.prior_alpha, helped.prior_beta) == (3.0, 1.0)
    many = [Verdict(f"b{i}", "red", "influenza", "true") for i in range(400)]
    assert ppv_of(own + many, "blue", "influenza").prior_alpha == pytest.approx(5.0)


def test_the_interval_covers_the_truth_as_often_as_it_says() -> None:
    """1,000 towns whose PPV is drawn from the prior, 12 verdicts each: exact coverage 95 % on average over the prior."""
    rng, covered = np.random.default_rng(4), 0
    for _ in range(1000):
        truth = rng.uniform()
        found = ppv_of([Verdict(f"a{i}", "blue", "x", "true" if rng.random() < truth else "false") for i in range(12)], "blue", "x")
        covered += found.low <= truth <= found.high
    low, high = binom.ppf([1e-4, 1 - 1e-4], 1000, 0.95)
    assert low <= covered <= high


def test_onsets_are_counted_once_each_and_what_was_missed_counts() -> None:
    alarms = [Verdict(f"a{i}", "blue", "influenza", "true", outbreak="winter") for i in range(5)] + [Verdict("b", "red", "covid", "true")]
    found = onset_rate(alarms, "influenza", prior_per_year=0.5, watched_years=3, missed=2)
    assert (found.shape, found.years, found.per_year) == (4.0, 5.0, 0.8)
    assert found.low < 0.8 < found.high
    assert onset_rate(alarms, "influenza", prior_per_year=0.5, watched_years=1e6).per_year == 0.02


def test_a_stream_that_carries_false_alarms_loses_weight_and_at_most_to_the_bound() -> None:
    def history(n: int) -> list[Verdict]:
        right = [Verdict(f"t{i}", "blue", "x", "true", {"pcr": 0.9, "calls": 0.1}) for i in range(n)]
        return right + [Verdict(f"f{i}", "blue", "x", "false", {"pcr": 0.1, "calls": 0.9}) for i in range(n)]

    weights = [stream_weights(history(n), {"pcr": 0.6, "calls": 0.6}) for n in (0, 1, 3, 10, 1000)]
    assert [w["calls"] for w in weights] == sorted((w["calls"] for w in weights), reverse=True)
    assert [w["pcr"] for w in weights] == sorted(w["pcr"] for w in weights)
    assert weights[-1] == {"pcr": 1.0, "calls": 0.1}


@given(n=st.integers(0, 20), m=st.integers(0, 20))
@settings(deadline=None)
def test_equal_parts_in_true_and_false_alarms_change_nothing(n: int, m: int) -> None:
    shares = {"pcr": 0.5, "clinic": 0.3, "calls": 0.2}
    verdicts = [Verdict(f"a{i}", "blue", "x", "true" if i < n else "false", shares) for i in range(n + m)]
    assert stream_weights(verdicts, STATED) == pytest.approx(STATED)
    # Nor do false alarms alone: with nothing true there is nothing to tell good streams by.
    assert stream_weights([v for v in verdicts if v.decision == "false"], STATED) == STATED


def test_a_power_of_an_e_value_is_an_e_value() -> None:
    """Why no weight can break the promise: the mean of a likelihood ratio to any weight in [0, 1] is at most 1."""
    rng = np.random.default_rng(2)
    y = rng.poisson(3.0, 200_000)
    log_ratio = y * np.log(4.5 / 3.0) - 1.5
    for weight in (0.1, 0.5, 0.9):
        powers = np.exp(weight * log_ratio)
        assert powers.mean() <= 1 + 4 * powers.std() / np.sqrt(len(y))
        assert powers.mean() > 0.5


def test_bad_input_is_refused() -> None:
    with pytest.raises(ValueError, match="alarm a has two"):
        ppv_of([Verdict("a", "blue", "x", "true"), Verdict("a", "blue", "x", "false")], "blue", "x")
    with pytest.raises(ValueError, match="sum to at most 1"):
        Verdict("a", "blue", "x", "true", {"pcr": 0.7, "calls": 0.7})
    with pytest.raises(ValueError, match="grade one of"):
        Verdict("a", "green", "x", "true")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="stated weights lie"):
        stream_weights([], {"pcr": 2.0})
    with pytest.raises(ValueError, match="positive prior_per_year"):
        onset_rate([], "x", prior_per_year=0, watched_years=1)
    with pytest.raises(ValueError, match="bounds in order"):
        LearningParams(least_weight=0.9, most_weight=0.5)
    with pytest.raises(ValueError, match="positive"):
        LearningParams(prior_right=0)
