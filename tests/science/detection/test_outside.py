"""The neighbours' streams: a rise outside alone wakes nobody, and silence outside hides nothing."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.science.detection.towns import last_week, state
from tongchou.science.detection.fusion import fuse, outside_factor
from tongchou.science.detection.model import Assessment, DetectionParams, History, StreamScore
from tongchou.science.detection.stream_evidence import score_area

WEEKLY = DetectionParams.weekly()


def _scores(own_weeks: int, outside_weeks: int) -> tuple[StreamScore, ...]:
    cases, *others = state(3, rising_weeks=own_weeks)
    rest = replace(state(5, rising_weeks=outside_weeks)[0], stream="outside:cases", outside=True)
    return score_area([cases, *others, rest], last_week(), WEEKLY)


def _both(own_weeks: int, outside_weeks: int) -> tuple[Assessment, Assessment]:
    """With the neighbours and without."""
    scores = _scores(own_weeks, outside_weeks)
    return fuse(scores, WEEKLY), fuse(scores[:-1], WEEKLY)


def _share(found: Assessment) -> float:
    return next(s.share for s in found.streams if s.outside)


def test_a_rise_only_outside_raises_no_alarm() -> None:
    found, alone = _both(own_weeks=0, outside_weeks=6)
    assert found.statistic == pytest.approx(alone.statistic)
    assert not found.alarm
    assert _share(found) == 0
    assert next(s for s in found.streams if s.outside).statistic > found.threshold


def test_a_place_that_reports_nothing_is_not_woken_by_its_neighbours() -> None:
    silent = [replace(h, values=np.full(len(h.values), np.nan)) for h in state(3)]
    rest = replace(state(5, rising_weeks=6)[0], stream="outside:cases", outside=True)
    assert not fuse(score_area([*silent, rest], last_week(), WEEKLY), WEEKLY).alarm


def test_a_rise_only_inside_is_hidden_by_at_most_log_two() -> None:
    found, alone = _both(own_weeks=4, outside_weeks=0)
    assert alone.statistic - np.log(2) <= found.statistic <= alone.statistic
    assert found.alarm
    assert _share(found) < 0.02


def test_a_rise_on_both_sides_is_seen_earlier_and_shown_as_coming_from_outside() -> None:
    found, alone = _both(own_weeks=2, outside_weeks=4)
    assert found.statistic > alone.statistic + 1
    assert 0.2 < _share(found) < 0.6
    assert found.statistic <= 2 * alone.statistic
    assert sum(s.share for s in found.streams) == pytest.approx(1)


def test_outside_gives_no_forecast_and_no_line_of_its_own() -> None:
    found, _ = _both(own_weeks=4, outside_weeks=4)
    assert "outside:cases" not in {f.stream for f in found.forecasts}
    assert [s.threshold for s in found.streams if s.outside] == [np.inf]


def test_the_weight_of_a_stream_is_the_power_of_its_evidence() -> None:
    scores = _scores(own_weeks=4, outside_weeks=0)[:2]
    one, quarter = scores[0], next(s for s in scores if s.weight == 0.25)
    joint = one.log_evidence + 0.25 * quarter.log_evidence
    by_hand = np.log(np.exp(joint).mean(axis=(1, 2)).sum())
    assert fuse(scores, WEEKLY).statistic == pytest.approx(by_hand)


@given(st.floats(-200, 200), st.floats(-5, 200))
def test_the_factor_lies_between_hiding_nothing_and_what_the_place_says_itself(log_evidence: float, lead: float) -> None:
    factor = float(outside_factor(np.array([log_evidence]), np.array(lead))[0])
    assert -np.log(2) - 1e-12 <= factor <= max(lead, 0)
    assert np.exp(factor - max(log_evidence, 0)) <= (np.exp(-abs(log_evidence)) + 1) / 2 + 1e-12


def test_two_kinds_outside_are_one_factor() -> None:
    scores = _scores(own_weeks=4, outside_weeks=4)
    twice = fuse([*scores, replace(scores[-1], stream="outside:beds")], WEEKLY)
    once = fuse(scores, WEEKLY)
    assert twice.statistic == pytest.approx(once.statistic)
    assert _share(twice) == pytest.approx(_share(once) / 2)


def test_pooled_counts_follow_who_reported() -> None:
    """Half of the neighbours fall silent: the exposure falls with the counts, and nothing looks like a fall or a rise."""
    values = np.full(60, 100.0)
    values[-3:] = 50.0
    offsets = np.where(values == 100.0, 2.0, 1.0)
    rest = History("outside:cases", values, state(3)[0].first_day, 7, "count", state(3)[0].model, offsets=offsets, outside=True)
    found = score_area([rest], rest.last_day(59), WEEKLY)[0]
    assert found.expected == pytest.approx(50)
    assert found.statistic < np.log(len(WEEKLY.onset_ages_days))
