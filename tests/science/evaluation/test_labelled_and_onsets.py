"""Labelled series and season onsets against small cases worked out by hand."""

import numpy as np
import pytest

from tongchou.science.detection.mixture import Evidence
from tongchou.science.evaluation.families import FAMILIES
from tongchou.science.evaluation.labelled import FIRST_JUDGED, Labelled, judge_labelled, labelled_ground, measure_labelled
from tongchou.science.evaluation.measures import ratios
from tongchou.science.evaluation.onsets import Delays, Onset, as_known, delays, judge_onsets, onset_ground, paired


def two_series() -> list[Labelled]:
    """110 and 112 weeks: 6 and 8 are judged; runs of labels of 2 weeks, and of 1 and 3."""
    short, long = np.zeros(110, bool), np.zeros(112, bool)
    short[106:108] = True
    long[105], long[109:112] = True, True
    long[50] = True  # before the judged weeks
    rng = np.random.default_rng(1)
    return [Labelled("a", rng.poisson(5, 110).astype(float), short), Labelled("b", rng.poisson(5, 112).astype(float), long)]


def test_labelled_weeks_are_counted_by_run_and_left_out_of_the_false_positives() -> None:
    ground = labelled_ground(two_series())
    alarms = np.zeros((2, 8), bool)
    alarms[0, [2, 5]] = True  # weeks 104 and 107: false, and the second week of the run
    alarms[1, [1, 2]] = True  # weeks 105 and 106: the run of one week, and false
    values = ratios(ground.tally(alarms))
    assert values == pytest.approx(
        {"fpr": 2 / 8, "pod": 2 / 3, "pod_week_1": 1 / 3, "sensitivity": 2 / 6, "ppv": 2 / 4, "specificity": 6 / 8, "weeks_to_alarm": 4 / 3}
    )


def test_series_of_different_length_are_judged_as_if_alone() -> None:
    series = two_series()
    for family in FAMILIES.values():
        together = judge_labelled(series, family)
        for row, one in enumerate(series):
            for name, verdict in family(one.counts[None], np.arange(FIRST_JUDGED, len(one.counts))).items():
                width = verdict.score.shape[1]
                np.testing.assert_array_equal(together[name].score[row, -width:], verdict.score[0])
                assert np.isnan(together[name].score[row, :-width]).all()
                assert not together[name].nominal[row, :-width].any()


def test_the_rate_is_that_of_unlabelled_weeks_together() -> None:
    rng = np.random.default_rng(2)
    series = [Labelled(str(k), rng.poisson(5, 304).astype(float), np.arange(304) >= 300) for k in range(5)]
    ground = labelled_ground(series)
    for name, verdict in judge_labelled(series, FAMILIES["seasonal"]).items():
        published, matched = measure_labelled(name, verdict, ground, (0.02,))
        assert published.rate is None
        assert 0.01 < matched.values["fpr"] <= 0.02, name
        assert isinstance(verdict.evidence, Evidence | None)


def test_an_onset_is_two_high_weeks_after_calm() -> None:
    rate = np.zeros((1, 80))
    rate[0, 20] = 5  # one week alone
    rate[0, 30:36] = 5
    rate[0, 38:40] = 5  # three weeks below do not end the wave
    rate[0, 60:65] = 5
    ground = onset_ground(rate, [2022] * 50 + [2023] * 30, 10)
    assert [(o.week, o.season) for o in ground.onsets] == [(30, 2022), (60, 2023)]
    # Fridays from 21 days before to 28 days after the Monday of the onset's week: judged weeks -4 to +2.
    assert (np.flatnonzero(ground.window[0] == 0) + 10).tolist() == list(range(26, 33))
    assert (np.flatnonzero(~ground.is_quiet[0]) + 10).tolist() == [*range(26, 40), *range(56, 65)]


def test_delays_are_counted_from_the_monday_of_the_onset_at_exactly_equal_false_alarms() -> None:
    rate = np.zeros((2, 124))
    rate[:, 60:70] = 5
    ground = onset_ground(rate, [2022] * 124, 0)
    score = np.zeros((2, 124))
    score[0, 59] = 3.0  # the Friday of the week before: 4 days
    score[1, 62] = 3.0  # two weeks later: 25 days
    score[0, [5, 7, 20]] = [2.0, 2.0, 1.0]  # the second lies within four weeks of silence
    years = ground.quiet_years
    sharp = delays("x", score, ground, 1 / years)
    assert sharp.false_alarms_per_year * years == pytest.approx(1)
    assert sharp.days.tolist() == [4.0, 25.0]
    assert delays("x", score, ground, 2 / years).false_alarms_per_year * years == pytest.approx(2)
    blind = delays("x", np.where(score == 3, -1.0, score), ground, 0.5 / years)
    assert blind.days.tolist() == [35.0, 35.0]  # not found
    assert blind.false_alarms_per_year * years == pytest.approx(0.5)  # a coin between no threshold and the highest


def test_each_week_is_judged_on_what_was_known() -> None:
    values = np.full((1, 2, 5), np.nan)
    values[0, 0, :4] = [1, 2, 3, 4]
    values[0, 1] = [1, 2, 3, 9, 5]  # the fourth week was corrected
    np.testing.assert_array_equal(as_known(values), [[np.nan, 1, 2, 3, 4], [1, 2, 3, 9, 5]])


def test_scores_of_all_families_have_a_place_and_a_week() -> None:
    rng = np.random.default_rng(3)
    values = np.full((2, 3, 120), np.nan)
    for j in range(3):
        values[:, j, : 118 + j] = rng.poisson(6, (2, 118 + j))
    for family in FAMILIES.values():
        for name, score in judge_onsets(values, family).items():
            assert score.shape == (2, 3), name
            alone = family(values[1, 2][None], np.array([119]))[name].score
            np.testing.assert_array_equal(score[1, 2], alone[0, 0])


def test_a_paired_difference_draws_seasons_and_places() -> None:
    onsets = [Onset(place, 0, season) for place in range(6) for season in (2022, 2023, 2024)]
    late = Delays("late", 1.0, np.arange(18.0) % 3 * 10)
    early = Delays("early", 1.0, late.days - 7)
    assert paired(early, late, onsets) == pytest.approx((-7, -7, -7))
    mean, low, high = paired(Delays("by season", 1.0, late.days), Delays("none", 1.0, np.zeros(18)), onsets)
    assert (mean, low, high) == pytest.approx((10, 0, 20), abs=0.5)  # three seasons: the interval is nearly as wide as they differ
