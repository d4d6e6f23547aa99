"""Evidence of one stream: against plain sums, a fair bet under the null, causal, monotone, indifferent to gaps."""

import math
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from tests.science.detection.towns import CLINIC, DAYS, FIRST, LAST, last_week, state, town
from tongchou.science.detection.additive import additive_log_lambda, day_effect, excess_table
from tongchou.science.detection.background import Panel, expect, panel_of, without_catch_up
from tongchou.science.detection.counts import count_bands, mixture_quantile
from tongchou.science.detection.fusion import screen
from tongchou.science.detection.model import TOWNWIDE, Additive, DetectionParams, History, Multiplicative
from tongchou.science.detection.multiplicative import rate_log_lambda, weekly_blocks
from tongchou.science.detection.stream_evidence import score, score_area, score_panel

DAILY = DetectionParams()
WEEKLY = DetectionParams.weekly()
SHORT = DetectionParams(onset_ages_days=tuple(range(8)), growth_per_day=(0.15,), seed_sizes=(1.0,))
AGES = np.arange(7, -1, -1)
ONSETS = np.arange(8)


def lambdas(values: np.ndarray, expected: np.ndarray, dispersion: float, table: np.ndarray) -> np.ndarray:
    return additive_log_lambda(values, expected, np.full(values.shape, dispersion), AGES, ONSETS, table)


def test_excess_is_the_sum_over_past_infections() -> None:
    table = excess_table(CLINIC, DAILY, 1, 35)
    shape, scale = (CLINIC.delay_mean_days / CLINIC.delay_sd_days) ** 2, CLINIC.delay_sd_days**2 / CLINIC.delay_mean_days
    growth, age, total = DAILY.growth_per_day[1], 20, 0.0
    for delay in range(age + 1):
        share = stats.gamma.cdf(delay + 0.5, shape, scale=scale) - stats.gamma.cdf(max(delay - 0.5, 0), shape, scale=scale)
        infections = 1.0 if delay == age else 1.3 * growth * math.exp(growth * (age - delay))
        total += CLINIC.events_per_infection * share * infections
    assert table[1, 1, age] == pytest.approx(4 * total)


def test_a_weekly_excess_is_the_sum_of_its_seven_days() -> None:
    daily, weekly = excess_table(CLINIC, DAILY, 1, 35), excess_table(CLINIC, DAILY, 7, 35)
    np.testing.assert_allclose(weekly[:, :, 20], daily[:, :, 14:21].sum(axis=2))
    np.testing.assert_allclose(weekly[:, :, 3], daily[:, :, :4].sum(axis=2))


@pytest.mark.parametrize("dispersion", [1.0, 2.5])
def test_log_lambda_equals_the_plain_ratio(dispersion: float) -> None:
    rng = np.random.default_rng(1)
    table = excess_table(CLINIC, SHORT, 1, 7) * 20
    expected = rng.uniform(0.5, 5, (2, 8))
    values = rng.poisson(expected).astype(float)
    values[1, 3] = np.nan
    found = lambdas(values, expected, dispersion, table)
    for v in range(2):
        for a in range(8):
            total = 0.0
            for t in range(8):
                age = a - AGES[t]
                if age < 0 or math.isnan(values[v, t]):
                    continue
                mu, h = expected[v, t], table[0, 0, age]
                if dispersion == 1:
                    total += stats.poisson.logpmf(values[v, t], mu + h) - stats.poisson.logpmf(values[v, t], mu)
                else:
                    size = mu / (dispersion - 1)
                    total += stats.nbinom.logpmf(values[v, t], size, size / (size + mu + h))
                    total -= stats.nbinom.logpmf(values[v, t], size, size / (size + mu))
            assert found[v, a, 0, 0] == pytest.approx(total, abs=1e-9)


@pytest.mark.parametrize(("mean", "dispersion"), [(0.05, 1.0), (0.5, 1.2), (5.0, 2.5)])
def test_evidence_is_a_fair_bet_under_the_true_null(mean: float, dispersion: float) -> None:
    rng = np.random.default_rng(20260101)
    shape = (40_000, 8)
    y = rng.poisson(mean, shape) if dispersion == 1 else rng.negative_binomial(mean / (dispersion - 1), 1 / dispersion, shape)
    table = excess_table(CLINIC, SHORT, 1, 7)
    e_values = np.exp(lambdas(y.astype(float), np.full(shape, mean), dispersion, table)).mean(axis=(1, 2, 3))
    assert e_values.min() >= 0
    assert abs(e_values.mean() - 1) <= 4 * e_values.std() / math.sqrt(len(e_values))


