"""Outbreaks are laid in where they belong, first alarms and ranks are read off rightly, and comparisons are paired."""

import numpy as np
import pytest

from tongchou.science.evaluation.fusion.budgets import stream_of
from tongchou.science.evaluation.fusion.comparisons import days_between, fewer_infected, lower_median, row_of, stacked
from tongchou.science.evaluation.fusion.contenders import CONTENDERS, FUSED
from tongchou.science.evaluation.fusion.epidemics import EpidemicParams, epidemic, expected_events
from tongchou.science.evaluation.fusion.evidence import Windowed
from tongchou.science.evaluation.fusion.outbreaks import METHODS, OutbreakParams, first_alarm, judge_outbreaks, laid_in
from tongchou.science.evaluation.fusion.towns import town_of
from tongchou.science.evaluation.fusion.worlds import quiet_town

PARAMS = OutbreakParams(reproductions=(4.0,), horizons=(35,), qualities=(1.0, 2.0), past=399)
THRESHOLDS = {
    b: {m: (c.lowest, c.lowest + (c.highest - c.lowest) * 0.45, 1e9) for m, c in CONTENDERS.items()} for b in ("estimated", "true")
}
OFFSETS = {b: np.array([4.6, 5.6, 3.1, 6.0, 3.3]) for b in ("estimated", "true")}


@pytest.fixture(scope="module")
def outcomes():
    return stacked([judge_outbreaks(1, n, THRESHOLDS, OFFSETS, PARAMS) for n in range(2)])


def test_events_begin_with_the_seeding_and_leave_missing_reports_missing() -> None:
    town = town_of(np.random.default_rng(1))
    seen = quiet_town(np.random.default_rng(2), town, "as modelled", 500, 399)
    one = epidemic(np.random.default_rng(3), town, EpidemicParams(4.0))
    with_events = laid_in(seen, one, town, PARAMS, 35, 1.0, np.random.default_rng(4))
    seeding = PARAMS.seeding
    assert with_events.counts.shape[2] == seeding + 36
    np.testing.assert_array_equal(with_events.counts[:, :, :seeding], seen.counts[:, :, :seeding])
    np.testing.assert_array_equal(np.isnan(with_events.counts), np.isnan(seen.counts[:, :, : seeding + 36]))
    extra = np.nan_to_num(with_events.counts - seen.counts[:, :, : seeding + 36])[:, :, seeding:]
    expected = np.where(np.isnan(seen.counts[:, :, seeding : seeding + 36]), 0.0, expected_events(one, town, seeding, 36))
    for k in range(5):
        assert abs(extra[k].sum() - expected[k].sum()) < 5 * np.sqrt(expected[k].sum())


def test_chance_alarms_before_the_seeding_restart_and_do_not_count() -> None:
    reach = np.zeros((10, 10))
    reach[3], reach[7, 3:] = 5.0, 5.0  # day 7 passes only with onsets on or before day 4, which day 3's alarm leaves open
    rule = Windowed(reach, lambda day, restarted: np.array([1.0, 3.0, 2.0, 2.0]) if (day, restarted) == (7, 3) else np.zeros(4))
    assert first_alarm(rule, 4.0, 4, 0) == (3.0, 4.0)
    assert first_alarm(rule, 4.0, 4, 1) == (3.0, 1.0)
    assert first_alarm(rule, 4.0, 4, 2) == (3.0, 2.5)  # two villages share the second rank
    assert np.isnan(first_alarm(rule, 4.0, 8, 1)).all()


def test_outcomes_have_every_cell_and_agree_with_one_another(outcomes) -> None:
    assert outcomes.delay.shape == (2, 1, 2, len(METHODS), 3, 2)
    assert np.isnan(outcomes.delay[..., 2, :]).all()  # nothing reaches a threshold of 1e9
    assert np.isnan(outcomes.infected[1, 0, 1]).all() and not np.isnan(outcomes.infected[0]).any()  # the truth was tried at quality 1 only
    tried = outcomes.infected[0]
    assert (tried[:, :, :, 0] <= tried[:, :, :, 1]).all() and (tried[:, :, :, 1] <= tried[:, :, :, 2]).all()
    late = outcomes.delay[0, 0, :, METHODS.index(FUSED), 1]
    assert (late > 3).all() and (late <= 35).all()
    one = epidemic(stream_of("epidemic", 1, 0, 0), town_of(stream_of("outbreak town", 1, 0)), EpidemicParams(4.0))
    assert tried[0, 0, METHODS.index(FUSED), 1, 0] == one.infected_by[int(late[0, 0])]
    assert outcomes.infected[0, 0, 0, 0, 2, 0] == one.infected_by[35]


def test_the_same_outbreak_gives_the_same_outcome(outcomes) -> None:
    again = judge_outbreaks(1, 1, THRESHOLDS, OFFSETS, PARAMS)
    np.testing.assert_array_equal(again.delay, outcomes.delay[..., 1])
    np.testing.assert_array_equal(again.rank, outcomes.rank[..., 1])


def test_medians_count_what_was_not_found() -> None:
    assert lower_median(np.array([3.0, np.inf, 1.0, np.inf])) == 3.0
    row = row_of(np.array([3.0, np.nan, np.nan]), np.array([10.0, 50, 90]), np.array([1.0, np.nan, np.nan]))
    assert row.days[0] == np.inf and row.infected[0] == 50 and row.found == pytest.approx(1 / 3)
    assert row.top_1[0] == row.top_3[0] == 1.0
    assert np.isnan(row_of(np.full(2, np.nan), np.ones(2), np.full(2, np.nan)).top_3[0])


def test_differences_are_of_the_same_outbreak() -> None:
    rng = np.random.default_rng(5)
    hard = rng.uniform(10, 40, 300)
    gap = days_between(hard - 2 + rng.normal(0, 0.5, 300), hard, 50)
    assert gap[0] == pytest.approx(-2, abs=0.1) and gap[2] - gap[1] < 0.3  # far narrower than the spread between outbreaks
    assert days_between(np.array([np.nan]), np.array([20.0]), 50)[0] == 30
    fewer = fewer_infected(hard * 0.75, hard)
    assert fewer == pytest.approx((0.25, 0.25, 0.25))
