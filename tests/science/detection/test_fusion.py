"""The fused assessment: finds the place and the growth, keeps its budget, adds up, and never grows on silence."""

import math
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.science.detection.towns import DAYS, LAST, last_week, state, town
from tongchou.science.detection.budget import calibrate_threshold
from tongchou.science.detection.forecasting import interval_on_grid
from tongchou.science.detection.fusion import fuse, screen
from tongchou.science.detection.grading import infections_ahead
from tongchou.science.detection.model import Assessment, DetectionParams, History, Multiplicative
from tongchou.science.detection.stream_evidence import score_area
from tongchou.science.evidence.e_values import e_bh

DAILY = DetectionParams()
WEEKLY = DetectionParams.weekly()


@pytest.fixture(scope="module")
def outbreak() -> Assessment:
    return screen(town(11, seeded_in=2, seeded_ago=24), LAST, DAILY).assessment


@pytest.fixture(scope="module")
def quiet() -> Assessment:
    return screen(town(11), LAST, DAILY).assessment


def test_an_outbreak_in_one_village_is_found_there(outbreak: Assessment) -> None:
    assert outbreak.alarm_by == "fusion"
    assert outbreak.leading_place == "v2"
    assert outbreak.grade in ("orange", "red")
    assert outbreak.outbreak_probability > 0.9
    low, high = outbreak.growth_interval
    assert low < outbreak.growth_per_day < high


def test_a_quiet_town_has_no_alarm_and_no_grade(quiet: Assessment) -> None:
    assert (quiet.alarm, quiet.grade) == (False, None)
    assert quiet.outbreak_probability < 0.2


@pytest.mark.parametrize("which", ["outbreak", "quiet"])
def test_shares_and_posteriors_sum_to_one(which: str, request: pytest.FixtureRequest) -> None:
    found: Assessment = request.getfixturevalue(which)
    for posterior in (found.onset_posterior, found.growth_posterior, found.size_posterior):
        assert sum(posterior.values()) == pytest.approx(1)
    assert sum(s.share for s in found.streams) == pytest.approx(1)
    assert sum(p.share for p in found.places) == pytest.approx(1)
    # Sums of the same posterior in another order may differ in the last place.
    falling = [found.size_probability[grade] for grade in ("yellow", "orange", "red")]
    assert falling == pytest.approx(sorted(falling, reverse=True), abs=1e-12)


def test_a_learnt_weight_is_the_power_of_the_evidence_and_takes_no_stream_its_own_alarm() -> None:
    histories = town(11, seeded_in=2, seeded_ago=24)
    name = histories[0].stream
    stated = screen(histories, LAST, DAILY).assessment
    assert screen(histories, LAST, replace(DAILY, learnt_weights=((name, histories[0].weight),))).assessment.statistic == stated.statistic
    less = screen(histories, LAST, replace(DAILY, learnt_weights=((name, 0.5),))).assessment
    halved = screen([replace(h, weight=0.5) if h.stream == name else h for h in histories], LAST, DAILY).assessment
    assert less.statistic == halved.statistic < stated.statistic
    shares = [{s.stream: s.share for s in a.streams}[name] for a in (less, stated)]
    assert shares[0] < shares[1]
    assert [s.threshold for s in less.streams] == [s.threshold for s in stated.streams]
    with pytest.raises(ValueError, match="learnt_weights"):
        replace(DAILY, learnt_weights=((name, 1.5),))


def test_the_fused_statistic_is_the_plain_sum_over_places_and_onsets() -> None:
    histories = town(12)
    scores = score_area(histories, LAST, DAILY)
    found = fuse(scores, DAILY)
    population = {h.place: h.population for h in histories}
    total = 0.0
    for place in [*population, "*"]:
        product = np.exp(sum(s.log_evidence for s in scores if s.place == place))
        weight = DAILY.townwide_prior if place == "*" else (1 - DAILY.townwide_prior) * population[place] / sum(population.values())
        total += weight * product.mean(axis=(1, 2)).sum()
    assert found.statistic == pytest.approx(math.log(total))


def test_forecasts_rise_with_an_outbreak(outbreak: Assessment, quiet: Assessment) -> None:
    def clinic(found: Assessment) -> dict[int, float]:
        return {f.horizon_days: f.median for f in found.forecasts if f.stream == "clinic" and f.place == found.leading_place}

    assert all(f.lower <= f.median <= f.upper for f in outbreak.forecasts)
    assert clinic(outbreak)[14] > 2 * clinic(outbreak)[7]
    assert clinic(quiet)[14] < 3 * clinic(quiet)[7]


def test_a_whole_area_stream_speaks_for_every_place() -> None:
    histories = town(11)
    plant = [h for h in state(7, weeks=72, rising_weeks=4) if h.stream == "wastewater"]
    without = screen(histories, LAST, DAILY).assessment
    with_plant = screen(histories + plant, LAST, DAILY).assessment
    assert with_plant.statistic > without.statistic
    assert {s.stream for s in with_plant.streams} == {"clinic", "testing", "wastewater"}


def test_a_rise_everywhere_at_once_leads_to_the_whole_area() -> None:
    rng = np.random.default_rng(1)
    raised = [
        replace(h, values=h.values + np.where(np.arange(DAYS) > DAYS - 12, rng.poisson(0.4, DAYS), 0)) if h.stream == "testing" else h
        for h in town(13)
    ]
    found = screen(raised, LAST, DAILY).assessment
    assert found.alarm
    assert found.leading_place is None