def test_rate_evidence_is_a_fair_bet_when_its_variances_are_known() -> None:
    rng = np.random.default_rng(5)
    params = replace(WEEKLY, onset_ages_days=(14, 21), growth_per_day=(0.05,), growing_shares=(0.3,), extra_variance=0.0)
    ages, noise, walk = np.arange(10, -1, -1) * 7, 0.02, 0.005
    table = np.log1p(0.3 * np.expm1(0.05 * np.arange(40)))[None, None, :]
    bets = []
    for _ in range(4000):
        logs = np.cumsum(rng.normal(0, math.sqrt(walk), 11)) + rng.normal(0, math.sqrt(noise), 11)
        evidence, _levels = rate_log_lambda(logs, ages, np.array(params.onset_ages_days), table, noise, walk, params)
        bets.append(np.exp(evidence).mean())
    # The recipe rounds the variance of an eight-week mean of a random walk up or down by a few per cent.
    assert np.mean(bets) <= 1 + 4 * np.std(bets) / math.sqrt(len(bets)) + 0.02


@given(seed=st.integers(0, 9999), day=st.integers(0, 7), more=st.integers(1, 9))
@settings(max_examples=40, deadline=None)
def test_one_more_event_never_lowers_the_evidence(seed: int, day: int, more: int) -> None:
    rng = np.random.default_rng(seed)
    table = excess_table(CLINIC, SHORT, 1, 7)
    expected, values = np.full((1, 8), 2.0), rng.poisson(2.0, (1, 8)).astype(float)
    raised = values.copy()
    raised[0, day] += more
    assert np.all(lambdas(raised, expected, 1.5, table) >= lambdas(values, expected, 1.5, table) - 1e-12)


def test_a_missing_day_changes_nothing_but_its_own_factor() -> None:
    table = excess_table(CLINIC, SHORT, 1, 7)
    values, expected = np.arange(8.0)[None], np.full((1, 8), 3.0)
    gap, alone = values.copy(), np.full((1, 8), np.nan)
    gap[0, 4], alone[0, 4] = np.nan, values[0, 4]
    whole = lambdas(values, expected, 1.5, table)
    np.testing.assert_allclose(lambdas(gap, expected, 1.5, table) + lambdas(alone, expected, 1.5, table), whole, atol=1e-12)


def test_places_in_a_batch_equal_one_by_one() -> None:
    rng = np.random.default_rng(2)
    table = excess_table(CLINIC, SHORT, 1, 7)
    values, expected = rng.poisson(2.0, (5, 8)).astype(float), rng.uniform(1, 3, (5, 8))
    together = lambdas(values, expected, 1.7, table)
    for v in range(5):
        np.testing.assert_array_equal(together[v], lambdas(values[v : v + 1], expected[v : v + 1], 1.7, table)[0])


def test_day_effect_is_one_when_the_others_match_and_follows_the_others_only() -> None:
    expected = np.full((4, 3), 5.0)
    np.testing.assert_allclose(day_effect(expected, expected, np.full(3, 1.5), 0.02), 1.0)
    values = expected.copy()
    values[2, 1] = 50
    effect = day_effect(values, expected, np.full(3, 1.5), 0.02)
    assert effect[2, 1] == pytest.approx(1.0)
    assert np.all(effect[[0, 1, 3], 1] > 1.05)


