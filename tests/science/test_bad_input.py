"""Hard input, each of the watch, the nowcast and the reproduction number; for the detectors of one stream see test_every_detector.

What a person may send: all zero, constant, one point, huge, missing, negative, fewer and fewer sites, a gap of a year, years of 53 weeks, a stream
that starts yesterday, a correction after an alarm, two reports of one day, a clock that goes back (of the registers: domains/sentinels).
"""

import math
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from tests.science.detection.towns import CLINIC, DAYS, FIRST, LAST, town
from tongchou.science import (
    DetectionParams,
    History,
    Multiplicative,
    ReportingTriangle,
    Screening,
    gamma_serial_interval,
    growth_rate,
    nowcast,
    reproduction_number,
    screen,
    triangle_of,
)

DAILY, WEEKLY = DetectionParams(), DetectionParams.weekly()
MODELS = pytest.mark.parametrize("model", [CLINIC, Multiplicative()], ids=["additive", "multiplicative"])
INTERVAL = gamma_serial_interval(4.7, 2.9)


def history(values: np.ndarray, model: object = CLINIC, last: date = LAST, place: str = "v0") -> History:
    """Daily counts that end on a day."""
    return History("clinic", np.asarray(values, float), last - timedelta(days=len(values) - 1), 1, "count", model, place)  # type: ignore[arg-type]


def sane(found: Screening) -> bool:
    """Every number of the morning can be shown."""
    a = found.assessment
    finite = all(np.isfinite(s.log_evidence).all() for s in found.scores) and math.isfinite(a.statistic)
    return finite and 0 <= a.outbreak_probability <= 1 and sum(p.share for p in a.places) == pytest.approx(1)


@MODELS
@pytest.mark.parametrize("value", [0.0, 1.0, 7.0, 100_000.0])
def test_constant_streams_never_alarm(model: object, value: float) -> None:
    found = screen([history(np.full(DAYS, value), model, place=f"v{v}") for v in range(4)], LAST, DAILY)
    assert sane(found)
    assert not found.assessment.alarm


@MODELS
@pytest.mark.parametrize("days", [1, 2, 6])
def test_a_stream_that_starts_yesterday_says_nothing_yet(model: object, days: int) -> None:
    found = screen([history(np.full(days, 3.0), model)], LAST, DAILY)
    assert sane(found)
    assert not found.assessment.alarm


@MODELS
def test_huge_counts_are_read_and_their_jump_is_seen(model: object) -> None:
    values = np.random.default_rng(1).poisson(1e6, DAYS).astype(float)
    jumped = values.copy()
    jumped[-14:] *= np.linspace(1.5, 8, 14)
    calm, seen = (screen([history(v, model)], LAST, DAILY) for v in (values, jumped))
    assert sane(calm) and sane(seen)
    assert seen.assessment.alarm and not calm.assessment.alarm


@pytest.mark.parametrize(("value", "said"), [(-1.0, "not negative"), (math.inf, "finite")])
def test_what_is_no_count_is_refused_by_stream_and_place(value: float, said: str) -> None:
    values = np.ones(30)
    values[7] = value
    with pytest.raises(ValueError, match=rf"stream 'clinic', place 'v0'.*{said}"):
        history(values)


@MODELS
def test_missing_days_and_a_gap_of_a_year_are_no_zeros(model: object) -> None:
    values = np.random.default_rng(2).poisson(6.0, 900).astype(float)
    gap, holes = values.copy(), values.copy()
    gap[-420:-55] = np.nan
    holes[::3] = np.nan
    for changed in (gap, holes):
        found = screen([history(changed, model, place=f"v{v}") for v in range(3)], LAST, DAILY)
        assert sane(found)
        assert not found.assessment.alarm


def test_fewer_and_fewer_sites_are_followed_and_no_site_is_no_report() -> None:
    rng = np.random.default_rng(3)
    sites = np.maximum(np.round(np.linspace(30, 2, DAYS)), 1)
    values = rng.poisson(0.8 * sites).astype(float)
    values[-1] = 8.0
    with_sites = screen([replace(history(values), offsets=sites)], LAST, DAILY).scores[0]
    blind = screen([history(values)], LAST, DAILY).scores[0]
    assert with_sites.expected < 0.6 * blind.expected
    assert with_sites.mid_p < blind.mid_p
    closed = sites.copy()
    closed[-1] = 0
    assert screen([replace(history(values), offsets=closed)], LAST, DAILY).scores[0].observed_on == LAST - timedelta(days=1)


