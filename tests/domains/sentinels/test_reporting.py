"""Taking in reports: what is kept, what is refused and why, and that a refused batch leaves nothing behind."""

from datetime import date, datetime, timedelta

import pytest

from tests.domains.sentinels.conftest import Matrix
from tests.fixtures_town import AT
from tongchou.core.audit.models import Entry
from tongchou.core.errors import Invalid, Unseen
from tongchou.core.people.rules import Actor
from tongchou.domains.sentinels.actions import report_day, report_observations
from tongchou.domains.sentinels.models import Observation, Sentinel
from tongchou.domains.sentinels.queries import observations_as_known
from tongchou.domains.sentinels.reports import Report

TODAY = date(2022, 6, 2)


def fever(value: object, day: date = TODAY, **more: object) -> Report:
    return Report("clinic-1-fever", day, value, **more)  # type: ignore[arg-type]


def say(matrix: Matrix, *reports: Report, by: Actor | None = None, at: datetime = AT) -> list[str]:
    return [j.outcome for j in report_day(matrix.clinic, reports=reports, by=by or matrix.town.chen, at=at)]


def refused(matrix: Matrix, *reports: Report, by: Actor | None = None, at: datetime = AT) -> dict[str, str]:
    before = Observation.objects.count(), Entry.objects.count()
    with pytest.raises(Invalid) as told:
        say(matrix, *reports, by=by, at=at)
    assert (Observation.objects.count(), Entry.objects.count()) == before
    return {p.field: p.said.en for p in told.value.problems}


def test_doctor_reports_a_day_with_one_entry(matrix: Matrix) -> None:
    assert say(matrix, fever(7), Report("clinic-1-tested", TODAY, "0")) == ["new", "new"]
    row = Observation.objects.get(stream=matrix.fever)
    assert (row.value, row.reported_at, row.basis, row.by_id) == (7, AT, "reported", matrix.town.chen.user_id)
    entry = Entry.objects.get()
    assert entry.subject_kind == "observation" and entry.place_path == matrix.clinic.place_path
    assert '"new":2' in entry.detail


def test_same_value_again_changes_nothing_but_is_in_the_log(matrix: Matrix) -> None:
    say(matrix, fever(7))
    assert say(matrix, fever("7"), at=AT + timedelta(minutes=5)) == ["same"]
    assert Observation.objects.count() == 1 and Entry.objects.count() == 2


def test_second_value_of_a_day_is_a_correction_and_needs_a_reason(matrix: Matrix) -> None:
    say(matrix, fever(7))
    later = AT + timedelta(hours=1)
    assert "already known as 7" in refused(matrix, fever(9), at=later)["rows[1].correction"]
    assert "already known as 7" in refused(matrix, fever(9, correction=True, reason=" "), at=later)["rows[1].correction"]
    assert say(matrix, fever(9, correction=True, reason="漏登两人"), at=later) == ["corrected"]
    assert list(Observation.objects.order_by("reported_at").values_list("value", flat=True)) == [7, 9]
    assert Entry.objects.order_by("-seq")[0].reason == "漏登两人"
    known = [observations_as_known([matrix.fever.pk], TODAY, TODAY, moment).values[0, 0] for moment in (AT, later)]
    assert known == [7, 9]


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (-1, "below zero"), ("", "No value"), (None, "No value"), ("七", "not a number"), ("1,2", "not a number"), (True, "not a number"),
        (float("nan"), "Not a finite"), ("inf", "Not a finite"), (1e300, "Not a finite"), (2.5, "not whole"), (10**400, "not a number"),
    ],
)  # fmt: skip
def test_value_that_is_no_count_is_refused(matrix: Matrix, value: object, told: str) -> None:
    assert told in refused(matrix, fever(3, TODAY - timedelta(days=1)), fever(value))["rows[2].value"]


def test_absurd_value_is_kept_only_when_confirmed_with_a_reason(matrix: Matrix) -> None:
    assert "above the plausible bound 500" in refused(matrix, fever(501))["rows[1].value"]
    assert "above the plausible bound" in refused(matrix, fever(501, confirmed=True))["rows[1].value"]
    assert say(matrix, fever(501, confirmed=True, reason="学校集体就诊")) == ["new"]


def test_value_twenty_times_its_own_past_is_asked_about(matrix: Matrix) -> None:
    past = [
        Observation(stream=matrix.fever, day=TODAY - timedelta(days=k), reported_at=AT - timedelta(days=k), value=2) for k in range(1, 41)
    ]
    Observation.objects.bulk_create(past)
    assert "20 times" in refused(matrix, fever(41))["rows[1].value"]
    assert say(matrix, fever(40)) == ["new"]


