"""False alarms beyond the promise raise the next morning's line; true ones never do; every past morning can be computed again."""

from datetime import date, timedelta
from math import log

import pytest

from tests.fixtures_town import Town
from tests.workflows.test_early_warning import DAY, SYSTEM, _at, watched  # noqa: F401
from tongchou.core.audit.models import Entry
from tongchou.core.runs.models import Run
from tongchou.domains.sentinels.models import Observation
from tongchou.domains.warning.actions import confirm_alarm, dismiss_alarm, give_verdict
from tongchou.domains.warning.models import Alarm
from tongchou.workflows.early_warning import FUNCTION, recompute, screen_morning, screen_range
from tongchou.workflows.promise import keep_judgement, standing_on

NEXT = DAY + timedelta(days=1)


def _run(day: object) -> Run:
    return Run.objects.get(function=FUNCTION, result__day=day.isoformat())  # type: ignore[attr-defined]


@pytest.fixture
def raised(watched: Town) -> Alarm:  # noqa: F811
    screen_morning(DAY, _at(DAY), by=SYSTEM, at=_at(DAY))
    return Alarm.objects.get()


def test_a_false_alarm_raises_the_next_morning_s_line_and_says_why(watched: Town, raised: Alarm) -> None:  # noqa: F811
    dismiss_alarm(raised, reason="学校体检集中送检", by=watched.lin, at=_at(DAY, 9))
    screen_morning(NEXT, _at(NEXT), by=SYSTEM, at=_at(NEXT))
    before, after = _run(DAY), _run(NEXT)
    control = after.parameters["control"]
    assert "control" not in before.parameters
    assert (control["charged_alarms"], control["watched_days"]) == (1.0, 1)
    assert control["overdraft_alarms"] == pytest.approx(1 - 1 / 365.25)  # one morning's allowance, at one alarm a year
    assert after.parameters["margin_log"] == control["margin_log"] == pytest.approx(log(2) * (1 - 1 / 365.25))
    assert after.result["threshold"] == pytest.approx(before.result["threshold"] + control["margin_log"])


def test_a_true_alarm_leaves_the_line_alone(watched: Town, raised: Alarm) -> None:  # noqa: F811
    confirm_alarm(raised, reason="三户关联病例", by=watched.lin, at=_at(DAY, 9))
    screen_morning(NEXT, _at(NEXT), by=SYSTEM, at=_at(NEXT))
    assert _run(NEXT).parameters["margin_log"] == 0.0
    assert _run(NEXT).result["threshold"] == _run(DAY).result["threshold"]


def test_a_verdict_corrected_later_changes_later_mornings_and_no_earlier_one(watched: Town, raised: Alarm) -> None:  # noqa: F811
    dismiss_alarm(raised, reason="学校体检集中送检", by=watched.lin, at=_at(DAY, 9))
    screen_morning(NEXT, _at(NEXT), by=SYSTEM, at=_at(NEXT))
    give_verdict(raised, verdict="true", reason="复核后为关联病例", by=watched.lin, at=_at(NEXT, 12))
    third = NEXT + timedelta(days=1)
    screen_morning(third, _at(third), by=SYSTEM, at=_at(third))
    assert _run(third).parameters["margin_log"] == 0.0
    assert [recompute(_run(day)).is_same for day in (DAY, NEXT, third)] == [True, True, True]  # type: ignore[union-attr]


def test_the_promise_is_judged_once_there_are_mornings_to_compare_and_kept_with_its_reasons(watched: Town) -> None:  # noqa: F811
    first = DAY - timedelta(days=40)
    day = first + timedelta(days=29)
    list(screen_range(first, first + timedelta(days=20), by=SYSTEM))
    assert keep_judgement(first + timedelta(days=20), _at(first + timedelta(days=20)), by=SYSTEM, at=_at(day)) is None
    assert standing_on(day, _at(day), watched.town.path) is None
    list(screen_range(first + timedelta(days=21), day, by=SYSTEM))
    run = keep_judgement(day, _at(day), by=SYSTEM, at=_at(day))
    assert run is not None and keep_judgement(day, _at(day), by=SYSTEM, at=_at(day, 9)) is None
    standing = standing_on(day, _at(day), watched.town.path)
    assert standing is not None
    assert (standing.judged, standing.is_trusted, standing.doubts) == (run, True, ())
    assert standing.upper_per_year == pytest.approx(-log(0.05) / (30 / 365.25))  # no alarm in thirty mornings
    assert Entry.objects.filter(action="watch.judge").count() == 1
    (row,) = standing.monitors
    assert row["name"] == {"zh": "发热阳性", "en": "Fever positives"}
    assert 0.5 < row["cells"][3]["reading"]["size"] < 1.5


def test_a_clinic_that_stops_reporting_puts_the_promise_in_doubt(watched: Town) -> None:  # noqa: F811
    first, day = DAY - timedelta(days=60), DAY - timedelta(days=6)
    Observation.objects.filter(stream__code="clinic-2-s", day__gt=day - timedelta(days=22)).delete()
    list(screen_range(first, day, by=SYSTEM))
    keep_judgement(day, _at(day), by=SYSTEM, at=_at(day))
    standing = standing_on(day, _at(day), watched.town.path)
    assert standing is not None
    assert standing.is_trusted is False
    assert [d.zh for d in standing.doubts] == [f"金云村的发热阳性自{_said(day - timedelta(days=21))}起停止上报"]


def _said(day: date) -> str:
    return f"{day.month}月{day.day}日"