def test_years_of_53_weeks_shift_no_week() -> None:
    """Weekly figures across 2020, which has a week 53: the same answer as for the same figures of any other years."""
    values = np.random.default_rng(4).poisson(40.0, 160).astype(float)
    values[-3:] *= 3

    def at(first: date) -> Screening:
        weekly = History("cases", values, first, 7, "count", Multiplicative())
        return screen([weekly], first + timedelta(days=7 * 160 - 1), WEEKLY)

    across, ordinary = at(date(2018, 1, 1)), at(date(2021, 1, 4))
    assert date(2018, 1, 1) + timedelta(days=7 * 160) > date(2020, 12, 28)
    np.testing.assert_array_equal(across.scores[0].log_evidence, ordinary.scores[0].log_evidence)
    assert across.assessment.alarm


def test_a_correction_after_an_alarm_shows_what_changed() -> None:
    """The alarm is taken back, and stream, place and day of the corrected count stand beside their new expectation; nothing else moves."""
    before = town(11, seeded_in=2, seeded_ago=24)
    after = [
        replace(h, values=np.where(np.arange(DAYS) >= DAYS - 25, np.minimum(h.values, np.nanmedian(h.values[:-30])), h.values))
        if h.place == "v2"
        else h
        for h in before
    ]
    first, second = screen(before, LAST, DAILY), screen(after, LAST, DAILY)
    assert first.assessment.alarm and not second.assessment.alarm
    assert second.assessment.statistic < first.assessment.statistic
    moved = [(a.stream, a.place) for a, b in zip(first.scores, second.scores, strict=True) if a.observed != b.observed]
    assert moved and {place for _, place in moved} == {"v2"}
    assert all(s.observed_on in (LAST, LAST - timedelta(days=1)) for s in second.scores)


def test_a_clock_that_goes_back_reads_the_earlier_morning_as_it_was() -> None:
    histories, earlier = town(11, seeded_in=2, seeded_ago=24), LAST - timedelta(days=9)
    then = screen([replace(h, values=h.values[:-9]) for h in histories], earlier, DAILY)
    screen(histories, LAST, DAILY)
    again = screen(histories, earlier, DAILY)
    assert again.assessment.statistic == then.assessment.statistic
    # An alarm answered "tomorrow" has answered every onset that this morning knows.
    answered = screen(histories, earlier, DAILY, restarted_on=LAST).assessment
    assert (answered.statistic, answered.alarm) == (-math.inf, False)


def test_two_reports_of_one_day_are_refused_or_added_never_guessed() -> None:
    day, told = date(2022, 5, 1), date(2022, 5, 2)
    with pytest.raises(ValueError, match=r"report 2 \(2022-05-01, reported 2022-05-02\).*twice; add the counts up"):
        triangle_of([day, day], [told, told], [1, 2], as_of=told)
    assert triangle_of([day, day], [day, told], [1, 2], as_of=told).reported[0] == 3
    with pytest.raises(ValueError, match="before the day it belongs to"):
        triangle_of([told], [day], [1], as_of=told)


def test_a_nowcast_of_a_triangle_shorter_than_its_sum_is_refused() -> None:
    with pytest.raises(ValueError, match="use sum_days=1"):
        nowcast(ReportingTriangle(FIRST, np.ones((6, 4))), sum_days=7)


@pytest.mark.parametrize("cells", [np.zeros((60, 5)), np.full((60, 5), 4.0), np.full((60, 5), 1e12), np.full((1, 5), 3.0)])
def test_a_nowcast_of_hard_triangles_is_finite_and_never_below_the_reports(cells: np.ndarray) -> None:
    found = nowcast(ReportingTriangle(FIRST, cells))
    assert np.isfinite(found.quantiles).all()
    assert (found.quantiles >= found.reported[:, None]).all()


@pytest.mark.parametrize("level", [0.0, 5.0, 1e12])
def test_a_steady_epidemic_reproduces_itself(level: float) -> None:
    found = reproduction_number(np.full(90, level), INTERVAL)
    assert np.isfinite(found.quantiles[-1]).all()
    assert found.mean[-1] == pytest.approx(1 if level else 5, rel=0.03)  # without a case there is the prior alone


@pytest.mark.parametrize("bad", [math.nan, -1.0, math.inf])
def test_an_incidence_with_a_hole_or_below_zero_is_refused_by_day(bad: float) -> None:
    cases = np.full(20, 3.0)
    cases[11] = bad
    for estimate in (lambda: reproduction_number(cases, INTERVAL), lambda: growth_rate(cases)):
        with pytest.raises(ValueError, match="day 12 is"):
            estimate()