def test_an_answered_alarm_does_not_ring_again_for_the_same_onset() -> None:
    histories = town(11, seeded_in=2, seeded_ago=24)
    again = screen(histories, LAST, DAILY, restarted_on=LAST).assessment
    assert again.statistic == -math.inf
    assert (again.alarm, again.grade) == (False, None)
    later = screen(histories, LAST, DAILY, restarted_on=LAST - timedelta(days=10)).assessment
    assert all(onset > LAST - timedelta(days=10) for onset, p in later.onset_posterior.items() if p > 0)


def test_a_late_correction_is_simply_a_new_history() -> None:
    histories = town(11, seeded_in=2, seeded_ago=24)
    corrected = [
        replace(h, values=np.where(np.arange(DAYS) >= DAYS - 25, np.minimum(h.values, 3), h.values)) if h.stream == "testing" else h
        for h in histories
    ]
    assert screen(corrected, LAST, DAILY).assessment.statistic < screen(histories, LAST, DAILY).assessment.statistic


def test_silence_of_a_stream_leaves_the_others_alone() -> None:
    histories = town(11, seeded_in=2, seeded_ago=24)
    silent = [replace(h, values=np.full(DAYS, np.nan)) if h.stream == "clinic" else h for h in histories]
    gone = [h for h in histories if h.stream != "clinic"]
    assert screen(silent, LAST, DAILY).assessment.statistic == pytest.approx(screen(gone, LAST, DAILY).assessment.statistic)


def test_weekly_streams_of_a_state_alarm_on_a_rise_only() -> None:
    rise, flat = (screen(state(3, rising_weeks=w), last_week(), WEEKLY).assessment for w in (4, 0))
    assert rise.alarm
    assert rise.size == "fold"
    assert not flat.alarm
    assert {f.stream for f in rise.forecasts} == {"cases", "consultations", "wastewater"}


def test_non_specific_and_outside_streams_never_alarm_alone() -> None:
    histories = [replace(h, outside=True) if h.stream == "wastewater" else h for h in state(3, rising_weeks=4)]
    found = screen(histories, last_week(), WEEKLY).assessment
    assert {s.stream for s in found.streams if math.isfinite(s.threshold)} == {"cases"}
    assert found.best_stream.stream == "cases"


def test_a_margin_raises_every_threshold_and_lowers_the_probability() -> None:
    scores = score_area(town(11, seeded_in=2, seeded_ago=14), LAST, DAILY)
    plain, strict = fuse(scores, DAILY), fuse(scores, replace(DAILY, margin_log=3.0))
    assert strict.threshold == pytest.approx(plain.threshold + 3)
    assert strict.outbreak_probability < plain.outbreak_probability
    assert strict.excess == pytest.approx(plain.excess)


def test_the_replay_of_a_quiet_town_keeps_the_promise() -> None:
    params = DetectionParams(alarms_per_year=6.0)
    excess = []
    for seed in (21, 22):
        histories, restarted = town(seed, places=4), None
        for back in range(120, -1, -1):
            day = LAST - timedelta(days=back)
            found = fuse(score_area(histories, day, params), params, restarted)
            excess.append(found.excess)
            if found.alarm:
                restarted = day
    alarms = sum(e >= 0 for e in excess)
    expected = 6 * len(excess) / 365.25
    assert alarms <= expected + 2 * math.sqrt(expected)
    assert calibrate_threshold(np.array(excess), 6.0).promised_per_year == 6.0


def test_infections_ahead_are_the_integral_of_the_growth() -> None:
    ages = np.arange(0, DAILY.onset_ages_days[10] + 14, 0.001)
    growth = DAILY.growth_per_day[0]
    plain = 1 + np.trapezoid(1.3 * growth * np.exp(growth * ages), ages)
    assert infections_ahead(DAILY)[10, 0, 0] == pytest.approx(plain, rel=1e-3)


def test_interval_lies_inside_the_grid_cells() -> None:
    low, high = interval_on_grid(np.array([0.08, 0.15, 0.24]), np.array([0.0, 1.0, 0.0]), 0.8)
    assert 0.115 < low < 0.15 < high < 0.195


def test_nothing_observed_is_an_error_that_says_so() -> None:
    with pytest.raises(ValueError, match="nothing was observed"):
        fuse([], DAILY)
    with pytest.raises(ValueError, match="same parameters"):
        fuse(score_area(town(1), LAST, DAILY), WEEKLY)


def test_low_counts_are_normal() -> None:
    rare = [History("notified", np.zeros(DAYS), h.first_day, 1, "count", h.model, place=h.place) for h in town(1)[:6]]
    rare[0].values[100] = 1
    assert not screen(rare, LAST, DAILY).assessment.alarm
    rare[0].values[-3:] = 2
    assert screen(rare, LAST, DAILY).assessment.leading_place == "v0"
    busy = [replace(h, model=Multiplicative()) for h in town(1)[:6]]
    assert not screen(busy, LAST, DAILY).assessment.alarm


def test_the_e_value_of_a_place_is_its_mean_over_onsets_whatever_its_weight() -> None:
    histories = town(11, seeded_in=2, seeded_ago=24)
    scores = score_area(histories, LAST, DAILY)
    found = {p.place: p.log_e for p in fuse(scores, DAILY).places}
    for place in ("v0", "v2"):
        product = np.exp(sum(s.log_evidence for s in scores if s.place == place))
        assert found[place] == pytest.approx(math.log(product.mean()))
    places = sorted(p for p in found if p is not None)
    assert [places[i] for i in e_bh([found[p] for p in places], 0.1).listed] == ["v2"]