def test_day_in_the_future_or_before_the_beginning_is_refused(matrix: Matrix) -> None:
    assert "in the future" in refused(matrix, fever(1, TODAY + timedelta(days=1)))["rows[1].day"]
    assert "began on 2022-01-01" in refused(matrix, fever(1, date(2021, 12, 31)))["rows[1].day"]


def test_today_is_the_town_s_day_not_utc_s(matrix: Matrix) -> None:
    after_midnight = AT.replace(hour=16, minute=30)  # 00:30 of 3 June in the town
    assert say(matrix, fever(0, date(2022, 6, 3)), at=after_midnight) == ["new"]


def test_clock_ahead_by_more_than_ten_minutes_is_refused(matrix: Matrix) -> None:
    assert "11 minutes ahead" in refused(matrix, fever(1, sent_at=AT + timedelta(minutes=11)))["rows[1].sent_at"]
    assert "no zone" in refused(matrix, fever(1, sent_at=AT.replace(tzinfo=None)))["rows[1].sent_at"]
    assert say(matrix, fever(1, sent_at=AT + timedelta(minutes=9))) == ["new"]
    assert Observation.objects.get().reported_at == AT


def test_clock_set_back_is_named_before_a_correction_is_hidden_by_what_it_corrects(matrix: Matrix) -> None:
    say(matrix, fever(7))
    earlier = AT - timedelta(hours=1)
    said = refused(matrix, fever(9, correction=True, reason="漏登两人"), at=earlier)
    assert "60 minutes behind" in said["rows[1].day"] and "tongchou check" in said["rows[1].day"]
    assert Observation.objects.count() == 1
    assert say(matrix, fever(9, correction=True, reason="漏登两人"), at=AT + timedelta(minutes=1)) == ["corrected"]


def test_weekly_stream_takes_its_weekday_only(matrix: Matrix) -> None:
    matrix.fever.step_days = 7
    matrix.fever.save()
    Sentinel.objects.filter(pk=matrix.clinic.pk).update(schedule={"weekdays": [3]})
    assert "not a reporting day" in refused(matrix, fever(1))["rows[1].day"]
    assert say(matrix, fever(1, date(2022, 6, 1))) == ["new"]


def test_batch_with_one_wrong_row_keeps_none_and_names_it(matrix: Matrix) -> None:
    rows = [fever(1), Report("pharmacy-2-buyers", TODAY, -3), Report("no-such", TODAY, 1), fever(2)]
    with pytest.raises(Invalid) as told:
        report_observations(reports=rows, source="api", by=matrix.town.chen, at=AT)
    assert [p.field for p in told.value.problems] == ["rows[2].value", "rows[3].stream", "rows[4].day"]
    assert not Observation.objects.exists()


def test_batch_writes_one_entry_per_sentinel(matrix: Matrix) -> None:
    rows = [fever(1), fever(2, TODAY - timedelta(days=1)), Report("pharmacy-2-buyers", TODAY, 0)]
    found = report_observations(reports=rows, source="api", by=matrix.town.chen, at=AT)
    assert [j.outcome for j in found] == ["new"] * 3
    assert Entry.objects.filter(action="observation.report").count() == 2


def test_zhao_of_another_town_is_refused_without_learning_that_it_exists(matrix: Matrix) -> None:
    with pytest.raises(Unseen):
        say(matrix, fever(1), by=matrix.town.zhao)
    with pytest.raises(Invalid) as told:
        report_observations(reports=[fever(1), Report("no-such", TODAY, 1)], source="api", by=matrix.town.zhao, at=AT)
    known, unknown = (p.said.en for p in told.value.problems)
    assert known.replace("clinic-1-fever", "no-such") == unknown


def test_secretary_reports_for_the_own_village_only(matrix: Matrix) -> None:
    assert say(matrix, fever(1), by=matrix.town.wu) == ["new"]
    with pytest.raises(Unseen):
        report_day(matrix.pharmacy, reports=[Report("pharmacy-2-buyers", TODAY, 1)], by=matrix.town.wu, at=AT)


def test_form_of_one_sentinel_cannot_report_for_another(matrix: Matrix) -> None:
    assert "No stream pharmacy-2-buyers" in refused(matrix, Report("pharmacy-2-buyers", TODAY, 1))["rows[1].stream"]


def test_suspended_sentinel_and_empty_form_are_refused(matrix: Matrix) -> None:
    assert "Nothing reported" in refused(matrix)["rows"]
    Sentinel.objects.filter(pk=matrix.clinic.pk).update(state="suspended")
    assert "not live" in refused(matrix, fever(1))["rows[1].stream"]
