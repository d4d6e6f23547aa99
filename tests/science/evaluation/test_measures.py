"""Measures against plain counting, their standard errors against a bootstrap, thresholds against the rate they promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tongchou.science.detection.mixture import MixtureParams, evidence_of
from tongchou.science.detection.seasonal import Baseline
from tongchou.science.evaluation.matching import Restarting, Scored, threshold_for, without_ties
from tongchou.science.evaluation.measures import highest_fpr, influences, ratios, standard_error, tally


def drawn(seed: int, series: int = 6, sizes: int = 2, weeks: int = 12):
    rng = np.random.default_rng(seed)
    added = rng.poisson(0.4, (series, sizes, weeks)).astype(float)
    added[..., 5] += added.sum(axis=-1) == 0
    return rng.random((series, weeks)) < 0.2, rng.random(added.shape) < 0.3, added, np.arange(series) % 2


@given(seed=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_measures_equal_plain_counting(seed: int) -> None:
    quiet, alarmed, added, stratum = drawn(seed)
    found = first = hits = length = alarms = waited = outside = silent = 0
    for series in range(added.shape[0]):
        for size in range(added.shape[1]):
            weeks = [w for w in range(added.shape[2]) if added[series, size, w] > 0]
            inside = range(weeks[0], weeks[-1] + 1)
            ringing = [w for w in inside if alarmed[series, size, w]]
            found += bool(ringing)
            first += bool(alarmed[series, size, weeks[0]])
            hits += len(ringing)
            length += len(inside)
            alarms += int(alarmed[series, size].sum())
            waited += ringing[0] - weeks[0] if ringing else len(inside)
            outside += added.shape[2] - len(inside)
            silent += sum(not alarmed[series, size, w] for w in range(added.shape[2]) if w not in inside)
    n = added.shape[0] * added.shape[1]
    wanted = {
        "fpr": quiet.mean(), "pod": found / n, "pod_week_1": first / n, "sensitivity": hits / length,
        "ppv": hits / alarms if alarms else np.nan, "specificity": silent / outside if outside else np.nan, "weeks_to_alarm": waited / n,
    }  # fmt: skip
    assert ratios(tally(quiet, alarmed, added, stratum)) == pytest.approx(wanted, nan_ok=True)


def test_the_highest_rate_is_that_of_one_stratum() -> None:
    quiet = np.array([[1, 0, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0], [1, 0, 0, 0]], dtype=bool)
    counted = tally(quiet, np.zeros((4, 1, 4), bool), np.ones((4, 1, 4)), np.array([0, 0, 1, 1]))
    assert highest_fpr(counted) == 3 / 8


def test_standard_errors_equal_those_of_a_bootstrap_that_sets_the_threshold_anew() -> None:
    rng = np.random.default_rng(1)
    series, weeks = 300, 40
    lift = rng.gamma(2.0, 0.3, series)  # series differ, so weeks of one are dependent
    quiet = rng.normal(lift[:, None], 1, (series, weeks))
    added = np.zeros((series, 1, weeks))
    added[:, :, 10:12] = 1
    alarmed = rng.normal(lift[:, None, None] + 1.5 * added, 1)
    stratum = np.arange(series) % 3

    def counted(rows: np.ndarray, threshold: float):
        return tally(quiet[rows] >= threshold, alarmed[rows] >= threshold, added[rows], stratum[rows])

    everything = np.arange(series)
    at = {rate: counted(everything, threshold_for(Scored(quiet), rate)) for rate in (0.04, 0.05, 0.0625)}
    low, high = ratios(at[0.04]), ratios(at[0.0625])
    slopes = {name: (high[name] - low[name]) / (high["fpr"] - low["fpr"]) for name in low if name != "fpr"}
    moved = influences(at[0.05], slopes)
    resampled = []
    for _ in range(600):
        rows = np.concatenate([rng.choice(everything[stratum == k], (stratum == k).sum()) for k in range(3)])
        resampled.append(ratios(counted(rows, threshold_for(Scored(quiet[rows]), 0.05))))
    for name in ("pod", "pod_week_1", "sensitivity", "ppv", "weeks_to_alarm"):
        wanted = np.std([r[name] for r in resampled])
        assert standard_error(moved[name], stratum) == pytest.approx(wanted, rel=0.2), name


def test_one_series_a_stratum_still_has_an_error() -> None:
    assert standard_error(np.array([0.1, -0.1, 0.3]), np.array([0, 1, 2])) > 0


@given(seed=st.integers(0, 10_000), levels=st.sampled_from([2, 5, 1000]), rate=st.sampled_from([0.01, 0.05, 0.3]))
@settings(max_examples=40, deadline=None)
def test_a_matched_threshold_gives_the_rate_even_to_a_coarse_score(seed: int, levels: int, rate: float) -> None:
    rng = np.random.default_rng(seed)
    quiet, alarmed = rng.integers(0, levels, (20, 50)).astype(float), rng.integers(0, levels, (40, 50)).astype(float)
    one, other = without_ties(quiet, alarmed, rng)
    order = np.argsort(np.r_[one.ravel(), other.ravel()], kind="stable")
    assert (np.diff(np.r_[quiet.ravel(), alarmed.ravel()][order]) >= 0).all()  # only ties are parted
    share = Scored(one).alarms(threshold_for(Scored(one), rate)).mean()
    assert rate - 1 / 1000 < share <= rate


def test_what_has_no_score_never_alarms() -> None:
    score = np.full((4, 25), np.nan)
    score[0, :3] = [1, np.inf, 2]
    one, _ = without_ties(score, score[:1], np.random.default_rng(1))
    alarms = Scored(one).alarms(threshold_for(Scored(one), 0.5))
    assert alarms.sum() == 3  # all that can alarm: the rate is not reached, and nothing is invented
    assert not Scored(np.full((2, 5), np.nan)).alarms(threshold_for(Scored(np.full((2, 5), np.nan)), 0.5)).any()


def test_the_threshold_may_be_set_on_some_weeks_only() -> None:
    score = np.arange(100.0).reshape(4, 25)
    among = np.zeros((4, 25), bool)
    among[0] = True
    assert Scored(score).alarms(threshold_for(Scored(score), 0.2, among))[0].sum() == 5


def test_a_rule_with_a_restart_is_matched_by_its_own_line() -> None:
    y = np.random.default_rng(2).poisson(4, (200, 50)).astype(float)
    ones = np.ones(y.shape)
    base = Baseline(np.arange(50), 4 * ones, 0 * ones, ones, np.zeros(y.shape, int))
    rule = Restarting(evidence_of(y, base), MixtureParams(), 1)
    for rate in (0.005, 0.02, 0.05):
        alarms = rule.alarms(threshold_for(rule, rate))
        assert alarms.shape == (200, 49)
        assert rate * 0.7 < alarms.mean() <= rate


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_a_rate_that_is_none_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match=r"rate in \(0, 1\)"):
        threshold_for(Scored(np.ones((1, 2))), rate)