def test_relabelling_the_villages_permutes_the_scores() -> None:
    panel = town(3)[:6]
    scores = score_panel(panel, LAST, DAILY)
    backwards = score_panel(panel[::-1], LAST, DAILY)
    for a, b in zip(scores, backwards[::-1], strict=True):
        assert a.place == b.place
        np.testing.assert_allclose(a.log_evidence, b.log_evidence, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("panel", [town(4)[:6], town(4)[6:]], ids=["clinic", "testing"])
def test_later_days_never_change_an_earlier_score(panel: list[History]) -> None:
    earlier = LAST - timedelta(days=30)
    cut = [replace(h, values=h.values[:-30]) for h in panel]
    for full, known in zip(score_panel(panel, earlier, DAILY), score_panel(cut, earlier, DAILY), strict=True):
        np.testing.assert_array_equal(full.log_evidence, known.log_evidence)
        assert (full.expected, full.observed_on) == (known.expected, known.observed_on)


def test_later_weeks_never_change_an_earlier_score() -> None:
    for history in state(1, rising_weeks=3):
        earlier = last_week() - timedelta(days=35)
        known = replace(history, values=history.values[:-5])
        np.testing.assert_array_equal(score(history, earlier, WEEKLY).log_evidence, score(known, earlier, WEEKLY).log_evidence)


def test_all_zero_streams_give_no_alarm_and_no_nan() -> None:
    histories = [
        History("zero", np.zeros(DAYS), FIRST, 1, "count", CLINIC, place="v0"),
        History("zero", np.zeros(DAYS), FIRST, 1, "count", Multiplicative(), place="v0"),
        History("zero", np.zeros(DAYS), FIRST, 1, "rate", Multiplicative(), place="v0"),
    ]
    for history in histories:
        found = score(history, LAST, DAILY)
        assert np.isfinite(found.log_evidence).all()
        assert not found.alarm
        assert found.observed == 0


def test_a_stream_without_any_value_says_nothing() -> None:
    for model in (CLINIC, Multiplicative()):
        for values in (np.full(DAYS, np.nan), np.empty(0)):
            found = score(History("silent", values, FIRST, 1, "count", model), LAST, DAILY)
            assert not found.log_evidence.any()
            assert (found.observed_on, math.isnan(found.expected)) == (None, True)
        before_any = score(History("later", np.ones(5), LAST + timedelta(days=3), 1, "count", model), LAST, DAILY)
        assert not before_any.log_evidence.any()


def test_a_short_history_still_answers() -> None:
    found = score(History("new", np.array([1.0, 0, 2, 1, 0]), LAST - timedelta(days=4), 1, "count", CLINIC), LAST, DAILY)
    assert np.isfinite(found.log_evidence).all()
    assert not found.alarm


def test_a_past_outbreak_does_not_blind_the_background() -> None:
    panel = town(5)[6:]
    struck = [replace(h, values=h.values + np.where((np.arange(DAYS) > 380) & (np.arange(DAYS) < 440), 12.0, 0.0)) for h in panel]
    calm, after = (expect(panel_of(p, LAST, DAYS), DAILY) for p in (panel, struck))
    assert after.expected[np.isfinite(after.expected)].mean() < 3 * calm.expected[np.isfinite(calm.expected)].mean()


def test_offsets_explain_a_jump_in_reporting_sites() -> None:
    rng = np.random.default_rng(8)
    sites = np.where(np.arange(DAYS) < DAYS - 15, 2.0, 6.0)
    values = rng.poisson(1.5 * sites).astype(float)
    plain = History("clinic", values, FIRST, 1, "count", CLINIC)
    assert score(plain, LAST, DAILY).alarm
    assert not score(replace(plain, offsets=sites), LAST, DAILY).alarm


def test_growth_is_evidence_and_lower_is_worse_where_so_stated() -> None:
    for history in state(2, rising_weeks=5):
        assert score(history, last_week(), WEEKLY).statistic > score(state(2)[0], last_week(), WEEKLY).statistic
    falling = 300 * np.exp(-np.concatenate([np.zeros(125), 0.4 * np.arange(1, 6)]))
    history = History("attendance", np.round(falling), FIRST, 7, "count", Multiplicative(), direction="lower")
    assert score(history, last_week(), WEEKLY).alarm
    assert not score(replace(history, direction="higher"), last_week(), WEEKLY).alarm


def test_daily_streams_are_cut_into_weeks_that_end_today() -> None:
    history = History("visits", np.arange(DAYS, dtype=float), FIRST, 1, "count", Multiplicative())
    blocks = weekly_blocks(history, LAST, 3)
    np.testing.assert_array_equal(blocks.values, [np.arange(DAYS - 21 + 7 * k, DAYS - 14 + 7 * k).sum() for k in range(3)])
    np.testing.assert_array_equal(blocks.ages, [14, 7, 0])


def test_bands_and_mid_p_equal_scipy() -> None:
    counts, means, sizes = np.array([0.0, 3.0, 70.0]), np.array([0.2, 2.0, 40.0]), np.array([1e9, 2.0, 8.0])
    low, high, mid_p = count_bands(counts, means, sizes, 0.95)
    for i in range(3):
        law = stats.poisson(means[i]) if i == 0 else stats.nbinom(sizes[i], sizes[i] / (sizes[i] + means[i]))
        assert (low[i], high[i]) == (law.ppf(0.025), law.ppf(0.975))
        assert mid_p[i] == pytest.approx(law.sf(counts[i]) + law.pmf(counts[i]) / 2)
    assert mixture_quantile(0.5, np.array([0.5, 0.5]), np.array([5.0, 5.0]), 1e9) == stats.poisson(5).ppf(0.5)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"values": np.array([-1.0])}, "not negative"),
        ({"values": np.array([np.inf])}, "finite"),
        ({"step_days": 3}, "step_days"),
        ({"kind": "rate"}, "additive"),
        ({"weight": 0.0}, "weight"),
        ({"offsets": np.ones(2)}, "offsets"),
        ({"place": "*"}, "None"),
    ],
)
def test_a_history_that_cannot_be_is_refused(change: dict, words: str) -> None:
    good = {"stream": "clinic", "values": np.zeros(3), "first_day": date(2024, 1, 1), "step_days": 1, "kind": "count", "model": CLINIC}
    with pytest.raises(ValueError, match=words):
        History(**{**good, **change})


