"""From rows in the database to a completed curve: the hour counts, corrections are kept apart, and the run can be done again."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from pytest_django import DjangoAssertNumQueries

from tests.domains.sentinels.conftest import sentinel, stream
from tests.fixtures_town import AT, SINCE, Town
from tongchou.core.audit.models import Entry
from tongchou.core.parameters.models import Parameter, ParameterValue
from tongchou.core.people.rules import system_actor
from tongchou.core.runs.models import Run
from tongchou.domains.sentinels.models import Observation, Stream
from tongchou.workflows.nowcasting import Pace, counted_kinds, keep_nowcasts, kept_pace, outlook_of, recompute, reports_at

TODAY = date(2022, 6, 2)
BY = system_actor("test")
SHARES = np.cumsum([0.5, 0.3, 0.2])


def evening(day: date, hours: float = 0) -> datetime:
    """18:00 of the town."""
    return datetime(day.year, day.month, day.day, 10, tzinfo=UTC) + timedelta(hours=hours)


def late_stream(town: Town, code: str = "cases-1", days: int = 90, until: datetime = AT, **more: object) -> Stream:
    """Cases that rise by 5 % a day in the last three weeks; half of a day is known that evening, the rest in the two after."""
    home = sentinel(code, "case_investigation", "health_office", town.villages[0], {town.villages[0]: 1.0})
    row = stream(code, home, "case_reports", **{"targets": ["covid19"], **more})
    rng, found = np.random.default_rng(4), []
    for back in range(days):
        day = TODAY - timedelta(days=back)
        total = rng.poisson(30 * 1.05 ** max(0, 21 - back))
        for delay, share in enumerate(SHARES):
            at = evening(day + timedelta(days=delay))
            if at <= until:
                found.append(Observation(stream=row, day=day, reported_at=at, value=float(round(total * share))))
    Observation.objects.bulk_create(found)
    return Stream.objects.select_related("sentinel__place").get(pk=row.pk)


def test_the_reports_are_those_of_the_table(installed_town: Town) -> None:
    row = late_stream(installed_town, days=20)
    Observation.objects.create(stream=row, day=TODAY - timedelta(days=5), reported_at=AT - timedelta(hours=1), value=1, reason="重复")
    Observation.objects.create(stream=row, day=TODAY, reported_at=AT + timedelta(seconds=1), value=999)
    reports, is_final = reports_at([row], AT, TODAY, 1)
    expected = [
        ((TODAY - o.day).days, (AT - o.reported_at) // timedelta(days=1), o.value)
        for o in Observation.objects.filter(reported_at__lte=AT).order_by("day", "reported_at")
    ]
    assert list(zip(reports.back.tolist(), reports.ago.tolist(), reports.value.tolist(), strict=True)) == expected
    assert not is_final and reports.recorded_steps == reports.due.shape[1]


@pytest.mark.parametrize("hour", [-11.0, 0.0, 5.0])
def test_a_rising_stream_shows_no_fall_at_any_hour(installed_town: Town, hour: float) -> None:
    at = AT + timedelta(hours=hour)
    row = late_stream(installed_town, until=at)
    found = outlook_of([row], at, TODAY, "test")
    assert found is not None
    curve = found.curve
    said = np.flatnonzero(np.isfinite(curve.expected))
    assert curve.reported[said[-1]] < curve.reported[said[-4]], "the raw curve falls; else this proves nothing"
    assert curve.expected[said[-7:]].sum() > 1.2 * curve.expected[said[-14:-7]].sum()
    assert curve.incomplete[said[-1]] and curve.method == "hazard"


def test_growth_and_reproduction_stand_on_enough_cases_and_a_serial_interval(installed_town: Town) -> None:
    row = late_stream(installed_town)
    found = outlook_of([row], AT, TODAY, "test")
    assert found is not None and found.pace.growth is not None and found.pace.reproduction is None
    assert found.pace.growth[0] < 0.05 < found.pace.growth[2]
    for key, days in (("disease.serial_interval_mean", 3.5), ("disease.serial_interval_sd", 2.4)):
        parameter = Parameter.objects.create(key=key, unit="days", name_zh=key, name_en=key)
        ParameterValue.objects.create(
            parameter=parameter, value={"covid19": days}, valid_from=SINCE, source_zh="测试", source_en="test", confidence="low"
        )
    again = outlook_of([row], AT, TODAY, "test")
    assert again is not None and again.pace.reproduction is not None
    low, middle, high = again.pace.reproduction
    assert low < middle < high and 1.0 < middle < 1.5


def test_few_cases_and_other_figures_have_no_pace(installed_town: Town) -> None:
    row = late_stream(installed_town)
    Observation.objects.update(value=1)
    found = outlook_of([row], AT, TODAY, "test")
    assert found is not None and found.pace.growth is None
    Stream.objects.update(value_kind="rate")
    assert outlook_of([Stream.objects.select_related("sentinel__place").get()], AT, TODAY, "test") is None


def test_a_weekly_stream_counts_in_weeks(installed_town: Town) -> None:
    home = sentinel("flu", "case_investigation", "notification", installed_town.villages[0], {installed_town.villages[0]: 1.0})
    row = stream("flu", home, "influenza", step_days=7, period_days=7)
    sunday = date(2022, 5, 29)
    for back in range(60):
        day = sunday - timedelta(weeks=back)
        for late, value in ((4, 80.0), (11, 100.0)):
            if evening(day + timedelta(days=late)) <= AT:
                Observation.objects.create(stream=row, day=day, reported_at=evening(day + timedelta(days=late)), value=value)
    found = outlook_of([Stream.objects.select_related("sentinel__place").get(pk=row.pk)], AT, TODAY, "test")
    assert found is not None
    curve = found.curve
    assert (curve.method, curve.last_day, curve.longest_delay) == ("ladder", sunday, 1)
    assert curve.reported[-1] == 80 and abs(curve.expected[-1] - 100) < 1 and list(curve.incomplete[-2:]) == [False, True]


def test_one_query_for_the_reports(installed_town: Town, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    row = late_stream(installed_town, targets=[])
    with django_assert_num_queries(1):
        outlook_of([row], AT, TODAY, "test")


def test_a_kept_nowcast_is_found_again_and_told_from_a_changed_one(installed_town: Town) -> None:
    late_stream(installed_town)
    assert [s.code for s in counted_kinds(installed_town.town.path)["case_reports"]] == ["cases-1"]
    (run,) = keep_nowcasts(AT, by=BY, at=AT)
    assert keep_nowcasts(AT, by=BY, at=AT) == [] and Entry.objects.filter(action="watch.nowcast").count() == 1
    run = Run.objects.get(pk=run.pk)
    assert run.result["days"][-1]["incomplete"] is True and recompute(run)
    # What is corrected later was not known then; what was added to the past of that instant was.
    row = Stream.objects.get()
    Observation.objects.create(stream=row, day=TODAY, reported_at=AT + timedelta(hours=1), value=500)
    assert recompute(run)
    Observation.objects.create(stream=row, day=TODAY, reported_at=AT - timedelta(minutes=1), value=500)
    assert not recompute(run)


def test_the_pace_the_morning_kept_is_told_for_two_days(installed_town: Town) -> None:
    late_stream(installed_town)
    scope = f"case_reports@{installed_town.town.code}"
    assert kept_pace(scope, AT) == Pace()
    keep_nowcasts(AT, by=BY, at=AT)
    kept = kept_pace(scope, AT + timedelta(hours=20))
    found = outlook_of([Stream.objects.select_related("sentinel__place").get()], AT, TODAY, scope)
    assert found is not None and kept == found.pace and kept.growth is not None and kept.last_day == TODAY
    assert kept_pace(scope, AT + timedelta(days=2)) == Pace() == kept_pace(scope, AT - timedelta(seconds=1))


def test_a_curve_on_chosen_days(installed_town: Town) -> None:
    found = outlook_of([late_stream(installed_town)], AT, TODAY, "test")
    assert found is not None
    some = found.at_days([TODAY - timedelta(days=500), TODAY])
    assert np.isnan(some.expected[0]) and some.expected[1] == found.curve.expected[-1] and list(some.incomplete) == [False, True]