def test_one_panel_is_one_stream() -> None:
    with pytest.raises(ValueError, match="one stream"):
        score_panel(town(1), LAST, DAILY)
    with pytest.raises(ValueError, match="positive"):
        Additive(0, 1, 1)


@pytest.mark.parametrize("ago", [0, 1, 5, 9])
def test_the_basis_multiplies_to_what_was_expected(ago: int) -> None:
    histories = [replace(h, values=np.where(np.arange(len(h.values)) < len(h.values) - ago, h.values, np.nan)) for h in town(11)]
    scores = [s for s in score_area(histories, LAST, DAILY) if s.place != TOWNWIDE and s.observed_on is not None]
    assert scores and all(s.basis for s in scores)
    for s in scores:
        assert math.prod(value for _, value in s.basis) == pytest.approx(s.expected)
        assert all(value > 0 for _, value in s.basis)


@pytest.mark.parametrize(
    ("told", "dropped"),
    [
        ([1] * 30 + [None] * 7 + [50, 1], [37]),
        ([1] * 30 + [None] * 6 + [50, 1], []),
        ([1] * 30 + [None] * 56 + [3, 2], [86]),
        (([1] + [None] * 9) * 8, []),  # whoever reports every ten days is not silent for nine
        ([1, None] * 15 + [None] * 8 + [9], [38]),
    ],
)
def test_the_first_report_after_an_unusual_silence_is_not_judged(told: list[float | None], dropped: list[int]) -> None:
    values = np.array([[np.nan if v is None else v for v in told]], dtype=float)
    panel = Panel(values, np.ones(values.shape), np.ones(1), FIRST, 1)
    kept = without_catch_up(panel, DAILY).values
    assert np.flatnonzero(np.isfinite(values[0]) & np.isnan(kept[0])).tolist() == dropped
    np.testing.assert_array_equal(kept[np.isfinite(kept)], values[np.isfinite(kept)])


def test_three_weeks_told_on_one_day_are_no_outbreak_but_the_days_after_count() -> None:
    histories = town(21)
    caught_up = [
        replace(h, values=np.concatenate([h.values[:-23], np.full(21, np.nan), [np.nansum(h.values[-23:-1])], h.values[-1:]]))
        if h.place == "v3"
        else h
        for h in histories
    ]
    plain, told = (screen(hs, LAST, DAILY).assessment for hs in (histories, caught_up))
    assert not told.alarm and told.statistic < plain.statistic + 1
    rises = [replace(h, values=np.append(h.values[:-1], 30.0)) if h.place == "v3" else h for h in caught_up]
    assert screen(rises, LAST, DAILY).assessment.statistic > told.statistic + 5
